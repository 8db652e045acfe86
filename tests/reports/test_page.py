import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lab.findings import Cell, Findings, Interval
from lab.json_files import write
from lab.wording import method
from reports.__main__ import main
from reports.html import render
from reports.page import is_void
from tests.reports import sample

ROOT = Path(__file__).parents[2]
PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><b onmouseover=alert(1)>x</b>',
    "' onfocus='alert(1)' autofocus='",
    "</title><h1>x</h1>",
    "</style><style>*{display:none}</style>",
    "--><iframe src=javascript:alert(1)></iframe>",
    "]]><a href='javascript:alert(1)'>x</a>",
    "{{ 7 * 7 }}{% raw %}",
    "$\\frac{1}{0}$ $unclosed",
    "</text></svg><script>alert(1)</script>",
    "a\x00b\x1fc\n\n\td",
    '#1c2127 1.234567 url(#x) id="y"',
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<input autofocus onfocus=alert(1)>",
    "<object data=javascript:alert(1)>",
    "<meta http-equiv=refresh content=0;url=javascript:alert(1)>",
    "<base href=//evil.invalid/>",
    "<link rel=stylesheet href=//evil.invalid/x.css>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#x3c;img src=x onerror=alert(1)&#x3e;",
    "[x](javascript:alert(1)) ![x](x) <http://evil.invalid>",
    "}</style><svg><animate onbegin=alert(1) attributeName=x>",
    "<!--<script>alert(1)//-->",
    "\u05e9\u05dc\u05d5\u05dd \u202e\u200f 商品 🙂",
)
VOID_TAGS = {"meta", "br", "img", "input", "link", "hr"}


