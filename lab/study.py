"""Yields `Study`, an experiment with a course of its own, and what it is given. It knows none of them by name."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.dataset import Dataset
from lab.experiment import Experiment
from lab.operations import Keyed
from lab.processes import Supervisor
from lab.progress import Progresses
from lab.results import RunFolder
from lab.server import Surroundings
from lab.services import Services
from lab.study_findings import StudyFindings


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a study measures with: an open bench, the experiment's operations, and the folder for its raw data.

    `budget` are the seconds that were asked for, None where nobody asked.
    """

    experiment: Experiment
    operations: tuple[Keyed, ...]
    dataset: Dataset
    surroundings: Surroundings
    services: Services
    supervisor: Supervisor
    folder: RunFolder
    seed: int
    budget: float | None
    progress: Progresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """`run` leaves raw data in the folder, and raises LabError; `derive` yields what it says from the folder alone.

    `announce` says beforehand what it takes of disk and time on a dataset. A pinned one has all its processes on one
    CPU, as arms have that are asked in turn.
    """

    run: Callable[[Assignment], None]
    derive: Callable[[RunFolder], StudyFindings]
    announce: Callable[[Experiment, str], tuple[str, ...]] = lambda _experiment, _dataset: ()
    is_pinned: bool = False
