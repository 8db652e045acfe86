"""Yields a site: one page that lists all runs below a root, with their trends. It measures nothing.

Runs keep their own pages, and only what is missing or is not as it was drawn is drawn again. A run that cannot be read
is listed with the reason, and harms no other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.conclude import derived_of, numbers_in
from lab.errors import LabError
from lab.findings import SCHEMA_VERSION, Effect
from lab.history import LINES, HistoryLine, lines_of, read_history
from lab.json_files import read, write
from lab.progress import Progresses
from lab.render import link, render_site, render_trend
from lab.results import Manifest, RunFolder
from lab.site_findings import Site, SiteLink, SiteRun, SiteTrend
from lab.trend import trend
from lab.trend_findings import Series, Trend

SHORTEST = 2
"""Runs below which there is no trend to draw."""

_TRACES = ("manifest.json", "proof.json", "plan.json", "findings.json", "SHA256SUMS", "derived.sha256")
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(-\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """Of a cell, what the list counts."""

    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glance:
    """What the list needs of findings: reading it alone spares decoding all evidence."""

    question: str
    answer: tuple[str, ...]
    complete: bool
    cells: tuple[_State, ...]
    effects: tuple[Effect, ...]
    schema_version: int = SCHEMA_VERSION


def build_site(root: Path, *, to: Path, progress: Progresses) -> Path:
    """Writes `index.html` with what it needs into `to`; its path. Raises LabError where `to` cannot be written."""
    folders = _folders(root)
    try:
        (to / "trends").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"{to} cannot be written: {error.strerror}", hint="name a folder that can") from None
    runs: list[SiteRun] = []
    lines: dict[str, list[HistoryLine]] = {}
    with progress.stage("runs", total=len(folders)) as advance:
        for number, folder in enumerate(folders, 1):
            run, own = _listed(folder, to=to)
            runs.append(run)
            lines.setdefault(run.experiment, []).extend(own)
            advance(done=number, note=f"{number} of {len(folders)}")
    with progress.stage("trends", total=len(lines)) as advance:
        trends: list[SiteTrend] = []
        for number, (name, own_lines) in enumerate(lines.items(), 1):
            trends += _trend(name, own_lines, to=to)
            advance(done=number, note=name)
    histories = tuple(_history(path.parent, to=to) for path in sorted(root.glob(f"**/{LINES}")))
    newest = sorted(runs, key=lambda run: run.run, reverse=True)
    found = Site(
        runs=tuple(sorted(newest, key=lambda run: run.experiment)), trends=tuple(trends),
        histories=histories, others=tuple(_others(root, to=to)),
    )  # fmt: skip
    write(found, to / "site.json")
    page = to / "index.html"
    render_site(to / "site.json", page=page)
    return page


def _listed(folder: RunFolder, *, to: Path) -> tuple[SiteRun, Sequence[HistoryLine]]:
    """A run in the list, and its lines of a history; where it cannot be read, the reason and none."""
    bare = SiteRun(experiment=folder.path.parent.name, run=folder.path.name)
    try:
        manifest, found = folder.manifest, derived_of(folder, _glance)
        lines = lines_of(manifest, gate=folder.gate, effects=found.effects, numbers=numbers_in(folder))
    except LabError as error:
        return replace(bare, fault=error.what), ()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one run must not cost the others
        return replace(bare, fault=f"{type(error).__name__}: {error}"), ()
    told = _told(bare, manifest=manifest, found=found)
    return replace(told, page=link(folder.path / "report.html", start=to)), lines


def _folders(root: Path) -> list[RunFolder]:
    """The runs in the order of their names, with those that lost their manifest, or all files.

    One that was refused before it had a manifest left nothing that others have, and a load on a URL has none.
    """
    return [
        RunFolder(path.resolve()) for path in sorted(root.glob("*/*/"))
        if any((path / name).exists() for name in _TRACES)
        or (_NAME.fullmatch(path.name) and not any(path.iterdir()))
    ]  # fmt: skip


def _glance(folder: RunFolder) -> _Glance:
    return read(folder.path / "findings.json", _Glance)


def _told(run: SiteRun, *, manifest: Manifest, found: _Glance) -> SiteRun:
    machine, dataset = dict(manifest.environment), dict(manifest.dataset)
    return replace(
        run, question=found.question, answer=found.answer[0] if found.answer else "",
        started=manifest.started, commit=machine.get("head", machine.get("commit", "")),
        machine=f"{machine.get('cores', '?')} cores of {machine.get('processor', '?')}",
        dataset=dataset.get("size", ""), complete=found.complete, cells=len(found.cells),
        void=sum(cell.state == "void" for cell in found.cells),
    )  # fmt: skip


def _trend(name: str, lines: Sequence[HistoryLine], *, to: Path) -> Iterator[SiteTrend]:
    """The trend of an experiment's runs, where any comparison was made twice; drawn again where it changed."""
    ordered = sorted(lines, key=lambda line: line.measured)
    series = tuple(each for each in trend(ordered) if len(each.points) >= SHORTEST)
    if not series:
        return
    source, page = to / "trends" / f"{name}.json", to / "trends" / f"{name}.html"
    before = source.read_bytes() if source.exists() else b""
    write(Trend(history=f"{name}, all runs", series=series), source)
    if source.read_bytes() != before or not page.exists():
        render_trend(source, page=page)
    yield _counted(name, series, page=link(page, start=to))


def _history(folder: Path, *, to: Path) -> SiteTrend:
    """A history that runs were added to; its own page is drawn when a run is added."""
    try:
        series = trend(read_history(folder))
    except LabError as error:
        return SiteTrend(name=f"{folder.name}: {error}", page="", runs=0, series=0, changed=0)
    page = folder / "trend.html"
    return _counted(folder.name, series, page=link(page, start=to) if page.exists() else "")


def _counted(name: str, series: Sequence[Series], *, page: str) -> SiteTrend:
    return SiteTrend(
        name=name, page=page, runs=len({point.run for each in series for point in each.points}), series=len(series),
        changed=sum(len(each.levels) > 1 for each in series),
    )  # fmt: skip


def _others(root: Path, *, to: Path) -> Iterator[SiteLink]:
    """Pages that are no run's and no trend's: comparisons, calibrations, loads, benchmarks."""
    own = to.resolve()
    for path in sorted({*root.glob("*/*.html"), *root.glob("compare/*/*.html")}):
        is_own = path.resolve() == own / "index.html" or path.resolve().parent == own / "trends"
        if not is_own and path.name != "trend.html":
            yield SiteLink(name=path.relative_to(root).with_suffix("").as_posix(), page=link(path, start=to))
