"""Yields the experiments: by name, from the files of `experiments/`, or by the path of any other. It runs none."""

from importlib import import_module
from pathlib import Path

from lab.errors import LabError
from lab.experiment import Experiment
from lab.own_file import load_file

FOLDER = Path(__file__).resolve().parent.parent / "experiments"


def names() -> tuple[str, ...]:
    """The experiments' names: one file each."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"))


def load(name: str) -> Experiment:
    """The experiment called `name`, or that of the file of that path. Raises LabError when there is none."""
    if name.endswith(".py"):
        experiment = load_file(name)
        if experiment.own and experiment.name in names():
            raise LabError(
                f"{experiment.name} is an experiment of Windtunnel's", hint=f"give that in {name} another name"
            )
        return experiment
    if name not in names():
        raise LabError(f"there is no experiment {name!r}", hint=f"choose one of {', '.join(names())}")
    experiment = import_module(f"experiments.{name}").EXPERIMENT
    if not isinstance(experiment, Experiment):
        raise LabError(f"experiments/{name}.py has no EXPERIMENT", hint="see experiments/toggles.py for the form")
    return experiment
