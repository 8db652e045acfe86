"""Every number that a page's tables show stands in findings.json where its row says, and follows from raw samples."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

from lab.conclude import conclude
from lab.findings import Cell, Findings, Interval
from lab.recorder import read_samples
from lab.results import RunFolder
from reports import format as text
from reports.html import render
from tests.fake_caching import FakeCaching
from tests.fake_mail import mail_run
from tests.fakes import KNOBS, FakeRun, by_knobs
from tests.reports import load_sample, sample
from tests.reports.tables import Shown, loaded, numbers, place, showable

SAMPLED = 200
RATIOS = {"select_related": 0.5, "prefetch_related": 1.25, "indexes": 0.97, "graphql": 1.1}
UNPLACED = {"environment", "validity", "interactions"}
"""Sections with tables of text, and with block means over all cells, which a test of their own recomputes."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A whole run of 96 cells, derived and drawn by the lab's own door."""
    folder = FakeRun(experiment=KNOBS, seconds=by_knobs(0.02, ratios=RATIOS), wrong=frozenset({7}))
    made = folder.make(tmp_path_factory.mktemp("run") / "run")
    conclude(made)
    return made


@pytest.fixture(scope="module")
def page(run: RunFolder) -> str:
    """Its page."""
    return (run.path / "report.html").read_text(encoding="utf-8")


def untrue(shown: list[Shown], findings: Any) -> list[Shown]:
    """The numbers that are not at their place."""
    known: dict[str, set[str]] = {}
    for each in shown:
        if each.at not in known:
            known[each.at] = {number for value in place(findings, each.at) for number in showable(value)}
    return [each for each in shown if each.number not in known[each.at]]


@pytest.mark.parametrize("made", ["run", "sample"])
def test_numbers_stand_where_their_rows_say(run: RunFolder, page: str, made: str) -> None:
    """Of thousands of numbers in tables, each is at the place in findings.json that its row names; 200 are sampled."""
    findings, shown = loaded(run.path / "findings.json"), page
    if made == "sample":
        whole = sample.toggles()
        findings, shown = json.loads(msgspec.json.encode(whole)), render(whole)
    found = numbers(shown)
    placed = [each for each in found if each.at]
    assert len(placed) > 2000
    assert {each.section for each in found if not each.at} <= UNPLACED
    drawn = random.Random(8).sample(placed, SAMPLED)
    assert {each.section for each in drawn} > {"cells", "every-effect", "evidence", "effects"}
    assert untrue(drawn, findings) == []
    assert untrue(placed, findings) == []


def test_a_wrong_number_is_seen(run: RunFolder, page: str) -> None:
    """Were a number on the page another than the one at its place, this test of all of them would say so."""
    findings = loaded(run.path / "findings.json")
    for cell in findings["cells"]:
        if cell["service"]:
            cell["service"]["estimate"] *= 1.03
    wrong = untrue([each for each in numbers(page) if each.at and each.section == "cells"], findings)
    assert len(wrong) >= 90


def samples_of(run: RunFolder, cell: int) -> list[np.ndarray]:
    """The seconds of one cell in each block that has some: raw rows, without warm-up."""
    found = []
    for path in sorted(run.samples.glob("block-*.samples")):
        rows, damage = read_samples(path)
        assert damage == ""
        own = rows[(rows["cell"] == cell) & (rows["warm"] == 0) & (rows["fault"] == 0)]
        found.append((own["done"] - own["sent"]) / 1e9)
    return [seconds for seconds in found if len(seconds)]


def shown_of(page: str, number: int) -> str:
    """All that the row of a cell shows in the table of cells, tags left out."""
    start = page.index(f'<tr data-at="/cells/{number}" data-server')
    return page[start : page.index("</tr>", start)]


def each_measured(run: RunFolder) -> list[tuple[int, Cell]]:
    return [(number, cell) for number, cell in enumerate(run.findings.cells) if cell.state == "measured"]


def test_times_follow_from_raw_samples(run: RunFolder, page: str) -> None:
    """Mean, interval, percentiles and number of requests of every cell are recomputed from its samples."""
    checked = 0
    for number, _ in each_measured(run):
        blocks = samples_of(run, number)
        means = np.array([block.mean() for block in blocks])
        low, high = stats.t.interval(0.95, len(means) - 1, loc=means.mean(), scale=stats.sem(means))
        interval = Interval(estimate=float(means.mean()), low=float(low), high=float(high), blocks=len(means))
        every = np.concatenate(blocks)
        row = shown_of(page, number)
        wanted = (
            text.duration_interval(interval), text.duration(float(np.quantile(every, 0.5))),
            text.duration(float(np.quantile(every, 0.95))), f">{len(every)}<", f">{len(means)}<",
        )  # fmt: skip
        assert [each for each in wanted if each not in row] == []
        checked += len(wanted)
    assert checked > 2 * SAMPLED


