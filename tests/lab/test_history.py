"""A history grows by a run's comparisons, and a trend finds where their level changed."""

from collections.abc import Sequence
from dataclasses import replace
from math import exp
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.conclude import conclude, numbers_in
from lab.errors import LabError
from lab.findings import IN_DOUBT, Interval
from lab.history import LINES, HistoryLine, append, append_lines, history_folder, lines_of, read_history
from lab.trend import SHORTEST, change_points, trend, write_trend
from tests.fake_mail import mail_run
from tests.fakes import SERVERS, FakeRun, by_server

LINE = HistoryLine(
    measured="2026-01-01T00:00:00+00:00", run="run", experiment="gate", commit="abc", reference="base",
    machine="2 cores", dataset="small", seed=1, operation="product_list", face="rest", subject="head / base", given="",
    ratio=Interval(estimate=1.0, low=0.99, high=1.01, blocks=12), verdict="same",
)  # fmt: skip
SPREAD = 0.005


def history(logs: np.ndarray) -> tuple[HistoryLine, ...]:
    """A line a day with these log-ratios and intervals as wide as their spread gives."""
    return tuple(
        replace(
            LINE, run=f"run-{day}", commit=f"commit-{day}", measured=f"2026-01-{day + 1:02}T00:00:00+00:00",
            ratio=Interval(
                estimate=exp(value), low=exp(value - 3 * SPREAD), high=exp(value + 3 * SPREAD), blocks=12
            ),
        )
        for day, value in enumerate(logs)
    )  # fmt: skip


def drawn(random: np.random.Generator, *, runs: int, shift: float, at: int) -> np.ndarray:
    return random.normal(0.0, SPREAD, runs) + shift * (np.arange(runs) >= at)


def page_of(folder: Path, lines: Sequence[HistoryLine]) -> str:
    """The page of a history of these lines."""
    append_lines(history_folder(folder) / LINES, lines)
    return write_trend(folder).read_text(encoding="utf-8")


def test_a_history_grows_by_each_run(tmp_path: Path) -> None:
    """Two runs give each their comparisons; the lines that are there stay as they are."""
    run = FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0), rounds=40).make(tmp_path / "run")
    conclude(run)
    folder = history_folder(tmp_path / "deep" / "history")
    added = append(run, into=folder)
    first = (folder / LINES).read_bytes()
    assert append(run, into=folder) == added > 0
    assert (folder / LINES).read_bytes() == first * 2
    lines = read_history(folder)
    assert len(lines) == 2 * added
    assert {(line.commit, line.dataset, line.held) for line in lines} == {("abc123", "small", "cache=off")}


def test_what_a_run_compared_is_followed_and_faces_where_nothing_else_was(tmp_path: Path) -> None:
    """Parts of experiments with arms of their own; faces alone; but no single setting of a design of knobs."""
    run = FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.0), rounds=40).make(tmp_path / "run")
    conclude(run)
    (one,) = run.findings.effects

    def followed(*kinds: str) -> list[str]:
        effects = [replace(one, kind=kind, subject=kind, given=f"given {kind}") for kind in kinds]
        return [
            f"{line.subject}, {line.given}" for line in lines_of(run.manifest, gate=None, effects=effects, numbers={})
        ]

    assert followed("part", "face") == ["given part, "]
    assert followed("face") == ["face, given face"]
    assert followed("conditional", "face", "interaction", "whole") == [
        "conditional, given conditional", "whole, given whole",
    ]  # fmt: skip


def test_a_run_in_doubt_adds_nothing(tmp_path: Path) -> None:
    """Three of eight blocks are void: its ratio is no point of a line."""
    sensors = {block: {"steal": 0.2} for block in range(3)}
    run = FakeRun(experiment=SERVERS, seconds=by_server(0.02, ratio=1.1), rounds=40, sensors=sensors)
    made = run.make(tmp_path / "run")
    conclude(made)
    assert {effect.detail for effect in made.findings.effects} == {IN_DOUBT}
    folder = history_folder(tmp_path / "history")
    assert append(made, into=folder) == 0
    assert read_history(folder) == ()


