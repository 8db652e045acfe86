"""Yields pages of every kind by name, of made-up findings; of the hostile ones every text is a payload."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import convert

from lab.benchmark_findings import Benchmarks
from lab.caching_derive import study_caching
from lab.compare import compare
from lab.compare_findings import Comparison
from lab.compare_numbers import numbers_of
from lab.conclude import summary
from lab.findings import Findings
from lab.gate_power import gate_power
from lab.load_findings import LoadFindings
from lab.mail_derive import derive_mail
from lab.mail_words import answer
from lab.results import Manifest
from lab.site_findings import Site, SiteLink, SiteRun, SiteTrend
from lab.trend_findings import Level, Point, Series, Trend
from reports.html import (
    render,
    render_benchmarks,
    render_compare,
    render_power,
    render_site,
    render_trend,
    render_url,
)
from tests.fake_caching import FakeCaching
from tests.fake_mail import mail_run
from tests.fakes import KNOBS
from tests.lab.test_gate_power import SAME, SLOWER, ledger
from tests.reports import load_sample, sample
from tests.reports.test_benchmarks import session
from tests.reports.test_gate_page import gate
from tests.reports.test_page import PAYLOADS, named


def comparison(words: str = "") -> Comparison:
    """Two made-up runs against each other; with `words`, every text is these."""
    before, chance = sample.toggles(), sample.interrupted()
    cells = tuple(replace(cell, block_means=tuple(mean * 1.07 for mean in cell.block_means)) for cell in before.cells)
    after = replace(before, cells=(*cells[:-1], chance.cells[1]), environment=(("machine", "another"), ("cores", "3")))
    if words:
        before, after = named(words), replace(named(words), environment=((words, f"{words} too"),))
        before, after = map(_twice, (before, after))
    manifests = tuple(_manifest(each) for each in (before, after))
    return compare(before, after, manifests=(manifests[0], manifests[1]), folders=("./a", "./b"), although=True)


def compared_loads(words: str = "") -> Comparison:
    """Two made-up runs under load against each other, the second at higher rates; with `words`, loads are called so."""
    load = load_sample.capacity()
    before = replace(load, cells=tuple(replace(cell, step=words or cell.step) for cell in load.cells))
    after = replace(before, cells=tuple(replace(cell, level=1.1 * cell.level) for cell in before.cells))
    run = load_sample.run(load)
    manifests, beside = (_manifest(run), _manifest(run)), (numbers_of(load=before), numbers_of(load=after))
    return compare(run, run, manifests=manifests, folders=("./a", "./b"), although=True, beside=beside)


def _twice(found: Findings) -> Findings:
    """With two blocks in every cell, so that it can be compared."""
    return replace(found, cells=tuple(replace(cell, block_means=(0.1, 0.11)) for cell in found.cells))


def _manifest(found: Findings) -> Manifest:
    return Manifest(
        experiment=replace(KNOBS, name=found.experiment), run=found.run, started="2026-01-01", command="", dataset=(),
        operations=(), environment=(), settings=(), budget=None, seed=1,
    )  # fmt: skip


def site(words: str = "") -> Site:
    """A site of made-up runs, one of which cannot be read."""
    answer = words or "All 4 knobs together: 12.4x faster [12.1x, 12.8x] (product_detail, REST) to 541x faster."
    run = SiteRun(
        experiment=words or "toggles", run=words or "2026-01-01T00-00-00", page="./toggles/a/report.html",
        question=words or "What does each optimisation buy?", answer=answer, started="2026-01-01",
        commit=words or "0123456789ab", machine=words or "2 cores of a quick processor", dataset=words or "medium",
        complete=True, cells=96, void=2,
    )  # fmt: skip
    broken = replace(run, run=f"{run.run}-2", fault=words or "proof.json cannot be read: Input data was truncated")
    trend = SiteTrend(name=run.experiment, page="./trends/toggles.html", runs=3, series=24, changed=1)
    other = SiteLink(name=words or "compare/a--b/comparison", page="./compare/a--b/comparison.html")
    return Site(runs=(run, broken), trends=(trend,), histories=(trend,), others=(other,))


def trend(words: str = "") -> Trend:
    """A history of twelve made-up runs with a change."""
    interval = sample.around(0.9, by=0.02)
    points = tuple(
        Point(
            measured=f"2026-01-{day + 1:02}T00:00:00", run=words or f"run-{day}", commit=words or f"c0ffee{day}",
            machine=words or "2 cores", ratio=interval if day < 6 else sample.around(0.8, by=0.02),
            verdict=words or "faster",
        )
        for day in range(12)
    )  # fmt: skip
    levels = (Level(start=0, end=6, ratio=0.9), Level(start=6, end=12, ratio=0.8))
    one = Series(
        experiment="toggles", reference="", dataset="medium", operation=words or "product_list", face="rest",
        subject=words or "indexes", given=words or "cache = off", points=points, levels=levels,
    )  # fmt: skip
    return Trend(history=words or "histories/main", series=(one, replace(one, levels=(replace(levels[0], end=12),))))


def _load(load: LoadFindings) -> str:
    return render(load_sample.run(load), load=load)


def _mails() -> str:
    """A run with mails, of planted times."""
    with TemporaryDirectory() as scratch:
        folder = mail_run(Path(scratch) / "run")
        found = derive_mail(folder)
        return render(summary(folder, answer=answer(found), notes=(), complete=True), mail=found)


def _study() -> str:
    """A study of caches, of planted times."""
    with TemporaryDirectory() as scratch:
        folder = FakeCaching(slower={0: 0.9, 2: 1.1}).make(Path(scratch) / "run")
        found = study_caching(folder)
        return render(summary(folder, answer=found.answer, notes=(), complete=True), study=found)


def _long_names() -> str:
    """Arms whose names no drawing has room for."""
    found = load_sample.capacity()
    longest = (("cache", "whole answers and their rows, kept for a minute"), ("server", "granian with 16 threads"))
    return _load(replace(found, cells=tuple(replace(each, variant=longest) for each in found.cells)))


FOLDER = Path(__file__).parents[2] / "reports" / "published"
"""Where the pages are that come with the code."""

HOSTILE = " ".join(PAYLOADS)
POWER = gate_power(
    ledger(
        SAME,
        *(
            replace(
                SLOWER,
                kind=f"+{share} %",
                effects=(("rest", 1 + share / 100, 1 + share / 100 - 0.01, 1 + share / 100 + 0.01, "slower"),),
            )
            for share in (3, 5, 10)
        ),
    )
)
DRAWN: dict[str, Callable[[], str]] = {
    "toggles": lambda: render(sample.toggles()),
    "null": lambda: render(sample.null()),
    "interrupted": lambda: render(sample.interrupted()),
    "load": lambda: _load(load_sample.capacity()),
    "loaded": lambda: _load(load_sample.toggles()),
    "long-names": _long_names,
    "mails": _mails,
    "study": _study,
    "gate": lambda: render(sample.null(), gate=gate(), power=POWER),
    "power": lambda: render_power(POWER),
    "url": lambda: render_url(load_sample.url()),
    "url-void": lambda: render_url(load_sample.void_url()),
    "benchmarks": lambda: render_benchmarks(convert(session(0.00002, 0.4, 0.003), type=Benchmarks)),
    "compare": lambda: render_compare(comparison()),
    "compare-loads": lambda: render_compare(compared_loads()),
    "site": lambda: render_site(site()),
    "trend": lambda: render_trend(trend()),
    "hostile-compare": lambda: render_compare(comparison(HOSTILE)),
    "hostile-compare-loads": lambda: render_compare(compared_loads(HOSTILE)),
    "hostile-site": lambda: render_site(site(HOSTILE)),
    "hostile-trend": lambda: render_trend(trend(HOSTILE)),
    **{f"hostile-{n}": lambda words=words: render(named(words)) for n, words in enumerate(PAYLOADS)},  # type: ignore[misc]
}