def test_ratios_follow_from_raw_samples(run: RunFolder, page: str) -> None:
    """All on against all off, at each operation and face: the trimmed mean of log-ratios of the same passes."""
    findings = run.findings
    numbered = {(c.operation, c.face, c.variant): n for n, c in each_measured(run)}
    effects = [effect for effect in findings.effects if effect.kind == "whole"]
    assert len(effects) >= 5
    for effect in effects:
        own = [key for key in numbered if key[:2] == (effect.operation, effect.face)]
        off, on = own[0], own[-1]
        assert {level for _, level in off[2]} == {"off"}
        assert "off" not in {level for _, level in on[2]}
        values = []
        for path in sorted(run.samples.glob("block-*.samples")):
            rows, _ = read_samples(path)
            sides = []
            for key in (on, off):
                at = rows[(rows["cell"] == numbered[key]) & (rows["warm"] == 0)]
                sides.append(dict(zip(at["round"].tolist(), (at["done"] - at["sent"]).tolist(), strict=True)))
            both = sorted(sides[0].keys() & sides[1].keys())
            if both:
                logs = [np.log(sides[0][each] / sides[1][each]) for each in both]
                values.append(stats.trim_mean(logs, 0.2))
        assert text.ratio(float(np.exp(np.mean(values)))) == text.ratio(effect.typical.estimate)
        assert text.ratio(effect.typical.estimate) in page


def test_counts_follow_from_the_proof(run: RunFolder, page: str) -> None:
    """Statements, rows and bytes of a row are those that the proof wrote down before anything was derived."""
    proof = loaded(run.path / "proof.json")
    for number, _ in each_measured(run):
        counted = proof["cells"][number]["cold"]
        row = shown_of(page, number)
        assert f">{sum(each['count'] for each in counted['statements'])}<" in row
        assert f">{text.size(counted['body_bytes'])}<" in row


def test_drift_follows_from_block_means(run: RunFolder, page: str) -> None:
    """The chart of time within the run: each block's mean over the cell's own, median, least and most of the cells."""
    findings = run.findings
    place_ = (findings.cells[0].operation, findings.cells[0].face)
    cells = [c for c in findings.cells if (c.operation, c.face) == place_ and len(c.block_means) == 8]
    table = np.array([np.array(cell.block_means) / np.mean(cell.block_means) for cell in cells])
    start = page.index('<figure id="drift-0"')
    figure = page[start : page.index("</figure>", start)]
    for block in range(8):
        column = table[:, block]
        told = [text.ratio(float(value)) for value in (np.median(column), column.min(), column.max())]
        assert f">{block + 1}</th><td>{told[0]}</td><td>{told[1]}</td><td>{told[2]}</td>" in figure


@pytest.mark.parametrize("change", [lambda f: f, lambda f: replace(f, cells=f.cells[:40])])
def test_every_pointer_leads_somewhere(change: Callable[[Findings], Findings]) -> None:
    """Whatever is on the page, its pointers are into its own findings."""
    findings = change(sample.toggles())
    builtin = json.loads(msgspec.json.encode(findings))
    for each in numbers(render(findings)):
        assert place(builtin, each.at) is not None


def test_studies_and_mails_stand_where_their_rows_say(tmp_path: Path) -> None:
    """Each number beside a drawing is at the place in study.json or mail.json that its row names."""
    cached, mailed = FakeCaching().make(tmp_path / "cached"), mail_run(tmp_path / "mailed")
    for run, name in ((cached, "study"), (mailed, "mail")):
        page = conclude(run).read_text(encoding="utf-8")
        found = [each for each in numbers(page) if each.at.startswith(f"{name}.json")]
        assert len(found) > 20
        assert untrue(found, loaded(run.path / f"{name}.json")) == []


def test_loads_stand_where_their_rows_say() -> None:
    """Of a run under load, each number of its tables is at the place in load.json that its row names."""
    load = load_sample.capacity()
    found = [each for each in numbers(render(load_sample.run(load), load=load)) if each.at.startswith("load.json")]
    tables = [each for each in found if each.section in {"loads", "capacity"}]
    assert len(tables) > 1000
    assert untrue(tables, json.loads(msgspec.json.encode(load))) == []
