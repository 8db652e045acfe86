"""Yields the raw data of growth: every size of the dataset proven, counted and timed, in blocks that have each once.

It derives nothing. All sizes are on the server at the same time, each a part of its own, so that a machine that drifts
drifts for all of them.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Final

from lab.clones import dropped, renamed
from lab.dataset import Dataset, prepare_dataset
from lab.errors import LabError
from lab.experiment import Experiment, GrowthDesign
from lab.json_files import read
from lab.load import BOOT_SECONDS, SPARE_SHARE, Loader
from lab.operations import comparable_operations, rows_of
from lab.part import part_loader, void_blocks
from lab.plan import Plan, plan_rounds, seconds_of_block
from lab.progress import Advance
from lab.proof import prove
from lab.results import ProofRecord
from lab.script import Report
from lab.server import Surroundings
from lab.study import Assignment
from lab.units import count, seconds, size

PREFIX: Final = "windtunnel_own_"

TIME_LIMIT: Final = "DATABASE_TIMEOUT_SECONDS"
"""The target's setting that limits a statement."""

COPY_BYTES: Final = 190
"""What a row takes of the disk in one copy of a dataset, its indexes included."""

COPIES: Final = 3
"""A template, which is kept, and two databases, which are not."""

LOADED_ROWS: Final = 100_000
"""Rows a second that are made, loaded, indexed and copied, as seen on two cores."""

MOST_ROUNDS: Final = 8
"""How many times its rounds a block may have where there is time for it."""


def announce(experiment: Experiment, dataset: str) -> tuple[str, ...]:
    """What it takes of disk and time, before anything is made."""
    design = _design(experiment)
    rows = [rows_of(experiment, dataset=name) for name in design.sizes]
    copy = COPY_BYTES * sum(rows)
    told = (
        f"{len(rows)} datasets of {count(rows[0])} to {count(rows[-1])} rows: about {size(COPIES * copy)} of the "
        f"server's disk, of which {size(copy)} stay as templates; making what is not kept of them takes about "
        f"{seconds(sum(rows) / LOADED_ROWS)}"
    )
    return (told,)


def run_growth(given: Assignment) -> None:
    """Proves, counts and times every size. Raises LabError; what was seen until then is on disk."""
    design = _design(given.experiment)
    with _datasets(given, design) as datasets:
        sized = Sizes(
            given=given, design=design, loaders={name: _loader(given, design, each) for name, each in datasets.items()}
        )
        records = sized.prove()
        sized.run(records, plans=sized.plans(records))


def _design(experiment: Experiment) -> GrowthDesign:
    assert experiment.growth is not None  # noqa: S101 - only experiments that follow growth come here
    return experiment.growth


@contextmanager
def _datasets(given: Assignment, design: GrowthDesign) -> Iterator[dict[str, Dataset]]:
    """The datasets of all sizes, each under names of its own until the end of the block; the run began with one."""
    url = given.services.postgres_url
    dropped(url, (), prefix=PREFIX)
    try:
        found = {given.dataset.size: _kept(url, given.dataset)}
        for name in reversed(design.sizes):
            if name not in found:
                with given.progress.stage(f"dataset {name}", is_drawn=False):
                    found[name] = _kept(url, _made(given, name))
        yield {name: found[name] for name in design.sizes}
    finally:
        dropped(url, (), prefix=PREFIX)


def _made(given: Assignment, name: str) -> Dataset:
    try:
        return prepare_dataset(
            server_url=given.services.postgres_url, size=name, seed=given.seed,
            folder=given.surroundings.logs.parent,
        )  # fmt: skip
    except LabError:
        # Where a server died, its own last words say more.
        given.supervisor.check()
        raise


def _kept(server_url: str, dataset: Dataset) -> Dataset:
    """The dataset under names that the next one does not take."""
    indexed, bare = (
        renamed(server_url, url, name=f"{PREFIX}{dataset.size}_{kind}")
        for url, kind in ((dataset.indexed_url, "indexed"), (dataset.bare_url, "bare"))
    )
    return replace(dataset, indexed_url=indexed, bare_url=bare)


def _loader(given: Assignment, design: GrowthDesign, dataset: Dataset) -> Loader:
    operations = comparable_operations(given.experiment, dataset=dataset.size, seed=given.seed)
    return part_loader(
        given, dataset.size, experiment=given.experiment, operations=operations, dataset=dataset.facts,
        surroundings=_surroundings(given.surroundings, dataset=dataset, limit=design.statement_seconds),
    )  # fmt: skip


