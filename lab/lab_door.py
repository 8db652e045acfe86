"""Yields the door `python -m lab [EXPERIMENT]`: what it is asked, and the answer on the console. It times nothing."""

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from textwrap import fill, indent
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape

from lab import catalogue
from lab.asked import budget_seconds, grown_to, held, loaded, narrowed, seed_number
from lab.errors import LabError
from lab.findings import Findings
from lab.results import RunFolder, find_run
from lab.units import seconds

if TYPE_CHECKING:
    from lab.run import Order

VOID_CELLS: Final = 0.30
"""Share of void cells above which the run counts as not measured."""


def parser_for(kind: type[ArgumentParser]) -> ArgumentParser:
    """The words that the door understands."""
    questions = "\n".join(
        f"  {name}\n{indent(fill(catalogue.load(name).question, 74), '      ')}" for name in catalogue.names()
    )
    parser = kind(
        prog="./noxw -s lab --",
        description=f"Measure an experiment and report what it answers.\n\nexperiments:\n{questions}",
        formatter_class=RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("experiment", nargs="?", default="toggles", help="a name, or a file (default: toggles)")
    parser.add_argument("--dataset", default="", help="small, x4, x20, medium, x300, large (default: medium or all)")
    parser.add_argument(
        "--budget", default="", help="time for measuring, as in 90s or 3m (default: the experiment's own)"
    )
    parser.add_argument("--faces", default="", help="rest or graphql (default: both)")
    parser.add_argument("--operations", default="", help="only these, with commas, as in product_list,product_detail")
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=LEVEL", help="hold a knob, as in cache=off")
    parser.add_argument(
        "--seed", type=seed_number, default=1, help="draws the dataset, the keys and every order (default: 1)"
    )
    parser.add_argument(
        "--load", action="store_true", help="ask under load: a pilot finds each arm's capacity, then arrivals come"
    )
    parser.add_argument(
        "--load-workers", type=int, default=0, metavar="N", help="share every load among N local generators"
    )
    parser.add_argument("--history", type=Path, metavar="DIR", help="add what is found to a history, draw its trend")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that ended early; give nothing else")
    return parser


def lab(asked: Namespace, *, plain: Namespace, console: Console) -> None:
    """Measures what was asked for; `plain` is what nothing asked for would be. Raises LabError."""
    order = _resumed(asked, plain=plain) if asked.resume else _ordered(asked)

    from lab.history_door import opened_history, remember
    from lab.own_run import measure_own
    from lab.run import measure

    history = opened_history(asked.history)
    made: list[RunFolder] = []
    try:
        run = measure_own if order.experiment.own else measure
        folder = run(order, console=console, on_folder=made.append)
    except (LabError, KeyboardInterrupt):
        _keep(made, console=console)
        raise
    _print_answer(folder.findings, folder=folder, console=console)
    remember(folder, history=history, console=console)
    cells = folder.load.cells if folder.load else folder.findings.cells
    void = sum(cell.state == "void" for cell in cells)
    if void > VOID_CELLS * len(cells):
        raise LabError(f"{void} of {len(cells)} cells are void", hint="the report gives each one's reason")


def _ordered(asked: Namespace) -> "Order":
    from lab.run import Order

    chosen = held(narrowed(catalogue.load(asked.experiment), faces=asked.faces, operations=asked.operations), asked.set)
    chosen = loaded(chosen, wanted=asked.load, workers=asked.load_workers, operations=asked.operations)
    dataset, budget = asked.dataset or chosen.dataset, budget_seconds(asked.budget) if asked.budget else None
    chosen = grown_to(chosen, dataset=dataset)
    return Order(experiment=chosen, dataset=dataset, budget=budget, seed=asked.seed, command=_command())


def _resumed(asked: Namespace, *, plain: Namespace) -> "Order":
    from lab.run import Order

    if vars(asked) | {"resume": None, "history": None} != vars(plain):
        raise LabError("--resume takes all else from the run", hint="give the run alone")
    folder = find_run(asked.resume)
    manifest = folder.manifest
    if manifest.experiment.own:
        raise LabError("a run on a target of your own is not gone on with", hint="start again: ./noxw -s lab -- FILE")
    if folder.is_whole:
        raise LabError(f"{asked.resume} came to its end", hint=f"to draw it again: ./noxw -s report -- {asked.resume}")
    return Order(
        experiment=manifest.experiment, dataset=dict(manifest.dataset)["size"], budget=manifest.budget,
        seed=manifest.seed, command=manifest.command, resume=folder,
    )  # fmt: skip


def _command() -> str:
    return " ".join(["./noxw -s lab --", *sys.argv[1:]]) if sys.argv[1:] else "./noxw -s lab"


def _print_answer(findings: Findings, *, folder: RunFolder, console: Console) -> None:
    console.print()
    console.print(f"[bold]{escape(findings.question)}[/]", highlight=False)
    for line in findings.answer:
        console.print(escape(line), highlight=False)
    for note in findings.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", highlight=False)
    parts = [
        f"{stage.name} {seconds(stage.seconds)}" + (f" of {seconds(stage.budget)}" if stage.budget else "")
        for stage in folder.stages
    ]
    console.print(f"stages: {', '.join(parts)}", highlight=False)
    console.print(f"[bold]report:[/] {shown(folder.path / 'report.html')}", highlight=False)


def _keep(made: list[RunFolder], *, console: Console) -> None:
    """Says what is left of a run that ended early."""
    if made and any(made[0].path.rglob("*.samples")):
        run = shown(made[0].path)
        console.print(f"what was measured is kept; to see it: ./noxw -s report -- {run}", highlight=False)
        if made[0].manifest.experiment.own is None:
            console.print(f"to go on with it: ./noxw -s lab -- --resume {run}", highlight=False)


def shown(path: object) -> str:
    """A path as seen from where the command was typed."""
    return os.path.relpath(str(path))
