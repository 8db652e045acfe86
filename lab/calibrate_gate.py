"""Yields the table of `calibrate -- gate`: planted mistakes and unchanged code, each with how its gate ended.

It gates nothing itself: `lab/gate_bench.py` does.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab import environment
from lab.errors import LabError
from lab.gate_bench import FATTER_PAYLOAD, MISTAKES, SLOW_KINDS, UNCHANGED, WHOLE, Try, alarms_bound, bench
from lab.plants import FATTER, PLANTS
from lab.progress import Advance, Progresses
from lab.results import CALIBRATION, check_writable
from lab.server import TREE
from lab.units import seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One gate of the ledger: when, where, of which commit, on which data, and how it ended."""

    measured: str
    machine: str
    commit: str
    dataset: str
    seed: int
    tried: Try


def calibrate_gate(
    *, wanted: Mapping[str, int], dataset: str, budget: str, tolerance: str, seed: int, ledger: Path, has_rivals: bool,
    console: Console,
) -> Path:  # fmt: skip
    """Tries all gates, prints them and returns the Markdown table. Raises LabError when one ended wrong.

    Every try is also appended to the ledger, which goes on growing, and over all of which rates are told.
    """
    check_writable()
    folder = CALIBRATION.parent
    folder.mkdir(exist_ok=True)
    if not ledger.parent.is_dir():
        raise LabError(f"there is no folder {ledger.parent}", hint=f"make it first: mkdir -p {ledger.parent}")
    measured = datetime.now(tz=UTC).isoformat(timespec="seconds")
    facts = dict(environment.describe(TREE))
    machine = f"{facts['cores']} cores of {facts['processor']}, {facts['memory']}, {facts['system']}"
    found: list[Try] = []
    with (
        ExitStack() as stack,
        Progresses(console).stage("gates", total=sum(wanted.values())) as advance,
        ledger.open("a", encoding="utf-8") as file,
    ):
        gates = bench(
            dataset=dataset, budget=budget, tolerance=tolerance, seed=seed, note=partial(_note, advance), stack=stack,
            has_rivals=has_rivals,
        )  # fmt: skip
        for one in gates.tries(wanted):
            found.append(one)
            advance(done=len(found))
            line = LedgerLine(
                measured=measured, machine=machine, commit=facts["commit"], dataset=dataset, seed=seed, tried=one
            )  # fmt: skip
            file.write(f"{msgspec.json.encode(line).decode()}\n")
            file.flush()
    page = folder / "gate.md"
    head = f"Measured {measured}, commit {facts['commit']}, on {machine}, dataset {dataset}, {budget} for time."
    page.write_text(f"{head}\n\n{_markdown(found)}\n{summary(read_ledger(ledger))}\n", encoding="utf-8")
    console.print(_table(found))
    console.print(summary(found), highlight=False)
    console.print(f"table: {page}; ledger: {ledger}", highlight=False)
    if wrong := [one for one in found if not one.is_right]:
        names = "; ".join(f"{one.kind}, {one.where}, {one.operation}: exit {one.code}" for one in wrong)
        raise LabError(
            f"{len(wrong)} of {len(found)} gates ended wrong: {names}", hint="measure again on a quiet machine"
        )
    return page


def wanted_gates(*, whole: int, unchanged: int, mistakes: int, slow: str) -> dict[str, int]:
    """How many gates of each kind; `slow` is KIND=N, with commas. Raises LabError for a kind that there is not."""
    found = {
        WHOLE: whole, UNCHANGED: unchanged, MISTAKES: min(mistakes, len(PLANTS)),
        FATTER_PAYLOAD: len(FATTER) if mistakes else 0,
    }  # fmt: skip
    for part in filter(None, slow.split(",")):
        kind, _, number = (piece.strip() for piece in part.rpartition("="))
        if kind not in SLOW_KINDS or not number.isdigit():
            raise LabError(f"--slow {part[:60]!r} is none", hint=f"KIND=N, with KIND one of {', '.join(SLOW_KINDS)}")
        found[kind] = int(number)
    return found


def read_ledger(path: Path) -> tuple[Try, ...]:
    """Every gate that was ever tried so, in its order. Raises LabError for a line that is none."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=LedgerLine).tried)
        except msgspec.MsgspecError as error:
            raise LabError(f"{path.name} line {number}: {error}", hint="mend or remove that line") from None
    return tuple(found)


def summary(found: Sequence[Try]) -> str:
    """By kind: how many gates ended right; of unchanged code the alarms, with the bound of their rate."""
    lines = []
    for kind in dict.fromkeys(one.kind for one in found):
        ours = [one for one in found if one.kind == kind]
        right, longest = sum(one.is_right for one in ours), max(one.seconds for one in ours)
        said = f"{kind}: {right} of {len(ours)} right, the longest took {seconds(longest)}"
        ratios = [effect[1] for one in ours for effect in one.effects]
        lines.append(said + (f"; ratios {min(ratios):.3f} to {max(ratios):.3f}" if ratios else ""))
    if same := [one for one in found if one.is_unchanged]:
        alarms, passed = (sum(one.code == code for one in same) for code in (1, 0))
        bound = alarms_bound(alarms, len(same))
        lines.append(
            f"unchanged code: {alarms} alarms in {len(same)} gates (at most {bound:.1%} at 95 %, Clopper-Pearson), "
            f"{passed} passed, {len(same) - passed - alarms} unclear"
        )
    return "\n".join(lines)


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
