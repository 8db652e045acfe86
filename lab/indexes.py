"""Yields the raw data of a study of indexes: what uses each, reads with and without it, and what rows cost to insert.

It derives nothing, and knows no index by name: the database says which there are. An index that no plan of any
operation uses, neither beside the others nor alone, is not timed, for without it nothing is read another way.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Final

import psycopg2
from psycopg2 import sql

from lab.clones import cloned, dropped
from lab.experiment import Experiment, IndexDesign, Server
from lab.index_list import Listed, SecondaryIndex, secondary_indexes
from lab.index_uses import counted_by_operation, recorded, uses_alone, uses_of
from lab.index_writes import TableWrites, measure_writes
from lab.load import Loader
from lab.part import part_loader
from lab.proof import prove
from lab.results import ProofRecord
from lab.server import Build
from lab.study import Assignment

PREFIX: Final = "windtunnel_own_"
EVERYTHING: Final = "all indexes"
"""The server whose databases have all indexes, and none; any other's lack the index that it is named for, and have it
alone."""

PLANS: Final = "plans"
READS: Final = "reads"
"""The parts of the study: what is counted of all indexes and none, and what is timed."""

WRITE_SECONDS: Final = 90.0


def run_indexes(given: Assignment) -> None:
    """Lists, counts, times and writes. Raises LabError; what was seen until then is on disk."""
    design = given.experiment.indexes
    assert design is not None  # noqa: S101 - only experiments of indexes come here
    url = given.services.postgres_url
    dropped(url, (), prefix=PREFIX)
    try:
        listed = _listed(given)
        given.folder.save("indexes", listed)
        given.folder.save("writes", _writes(given, listed.indexes, design=design))
        _reads(given, listed.used)
    finally:
        dropped(url, (), prefix=PREFIX)


def _listed(given: Assignment) -> Listed:
    """The indexes with what uses them; the plans of all and of none are a part of their own."""
    build, url = given.surroundings.build, given.services.postgres_url
    indexes = secondary_indexes(build.database_url)
    scratch = cloned(url, build.bare_url, name=f"{PREFIX}alone")
    loader = _loader(given, PLANS, servers=(Server(name=EVERYTHING),), builds={})
    record = _proven(given, loader)
    operations = {cell.index: cell.operation for cell in loader.cells if cell.arm}
    counted = counted_by_operation(record, operations=operations)
    with given.progress.stage("plans of each index alone", budget=30.0):
        literals = recorded(loader.folder.path / "evidence" / f"{EVERYTHING}.jsonl", counted)
        alone = uses_alone(scratch, indexes=indexes, literals=literals)
    dropped(url, (f"{PREFIX}alone",))
    beside = uses_of(counted, database="default")
    return Listed(indexes=indexes, beside=tuple(beside.items()), alone=tuple(alone.items()))


def _writes(
    given: Assignment, indexes: Sequence[SecondaryIndex], *, design: IndexDesign
) -> tuple[TableWrites, ...]:  # fmt: skip
    """What a row costs in every table that has indexes."""
    url, name = given.services.postgres_url, f"{PREFIX}writes"
    tables = len({index.table for index in indexes})
    with given.progress.stage("writing rows", total=tables, budget=WRITE_SECONDS) as advance:
        database = cloned(url, given.surroundings.build.database_url, name=name)
        written = iter(range(tables))
        found = measure_writes(
            database, indexes=indexes, design=design, seed=given.seed,
            note=lambda table: advance(done=next(written), note=table),
        )  # fmt: skip
        dropped(url, (name,))
    return found


def _reads(given: Assignment, used: Sequence[SecondaryIndex]) -> None:
    """Every operation with each index that is used beside all others and alone, in turn, in blocks."""
    with _builds(given, used) as builds:
        servers = (Server(name=EVERYTHING), *(Server(name=index.name) for index in used))
        loader = _loader(given, READS, servers=servers, builds=builds)
        record = _proven(given, loader)
        budget = given.budget or given.experiment.budget
        with given.progress.stage("measuring", total=budget, budget=budget) as advance:
            loader.run(record, budget=budget, seed=given.seed, advance=advance)


@contextmanager
def _builds(given: Assignment, used: Sequence[SecondaryIndex]) -> Iterator[dict[str, Build]]:
    """By index, databases that lack it, and that have it alone, until the end of the block."""
    build, url = given.surroundings.build, given.services.postgres_url
    found: dict[str, Build] = {}
    names: list[str] = []
    with given.progress.stage("databases", total=len(used), budget=4.0 * len(used)) as advance:
        for number, index in enumerate(used):
            names += [f"{PREFIX}without_{number}", f"{PREFIX}alone_{number}"]
            without = cloned(url, build.database_url, name=names[-2])
            _run(without, sql.SQL("DROP INDEX {}").format(sql.Identifier(index.name)))
            alone = cloned(url, build.bare_url, name=names[-1])
            _run(alone, sql.SQL(index.definition))
            found[index.name] = replace(build, database_url=without, bare_url=alone, cache_space=f":index{number}")
            advance(done=number + 1, note=index.name)
    yield found
    dropped(url, names)


def _run(url: str, statement: sql.Composable) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)


def _loader(given: Assignment, name: str, *, servers: tuple[Server, ...], builds: dict[str, Build]) -> Loader:
    experiment: Experiment = replace(given.experiment, servers=servers)
    return part_loader(
        given, name, experiment=experiment, operations=given.operations, dataset=given.dataset.facts,
        surroundings=replace(given.surroundings, builds=builds),
    )  # fmt: skip


def _proven(given: Assignment, loader: Loader) -> ProofRecord:
    """Every cell proven, and its evidence taken with every key."""
    stage = f"proof of {loader.folder.path.name}"
    with given.progress.stage(stage, total=len(loader.cells), budget=1.0 * len(loader.cells)) as advance:
        record = prove(loader, services=given.services, advance=advance, is_thorough=True)
        loader.folder.save("proof", record)
    return record
