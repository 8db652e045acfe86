"""Yields the table of `calibrate -- gate`: planted mistakes and unchanged code, each with how its gate ended.

It gates nothing itself: `lab/gate_bench.py` does.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab import catalogue, environment
from lab.asked import budget_seconds
from lab.errors import LabError
from lab.gate_bench import REFERENCE_TIMES, bench
from lab.gate_power import gate_power
from lab.gate_tries import (
    FATTER_PAYLOAD,
    MISTAKES,
    SLOW_KINDS,
    UNCHANGED,
    WHOLE,
    LedgerLine,
    Try,
    read_ledger,
)
from lab.history import append_lines
from lab.json_files import write
from lab.operations import load_operations
from lab.plants import FATTER, PLANTS
from lab.power_words import lead, markdown
from lab.progress import Advance, Progresses
from lab.render import render_power
from lab.results import CALIBRATION, check_writable
from lab.server import TREE
from lab.units import seconds

MOST_SECONDS: Final = 24 * 3600.0
"""The longest budget that a gate takes."""


def calibrate_gate(
    *, wanted: Mapping[str, int], dataset: str, budget: str, tolerance: str, seed: int, ledger: Path, has_rivals: bool,
    console: Console, within: float = inf,
) -> Path:  # fmt: skip
    """Tries all gates, prints them and returns the page. Raises LabError when one ended wrong.

    Every try is also appended to the ledger, which goes on growing, and over all of which rates are told. After
    `within` seconds no new one is tried, and it is said how many were left out.
    """
    check(dataset=dataset, budget=budget, seed=seed, ledger=ledger)
    deadline = time.monotonic() + within
    facts = dict(environment.describe(TREE))
    machine = f"{facts['cores']} cores of {facts['processor']}, {facts['memory']}, {facts['system']}"
    found: list[Try] = []
    with (
        ExitStack() as stack,
        Progresses(console).stage("gates", total=sum(wanted.values())) as advance,
    ):
        gates = bench(
            dataset=dataset, budget=budget, tolerance=tolerance, seed=seed, note=partial(_note, advance), stack=stack,
            has_rivals=has_rivals, gates=len(read_ledger(ledger)) if ledger.exists() else 0,
        )  # fmt: skip
        for one in gates.tries(wanted):
            found.append(one)
            advance(done=len(found))
            now = datetime.now(tz=UTC).isoformat(timespec="seconds")
            line = LedgerLine(
                measured=now, machine=machine, commit=gates.commit, dataset=dataset, seed=seed, tried=one
            )  # fmt: skip
            append_lines(ledger, [line])
            if time.monotonic() > deadline:
                break
    page = told(ledger)
    console.print(_table(found))
    if left := sum(wanted.values()) - len(found):
        console.print(
            f"{left} of {len(found) + left} gates were left out, since {seconds(within)} were over (to try them too: "
            "--within 2h)", highlight=False,
        )  # fmt: skip
    for sentence in lead(gate_power(read_ledger(ledger))):
        console.print(sentence, highlight=False)
    console.print(f"[bold]report:[/] {page}; ledger: {ledger}", highlight=False)
    if wrong := [one for one in found if not one.is_right]:
        names = "; ".join(f"{one.kind}, {one.where}, {one.operation}: exit {one.code}" for one in wrong)
        raise LabError(
            f"{len(wrong)} of {len(found)} gates ended wrong: {names}", hint="measure again on a quiet machine"
        )
    return page


def check(*, dataset: str, budget: str, seed: int, ledger: Path) -> None:
    """Raises LabError for what no gate could be tried with, or whose tries could not be kept: before the first."""
    load_operations(catalogue.load("toggles"), dataset=dataset, seed=seed)
    longest = budget_seconds(budget) * REFERENCE_TIMES
    if longest > MOST_SECONDS:
        raise LabError(f"--budget {budget} is too long: references take {REFERENCE_TIMES} of it", hint="give up to 6h")
    check_writable()
    CALIBRATION.parent.mkdir(exist_ok=True)
    if not ledger.parent.is_dir():
        raise LabError(f"there is no folder {ledger.parent}", hint=f"make it first: mkdir -p {ledger.parent}")
    if ledger.exists():
        read_ledger(ledger)
    with ledger.open("ab"):
        pass


def wanted_gates(*, whole: int, unchanged: int, mistakes: int, slow: str) -> dict[str, int]:
    """How many gates of each kind; `slow` is KIND=N, with commas. Raises LabError for a kind that there is not."""
    found = {
        WHOLE: whole, UNCHANGED: unchanged, MISTAKES: min(mistakes, len(PLANTS)),
        FATTER_PAYLOAD: len(FATTER) if mistakes else 0,
    }  # fmt: skip
    for part in filter(None, slow.split(",")):
        kind, _, number = (piece.strip() for piece in part.rpartition("="))
        if kind not in SLOW_KINDS or not number.isdecimal():
            raise LabError(f"--slow {part[:60]!r} is none", hint=f"KIND=N, with KIND one of {', '.join(SLOW_KINDS)}")
        found[kind] = int(number)
    return found


def told(ledger: Path) -> Path:
    """Writes what a ledger says beside the calibration, as JSON, Markdown and a page; the page's path."""
    lines = read_ledger(ledger)
    if not lines:
        raise LabError(f"{ledger} is empty", hint="calibrate first: ./noxw -s calibrate -- gate")
    folder = CALIBRATION.parent
    folder.mkdir(parents=True, exist_ok=True)
    found = gate_power(lines)
    write(found, folder / "gate.json")
    (folder / "gate.md").write_text(markdown(found), encoding="utf-8")
    page = folder / "gate.html"
    render_power(folder / "gate.json", page=page)
    return page


def _note(advance: Advance, text: str) -> None:
    advance(note=text)


def _rows(found: Sequence[Try]) -> list[tuple[str, ...]]:
    return [
        (
            one.kind, one.where, one.operation, str(one.code), one.layer, seconds(one.seconds),
            "yes" if one.is_right else "no", one.said,
        )
        for one in found
    ]  # fmt: skip


HEADER = ("planted", "where", "operation", "exit", "decided by", "took", "right", "said")


def _table(found: Sequence[Try]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in HEADER[:-1]:
        table.add_column(name)
    for row in _rows(found):
        table.add_row(*map(escape, row[:-1]))
    return table
