"""Yields what a command line asks for: a narrower experiment, a time budget, a seed. It prints nothing."""

import re
from dataclasses import replace
from typing import Final

from lab.errors import LabError
from lab.experiment import Experiment

MOST_WORKERS: Final = 64
UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def narrowed(experiment: Experiment, *, faces: str, operations: str) -> Experiment:
    """The experiment with only the faces and the operations that are named."""
    if faces:
        experiment = replace(experiment, faces=_picked("face", faces, among=experiment.faces))
    if operations and experiment.operations:
        known = dict(zip(experiment.operation_names, experiment.operations, strict=True))
        picked = _picked("operation", operations, among=tuple(known))
        experiment = replace(experiment, operations=tuple(known[name] for name in picked))
    return experiment


def _picked(what: str, names: str, *, among: tuple[str, ...]) -> tuple[str, ...]:
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in among:
            raise LabError(f"there is no {what} {name!r}", hint=f"choose from {', '.join(among)}")
    return tuple(name for name in among if name in wanted)


def held(experiment: Experiment, settings: list[str]) -> Experiment:
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


def loaded(experiment: Experiment, *, wanted: bool, workers: int, operations: str) -> Experiment:
    """The experiment as it is asked: under load where that is `wanted`, or where it has no operations of its own.

    Raises LabError for a load that there is not, and for words that say nothing of it.
    """
    if experiment.study and (wanted or workers):
        raise LabError(f"{experiment.name} has a course of its own", hint="leave --load and --load-workers out")
    if experiment.mail and (wanted or workers or operations):
        raise LabError(f"{experiment.name} has orders of its own", hint="leave --load and --operations out")
    if experiment.mail or experiment.study:
        return experiment
    if not wanted and experiment.operations:
        if workers:
            raise LabError("--load-workers is for a run under load", hint="add --load")
        return replace(experiment, load=None)
    if operations:
        raise LabError("under load the whole walk is asked", hint="leave --operations out")
    if not 0 <= workers <= MOST_WORKERS:
        raise LabError(f"{workers} generators are none of 0 to {MOST_WORKERS}", hint="as in --load-workers 2")
    return experiment.under_load(workers=workers)


def grown_to(experiment: Experiment, *, dataset: str) -> Experiment:
    """The experiment that follows growth with the sizes up to `dataset`; any other as it is.

    Raises LabError for a size that it has not, for the smallest, with which nothing grows, and for any that is named
    where there is no dataset.
    """
    if experiment.own and dataset:
        raise LabError(f"{experiment.name} has no dataset of Windtunnel's", hint="leave --dataset out")
    if experiment.growth is None:
        return experiment
    sizes = experiment.growth.sizes
    if dataset not in sizes[1:]:
        raise LabError(
            f"{experiment.name} does not grow to the dataset {dataset!r}", hint=f"choose one of {', '.join(sizes[1:])}"
        )
    growth = replace(experiment.growth, sizes=sizes[: sizes.index(dataset) + 1])
    return replace(experiment, growth=growth)


def budget_seconds(text: str, *, least: float = 10.0, what: str = "--budget") -> float:
    """A time as in `90s`, `3m` or `1h`, in seconds. Raises LabError below `least` seconds and above 24 h.

    `what` is the word of the command line that gives it.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    value = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not least <= value <= 24 * 3600.0:
        raise LabError(
            f"{what} {text[:40]!r} is no time that it takes", hint=f"give {least:g}s to 24h, as in 30s, 3m or 1h"
        )
    return value


def seed_number(text: str) -> int:
    """A seed as argparse takes it. Raises ValueError."""
    value = int(text)
    if not 0 <= value < 2**31:
        raise ValueError
    return value


# argparse puts the name of the type into its refusal.
seed_number.__name__ = "whole number from 0 to 2147483647"
