"""PostgreSQL alone is timed by pgbench for what a target names statements for, once those are proven right."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg2
import pytest

from lab.binaries import pgbench
from lab.ceiling import Ceiling, Known, cost_of, seconds_of
from lab.errors import LabError
from lab.operations import Keyed
from lab.processes import Process, Supervisor
from lab.results import AloneStatement
from lab.server import Build, Surroundings

COMMAND = """
import json, sys
statements = json.loads(open("statements.json").read())
if sys.argv[1] != "page_sql":
    sys.exit(f"Unknown command: {sys.argv[1]}")
print(json.dumps([statements[path] for path in sys.argv[2:]]))
"""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A request of a face; only the one by REST is a GET."""

    method: str = "GET"
    path: str = ""
    body: bytes | None = None
    content_type: str | None = None
    follow: Any = None
    is_prelude: bool = False


@dataclass(frozen=True, kw_only=True)
class Counting:
    """An operation that counts to its key: REST answers `{"count": key}`."""

    name: str = "count"
    paged: Any = None
    comparable: Any = None
    follow: Any = None

    def sample(self, random: Random, size: Any) -> int:
        return random.randrange(10)

    def request(self, face: str, parameters: int, paging: str = "") -> Asking:
        if face != "rest":
            return Asking(method="POST", path="/graphql")
        if paging == "keyset":
            return Asking(path="/before", follow=lambda _: Asking(), is_prelude=True)
        return Asking(path=f"/count/{parameters}", follow=self.follow)

    def read(self, face: str, status: int, body: bytes) -> Any:
        told = json.loads(body)
        if set(told) != {"count"}:
            raise ValueError(f"keys {sorted(told)}")
        return told["count"]


