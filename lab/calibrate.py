"""Yields a table of how honest the load instrument is: each property with its bound, what was seen, and does it hold.

It measures nothing itself: `lab/clock*.py` do. Nothing else may run beside it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab import clock, clock_limits, clock_shares, environment
from lab.clock_bench import Bench, NotHereError
from lab.errors import LabError
from lab.findings import STEAL_LIMIT
from lab.json_files import write
from lab.load_findings import Calibration, Check
from lab.processes import Supervisor
from lab.progress import Advance, Progresses
from lab.results import CALIBRATION, check_writable
from lab.server import TREE

# The percentiles come last: they are checked on the samples of all that ran before.
MEASURES: Final[tuple[tuple[str, Callable[[Bench], Iterator[Check]]], ...]] = (
    ("a server that freezes", clock.frozen_in_turns),
    ("a server that is stopped", clock.stopped_once),
    ("schedules", clock.kept_schedules),
    ("the generator's ceiling", clock_limits.own_ceiling),
    ("the target, above and below the ceiling", clock_limits.speed),
    ("workers", clock_shares.workers_merged),
    ("a killed worker", clock_shares.worker_killed),
    ("ten million samples", clock_shares.long_tape),
    ("percentiles", clock.exact_percentiles),
)
TRIES: Final = 3

WORDS: Final = {True: "yes", False: "no", None: "not available"}


def calibrate_clock(*, console: Console) -> Path:
    """Measures all rows, prints them and returns the Markdown table. Raises LabError when one does not hold."""
    check_writable()
    CALIBRATION.parent.mkdir(exist_ok=True)
    found = _measured(CALIBRATION.parent, console=console)
    write(found, CALIBRATION)
    page = CALIBRATION.with_suffix(".md")
    page.write_text(_markdown(found), encoding="utf-8")
    console.print(_table(found))
    console.print(f"table: {page}", highlight=False)
    if broken := [check.what for check in found.checks if check.holds is False]:
        raise LabError(
            f"{len(broken)} of {len(found.checks)} rows do not hold: {'; '.join(broken)}",
            hint="measure again on a quiet machine; if it stays so, do not trust what the row speaks of",
        )
    return page


def _measured(folder: Path, *, console: Console) -> Calibration:
    progress = Progresses(console)
    checks: list[Check] = []
    began = datetime.now(tz=UTC).isoformat(timespec="seconds")
    machine = environment.describe(TREE)
    with (
        TemporaryDirectory(prefix="clock-", dir=folder) as work,
        Supervisor() as servers,
        Supervisor() as generators,
    ):
        bench = Bench(servers=servers, generators=generators, folder=Path(work).resolve())
        for name, measure in MEASURES:
            with progress.stage(name) as advance:
                bench.note = partial(_note, advance)
                try:
                    checks.extend(_undisturbed(measure, bench=bench))
                except NotHereError as missing:
                    checks.append(Check(what=name, bound="-", seen=f"not available: {missing.what}", holds=None))
        steal = [report.steal for report in bench.reports if report.steal is not None]
    return Calibration(
        measured=began, environment=machine, steal=max(steal, default=None), checks=tuple(checks)
    )  # fmt: skip


def _undisturbed(measure: Callable[[Bench], Iterator[Check]], *, bench: Bench) -> list[Check]:
    """The rows of a measure while which the host took no more than its limit, of three tries; else they are void.

    Whether they would have held has no part in it.
    """
    for _ in range(TRIES):
        before = len(bench.reports)
        found = list(measure(bench))
        steal = max((report.steal or 0.0 for report in bench.reports[before:]), default=0.0)
        if steal <= STEAL_LIMIT:
            return found
    void = f"void, the host took {steal:.0%} of the CPU in one of its loads, and so in {TRIES} tries"
    return [replace(check, seen=f"{check.seen}; {void}", holds=None) for check in found]


def _note(advance: Advance, text: str) -> None:
    advance(note=text)


def _table(found: Calibration) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0))
    for name in ("what", "bound", "seen", "holds"):
        table.add_column(name)
    for check in found.checks:
        colour = {True: "green", False: "bold red", None: "yellow"}[check.holds]
        words = (escape(check.what), escape(check.bound), escape(check.seen), f"[{colour}]{WORDS[check.holds]}[/]")
        table.add_row(*words)
    return table


def _markdown(found: Calibration) -> str:
    facts = dict(found.environment)
    steal = "not counted" if found.steal is None else f"at most {found.steal:.1%} in one load"
    machine = (
        f"{facts['cores']} cores of {facts['processor']}, {facts['memory']}, {facts['system']}, Python "
        f"{facts['Python']}, Locust {facts['locust']}"
    )
    rows = [(check.what, check.bound, check.seen, WORDS[check.holds]) for check in found.checks]
    return "\n".join(
        [
            f"Measured {found.measured}, commit {facts['commit']}, on {machine}; CPU taken by the host: {steal}.",
            "",
            "| what | bound | seen | holds |",
            "| --- | --- | --- | --- |",
            *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows),
            "",
        ]
    )
