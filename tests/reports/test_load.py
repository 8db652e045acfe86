import html
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab.arm_names import name_of
from lab.findings import Interval
from lab.json_files import write
from lab.load_findings import LoadFindings
from reports import format as text
from reports.__main__ import main
from reports.arms import arms_of
from reports.charts import growth
from reports.html import render
from tests.reports import load_sample, sample
from tests.reports.test_page import PAYLOADS, Outline, outline, rows_of

ROOT = Path(__file__).parents[2]
BOTH = (
    "answer",
    "capacity",
    "loads",
    "proof",
    "validity",
    "instrument",
    "method",
    "environment",
    "stages",
    "reproduce",
)
UNLOADED = ("verdicts", "waterfall", "effects", "interactions", "faces", "distribution", "cells", "evidence")


def rendered(load: LoadFindings) -> str:
    return render(load_sample.run(load), load=load)


def sections(page: str) -> list[str]:
    return re.findall(r'<section id="([^"]+)">', page)


def row_texts(page: str, *, section: str) -> list[list[str]]:
    rows = rows_of(page, section=section)
    return [[html.unescape(re.sub("<[^>]+>", "", c)) for c in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


@pytest.fixture(scope="module")
def load() -> LoadFindings:
    return load_sample.capacity()


@pytest.fixture(scope="module")
def page(load: LoadFindings) -> str:
    return rendered(load)


@pytest.fixture(scope="module")
def toggles() -> str:
    return rendered(load_sample.toggles())


def test_load_brings_its_sections_and_takes_the_empty_ones(page: str, toggles: str) -> None:
    """A run under load shows what was found under load; what one request costs is left out, the rest stays."""
    for shown, own in ((page, ("growth", "waiting")), (toggles, ("percentiles", "costs"))):
        assert set(sections(shown)) == {*BOTH, *own}
        assert not set(sections(shown)) & set(UNLOADED)
        outline(shown)


def test_without_load_nothing_changes() -> None:
    """A run without load has none of the sections, and no file of them."""
    shown = render(sample.empty(), raw=())
    assert not set(sections(shown)) & {"capacity", "growth", "waiting", "percentiles", "costs", "loads"}
    assert {"cells", "evidence", "proof", "validity"} <= set(sections(shown))
    assert "load.json" not in shown


def test_a_published_page_stands_alone(tmp_path: Path) -> None:
    """`--published FOLDER` writes the page and its summary there, without a link to a file that is not there."""
    run, folder = tmp_path / "run", tmp_path / "published" / "toggles"
    run.mkdir()
    write(sample.toggles(), run / "findings.json")
    assert main([str(run), "--published", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "summary.md"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert set(re.findall(r'href="([^#][^"]*)"', page)) == set()
    assert list(run.iterdir()) == [run / "findings.json"]


def test_same_values_give_the_same_bytes(load: LoadFindings, page: str) -> None:
    """Rendering again, in a process with another hash seed too, changes no byte."""
    assert rendered(load) == page
    code = "from tests.reports import load_sample as s; from reports.html import render; load = s.bare()"
    code += "; import sys; sys.stdout.buffer.write(render(s.run(load), load=load).encode())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": "7"}, check=True, capture_output=True
    )
    assert done.stdout.decode() == rendered(load_sample.bare())


def test_capacity_table_shows_the_values_given(load: LoadFindings, page: str) -> None:
    """Each arm has its capacity, users, knee or why none, and what limited it."""
    rows = row_texts(page, section="capacity")[: len(load.scalabilities)]
    arms = arms_of(load)
    for row, each in zip(rows, load.scalabilities, strict=True):
        assert row[:2] == [arms.name(each.variant), {"rest": "REST", "graphql": "GraphQL"}[each.face]]
        assert row[2:4] == [text.rate_interval(each.capacity), "16"]
        assert row[4] == (text.number_interval(each.knee) if each.knee else f"none: {each.knee_reason}")
    limits = {"the server", "the generator: the server may carry more", "nothing yet: the ladder was too short"}
    assert {row[5] for row in rows} == limits


def test_laws_and_gains_show_the_values_given(load: LoadFindings, page: str) -> None:
    """Each arm has the parameters of its law with intervals, or the reason; each gain its ratio."""
    rows = row_texts(page, section="capacity")
    for each in load.scalabilities:
        if each.law is None:
            assert any(f"not fitted: {each.reason}" in row for row in rows)
            continue
        wanted = [text.rate_interval(each.law.rate), text.number_interval(each.law.contention)]
        assert any(row[2:4] == wanted and row[6:] == ["2.1 %", "4 blocks"] for row in rows)
        assert any(row[2] == wanted[0] and (row[5] == "none") is (each.law.peak_users is None) for row in rows)
    for gain in load.gains:
        assert any(text.ratio_interval(gain.ratio) in row and "all off" in row[0] for row in rows)


def test_every_load_has_its_row(load: LoadFindings, page: str) -> None:
    """The table has a row per cell in order, with rates, percentiles, CPU time and counts; void ones say why."""
    rows = row_texts(page, section="loads")
    for row, cell in zip(rows, load.cells, strict=True):
        assert row[2] == cell.step
        assert row[4:8] == [
            text.rate_interval(cell.achieved),
            *(text.duration_interval(each) for each in (cell.p50, cell.p95, cell.p99)),
        ]
        assert row[8:11] == ([text.milliseconds_interval(each) for _, each in cell.cpu] or ["–"] * 3)
        assert row[11:15] == [f"{n:,}" for n in (cell.requests, cell.failed, cell.late, cell.unsent)]
        assert row[17] == (f"void: {cell.reason}" if cell.state == "void" else "measured")
    assert sum("void: in every block" in row[17] for row in rows) == 2


def test_every_chart_has_words_and_numbers(page: str, toggles: str) -> None:
    """Each drawing has an alternative text, a title that names its face, a table of its data, and how to read it."""
    for shown, count in ((page, 4), (toggles, 8)):
        drawings = re.findall(r'<svg class="drawing" role="img" aria-label="([^"]*)"', shown)
        figures = re.findall(r"<figure .*?</figure>", shown, flags=re.DOTALL)
        assert len(drawings) == len(figures) == count
        assert all(len(words) > 60 for words in drawings)
        for figure in figures:
            assert re.search(r"<figcaption>(REST|GraphQL)[:,] .+ .+</figcaption>", figure)
            assert figure.count("<tr") > 10
        assert shown.count("How to read.") == 2


def test_titles_state_the_finding(page: str, toggles: str) -> None:
    """A title names the arm that carries most, or the arms between which the p99 lies, with their numbers."""
    assert "<figcaption>REST: all on, cache view carries 1,842/s at 16 users, all off 27.3/s<" in page
    assert re.search(
        r"<figcaption>REST, half of its own capacity: p99 [\d.]+ ms with all on, \d+ ms with all o", toggles
    )
    assert re.search(r"<figcaption>GraphQL, one common rate: CPU per request [\d.]+ ms with all on, [\d.]+ ms", toggles)


def test_hollow_points_are_the_generators(load: LoadFindings, page: str) -> None:
    """A point at which the generator was the limit is drawn hollow, and its row says so; no other is."""
    start = page.index('<figure id="growth-0"')
    figure = page[start : page.index("</figure>", start)]
    assert figure.count("limited by the generator") == 1
    assert figure.count("fill:var(--paper)") >= 1
    second = page[page.index('<figure id="growth-1"') :]
    assert second[: second.index("</figure>")].count("limited by the generator") == 2


def test_law_is_drawn_as_given(load: LoadFindings) -> None:
    """One user has the law's rate; at its peak more users no longer help."""
    law = load.scalabilities[0].law
    assert law
    assert growth.at(law, 1) == pytest.approx(law.rate.estimate)
    assert growth.at(law, 14.7) > max(growth.at(law, 7), growth.at(law, 30))


def test_nothing_that_counted_is_no_error() -> None:
    """Void cells alone, without capacity, law or reason: a page that says so, with no drawing and no unfilled place."""
    shown = rendered(load_sample.bare())
    outline(shown)
    assert "None" not in re.sub(r"<script>.*?</script>", "", shown, flags=re.DOTALL)
    assert "<svg" not in shown
    assert "ladder was too short" not in shown
    assert "not fitted: no reason was given" in shown
    assert "void: no reason was given" in shown
    nothing = LoadFindings(walk="", server="", cells=(), scalabilities=())
    assert set(sections(rendered(nothing))) == set(BOTH) - {"loads"}


def test_intervals_without_bounds_keep_the_scale(load: LoadFindings) -> None:
    """Few blocks may bound nothing: the table says so, and the drawing keeps the scale of its estimates."""
    endless = Interval(estimate=20.0, low=-3.0, high=1e120, blocks=2)
    cells = tuple(replace(cell, achieved=endless) for cell in load.cells if cell.kind == "closed")
    shown = rendered(replace(load, cells=cells))
    assert f"20.0/s [{text.MINUS}3.00, ∞]" in shown
    start = shown.index('<figure id="growth-0"')
    ticks = re.findall(r">([\d,.e+-]+)</text>", shown[start : shown.index("</svg>", start)])
    assert all(float(tick.replace(",", "")) < 1e5 for tick in ticks)


@pytest.mark.parametrize(
    ("levels", "name"),
    [
        ("off off off", "all off"),
        ("on on both", "all on"),
        ("on on view", "all on, cache view"),
        ("on on off", "all on but cache"),
        ("off on off", "b"),
        ("off on view", "b + cache view"),
        ("", "as configured"),
    ],
)
def test_arms_are_named_by_what_is_on(levels: str, name: str) -> None:
    """An arm's name says what is on, or what is missing where that is shorter."""
    assert name_of(tuple(zip(("a", "b", "cache"), levels.split(), strict=False))) == name


def test_arms_of_one_name_are_spelled_out() -> None:
    """Two arms that would share a name have every knob with its level instead."""
    cell = load_sample.capacity().cells[0]
    cells = tuple(replace(cell, variant=(("a", "on"), ("b", level))) for level in ("on", "both"))
    arms = arms_of(LoadFindings(walk="", server="", cells=cells, scalabilities=()))
    assert [arms.name(each.variant) for each in cells] == ["a on, b on", "a on, b both"]


def test_markup_in_names_stays_text() -> None:
    """Whatever is in the names of arms, loads, processes, faces and reasons makes no element and no attribute."""
    plain, hostile = _shape([f"plain {n}" for n in range(len(PAYLOADS))]), _shape(list(PAYLOADS))
    assert [(tag, sorted(attributes)) for tag, attributes in plain.elements] == [
        (tag, sorted(attributes)) for tag, attributes in hostile.elements
    ]
    assert len(hostile.ids()) == len(set(hostile.ids()))


def _shape(names: list[str]) -> Outline:
    whole = load_sample.capacity()
    cells = [
        replace(
            whole.cells[0], face=names[0], kind=kind, variant=((name, "on"),), step=f"{step}{name}"[:90], level=step
        )
        for number, name in enumerate(names)
        for kind, step in (("open", 1.0), ("closed", 1.0), ("closed", 2.0), ("closed", float(number + 3)))
    ]
    cells += [replace(c, step=names[1], cpu=((names[2], c.cpu[0][1]),)) for c in cells if c.kind == "open"]
    cells.append(replace(cells[0], variant=((names[3], names[4]),), state="void", reason=names[5], p50=None))
    own = whole.scalabilities[0]
    scalabilities = tuple(
        replace(
            own, face=names[0], variant=((name, "on"),), knee=None, knee_reason=name, limit=name, law=None, reason=name
        )
        for name in names
    )
    load = LoadFindings(
        walk=names[6],
        server=names[7],
        cells=tuple(cells),
        scalabilities=scalabilities,
        gains=(replace(whole.gains[0], face=names[0], candidate=((names[8], "on"),)),),
        notes=tuple(names),
    )
    return outline(render(load_sample.run(load), load=load))


def test_door_reads_the_load_beside_the_findings(tmp_path: Path, load: LoadFindings, page: str) -> None:
    """`python -m reports RUN_FOLDER` shows load.json where it lies beside the findings, and links it."""
    write(load_sample.run(load), tmp_path / "findings.json")
    write(load, tmp_path / "load.json")
    assert main([str(tmp_path)]) == 0
    told = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.findall(r'<li><a href="([^"#]+)"', told) == ["findings.json", "loads.csv", "summary.md", "load.json"]
    assert row_texts(told, section="loads") == row_texts(page, section="loads")


def test_the_page_says_how_honest_the_instrument_is(page: str, toggles: str):
    """Each row of the calibration with what was seen; without one, how to make it."""
    rows = row_texts(page, section="instrument")
    assert [row[-1] for row in rows] == ["yes", "no", "not available"]
    assert "6.22 ms" in rows[1]
    assert "1 of 3 rows hold" in page
    assert "It was not checked on this machine" in toggles