KEYED = Keyed(operation=Counting(), keys=(1, 2, 3))
KNOWN = Known(
    references={("", "count", key): ("rest", parameters) for key, parameters in enumerate(KEYED.keys)},
    values={("count", face, "", key): 1 for face in ("rest", "graphql") for key in range(3)},
)
RIGHT = {f"/count/{n}": f"SELECT json_build_object('count', {n}::int)::text" for n in KEYED.keys}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A source tree whose target knows one command."""
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "__main__.py").write_text(COMMAND)
    return tmp_path


def surroundings(tree: Path, *, url: str) -> Surroundings:
    build = Build(commit="none", database_url=url, bare_url=url, tree=tree)
    return Surroundings(build=build, cache_url="", cache_prefix="", token="", dataset="", logs=tree)


def ceiling(tree: Path, *, url: str, supervisor: Supervisor) -> Ceiling:
    return Ceiling(program=pgbench(is_embedded=True), url=url, supervisor=supervisor, folder=tree)


def proven(
    tree: Path,
    statements: Mapping[str, str | None],
    *,
    url: str,
    supervisor: Supervisor,
    keyed: Keyed = KEYED,
    known: Known = KNOWN,
) -> tuple[tuple[AloneStatement, ...], tuple[str, ...]]:
    """What is proven of a target that prints these statements."""
    (tree / "statements.json").write_text(json.dumps(statements))
    own = ceiling(tree, url=url, supervisor=supervisor)
    return own.proven([keyed], surroundings=surroundings(tree, url=url), known=known)


def test_every_statement_is_run_by_pgbench(target: Path, postgres_url: str, supervisor: Supervisor) -> None:
    """Each key has times of its own, as many as fit into the seconds, and nothing is left behind but the script."""
    found, notes = proven(target, dict(RIGHT), url=postgres_url, supervisor=supervisor)
    assert notes == ()
    assert [(each.operation, each.key, each.sql) for each in found] == [
        ("count", key, RIGHT[f"/count/{n}"]) for key, n in enumerate(KEYED.keys)
    ]
    assert all(each.seconds > 0 for each in found)
    own = ceiling(target, url=postgres_url, supervisor=supervisor)
    times = own.times(found, seconds=0.05)
    assert [(each.operation, each.key) for each in times] == [("count", key) for key in range(3)]
    assert all(len(each.microseconds) >= 2 for each in times)
    assert sum(len(each.microseconds) for each in times) >= 30
    assert [path.name for path in target.glob("alone.*")] == []


def test_what_pgbench_ran_is_what_was_asked(target: Path, postgres_url: str, supervisor: Supervisor) -> None:
    """Its times follow the statement: one that sleeps takes longer, and each time belongs to its own key."""
    found = (
        AloneStatement(operation="count", key=0, sql="SELECT 1", seconds=0.001),
        AloneStatement(operation="count", key=7, sql="SELECT pg_sleep(0.02)", seconds=0.02),
    )
    first, second = ceiling(target, url=postgres_url, supervisor=supervisor).times(found, seconds=0.2)
    assert (first.key, second.key) == (0, 7)
    assert min(second.microseconds) >= 20_000
    assert min(first.microseconds) < 20_000


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT '{\"count\": 4}'", "count by PostgreSQL alone differs from rest for 2: answer: 2 != 4"),
        ("SELECT '{\"sum\": 2}'", "an unreadable answer (keys ['sum'])"),
        ("SELECT 'no JSON'", "an unreadable answer ("),
        ("SELECT '' WHERE false", "answer: 2 != None"),
        ("SELECT nothing", 'PostgreSQL refuses it (column "nothing" does not exist)'),
    ],
)
def test_a_statement_that_says_something_else_is_refused(
    target: Path, postgres_url: str, supervisor: Supervisor, sql: str, said: str
) -> None:
    """Answers must be equal before anything is timed."""
    with pytest.raises(LabError) as refused:
        proven(target, RIGHT | {"/count/2": sql}, url=postgres_url, supervisor=supervisor)
    assert said in refused.value.what


def test_what_the_target_has_no_statement_for_is_left_out(
    target: Path, postgres_url: str, supervisor: Supervisor
) -> None:
    """A null stands for one; an operation of several trips is not even asked for."""
    found, notes = proven(target, RIGHT | {"/count/2": None}, url=postgres_url, supervisor=supervisor)
    assert ([each.key for each in found], notes) == ([0, 2], ())
    trips = Keyed(operation=Counting(follow=lambda _: Asking()), keys=(1,))
    assert proven(target, {}, url=postgres_url, supervisor=supervisor, keyed=trips) == ((), ())


def test_a_target_without_the_command_has_no_ceiling(target: Path, postgres_url: str, supervisor: Supervisor) -> None:
    """A note says what it said."""
    (target / "targets" / "__main__.py").write_text("import sys; sys.exit('Unknown command: page_sql')")
    found, notes = proven(target, {}, url=postgres_url, supervisor=supervisor)
    assert found == ()
    assert notes == (
        "PostgreSQL alone was not timed: the target names no statements: Unknown command: page_sql.",
    )  # fmt: skip


def test_a_way_of_paging_has_statements_of_its_own(target: Path, postgres_url: str, supervisor: Supervisor) -> None:
    """PostgreSQL is asked what the arm asks, also where a client learns that first; and each way is timed by itself."""
    values = {("count", "rest", paging, key): 1 for paging in ("offset", "keyset") for key in range(3)}
    learnt = {("count", "keyset", key): f"/count/after/{key}" for key in (0, 1)}
    known = Known(references=KNOWN.references, values=values, paths=learnt)
    after = {path: RIGHT[f"/count/{key + 1}"].replace("::int", "::int + 0") for (*_, key), path in learnt.items()}
    found, notes = proven(target, RIGHT | after, url=postgres_url, supervisor=supervisor, known=known)
    assert notes == ()
    ways = [("offset", 0), ("offset", 1), ("offset", 2), ("keyset", 0), ("keyset", 1)]
    assert [(each.paging, each.key) for each in found] == ways
    assert [each.sql for each in found[3:]] == list(after.values())
    times = ceiling(target, url=postgres_url, supervisor=supervisor).times(found, seconds=0.0)
    assert [(each.paging, each.key) for each in times] == ways


def test_faces_that_answer_with_less_are_not_set_against_it(
    target: Path, postgres_url: str, supervisor: Supervisor
) -> None:
    """A face whose document leaves fields out has fewer values than PostgreSQL writes."""
    values = {**KNOWN.values, ("count", "rest", "", 1): 2}
    known = Known(references=KNOWN.references, values=values)
    found, _ = proven(target, dict(RIGHT), url=postgres_url, supervisor=supervisor, known=known)
    assert [each.faces for each in found] == [("rest", "graphql"), ("graphql",), ("rest", "graphql")]


@pytest.mark.parametrize("sql", ["SELECT '12:MI'", "SELECT :name", "SELECT '10:30'"])
def test_no_statement_is_run_that_pgbench_would_change(
    target: Path, postgres_url: str, supervisor: Supervisor, sql: str
) -> None:
    """It takes `:name` for a variable, also inside quotes; `::type` it leaves alone, as all other tests show."""
    found, [note] = proven(target, RIGHT | {"/count/2": sql}, url=postgres_url, supervisor=supervisor)
    assert found == ()
    assert "for a variable" in note


def test_without_pgbench_nothing_is_timed(target: Path, postgres_url: str, supervisor: Supervisor) -> None:
    """A note says so, and the target is not asked."""
    own = Ceiling(program=None, url=postgres_url, supervisor=supervisor, folder=target)
    found = own.proven([KEYED], surroundings=surroundings(target, url=postgres_url), known=KNOWN)
    assert found == ((), ("PostgreSQL alone was not timed: there is no pgbench on the PATH.",))


def test_for_a_given_server_pgbench_is_that_of_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedded one brings its own."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pgbench(is_embedded=False) is None
    (tmp_path / "pgbench").write_text("#!/bin/sh\n")
    (tmp_path / "pgbench").chmod(0o755)
    assert pgbench(is_embedded=False) == tmp_path / "pgbench"
    wheels = pgbench(is_embedded=True)
    assert wheels
    assert wheels.is_file()


def test_no_password_is_on_a_command_line(
    target: Path, postgres_url: str, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever lists processes sees a program and its files."""
    seen: list[str] = []
    spawn = supervisor.spawn

    def noted(**words: Any) -> Process:
        seen.extend(map(str, words["argv"]))
        return spawn(**words)

    monkeypatch.setattr(supervisor, "spawn", noted)
    statement = AloneStatement(operation="count", key=0, sql="SELECT 1", seconds=0.001)
    ceiling(target, url=postgres_url, supervisor=supervisor).times([statement], seconds=0.0)
    with closing(psycopg2.connect(postgres_url)) as connection:
        password = connection.info.password
    assert seen
    assert not [word for word in seen if "postgresql" in word or (password and password in word)]


@pytest.mark.parametrize(
    ("operations", "block", "each"), [(0, 20.0, 0.0), (1, 20.0, 0.5), (3, 20.0, 0.5), (1, 2.0, 0.2), (2, 2.0, 0.1)]
)
def test_a_short_block_spends_a_tenth_of_its_time_on_it(operations: int, block: float, each: float) -> None:
    """Half a second an operation, or less; what pgbench needs to start comes on top of what is planned."""
    statements = [
        AloneStatement(operation=str(number), key=key, sql="SELECT 1", seconds=0.001)
        for number in range(operations)
        for key in range(3)
    ]
    assert seconds_of(statements, block=block) == pytest.approx(each)
    assert operations * each <= cost_of(statements, block=block) <= operations * (each + 0.2)