def test_what_a_killed_writer_left_spoils_no_other_line(tmp_path: Path) -> None:
    """It is named by its number, and is a line of its own when the next is added."""
    path, whole = tmp_path / LINES, msgspec.json.encode(LINE)
    path.write_bytes(whole + b"\n" + whole[:-40])
    with pytest.raises(LabError, match="line 2") as caught:
        read_history(tmp_path)
    assert "killed" in caught.value.hint
    append_lines(path, [LINE])
    with pytest.raises(LabError, match="line 2"):
        read_history(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    assert read_history(tmp_path) == (LINE, LINE)


@pytest.mark.parametrize("text", [b'{"measured": "\xff"}\n', b"\xff\n", b"\n"])
def test_a_line_that_is_no_text_is_named(tmp_path: Path, text: bytes) -> None:
    """One line, no traceback."""
    (tmp_path / LINES).write_bytes(msgspec.json.encode(LINE) + b"\n" + text)
    with pytest.raises(LabError, match="line 2"):
        read_history(tmp_path)


def test_what_ends_a_line_of_text_ends_no_line_of_a_history(tmp_path: Path) -> None:
    """A name may have characters in it that some take for the end of a line."""
    odd = replace(LINE, subject="a\u2028b\x0bc\x85d")
    append_lines(tmp_path / LINES, [odd])
    assert read_history(tmp_path) == (odd,)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    """One line says which, and what to do."""
    (tmp_path / LINES).write_text('{"measured": 1}\n', encoding="utf-8")
    with pytest.raises(LabError, match="line 1"):
        read_history(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """Before anything is measured."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LabError, match="cannot be written"):
        history_folder(tmp_path / "file" / "history")


def test_a_flat_history_has_one_level() -> None:
    """Of 300 histories without a change at most one in twenty-five shows one."""
    random = np.random.default_rng(1)
    halves = np.full(40, 3 * SPREAD)
    found = [change_points(drawn(random, runs=40, shift=0.0, at=0), half_widths=halves) for _ in range(300)]
    assert sum(map(bool, found)) <= 12


def test_a_shift_is_found_where_it_came() -> None:
    """A change of five times the noise between runs is found, within a run of its place, in 95 of 100 histories."""
    random = np.random.default_rng(2)
    hits = 0
    for _ in range(100):
        at = int(random.integers(SHORTEST, 30 - SHORTEST + 1))
        found = change_points(drawn(random, runs=30, shift=5 * SPREAD, at=at), half_widths=np.full(30, 3 * SPREAD))
        hits += len(found) == 1 and abs(found[0] - at) <= 1
    assert hits >= 95


def test_one_run_out_of_line_is_no_change() -> None:
    """A level has three runs at least."""
    logs = np.zeros(20)
    logs[12] = 0.01
    assert change_points(logs, half_widths=np.full(20, 3 * SPREAD)) == ()


@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=31), st.floats(0.0, 0.1))
def test_levels_cover_every_run_once(logs: list[float], half: float) -> None:
    """Whatever the ratios are: levels follow each other without a gap, each of three runs or all that there are."""
    [series] = trend(history(np.array(logs)))
    starts, ends = [level.start for level in series.levels], [level.end for level in series.levels]
    assert starts == [0, *ends[:-1]]
    assert ends[-1] == len(logs)
    assert len(series.levels) == 1 or all(end - start >= SHORTEST for start, end in zip(starts, ends, strict=True))


def test_another_reference_is_another_series() -> None:
    """Ratios to two commits are not one line."""
    found = trend([LINE, replace(LINE, reference="other")])
    assert {series.reference for series in found} == {"base", "other"}


def test_another_machine_is_another_series_where_nothing_is_held_against(tmp_path: Path) -> None:
    """What a knob buys depends on the machine: no commit is named for it; with a reference it does not."""
    lines = [
        replace(line, machine="2 cores" if day < 3 else "64 cores") for day, line in enumerate(history(np.zeros(6)))
    ]
    assert len(trend(lines)) == 1
    alone = [replace(line, reference="") for line in lines]
    assert {series.machine: len(series.points) for series in trend(alone)} == {"2 cores": 3, "64 cores": 3}
    page = page_of(tmp_path / "alone", alone)
    assert "[64 cores]" in page
    assert "None of 2 comparisons changed its level" in page


def test_ratios_of_loads_and_mails_are_followed(tmp_path: Path) -> None:
    """What ran side by side; a number of one machine alone is none. Less is not faster there."""
    run = mail_run(tmp_path / "run")
    conclude(run)
    lines = lines_of(run.manifest, gate=None, effects=(), numbers=numbers_in(run))
    assert len(lines) == 2 * 2 * 3
    assert {line.operation for line in lines} == {"an order answered, ratio", "a mail delivered, ratio"}
    assert not any(line.is_time for line in lines)
    grown = [replace(LINE, measured=f"2026-01-0{day + 1}", run=str(day), is_time=False, ratio=Interval(
        estimate=value, low=value * 0.999, high=value * 1.001, blocks=4,
    )) for day, value in enumerate([1.0] * 4 + [2.0] * 4)]  # fmt: skip
    assert "became 2.00x higher" in page_of(tmp_path / "grown", grown)


def test_a_knob_that_is_held_makes_another_series(tmp_path: Path) -> None:
    """What a knob buys with indexes and without them is not one line; the page says which is which."""
    lines = [LINE, replace(LINE, held="indexes=off")]
    append_lines(tmp_path / LINES, lines)
    assert {series.held for series in trend(lines)} == {"", "indexes=off"}
    assert "indexes=off held" in write_trend(tmp_path).read_text(encoding="utf-8")


def test_a_line_of_before_is_read(tmp_path: Path) -> None:
    """A history goes on when the lab does: what nobody wrote then was not held."""
    text = msgspec.json.encode(LINE).replace(b',"held":""', b"")
    assert b"held" not in text
    (tmp_path / LINES).write_bytes(text + b"\n")
    assert read_history(tmp_path) == (LINE,)


def test_a_bound_of_nothing_ends_no_trend(tmp_path: Path) -> None:
    """Two blocks may bound a ratio by nothing at all: the page is drawn all the same."""
    lines = [
        replace(
            LINE, measured=f"2026-01-0{day}T00:00:00+00:00", ratio=Interval(estimate=0.0, low=0.0, high=1e300, blocks=2)
        )
        for day in range(1, 8)
    ]
    append_lines(tmp_path / LINES, [LINE, *lines])
    assert write_trend(tmp_path).exists()


def test_the_page_tells_what_changed(tmp_path: Path) -> None:
    """The commit, by how much, and each run with its numbers."""
    lines = history(drawn(np.random.default_rng(3), runs=20, shift=0.05, at=12))
    (tmp_path / LINES).write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    page = write_trend(tmp_path).read_text(encoding="utf-8")
    assert "1 of 1 comparisons changed their level in 20 runs" in page
    assert "commit-12" in page
    assert page.count("<tr>") == 21
