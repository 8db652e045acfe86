"""What other programs and people take from a run: a schema, CSV and Markdown that say what findings.json says."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt

from lab.findings import SCHEMA_VERSION, Cell, Findings
from lab.json_files import write
from reports.__main__ import main
from reports.csv_table import csv_of
from reports.markdown import plain, summary
from reports.page import Page
from reports.schema import NAME, findings_schema
from tests.reports import load_sample, sample
from tests.reports.test_page import PAYLOADS, named

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "schema" / NAME


def rows(cells: Any) -> list[dict[str, str]]:
    """The lines of the CSV by their columns."""
    return list(csv.DictReader(io.StringIO(csv_of(cells))))


def test_schema_is_the_one_that_is_published() -> None:
    """docs/schema holds what the dataclasses give.

    Where their shape changed on purpose, write it again (python -m reports --schema docs/schema/findings-1.json), and
    raise SCHEMA_VERSION in lab/findings.py if files of before no longer read.
    """
    assert SCHEMA.read_text(encoding="utf-8") == findings_schema()
    assert SCHEMA.name == f"findings-{SCHEMA_VERSION}.json"


@pytest.mark.parametrize("make", [sample.toggles, sample.null, sample.interrupted, sample.empty])
def test_findings_keep_their_schema(make: Any) -> None:
    """Every kind of findings is valid; without a version, with another one, or with a text for a number, none is."""
    schema = json.loads(findings_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    found = json.loads(msgspec.json.encode(make()))
    assert list(check.iter_errors(found)) == []
    bad: list[dict[str, Any]] = [
        found | {"schema_version": 2}, {k: v for k, v in found.items() if k != "schema_version"},
        found | {"complete": "yes"}, found | {"cells": [{}]},
    ]  # fmt: skip
    assert all(list(check.iter_errors(each)) for each in bad)


def test_cells_are_lines_with_numbers_as_they_are() -> None:
    """A line a cell, in order; times, quantiles and counts read back as the same floats; void cells say why."""
    cells = sample.toggles().cells
    for row, cell in zip(rows(cells), cells, strict=True):
        assert (row["operation"], row["face"], row["server"]) == (cell.operation, cell.face, cell.server)
        assert {name: row[f"variant.{name}"] for name, _ in cell.variant} == dict(cell.variant)
        assert (row["state"], row["reason"]) == (cell.state, cell.reason)
        if cell.service:
            assert float(row["service"]) == cell.service.estimate
            assert float(row["service_low"]) == cell.service.low
            assert float(row["service_high"]) == cell.service.high
            assert int(row["service_blocks"]) == cell.service.blocks
            assert float(row["quantiles.p95"]) == dict(cell.quantiles)[0.95]
            assert tuple(map(float, row["block_means"].split())) == cell.block_means
        else:
            assert row["service"] == row["quantiles.p95"] == ""
        if cell.cold:
            assert int(row["cold.statement_count"]) == cell.cold.statement_count
            assert int(row["cold.shared_buffers"]) == cell.cold.shared_buffers


def test_loads_are_lines_too() -> None:
    """Rates with their bounds, and the CPU of each process under its name."""
    cells = load_sample.capacity().cells
    for row, cell in zip(rows(cells), cells, strict=True):
        assert (row["step"], row["requests"]) == (cell.step, str(cell.requests))
        if cell.achieved:
            assert float(row["achieved_low"]) == cell.achieved.low
        for name, used in cell.cpu:
            assert float(row[f"cpu.{name}"]) == used.estimate


@pytest.mark.parametrize("words", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "a\nb", 'a,"b', "\r=x"])
def test_texts_are_no_formulas(words: str) -> None:
    """A name that a spreadsheet would run stands there as text; a line stays a line."""
    cell = Cell(operation=words, server="s", face="rest", variant=(), state="void", reason=words)
    (row,) = rows([cell])
    assert row["operation"] == row["reason"]
    assert not row["operation"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["operation"].lstrip("'").split() == words.split()


def test_summary_says_what_the_page_says() -> None:
    """Question, answer, every verdict with its interval and what explains it, where it was measured."""
    findings = sample.toggles()
    page = Page(findings=findings)
    told = summary(page)
    assert told.startswith(f"# {plain(findings.question)}\n")
    assert all(plain(line) in told for line in findings.answer)
    assert told.count("\n| ") == sum(len(table.rows) + 2 for table in page.verdicts)
    assert "| select_related | cache = off | REST |" in told
    assert "statements 141 → 101" in told
    assert "- fingerprint: b1946ac92492d234" in told
    assert "    ./noxw -s lab -- toggles" in told
    assert "interrupted" not in told
    assert "interrupted" in summary(Page(findings=sample.interrupted()))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_a_summary_is_live(payload: str) -> None:
    """Whatever the texts of a run are, Markdown makes the same elements of its summary, and no link."""
    shapes = [_elements(summary(Page(findings=named(words)))) for words in ("plain", payload)]
    assert shapes[0] == shapes[1]
    assert "link_open" not in shapes[0]


def _elements(told: str) -> list[str]:
    """The kinds of elements that Markdown makes, inner ones too; the words in them left out."""
    tokens = MarkdownIt("commonmark").enable("table").parse(told)
    inner = [
        each.type for token in tokens for each in token.children or () if each.type not in {"text", "text_special"}
    ]
    return [token.type for token in tokens] + inner


def test_door_writes_all_of_them(tmp_path: Path) -> None:
    """Beside the page: CSV of what there is, and Markdown; what an earlier drawing left and no longer is, goes."""
    write(sample.null(), tmp_path / "findings.json")
    (tmp_path / "loads.csv").write_text("old")
    assert main([str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"findings.json", "report.html", "cells.csv", "summary.md"}
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main([str(tmp_path)]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    empty: Findings = replace(sample.null(), cells=())
    write(empty, tmp_path / "findings.json")
    assert main([str(tmp_path)]) == 0
    assert not (tmp_path / "cells.csv").exists()


def test_schema_is_written_by_its_door(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m reports --schema FILE` writes it, and says where."""
    path = tmp_path / "schema.json"
    assert main(["--schema", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    assert path.read_text(encoding="utf-8") == findings_schema()