def _surroundings(shared: Surroundings, *, dataset: Dataset, limit: float) -> Surroundings:
    build = replace(
        shared.build, database_url=dataset.indexed_url, bare_url=dataset.bare_url, cache_space=f":{dataset.size}"
    )
    settings = (*shared.settings, (TIME_LIMIT, f"{limit:g}"))
    return replace(shared, build=build, dataset=dataset.identity, settings=settings)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes of one study, the smallest first, each with what proves and loads it."""

    given: Assignment
    design: GrowthDesign
    loaders: Mapping[str, Loader]

    def prove(self) -> dict[str, ProofRecord]:
        """Every cell of every size proven, and its evidence taken with every key."""
        cells = [len(loader.cells) for loader in self.loaders.values()]
        found: dict[str, ProofRecord] = {}
        with self.given.progress.stage("proof and evidence", total=sum(cells), budget=40.0 * len(cells)) as advance:
            for number, (name, loader) in enumerate(self.loaders.items()):
                told = partial(_told, advance, before=sum(cells[:number]), name=name)
                found[name] = prove(loader, services=self.given.services, advance=told, is_thorough=True)
                loader.folder.save("proof", found[name])
        return found

    def plans(self, records: Mapping[str, ProofRecord]) -> dict[str, Plan]:
        """How often each cell is asked: as the design says, or as the time allows that was asked for."""
        bare = {name: self._plan(name, record, rounds=0) for name, record in records.items()}
        fixed = self._seconds(bare)
        a_round = self._seconds({name: replace(plan, rounds=1) for name, plan in bare.items()}) - fixed
        rounds = self.design.rounds
        if self.given.budget and a_round:
            possible = int((self.given.budget - fixed) / a_round)
            rounds = min(max(possible, self.given.experiment.keys), MOST_ROUNDS * rounds)
        found = {}
        for name, record in records.items():
            folder = self.loaders[name].folder
            if not folder.has_plan:
                folder.save("plan", self._plan(name, record, rounds=rounds))
            found[name] = folder.plan
        return found

    def _plan(self, name: str, record: ProofRecord, *, rounds: int) -> Plan:
        pilots = self.loaders[name].pilots({proof.cell: proof for proof in record.cells})
        return plan_rounds(
            pilots, rounds=rounds, blocks=self.design.blocks, keys=self.given.experiment.keys, seed=self.given.seed
        )

    def _seconds(self, plans: Mapping[str, Plan]) -> float:
        """What all blocks of all sizes take."""
        return self.design.blocks * sum(seconds_of_block(plan) + BOOT_SECONDS for plan in plans.values())

    def run(self, records: Mapping[str, ProofRecord], *, plans: Mapping[str, Plan]) -> None:
        """Runs every block that is not there, each size once in each in drawn order, then others for void ones."""
        total = self._seconds(plans)
        with self.given.progress.stage("measuring", total=total, budget=total) as advance:
            started = time.monotonic()

            def once(name: str, index: int) -> None:
                said = f"block {index % self.design.blocks + 1} of {self.design.blocks}, {name}"
                self.loaders[name].block(
                    plans[name], index=index, record=records[name],
                    show=lambda _: advance(done=time.monotonic() - started, note=said),
                )  # fmt: skip

            for block in range(self.design.blocks):
                random = Random(f"{self.given.seed}/growth/{block}")
                for name in random.sample(list(self.loaders), len(self.loaders)):
                    once(name, block)
            left = SPARE_SHARE * total
            for name, index in self._void():
                left -= seconds_of_block(plans[name]) + BOOT_SECONDS
                if left > 0:
                    once(name, plans[name].spare(index))

    def _void(self) -> list[tuple[str, int]]:
        """The blocks that count for nothing."""
        reports = {
            (name, block): read(loader.folder.report_file(block), Report)
            for name, loader in self.loaders.items()
            for block in range(self.design.blocks)
        }
        return [place for place, reason in void_blocks(reports).items() if reason]


def _told(advance: Advance, *, before: int, name: str, done: int, note: str) -> None:
    """Progress of one size as that of all."""
    advance(done=before + done, note=f"{name}: {note}")
