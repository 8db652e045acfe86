"""Yields a part of a study: an ordinary run, one by one, in a folder of its own below the study's. It measures nothing.

`./noxw -s report -- RUN/PART` draws a part as any run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lab.derive import planned_cells
from lab.experiment import Experiment
from lab.load import Loader
from lab.operations import Keyed, names
from lab.results import RunFolder
from lab.script import Report
from lab.server import Surroundings
from lab.study import Assignment
from lab.verdict import void_reasons


def part_loader(
    given: Assignment, name: str, *, experiment: Experiment, operations: Sequence[Keyed], surroundings: Surroundings,
    dataset: tuple[tuple[str, str], ...],
) -> Loader:  # fmt: skip
    """What proves and loads the part `name` of the study: an experiment without a study, on a dataset of such facts.

    A part of an earlier try at the run is gone on with.
    """
    plain = replace(experiment, growth=None, indexes=None)
    folder = RunFolder(given.folder.path / name)
    for each in (folder.samples, folder.blocks):
        each.mkdir(parents=True, exist_ok=True)
    whole = given.folder.manifest
    folder.save(
        "manifest",
        replace(
            whole, experiment=plain, run=f"{whole.run}/{name}", dataset=dataset, operations=names(operations)
        ),
    )  # fmt: skip
    return Loader(
        experiment=plain, operations=operations, cells=planned_cells(plain, operations=names(operations)),
        supervisor=given.supervisor, folder=folder, surroundings=surroundings,
    )  # fmt: skip


def void_blocks(reports: Mapping[tuple[str, int], Report]) -> dict[tuple[str, int], str]:
    """Why each block, by its part and its index, is void, or "": all parts' blocks are held against their median."""
    places = list(reports)
    reasons = void_reasons(dict(enumerate(reports.values())))
    return {places[number]: reason for number, reason in reasons.items()}