class Outline(HTMLParser):
    """Collects the elements of a page, their attributes and text, and checks that they nest."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def ids(self) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get("id"))]


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    assert parser.open == []
    return parser


@pytest.fixture(scope="module")
def findings() -> Findings:
    return sample.toggles()


@pytest.fixture(scope="module")
def page(findings: Findings) -> str:
    return render(findings)


def rows_of(page: str, *, section: str) -> list[str]:
    start = page.index(f'<section id="{section}">')
    return re.findall(r"<tr[ >].*?</tr>", page[start : page.index("</section>", start)], flags=re.DOTALL)[1:]


def test_same_findings_give_the_same_bytes(findings: Findings, page: str) -> None:
    """Rendering again, in a process with another hash seed too, changes no byte."""
    assert render(findings) == page
    code = "from tests.reports import sample; from reports.html import render; import hashlib; "
    code += "print(hashlib.sha256(render(sample.null()).encode()).hexdigest())"
    told = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_page_asks_nobody_for_anything(page: str) -> None:
    """No address leaves the folder: no scheme, no outside element, and a policy that would forbid it."""
    assert re.findall(r"(?:https?|ftp|wss?|data|file):\S", page) == []
    assert re.findall(r"@import|url\((?!#)", page) == []
    elements = outline(page).elements
    assert {tag for tag, _ in elements} & {
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "audio",
        "video",
    } == set()
    assert all("src" not in attributes and "srcset" not in attributes for _, attributes in elements)
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_size_is_bounded(page: str) -> None:
    """The file of a whole `toggles` run stays under 3 MB."""
    assert len(page.encode()) < 3_000_000


def test_ids_are_unique_and_links_arrive(page: str) -> None:
    """No two elements share an id, and each link or reference within the page has its target."""
    parsed = outline(page)
    ids = parsed.ids()
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for _, a in parsed.elements if (a.get("href") or "").startswith("#")}  # type: ignore[index]
    wanted |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert wanted - set(ids) == set()


def test_every_cell_appears(findings: Findings, page: str) -> None:
    """The table of cells has one row for each, and each has its evidence."""
    assert len(rows_of(page, section="cells")) == len(findings.cells) == 96
    assert page.count('<details class="cell" id="cell-') == 96


def test_every_effect_appears(findings: Findings, page: str) -> None:
    """The table of effects has a row for each, in order, with subject and verdict; interactions have none."""
    rows = rows_of(page, section="every-effect")
    assert len(rows) == len(findings.effects)
    for row, effect in zip(rows, findings.effects, strict=True):
        assert effect.subject in row
        assert effect.kind in row
        judged = effect.kind != "interaction"
        assert (f">{effect.verdict}<" in row) is judged
        assert (">ratio of ratios<" in row) is not judged


def test_only_servers_have_a_total_and_a_few(page: str) -> None:
    """The table of effects has these columns, and the words for them, where servers were compared."""
    for shown, present in ((page, False), (render(sample.null()), True)):
        start = shown.index('<section id="every-effect">')
        section = shown[start : shown.index("</section>", start)]
        assert [words in section for words in (">Total<", ">Few, points<", "ratio of the sums")] == [present] * 3


def test_method_is_told_in_the_labs_own_words(page: str) -> None:
    """The section holds each paragraph of `lab.wording.method`, and no other."""
    start = page.index('<section id="method">')
    found = re.findall(r"<p>(.*?)</p>", page[start : page.index("</section>", start)], flags=re.DOTALL)
    assert tuple(unescape(paragraph) for paragraph in found) == method()


def test_verdicts_say_how_many_intervals_hold_at_once(findings: Findings) -> None:
    """Families are kinds: each kind in the table is named with its own number."""
    sizes = {"conditional": 18, "simple": 12}
    effects = tuple(
        replace(effect, typical=replace(effect.typical, simultaneous=sizes.get(effect.kind, 7)))
        for effect in findings.effects
    )
    told = render(replace(findings, effects=effects))
    assert "The intervals of one kind hold at once: 18 conditional, 12 simple." in told
    alone = tuple(replace(effect, typical=replace(effect.typical, simultaneous=1)) for effect in sample.null().effects)
    assert "hold at once:" not in render(replace(sample.null(), effects=alone))


def test_an_interval_without_bounds_is_zero_to_infinity(findings: Findings) -> None:
    """Where few blocks bound nothing, the tables say 0 and ∞, and the chart keeps the scale of its estimates."""
    endless = Interval(estimate=0.5, low=0.0, high=math.exp(300), blocks=2, simultaneous=18)
    effects = tuple(replace(effect, typical=endless, verdict="unclear") for effect in findings.effects)
    told = render(replace(findings, effects=effects))
    outline(told)
    rows = [row for row in rows_of(told, section="verdicts") if "columnheader" not in row]
    assert [row for row in rows if "0.500 [0, ∞]" not in row or ">unclear<" not in row] == []
    assert [text for text in re.findall(r"<td[^>]*>([^<]*)", told) if re.search(r"\d{15}", text)] == []
    start = told.index('<figure id="effect-0"')
    ticks = re.findall(r">([\d.e+-]+)</text>", told[start : told.index("</svg>", start)])
    assert all(1e-3 < float(tick) < 1e3 for tick in ticks)
    assert len(ticks) > 2


def test_void_cells_show_their_reason(findings: Findings, page: str) -> None:
    """Each void cell's row says void and why."""
    rows = rows_of(page, section="cells")
    voided = [(cell, row) for cell, row in zip(findings.cells, rows, strict=True) if is_void(cell)]
    assert len(voided) == 3
    assert all(f"void: {cell.reason}" in row for cell, row in voided)


def test_void_blocks_show_their_reason(page: str) -> None:
    """A block that a sensor voided is listed with what the sensor saw."""
    assert "void: steal 7.3 % is above 5 %" in page


def test_every_chart_has_words_and_numbers(page: str) -> None:
    """Each drawing carries an alternative text, and stands in a figure with a title and a table of its data."""
    drawings = re.findall(r'<svg class="drawing" role="img" aria-label="([^"]*)"', page)
    figures = re.findall(r"<figure .*?</figure>", page, flags=re.DOTALL)
    assert len(drawings) == len(figures) == page.count("<svg") == 33
    assert all(len(words) > 30 for words in drawings)
    for figure in figures:
        assert re.search(r"<figcaption>.+</figcaption>", figure)
        assert "<table>" in figure


def test_statements_explain_the_effect(page: str) -> None:
    """Beside select_related stands what it removes: 141 statements become 101, with the line of the N+1."""
    row = next(row for row in rows_of(page, section="verdicts") if ">select_related<" in row)
    assert "statements 141 → 101" in row
    assert "no more N+1 at targets/catalog/rest_api.py:58 (20x)" in row


