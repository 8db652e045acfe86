"""Yields what PostgreSQL alone needs for an operation's answer: the same JSON by one statement, timed by pgbench.

The target gives the statements, the proof holds what they say against the proven answers, and each block times them
before its servers start and after they ended. It compares no times.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import extensions

from lab.clones import told
from lab.equivalence import first_difference, values_in
from lab.errors import LabError
from lab.operations import Keyed
from lab.processes import Supervisor
from lab.results import AloneStatement, AloneTimes
from lab.server import Surroundings, plain_environment

SECONDS: Final = 0.5
"""How long an operation's statements are timed in a block, half of it before the load and half after it."""

SHARE: Final = 0.1
"""What that may take of a block at most, over all operations."""

START_SECONDS: Final = 0.08
"""What starting pgbench takes, twice for an operation and block."""

LEAST: Final = 10
"""How often each statement is run at the least, unless that takes four times as long as it should."""

PATIENCE: Final = 60.0

VARIABLE: Final = re.compile(r"(?<!:):\w")
"""What pgbench takes for a variable."""

UNTIMED: Final = "PostgreSQL alone was not timed: "

ENVIRONMENT: Final = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
}  # fmt: skip
"""libpq's variables by its keywords: a password on a command line would be seen by all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the proof knows by then: proven answers, and how they were come by.

    `references` are answers by ("", operation, key), `values` how many values an answer has by (operation, face,
    paging, key), and `paths` what REST was asked by (operation, paging, key) where a client learns that first.
    """

    references: Mapping[tuple[str, str, int], tuple[str, Any]]
    values: Mapping[tuple[str, str, str, int], int]
    paths: Mapping[tuple[str, str, int], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A key of an operation, a way of paging, and the path that REST answers it at."""

    keyed: Keyed
    key: int
    paging: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """Times statements by pgbench, `program`, on the database at `url`; scripts and logs are made in `folder`.

    Without a program nothing is timed, and a note says so.
    """

    program: Path | None
    url: str
    supervisor: Supervisor
    folder: Path

    def proven(
        self, operations: Sequence[Keyed], *, surroundings: Surroundings, known: Known
    ) -> tuple[tuple[AloneStatement, ...], tuple[str, ...]]:
        """The statement of each key that the target has one for, proven right, and notes on what cannot be timed.

        Raises LabError where PostgreSQL says something else.
        """
        asked = [each for keyed in operations for each in _asked(keyed, known=known)]
        if not asked:
            return (), ()
        if self.program is None:
            return (), (f"{UNTIMED}there is no pgbench on the PATH.",)
        try:
            statements = self._told([each.path for each in asked], surroundings=surroundings)
        except LabError as error:
            return (), (f"{UNTIMED}{error.what}.",)
        found = self._compared(asked, statements, known=known)
        try:
            # Whether it runs here is known before anything is timed.
            self.times(found, seconds=0.0)
        except LabError as error:
            return (), (f"{UNTIMED}{error.what}.",)
        return found, ()

    def _told(self, paths: Sequence[str], *, surroundings: Surroundings) -> list[str | None]:
        """What the target's command `page_sql` says of each path."""
        text = told(
            surroundings.build, "page_sql", *paths, url=self.url, secret=surroundings.secret,
            what="the target names no statements", hint="try it alone: python -m targets page_sql PATH",
        )  # fmt: skip
        statements: list[str | None] = json.loads(text)
        if any(sql and VARIABLE.search(sql) for sql in statements):
            raise LabError("pgbench would take a part of a statement for a variable", hint="write it without `:name`")
        return statements

    def _compared(
        self, asked: Sequence[Asked], statements: Sequence[str | None], *, known: Known
    ) -> tuple[AloneStatement, ...]:
        with closing(psycopg2.connect(self.url)) as connection:
            connection.set_session(readonly=True, autocommit=True)
            return tuple(
                _proven(connection, each, sql=sql, known=known)
                for each, sql in zip(asked, statements, strict=True)
                if sql is not None
            )

    def times(self, statements: Sequence[AloneStatement], *, seconds: float) -> tuple[AloneTimes, ...]:
        """Each operation's statements, run in a drawn order by one client, for some `seconds` an operation."""
        return tuple(
            each
            for place in _places(statements)
            for each in self._run([own for own in statements if _place(own) == place], seconds=seconds)
        )

    def _run(self, statements: Sequence[AloneStatement], *, seconds: float) -> Iterator[AloneTimes]:
        folder = self.folder.resolve()
        scripts = [folder / f"alone-{number}.sql" for number in range(len(statements))]
        for script, statement in zip(scripts, statements, strict=True):
            script.write_text(statement.sql, encoding="utf-8")
        each = max(sum(statement.seconds for statement in statements) / len(statements), 1e-5)
        count = _count(each, keys=len(statements), seconds=seconds)
        for old in folder.glob("alone.*"):
            old.unlink()
        self.supervisor.spawn(
            name="pgbench",
            argv=[
                str(self.program), "--no-vacuum", "--client=1", "--jobs=1", "--protocol=prepared", "--random-seed=1",
                f"--transactions={count}", "--log", f"--log-prefix={folder / 'alone'}",
                *(f"--file={script}" for script in scripts),
            ],
            env={**plain_environment(), **_variables(self.url)},
            log=folder / "pgbench.log",
            cwd=folder,
        )  # fmt: skip
        if code := self.supervisor.wait_exit("pgbench", seconds=PATIENCE + 10 * count * each):
            raise self.supervisor.death("pgbench", code=code)
        taken: list[list[int]] = [[] for _ in statements]
        for log in folder.glob("alone.*"):
            for line in log.read_text(encoding="ascii").splitlines():
                # The client, the number of the transaction, what it took, its script, and when it ended.
                _, _, microseconds, script_number, *_ = line.split()
                taken[int(script_number)].append(int(microseconds))
            log.unlink()
        for statement, microseconds_taken in zip(statements, taken, strict=True):
            yield AloneTimes(
                operation=statement.operation, paging=statement.paging, key=statement.key,
                microseconds=tuple(microseconds_taken),
            )  # fmt: skip


def seconds_of(statements: Sequence[AloneStatement], *, block: float) -> float:
    """How long each operation's statements are timed in a block of so many seconds."""
    operations = len(_places(statements))
    return min(SECONDS, SHARE * block / operations) if operations else 0.0


def cost_of(statements: Sequence[AloneStatement], *, block: float) -> float:
    """What all of that takes of such a block."""
    operations = len(_places(statements))
    return operations * (seconds_of(statements, block=block) + 2 * START_SECONDS)


def _count(each: float, *, keys: int, seconds: float) -> int:
    """How many statements of `each` seconds are run: at the least one of every key, as the draw goes."""
    return max(round(seconds / each), min(LEAST * keys, round(4 * seconds / each)), 2 * keys)


def _place(statement: AloneStatement) -> tuple[str, str]:
    return statement.operation, statement.paging


def _places(statements: Sequence[AloneStatement]) -> list[tuple[str, str]]:
    """The operations, each in all its ways of paging: the keys of one are timed together."""
    return list(dict.fromkeys(map(_place, statements)))


def _asked(keyed: Keyed, *, known: Known) -> Iterator[Asked]:
    """Each proven key in each way of paging, but for what REST does not answer with one GET."""
    name = keyed.operation.name
    for paging in dict.fromkeys(paging for operation, _, paging, _ in known.values if operation == name):
        for key, parameters in enumerate(keyed.keys):
            request = keyed.operation.request("rest", parameters, paging)
            if request.is_prelude:
                path = known.paths.get((name, paging, key), "")
            else:
                path = request.path if request.method == "GET" and request.follow is None else ""
            if path and ("", name, key) in known.references:
                yield Asked(keyed=keyed, key=key, paging=paging, path=path)


def _proven(connection: extensions.connection, asked: Asked, *, sql: str, known: Known) -> AloneStatement:
    keyed, key = asked.keyed, asked.key
    name = keyed.operation.name
    origin, right = known.references["", name, key]
    seconds, difference, text = 0.0, "", b""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            began = time.perf_counter()
            cursor.execute(sql)
            seconds = time.perf_counter() - began
            rows = cursor.fetchall()
        text = str(rows[0][0]).encode() if rows else b""
        value = keyed.operation.read("rest", 200, text) if rows else None
        difference = first_difference(right, value)
    except ValueError as error:
        difference = f"an unreadable answer ({error})"
    except psycopg2.Error as error:
        difference = f"PostgreSQL refuses it ({str(error).partition(chr(10))[0]})"
    if difference:
        raise LabError(
            f"{name} by PostgreSQL alone differs from {origin} for {keyed.keys[key]}: {difference}",
            hint="mend the target's command page_sql: answers must be equal before they are timed",
        )
    written = values_in(text)
    faces = (
        face
        for (operation, face, paging, number), count in known.values.items()
        if (operation, paging, number, count) == (name, asked.paging, key, written)
    )
    return AloneStatement(
        operation=name, key=key, sql=sql, seconds=seconds, paging=asked.paging, faces=tuple(faces)
    )  # fmt: skip


def _variables(url: str) -> dict[str, str]:
    parts = extensions.parse_dsn(url)
    return {ENVIRONMENT[name]: str(value) for name, value in parts.items() if name in ENVIRONMENT}
