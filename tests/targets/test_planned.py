"""A statement that is planned once is planned by PostgreSQL once for each connection, and recorded as itself."""

from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.utils import DataError

from targets.web.planned import planned_once

SQL = "SELECT %s::int + %s::int, %s::text"
pytestmark = pytest.mark.usefixtures("project")


def asked(*values: Any, sql: str = SQL, alias: str = "default") -> list[Any]:
    """The rows of a statement that is planned once."""
    with connections[alias].execute_wrapper(planned_once), connections[alias].cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def prepared(alias: str = "default") -> list[tuple[str, int, int]]:
    """What the connection has prepared: names, and how often each was run by its one plan and by one of its own."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT name, generic_plans, custom_plans FROM pg_prepared_statements ORDER BY name")
        return list(cursor.fetchall())


@pytest.fixture(autouse=True)
def anew() -> None:
    """Connections that nobody has asked anything."""
    for connection in connections.all():
        connection.close()


def test_a_statement_is_planned_once_for_all_values():
    """However often it is asked, with whatever values; another statement has another name."""
    assert [asked(number, 1, "it's %s") for number in range(3)] == [[(n + 1, "it's %s")] for n in range(3)]
    assert asked("x", sql="SELECT %s::text") == [("x",)]
    assert prepared() == [("planned_1", 3, 0), ("planned_2", 1, 0)]


def test_a_connection_that_is_made_anew_prepares_anew():
    """What another connection had is no more; each database has its own."""
    asked(1, 2, "x")
    connections["default"].close()
    assert asked(1, 2, "x") == [(3, "x")]
    assert prepared() == [("planned_1", 1, 0)]
    assert prepared("bare") == []
    assert asked(1, 2, "x", alias="bare") == [(3, "x")]
    assert prepared("bare") == [("planned_1", 1, 0)]


def test_what_fails_is_known_all_the_same():
    """A value that is refused is the value's fault: the statement stays, also when its transaction is undone."""
    with pytest.raises(DataError), transaction.atomic(using="default"):
        asked("no number", 1, "x")
    assert asked(1, 1, "x") == [(2, "x")]
    assert [name for name, _, _ in prepared()] == ["planned_1"]


def test_other_wrappers_see_what_is_asked():
    """Whoever records statements records this one, with its values, and not the name that it goes by."""
    seen: list[tuple[str, Any]] = []

    def note(execute, sql, parameters, many, context):
        seen.append((sql, tuple(parameters)))
        return execute(sql, parameters, many, context)

    with ExitStack() as stack:
        stack.enter_context(connections["default"].execute_wrapper(note))
        asked(1, 2, "x")
    assert seen == [(SQL, (1, 2, "x"))]
