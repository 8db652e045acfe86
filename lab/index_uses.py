"""Yields which operations would use an index if it were the only one: by plans, on a database of its own.

It times nothing: PostgreSQL is asked how it would run the statements that the proof recorded.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from lab.evidence import fingerprint
from lab.findings import Evidence
from lab.index_list import SecondaryIndex
from lab.results import ProofRecord

Uses = dict[str, tuple[str, ...]]
"""Operations by the index that serves them."""


def uses_of(counted: Mapping[str, Iterable[Evidence]], *, database: str) -> Uses:
    """The operations whose evidence, by their name, has a plan with an index, on the database of that alias."""
    found: dict[str, dict[str, None]] = {}
    for operation, each in counted.items():
        for evidence in each:
            for statement in evidence.statements:
                for index in statement.plan.indexes if statement.plan and statement.database == database else ():
                    found.setdefault(index, {})[operation] = None
    return {index: tuple(operations) for index, operations in found.items()}


def counted_by_operation(record: ProofRecord, *, operations: Mapping[int, str]) -> dict[str, list[Evidence]]:
    """All evidence of a proof by operation; `operations` are their names by cell."""
    found: dict[str, list[Evidence]] = {}
    for proof in record.cells:
        evidence = (proof.cold, proof.warm, *proof.others)
        if proof.cell in operations:
            found.setdefault(operations[proof.cell], []).extend(each for each in evidence if each)
    return found


def recorded(path: Path, counted: Mapping[str, Iterable[Evidence]]) -> dict[str, tuple[str, ...]]:
    """The literal statements in a target's evidence file, each with the operations that issue it."""
    issuing: dict[str, dict[str, None]] = {}
    for operation, all_evidence in counted.items():
        for evidence in all_evidence:
            for statement in evidence.statements:
                issuing.setdefault(statement.fingerprint, {})[operation] = None
    found: dict[str, tuple[str, ...]] = {}
    with path.open("rb") as file:
        for line in file:
            written: list[dict[str, Any]] = json.loads(line)["statements"]
            for each in written:
                if each["literal"].lstrip("( ").upper().startswith(("SELECT", "WITH")):
                    found[each["literal"]] = tuple(issuing.get(fingerprint(each["sql"]), ()))
    return found


def uses_alone(url: str, *, indexes: Sequence[SecondaryIndex], literals: Mapping[str, tuple[str, ...]]) -> Uses:
    """The operations that would use each index alone, on the database at `url`, which has none of them."""
    found: Uses = {}
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for index in indexes:
            cursor.execute(index.definition)
            operations: dict[str, None] = {}
            for literal, issuing in literals.items():
                if not operations.keys() >= set(issuing):
                    cursor.execute(f"EXPLAIN (FORMAT JSON) {literal}")
                    if index.name in _indexes_in(cursor.fetchone()):
                        operations.update(dict.fromkeys(issuing))
            cursor.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index.name)))
            if operations:
                found[index.name] = tuple(operations)
    return found


def _indexes_in(row: Any) -> set[str]:
    """The names of the indexes in a plan that was only asked for."""
    waiting, found = [row[0][0]["Plan"]], set()
    while waiting:
        node = waiting.pop()
        found |= {node["Index Name"]} if "Index Name" in node else set()
        waiting += node.get("Plans", [])
    return found
