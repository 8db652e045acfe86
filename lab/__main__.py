"""The lab's doors: `python -m lab [EXPERIMENT]` measures, `load URL` puts load on any service; the others stand below.

It reads the command line, prints, and ends with 0, or with 2 when it could not measure. What a door needs is imported
in it, so that a word that is not understood is refused at once.
"""

import os
import shlex
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

from rich.console import Console
from rich.markup import escape

from lab.asked import seed_number
from lab.dotenv import with_dotenv
from lab.errors import LabError
from lab.server import TREE
from lab.unexpected import unexpected

CONSOLE: Final = Console(stderr=False, soft_wrap=True)


class _Parser(ArgumentParser):
    """Words that are not understood, or cut short, are an error like any other: one line, a hint, exit 2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        """Raises LabError in place of printing the usage."""
        raise LabError(message, hint=f"{self.prog} --help shows what there is")


def lab(words: list[str]) -> None:
    """Measure an experiment and report what it answers."""
    from lab import lab_door

    parser = lab_door.parser_for(_Parser)
    lab_door.lab(parser.parse_args(words), plain=parser.parse_args([]), console=CONSOLE)


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
    from lab.lab_door import shown
    from lab.trend import write_trend

    parser = _Parser(prog="./noxw -s trend --", description=trend.__doc__)
    parser.add_argument("history", type=Path, metavar="DIR", help="the folder that --history named")
    CONSOLE.print(f"trend: {shown(write_trend(parser.parse_args(words).history))}", highlight=False)


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


def serve(words: list[str]) -> None:
    """Serve the API to look at, with all that a developer wants beside it."""
    from lab import seat_door

    seat_door.serve(seat_door.parser_for(_Parser).parse_args(words), console=CONSOLE)


def _enter(program: str, words: list[str]) -> None:
    """Enter the databases of the developer's seat by a program; the words are its own."""
    from lab import seat_door

    if code := seat_door.enter(program, words):
        raise SystemExit(code)


DOORS: Final[dict[str, Callable[[list[str]], None]]] = {
    "calibrate": calibrate,
    "gate": gate,
    "init": init,
    "load": load,
    "psql": partial(_enter, "psql"),
    "report": report,
    "samples": samples,
    "seed": seed,
    "serve": serve,
    "shell": partial(_enter, "shell"),
    "trend": trend,
    "worker": worker,
}


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
