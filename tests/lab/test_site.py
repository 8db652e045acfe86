"""A site lists all runs, draws only what is missing, and takes no harm from a run that cannot be read."""

import re
import shutil
from html import unescape
from pathlib import Path

import pytest
from rich.console import Console

from lab.conclude import conclude
from lab.history import append, history_folder
from lab.json_files import read
from lab.progress import Progresses
from lab.results import RunFolder
from lab.site import build_site
from lab.site_findings import Site
from lab.trend import write_trend
from tests.fakes import SERVERS, FakeRun, by_server


def built(root: Path, *, to: Path | None = None) -> Site:
    """The site of a root, built without a word."""
    page = build_site(root, to=to or root, progress=Progresses(Console(quiet=True)))
    assert page == (to or root) / "index.html"
    return read((to or root) / "site.json", Site)


def page_of(root: Path) -> str:
    return (root / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of one experiment, the first of which was never concluded."""
    root = tmp_path_factory.mktemp("three") / "results"
    for number in range(3):
        fake = FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0 + 0.1 * number), rounds=40)
        run = fake.make(root / "null" / f"2026-01-0{number + 1}T00-00-00")
        if number:
            conclude(run)
    return root


@pytest.fixture
def root(three: Path, tmp_path: Path) -> Path:
    """A copy of them that a test may change."""
    copied = tmp_path / "results"
    shutil.copytree(three, copied)
    return copied


def marks(root: Path) -> dict[str, int]:
    """When each page was drawn last."""
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in root.rglob("*.html")}


def test_every_run_is_listed_with_its_answer(root: Path) -> None:
    """The newest first, each with its report, which is drawn where it was missing."""
    found = built(root)
    assert [run.run for run in found.runs] == [f"2026-01-0{day}T00-00-00" for day in (3, 2, 1)]
    for run in found.runs:
        assert (run.fault, run.complete, run.cells, run.void) == ("", True, 2, 0)
        assert (root / run.page).is_file()
        assert run.answer == RunFolder(root / "null" / run.run).findings.answer[0]
        assert unescape(page_of(root)).count(run.answer) >= 1
    assert set(re.findall(r'href="([^"#]+)"', page_of(root))) == {
        *(run.page for run in found.runs), "./trends/null.html",
    }  # fmt: skip


def test_only_what_is_missing_or_changed_is_drawn(root: Path) -> None:
    """Built again, no page but the index is written; a report that is gone, or not as it was drawn, is."""
    built(root)
    before = marks(root)
    first = page_of(root)
    built(root)
    assert page_of(root) == first
    after = marks(root)
    assert {name for name, at in after.items() if at != before[name]} == {"index.html"}
    gone, cut = (root / "null" / f"2026-01-0{day}T00-00-00" / "report.html" for day in (1, 2))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:1000])
    built(root)
    again = marks(root)
    assert {name for name, at in again.items() if at != after[name]} == {
        "index.html", *(str(path.relative_to(root)) for path in (gone, cut)),
    }  # fmt: skip


def test_no_number_is_believed_that_was_not_derived(root: Path) -> None:
    """A digit of findings.json that is another one is not shown: the samples tell what it was."""
    before = built(root)
    path = root / "null" / "2026-01-02T00-00-00" / "findings.json"
    raw = path.read_text(encoding="utf-8")
    path.write_text(raw.replace("1.1", "7.7"), encoding="utf-8")
    assert "7.7" in path.read_text(encoding="utf-8")
    assert built(root) == before
    assert path.read_text(encoding="utf-8") == raw


def test_a_run_without_its_manifest_is_missed(root: Path) -> None:
    """A run's folder that lost its manifest, or all files, is listed with what is missing; others are not."""
    (root / "null" / "2026-01-01T00-00-00" / "manifest.json").unlink()
    for name in ("2026-01-09T00-00-00", "notes", "2026-01-08T00-00-00/samples"):
        (root / "null" / name).mkdir(parents=True)
    found = built(root)
    assert [run.run[9] for run in found.runs] == ["9", "3", "2", "1"]
    assert ["manifest.json is missing" in run.fault for run in found.runs] == [True, False, False, True]


def test_runs_that_cannot_be_read_harm_no_other(root: Path) -> None:
    """Each is listed with its reason: no manifest's shape, another version, proof that is cut; the others are there."""
    for day, (name, content) in enumerate(
        (("manifest.json", "{"), ("manifest.json", '{"schema_version": 99}'), ("proof.json", "")), start=4
    ):
        path = root / "null" / f"2026-01-0{day}T00-00-00"
        shutil.copytree(root / "null" / "2026-01-01T00-00-00", path)
        (path / name).write_text(content)
    found = built(root)
    faults = {run.run[9]: run.fault for run in found.runs if run.fault}
    assert list(faults) == ["6", "5", "4"]
    assert "proof.json cannot be read" in faults["6"]
    assert "is of version 99, this Windtunnel reads version 1" in faults["5"]
    assert "manifest.json cannot be read" in faults["4"]
    assert sum(not run.fault for run in found.runs) == 3
    told = unescape(page_of(root))
    assert all(fault in told for fault in faults.values())
    assert "3 cannot be read" in told


def test_trends_follow_a_comparison_from_run_to_run(root: Path) -> None:
    """Three runs of one comparison are a series; one run alone is none."""
    (trend,) = built(root).trends
    assert (trend.name, trend.runs, trend.series, trend.changed) == ("null", 3, 1, 0)
    assert "b / a" in (root / "trends" / "null.html").read_text(encoding="utf-8")
    for day in (2, 3):
        shutil.rmtree(root / "null" / f"2026-01-0{day}T00-00-00")
    assert built(root).trends == ()


def test_histories_and_other_pages_are_linked(root: Path) -> None:
    """A history below the root with its own page, a comparison, a calibration; a damaged history says so."""
    run = RunFolder(root / "null" / "2026-01-02T00-00-00")
    history = history_folder(root / "history")
    append(run, into=history)
    write_trend(history)
    (history_folder(root / "broken") / "history.jsonl").write_text("{\n")
    for name in ("calibrate/clock.html", "compare/a--b/comparison.html"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("<!doctype html>")
    found = built(root)
    assert {each.page for each in found.others} == {"./calibrate/clock.html", "./compare/a--b/comparison.html"}
    broken, whole = found.histories
    assert (whole.page, whole.runs, whole.series) == ("./history/trend.html", 1, 1)
    assert (broken.page, broken.runs) == ("", 0)
    assert "line 1" in broken.name


def test_a_site_below_its_root_does_not_list_itself(root: Path) -> None:
    """Built twice, it is byte for byte the same."""
    built(root, to=root / "site")
    first = (root / "site" / "index.html").read_bytes()
    built(root, to=root / "site")
    assert (root / "site" / "index.html").read_bytes() == first


def test_a_site_elsewhere_links_back(root: Path, tmp_path: Path) -> None:
    """Pages stay where they are, and the links lead there from wherever the site is."""
    found = built(root, to=tmp_path / "deep" / "site")
    for run in found.runs:
        assert run.page.startswith("./../../results/null/")
        assert (tmp_path / "deep" / "site" / run.page).is_file()


def test_no_run_is_a_page_too(tmp_path: Path) -> None:
    """An empty root says how to make a run."""
    (tmp_path / "results").mkdir()
    assert built(tmp_path / "results").runs == ()
    assert "./noxw -s lab" in page_of(tmp_path / "results")


def test_names_of_folders_are_no_addresses_of_another_kind(root: Path) -> None:
    """A folder that is named as a scheme, or with markup, is a text and a file's address."""
    name = 'javascript:alert(1)"><b>'
    shutil.copytree(root / "null", root / name)
    built(root)
    told = page_of(root)
    assert "<b>" not in told
    assert not re.findall(r'href="(?!\./|#)', told)


def test_hundred_runs_draw_nothing_but_their_index_and_trend(root: Path) -> None:
    """A hundred runs that have their pages cost a look at each; a second build draws the index alone."""
    whole = RunFolder(root / "null" / "2026-01-02T00-00-00")
    for number in range(97):
        shutil.copytree(whole.path, whole.path.with_name(f"2026-02-01T00-00-{number:02}"))
    built(root)
    before = marks(root)
    assert len(built(root).runs) == 100
    assert {name for name, at in marks(root).items() if at != before[name]} == {"index.html"}
