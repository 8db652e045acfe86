"""Yields the table of `calibrate -- gate`: planted mistakes and unchanged code, each with how its gate ended.

It gates nothing itself: `lab/gate_bench.py` does.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab import environment
from lab.errors import LabError
from lab.gate_bench import UNCHANGED, Try, alarms_bound, ledger_line, tries
from lab.plants import PLANTS
from lab.progress import Advance, Progresses
from lab.results import CALIBRATION, check_writable
from lab.server import TREE
from lab.units import seconds


def calibrate_gate(*, unchanged: int, plants: int, dataset: str, budget: str, console: Console) -> Path:
    """Tries all gates, prints them and returns the Markdown table. Raises LabError when one ended wrong.

    Every try is also appended to the ledger beside the table, which goes on growing.
    """
    check_writable()
    folder = CALIBRATION.parent
    folder.mkdir(exist_ok=True)
    measured = datetime.now(tz=UTC).isoformat(timespec="seconds")
    facts = dict(environment.describe(TREE))
    machine = f"{facts['cores']} cores of {facts['processor']}, {facts['memory']}, {facts['system']}"
    found: list[Try] = []
    total = 3 * unchanged + min(plants, len(PLANTS))
    with Progresses(console).stage("gates", total=total) as advance, (folder / "gate.jsonl").open("a") as ledger:
        note = partial(_note, advance)
        for one in tries(unchanged=unchanged, plants=plants, dataset=dataset, budget=budget, note=note):
            found.append(one)
            advance(done=len(found))
            line = ledger_line(one, measured=measured, machine=machine, commit=facts["commit"])
            ledger.write(f"{line}\n")
            ledger.flush()
    page = folder / "gate.md"
    head = f"Measured {measured}, commit {facts['commit']}, on {machine}, dataset {dataset}, {budget} for time."
    page.write_text(f"{head}\n\n{_markdown(found)}\n{summary(found)}\n", encoding="utf-8")
    console.print(_table(found))
    console.print(summary(found), highlight=False)
    console.print(f"table: {page}", highlight=False)
    if wrong := [one for one in found if not one.is_right]:
        names = "; ".join(f"{one.kind}, {one.where}, {one.operation}: exit {one.code}" for one in wrong)
        raise LabError(
            f"{len(wrong)} of {len(found)} gates ended wrong: {names}", hint="measure again on a quiet machine"
        )
    return page


def summary(found: Sequence[Try]) -> str:
    """How many mistakes were called one, and how many alarms unchanged code raised, with their bound."""
    same = [one for one in found if one.kind == UNCHANGED]
    planted = [one for one in found if one.kind != UNCHANGED]
    alarms = sum(one.code == 1 for one in same)
    caught = sum(one.is_right for one in planted)
    said = f"{caught} of {len(planted)} planted mistakes were called a regression."
    if same:
        bound = alarms_bound(alarms, len(same))
        passed = sum(one.is_right for one in same)
        said += (
            f" Unchanged code: {alarms} alarms in {len(same)} gates (at most {bound:.1%} at 95 %, Clopper-Pearson), "
            f"{passed} passed, {len(same) - passed - alarms} unclear."
        )
    return said


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


def _markdown(found: Sequence[Try]) -> str:
    rows = [HEADER, ("---",) * len(HEADER), *_rows(found)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows) + "\n"
