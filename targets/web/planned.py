"""Yields statements that PostgreSQL reads and plans once for each connection, however often they are asked for.

It suits those whose best plan is the same for all values: settings have PostgreSQL keep one plan for all of them.
"""

import re
from collections.abc import Callable
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

_PLACE: Final = re.compile("%s")
_names: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()
"""By connection, the names of its statements by their SQL. A connection that is made anew has none."""


def planned_once(
    execute: Callable[..., Any],
    sql: str,
    parameters: Any,
    many: bool,  # noqa: FBT001 - Django calls it so
    context: dict[str, Any],
) -> Any:
    """Django's execute wrapper: run the statement under the name by which its connection knows it.

    It is to be the last wrapper that is set: all others then see what is asked, and not by what name.
    """
    connection = context["connection"].connection
    known = _names.setdefault(connection, {})
    if sql not in known:
        name, numbers = f"planned_{len(known) + 1}", count(1)
        numbered = _PLACE.sub(lambda _: f"${next(numbers)}", sql)
        with connection.cursor() as cursor:
            cursor.execute(f"PREPARE {name} AS {numbered}")
        known[sql] = name
    values = ", ".join(["%s"] * len(parameters))
    return execute(f"EXECUTE {known[sql]} ({values})", parameters, many, context)
