"""Yields the door `python -m lab calibrate`: what it is asked. It measures nothing itself."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Final

from rich.console import Console

from lab.asked import budget_seconds

LEDGER: Final = Path("results/calibrate/gate.jsonl")

SHORT: Final = "10m"
"""After this no new gate is tried where nothing was asked for but the ledger."""


def parser_for(kind: type[ArgumentParser]) -> ArgumentParser:
    """The words that the door understands."""
    parser = kind(
        prog="./noxw -s calibrate --", description="Check the lab against what is known, and say which bounds it keeps."
    )
    add = parser.add_argument
    add(
        "what", choices=("clock", "gate", "kills", "loading"),
        help="clock: times, rates, ceilings, workers, tapes (some 4 min); gate: mistakes and unchanged code (10 min); "
        "kills: what 50 killed and interrupted runs leave behind (15 min); loading: datasets beside pgbench (2 min)",
    )  # fmt: skip
    add("--tries", type=_number, default=50, help="kills: runs that are ended (default: 50)")
    add("--turns", type=_number, default=5, help="loading: loads by each (default: 5)")
    gate = parser.add_argument_group("gate")
    add = gate.add_argument
    add("--whole", type=_number, default=0, help="gates of all operations, on unchanged code (default: 0)")
    add("--unchanged", type=_number, default=3, help="gates of one operation, likewise (default: 3)")
    add("--mistakes", type=_number, default=15, help="planted mistakes, and two fatter payloads (default: all 15)")
    add("--slow", default="", metavar="KIND=N,...", help="planted work, as in '+3 %%=20,+2 %%=10'")
    add("--duel", action="store_true", help="ask the field's common gates too, of each pair of trees that is timed")
    add("--tolerance", type=_share, default="1%", help="of unchanged code and of small doses (default: 1%%)")
    add("--ledger", type=Path, default=LEDGER, help=f"tries are appended there (default: {LEDGER})")
    add("--dataset", default="medium", help="small, x4, x20, medium, x300 or large (default: medium)")
    add("--budget", default="38s", help="time for measuring in each try of one operation (default: 38s)")
    add(
        "--within", default="", metavar="TIME",
        help=f"take no new try after so long, as in 1h (default: {SHORT} where nothing else is asked for, else no end)",
    )  # fmt: skip
    return parser


def _number(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def _share(text: str) -> str:
    value = float(text.removesuffix("%")) / 100
    if not text.endswith("%") or not 0.001 <= value <= 0.5:
        raise ValueError
    return text


# argparse puts the name of the type into its refusal.
_number.__name__ = "whole number from 0"
_share.__name__ = "share from 0.1% to 50%"


def within(asked: Namespace) -> float:
    """After how many seconds no new gate is tried. Raises LabError for a word that is no time."""
    plain = parser_for(ArgumentParser).parse_args([asked.what])
    is_short = _without_ledger(vars(asked)) == _without_ledger(vars(plain))
    return budget_seconds(asked.within or SHORT, what="--within") if asked.within or is_short else inf


def _without_ledger(words: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in words.items() if name != "ledger"}


def calibrate(asked: Namespace, *, console: Console) -> None:
    """Measures what was asked for. Raises LabError where a bound is not kept."""
    if asked.what == "kills":
        from lab.calibrate_kills import calibrate_kills

        calibrate_kills(count=asked.tries, resumes=6, console=console)
    elif asked.what == "loading":
        from lab.calibrate_loading import calibrate_loading

        calibrate_loading(dataset=asked.dataset, turns=max(1, asked.turns), console=console)
    elif asked.what == "clock":
        from lab.calibrate import calibrate_clock

        calibrate_clock(console=console)
    else:
        from lab.calibrate_gate import calibrate_gate, wanted_gates

        calibrate_gate(
            wanted=wanted_gates(whole=asked.whole, unchanged=asked.unchanged, mistakes=asked.mistakes, slow=asked.slow),
            dataset=asked.dataset, budget=asked.budget, tolerance=asked.tolerance, seed=1, ledger=asked.ledger,
            has_rivals=asked.duel, within=within(asked), console=console,
        )  # fmt: skip