def test_unfinished_run_says_so(page: str) -> None:
    """An interrupted run carries a banner that counts what is missing; a whole run has none."""
    assert "This run was interrupted" not in page
    told = render(sample.interrupted())
    assert "This run was interrupted" in told
    assert "of 96 cells have a time" in told
    assert told.count("void: the run was interrupted") == 64


@pytest.mark.parametrize("make", [sample.null, sample.interrupted, sample.empty])
def test_other_shapes_render(make: Callable[[], Findings]) -> None:
    """Runs without knobs, interrupted ones and empty ones give well-nested pages without unfilled places."""
    page = render(make())
    outline(page)
    assert "None" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_null_compares_servers() -> None:
    """Where no knob was turned, the verdicts and the forest are those of the servers."""
    page = render(sample.null())
    assert "Candidate against reference" in page
    assert len([row for row in rows_of(page, section="verdicts") if "B / A" in row]) == 6
    assert '<section id="waterfall">' not in page


@pytest.fixture(scope="module")
def expected() -> Outline:
    return outline(render(named("plain")))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markup_in_names_stays_text(expected: Outline, payload: str) -> None:
    """Markup, formulas, control characters and look-alikes of our own rewriting in any name make no element."""
    found = outline(render(named(payload)))
    assert [tag for tag, _ in expected.elements] == [tag for tag, _ in found.elements]
    assert [sorted(a) for _, a in expected.elements] == [sorted(a) for _, a in found.elements]
    assert len(found.ids()) == len(set(found.ids()))


def named(name: str) -> Findings:
    """A small run in which every text is `name`, apart from those that decide what is shown."""
    whole = sample.null()
    cells = [replace(whole.cells[0], operation=name, server=name), _void(whole.cells[1], name)]
    evidence = sample.toggles().cells[0].cold
    assert evidence
    statement = evidence.statements[1]
    assert statement.plan
    plan = replace(statement.plan, lines=(name,), indexes=(name,), sequential_scans=(name,))
    statement = replace(statement, sql=name, line=name, fingerprint=name, database=name, plan=plan)
    cells[0] = replace(cells[0], cold=replace(evidence, statements=(statement,)), variant=((name, "on"),))
    effects = (replace(whole.effects[0], operation=name, subject=name, given=name, detail=name),)
    pairs = ((name, name),)
    return replace(
        whole,
        experiment=name,
        run=name,
        question=name,
        answer=(name,),
        notes=(name,),
        cells=tuple(cells),
        knobs=(name,),
        effects=effects,
        dataset=pairs,
        environment=pairs,
        settings=pairs,
        command=name,
        blocks=(replace(whole.blocks[0], void=name),),
        stages=(replace(whole.stages[0], name=name),),
        proofs=(replace(whole.proofs[0], operation=name),),
    )


def _void(cell: Cell, name: str) -> Cell:
    return replace(cell, operation=name, state=name, reason=name, service=None, quantiles=(), block_means=())


def test_door_writes_the_page_beside_the_findings(tmp_path: Path) -> None:
    """`python -m reports RUN_FOLDER` writes report.html, which links the raw data that is there and no other."""
    write(sample.null(), tmp_path / "findings.json")
    for name in ("samples", "blocks"):
        (tmp_path / name).mkdir()
    (tmp_path / "samples" / "block-00.samples").touch()
    command = [sys.executable, "-m", "reports", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    told = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.findall(r'<li><a href="([^"#]+)"', told) == ["findings.json", "cells.csv", "summary.md", "samples/"]
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["blocks", "cells.csv", "findings.json", "report.html", "samples", "summary.md"]


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"cells": 1}', "version"])
def test_door_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None) -> None:
    """A missing, damaged or newer findings.json gives one line and exit code 2, and no page."""
    source = tmp_path / "findings.json"
    if content == "version":
        write(sample.empty(), source)
        source.write_text(json.dumps(json.loads(source.read_text()) | {"schema_version": 99}))
    elif content is not None:
        source.write_text(content)
    assert main([str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert re.fullmatch(r"error: [^\n]+\n", told.err)
    assert not (tmp_path / "report.html").exists()
