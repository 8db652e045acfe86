"""Yields the study of an experiment that has one, by the kind of its design."""

from typing import Final

from lab import growth, indexes
from lab.caching_derive import study_caching
from lab.caching_trials import run_caching
from lab.experiment import Experiment
from lab.growth_derive import derive_growth
from lab.index_derive import derive_indexes
from lab.stampede import run_stampedes
from lab.stampede_derive import derive_stampedes
from lab.study import Study

STUDIES: Final[dict[str, Study]] = {
    "caching": Study(run=run_caching, derive=study_caching),
    "growth": Study(run=growth.run_growth, derive=derive_growth, announce=growth.announce, is_pinned=True),
    "indexes": Study(run=indexes.run_indexes, derive=derive_indexes, is_pinned=True),
    "stampede": Study(run=run_stampedes, derive=derive_stampedes),
}
"""By the experiment's field that holds the design."""


def study_of(experiment: Experiment) -> Study | None:
    """The study of an experiment; None for one that compares arms, puts them under load, or follows mails."""
    return STUDIES[experiment.study] if experiment.study else None
