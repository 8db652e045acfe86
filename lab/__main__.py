"""The lab's door: `python -m lab [EXPERIMENT]` measures, `seed`, `report RUN` and `samples RUN` are beside it.

It reads the command line, prints, and ends with 0, or with 2 when it could not measure.
"""

import csv
import os
import re
import signal
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from dataclasses import replace
from textwrap import fill, indent
from types import FrameType
from typing import Final, NoReturn

from rich.console import Console
from rich.markup import escape

from lab import catalogue
from lab.derive import derive
from lab.dotenv import with_dotenv
from lab.errors import LabError
from lab.experiment import Experiment
from lab.findings import Findings
from lab.progress import Progresses
from lab.recorder import SAMPLE, read_samples
from lab.render import render
from lab.results import RunFolder, find_run
from lab.run import Order, measure, seed_dataset
from lab.server import TREE
from lab.units import seconds

CONSOLE: Final = Console(stderr=False, soft_wrap=True)
UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
VOID_CELLS: Final = 0.30
"""Share of void cells above which the run counts as not measured."""


class _Parser(ArgumentParser):
    """Words that are not understood are an error like any other: one line, a hint, exit 2."""

    def error(self, message: str) -> NoReturn:
        """Raises LabError in place of printing the usage."""
        raise LabError(message, hint=f"{self.prog} --help shows what there is")


