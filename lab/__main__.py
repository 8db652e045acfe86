"""The lab's doors: `python -m lab [EXPERIMENT]` measures, `load URL` puts load on any service; the others stand below.

It reads the command line, prints, and ends with 0, or with 2 when it could not measure. What a door needs is imported
in it, so that a word that is not understood is refused at once.
"""

import os
import shlex
import signal
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from textwrap import fill, indent
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from rich.console import Console
from rich.markup import escape

from lab import catalogue
from lab.asked import budget_seconds, grown_to, held, loaded, narrowed, seed_number
from lab.dotenv import with_dotenv
from lab.errors import LabError
from lab.findings import Findings
from lab.results import RunFolder, find_run
from lab.server import TREE
from lab.unexpected import unexpected
from lab.units import seconds

if TYPE_CHECKING:
    from lab.run import Order

CONSOLE: Final = Console(stderr=False, soft_wrap=True)
VOID_CELLS: Final = 0.30
"""Share of void cells above which the run counts as not measured."""


class _Parser(ArgumentParser):
    """Words that are not understood, or cut short, are an error like any other: one line, a hint, exit 2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "allow_abbrev": False})

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
    _measure(parser.parse_args(words), plain=parser.parse_args([]))


def _measure(asked: Namespace, *, plain: Namespace) -> None:
    """Measures what was asked for; `plain` is what nothing asked for would be."""
    order = _resumed(asked, plain=plain) if asked.resume else _ordered(asked)

    from lab.history_door import opened_history, remember
    from lab.own_run import measure_own
    from lab.run import measure

    history = opened_history(asked.history)

    made: list[RunFolder] = []
    try:
        run = measure_own if order.experiment.own else measure
        folder = run(order, console=CONSOLE, on_folder=made.append)
    except (LabError, KeyboardInterrupt):
        _keep(made)
        raise
    _print_answer(folder.findings, folder=folder)
    remember(folder, history=history, console=CONSOLE)
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


def report(words: list[str]) -> None:
    """Derive a run's findings again and draw its report, compare two runs, or make a site of all."""
    from lab import report_door

    report_door.report(report_door.parser_for(_Parser).parse_args(words), console=CONSOLE)


def samples(words: list[str]) -> None:
    """Write the raw samples of a run, or of a load on a URL, as CSV to standard output."""
    from lab.samples_door import write_samples

    parser = _Parser(prog="python -m lab samples", description=samples.__doc__)
    parser.add_argument("run", help="a run's folder, or an experiment's name for its newest run")
    write_samples(parser.parse_args(words).run)


def init(words: list[str]) -> None:
    """Write an experiment for a Django project of yours, or for any HTTP service, to begin with."""
    from lab.init_door import write_experiment

    parser = _Parser(prog="./noxw -s init --", description=init.__doc__)
    parser.add_argument("folder", type=Path, help="your project's folder, as in ../mysite")
    write_experiment(parser.parse_args(words).folder, console=CONSOLE)


def seed(words: list[str]) -> None:
    """Make a dataset's databases, and nothing else."""
    from lab.bench import seed_dataset
    from lab.progress import Progresses

    parser = _Parser(prog="./noxw -s seed --", description=seed.__doc__)
    parser.add_argument("--dataset", default="medium", help="small, x4, x20, medium, x300 or large (default: medium)")
    parser.add_argument("--seed", type=seed_number, default=1, help="another seed draws other rows (default: 1)")
    asked = parser.parse_args(words)
    made = seed_dataset(size=asked.dataset, seed=asked.seed, progress=Progresses(CONSOLE))
    CONSOLE.print(", ".join(f"{name} {value}" for name, value in made.facts), highlight=False)


def load(words: list[str]) -> None:
    """Put load on a URL and say what its users would have waited."""
    from lab import load_door

    load_door.load(load_door.parser_for(_Parser).parse_args(words), console=CONSOLE)


def gate(words: list[str]) -> None:
    """Compare two commits: answers, counts, then service time."""
    from lab import gate_door

    asked = gate_door.parser_for(_Parser).parse_args(words)
    told = shlex.join(word for word in words if word not in {"--inside", asked.inside})
    command = f"./noxw -s gate -- {told}"
    code = gate_door.gate(asked, console=CONSOLE, command=command)
    if code:
        raise SystemExit(code)


def trend(words: list[str]) -> None:
    """Find in a history where a ratio changed its level, and draw it."""
    from lab.trend import write_trend

    parser = _Parser(prog="./noxw -s trend --", description=trend.__doc__)
    parser.add_argument("history", type=Path, metavar="DIR", help="the folder that --history named")
    CONSOLE.print(f"trend: {_shown(write_trend(parser.parse_args(words).history))}", highlight=False)


def calibrate(words: list[str]) -> None:
    """Check the lab against what is known: its load instrument, its ends, its gate; say which bounds it keeps."""
    from lab import calibrate_door

    calibrate_door.calibrate(calibrate_door.parser_for(_Parser).parse_args(words), console=CONSOLE)


def worker(words: list[str]) -> None:
    """Send a share of the load of a master on another host, which prints the token to give in LAB_WORKER_TOKEN."""
    from lab.worker_door import become

    parser = _Parser(prog="python -m lab worker", description=worker.__doc__)
    parser.add_argument("--master", required=True, metavar="ADDRESS", help="where it listens, as in 10.0.0.5:5557")
    become(parser.parse_args(words).master)


DOORS: Final = {
    "calibrate": calibrate,
    "gate": gate,
    "init": init,
    "load": load,
    "report": report,
    "samples": samples,
    "seed": seed,
    "trend": trend,
    "worker": worker,
}


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
    if made and any(made[0].path.rglob("*.samples")):
        run = _shown(made[0].path)
        CONSOLE.print(f"what was measured is kept; to see it: ./noxw -s report -- {run}", highlight=False)
        if made[0].manifest.experiment.own is None:
            CONSOLE.print(f"to go on with it: ./noxw -s lab -- --resume {run}", highlight=False)


def _shown(path: object) -> str:
    return os.path.relpath(str(path))


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Runs the door that the first word names and returns the exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    # A shell starts its background jobs with SIGINT ignored; a run must end by it all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    words = sys.argv[1:]
    door = DOORS.get(words[0]) if words else None
    try:
        os.environ.update(with_dotenv(TREE / ".env", os.environ))
        if door:
            door(words[1:])
        else:
            lab(words)
    except LabError as error:
        return _refuse(error.what, error.hint)
    except BrokenPipeError:
        # Whoever read the output, `head` for one, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        what = ": ".join(filter(None, (error.strerror or str(error), str(error.filename or ""))))
        return _refuse(what, "free the disk or mend its permissions, then start again")
    except KeyboardInterrupt:
        print("interrupted; everything that was started has ended", file=sys.stderr)
        return 130
    except Exception as error:  # noqa: BLE001 - Python's own exit code, 1, would be a gate's verdict
        return _refuse(*unexpected(error))
    return 0


def _refuse(what: str, hint: str) -> int:
    Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {escape(what)} ({escape(hint)})", highlight=False)
    return 2


if __name__ == "__main__":
    sys.exit(main())
