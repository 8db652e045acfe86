"""Yields the door `python -m lab calibrate`: what it is asked. It measures nothing itself."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from rich.console import Console

LEDGER: Final = Path("results/calibrate/gate.jsonl")


def parser_for(kind: type[ArgumentParser]) -> ArgumentParser:
    """The words that the door understands."""
    parser = kind(
        prog="./noxw -s calibrate --", description="Check the lab against what is known, and say which bounds it keeps."
    )
    add = parser.add_argument
    add(
        "what", choices=("clock", "gate", "kills"),
        help="clock: times, rates, ceilings, workers, tapes (some 4 min); gate: mistakes and unchanged code (10 min); "
        "kills: what 50 killed and interrupted runs leave behind (15 min)",
    )  # fmt: skip
    add("--tries", type=int, default=50, help="kills: runs that are ended (default: 50)")
    gate = parser.add_argument_group("gate")
    add = gate.add_argument
    add("--whole", type=int, default=0, help="gates of all operations, on unchanged code (default: 0)")
    add("--unchanged", type=int, default=3, help="gates of one operation, likewise (default: 3)")
    add("--mistakes", type=int, default=15, help="planted mistakes (default: all 15)")
    add("--slow", default="", metavar="KIND=N,...", help="planted work, as in '+3 %%=20,+2 %%=10'")
    add("--duel", action="store_true", help="ask the field's common gates too, of each pair of trees that is timed")
    add("--tolerance", default="1%", help="of unchanged code and of small doses (default: 1%%)")
    add("--ledger", type=Path, default=LEDGER, help=f"tries are appended there (default: {LEDGER})")
    add("--dataset", default="medium", help="small, medium or large (default: medium)")
    add("--budget", default="50s", help="time for measuring in each try of one operation (default: 50s)")
    return parser


def calibrate(asked: Namespace, *, console: Console) -> None:
    """Measures what was asked for. Raises LabError where a bound is not kept."""
    if asked.what == "kills":
        from lab.calibrate_kills import calibrate_kills

        calibrate_kills(count=asked.tries, resumes=6, console=console)
    elif asked.what == "clock":
        from lab.calibrate import calibrate_clock

        calibrate_clock(console=console)
    else:
        from lab.calibrate_gate import calibrate_gate, wanted_gates

        calibrate_gate(
            wanted=wanted_gates(whole=asked.whole, unchanged=asked.unchanged, mistakes=asked.mistakes, slow=asked.slow),
            dataset=asked.dataset, budget=asked.budget, tolerance=asked.tolerance, seed=1, ledger=asked.ledger,
            has_rivals=asked.duel, console=console,
        )  # fmt: skip