def lab(words: list[str]) -> None:
    """Measure an experiment and report what it answers."""
    questions = "\n".join(
        f"  {name}\n{indent(fill(catalogue.load(name).question, 74), '      ')}" for name in catalogue.names()
    )
    parser = _Parser(
        prog="./noxw -s lab --", description=f"{lab.__doc__}\n\nexperiments:\n{questions}",
        formatter_class=RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("experiment", nargs="?", default="toggles", help="the question, by name (default: toggles)")
    parser.add_argument("--dataset", default="medium", help="small, medium or large (default: medium)")
    parser.add_argument(
        "--budget", default="", help="time for measuring, as in 90s or 3m (default: the experiment's own)"
    )
    parser.add_argument("--faces", default="", help="rest or graphql (default: both)")
    parser.add_argument("--operations", default="", help="only these, with commas, as in product_list,product_detail")
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=LEVEL", help="hold a knob, as in cache=off")
    parser.add_argument("--seed", type=int, default=1, help="draws the dataset, the keys and every order (default: 1)")
    _measure(parser.parse_args(words))


def _measure(asked: Namespace) -> None:
    chosen = _narrowed(catalogue.load(asked.experiment), faces=asked.faces, operations=asked.operations)
    chosen = _held(chosen, asked.set)
    order = Order(
        experiment=chosen, dataset=asked.dataset, budget=_seconds(asked.budget) if asked.budget else chosen.budget,
        seed=asked.seed,
        command=" ".join(["./noxw -s lab --", *sys.argv[1:]]) if sys.argv[1:] else "./noxw -s lab",
    )  # fmt: skip
    made: list[RunFolder] = []
    try:
        folder = measure(order, console=CONSOLE, on_folder=made.append)
    except (LabError, KeyboardInterrupt):
        _keep(made)
        raise
    findings = folder.findings
    _print_answer(findings, folder=folder)
    void = sum(cell.state == "void" for cell in findings.cells)
    if void > VOID_CELLS * len(findings.cells):
        raise LabError(f"{void} of {len(findings.cells)} cells are void", hint="the report gives each one's reason")


def report(words: list[str]) -> None:
    """Derive a run's findings again and draw its report."""
    folder = _run_named(words, door="report", about=report.__doc__)
    folder.save("findings", derive(folder))
    CONSOLE.print(f"report: {_shown(render(folder))}", highlight=False)


def samples(words: list[str]) -> None:
    """Write a run's raw samples as CSV to standard output."""
    folder = _run_named(words, door="samples", about=samples.__doc__)
    writer = csv.writer(sys.stdout)
    writer.writerow(["block", *(SAMPLE.names or ())])
    for path in sorted(folder.samples.glob("*.samples")):
        rows, damage = read_samples(path)
        if damage:
            print(f"note: {damage}", file=sys.stderr)
        block = int(path.stem.split("-")[1])
        writer.writerows([block, *row.tolist()] for row in rows)


def seed(words: list[str]) -> None:
    """Make a dataset's databases, and nothing else."""
    parser = _Parser(prog="./noxw -s seed --", description=seed.__doc__)
    parser.add_argument("--dataset", default="medium", help="small, medium or large (default: medium)")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws other rows (default: 1)")
    asked = parser.parse_args(words)
    made = seed_dataset(size=asked.dataset, seed=asked.seed, progress=Progresses(CONSOLE))
    CONSOLE.print(", ".join(f"{name} {value}" for name, value in made.facts), highlight=False)


def _run_named(words: list[str], *, door: str, about: str | None) -> RunFolder:
    parser = _Parser(prog=f"python -m lab {door}", description=about)
    parser.add_argument("run", help="a run's folder, or an experiment's name for its newest run")
    return find_run(parser.parse_args(words).run)


DOORS: Final = {"report": report, "samples": samples, "seed": seed}


def _narrowed(experiment: Experiment, *, faces: str, operations: str) -> Experiment:
    """The experiment with only the faces and the operations that are named."""
    if faces:
        experiment = replace(experiment, faces=_picked("face", faces, among=experiment.faces))
    if operations:
        known = {dotted.partition(":")[2].lower(): dotted for dotted in experiment.operations}
        picked = _picked("operation", operations, among=tuple(known))
        experiment = replace(experiment, operations=tuple(known[name] for name in picked))
    return experiment


def _picked(what: str, names: str, *, among: tuple[str, ...]) -> tuple[str, ...]:
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in among:
            raise LabError(f"there is no {what} {name!r}", hint=f"choose from {', '.join(among)}")
    return tuple(name for name in among if name in wanted)


def _held(experiment: Experiment, settings: list[str]) -> Experiment:
    """The experiment with some knobs held at a level, and so no longer varied."""
    for setting in settings:
        name, _, level = (part.strip() for part in setting.partition("="))
        knob = next((knob for knob in experiment.knobs if knob.name == name), None)
        if knob is None:
            varied = ", ".join(knob.name for knob in experiment.knobs) or "none"
            raise LabError(f"{experiment.name} has no knob {name!r}", hint=f"its knobs are: {varied}")
        if level not in knob.levels:
            raise LabError(f"knob {name} has no level {level!r}", hint=f"choose one of {', '.join(knob.levels)}")
        rest = tuple(other for other in experiment.knobs if other is not knob)
        if not rest:
            raise LabError("every knob is held: nothing is compared", hint="leave one --set out")
        experiment = replace(experiment, knobs=rest, variant=(*experiment.variant, (name, level)))
    return experiment


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    value = float(match[1]) * UNITS[match[2]] if match else 0.0
    least = 10.0
    if value < least:
        raise LabError(f"{text!r} is no time budget", hint=f"give at least {least:g} s, as in 30s, 3m or 1h")
    return value


def _print_answer(findings: Findings, *, folder: RunFolder) -> None:
    CONSOLE.print()
    CONSOLE.print(f"[bold]{escape(findings.question)}[/]", highlight=False)
    for line in findings.answer:
        CONSOLE.print(escape(line), highlight=False)
    for note in findings.notes:
        CONSOLE.print(f"[yellow]note:[/] {escape(note)}", highlight=False)
    parts = [
        f"{stage.name} {seconds(stage.seconds)}" + (f" of {seconds(stage.budget)}" if stage.budget else "")
        for stage in folder.stages
    ]
    CONSOLE.print(f"stages: {', '.join(parts)}", highlight=False)
    CONSOLE.print(f"[bold]report:[/] {_shown(folder.path / 'report.html')}", highlight=False)


def _keep(made: list[RunFolder]) -> None:
    """Says what is left of a run that ended early."""
    if made and any(made[0].samples.iterdir()):
        CONSOLE.print(
            f"what was measured is kept; to see it: ./noxw -s report -- {_shown(made[0].path)}", highlight=False
        )


def _shown(path: object) -> str:
    return os.path.relpath(str(path))


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Runs the door that the first word names and returns the exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    words = sys.argv[1:]
    door = DOORS.get(words[0]) if words else None
    try:
        os.environ.update(with_dotenv(TREE / ".env", os.environ))
        if door:
            door(words[1:])
        else:
            lab(words)
    except LabError as error:
        return _refuse(error.what, hint=error.hint)
    except OSError as error:
        what = ": ".join(filter(None, (error.strerror or str(error), str(error.filename or ""))))
        return _refuse(what, hint="free the disk or mend its permissions, then start again")
    except KeyboardInterrupt:
        print("interrupted; everything that was started has ended", file=sys.stderr)
        return 130
    return 0


def _refuse(what: str, *, hint: str) -> int:
    Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {escape(what)} ({escape(hint)})", highlight=False)
    return 2


if __name__ == "__main__":
    sys.exit(main())
