"""Yields the command `page_sql`, for the lab: the statements by which PostgreSQL alone answers requests, as JSON."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections
from django.http import QueryDict
from django.urls import Resolver404, resolve

from targets.catalog.filters import ProductFilter, read_search
from targets.catalog.json_answers import Statement, detail_statement, search_statement
from targets.web.errors import ApiError
from targets.web.pagination import read_newest
from targets.web.parameters import read_id
from targets.web.routing import current_database


def _list(query: QueryDict, named: Mapping[str, str]) -> Statement:
    return search_statement(wanted=ProductFilter(), window=read_newest(query))


def _search(query: QueryDict, named: Mapping[str, str]) -> Statement:
    wanted, window = read_search(query)
    return search_statement(wanted=wanted, window=window)


def _detail(query: QueryDict, named: Mapping[str, str]) -> Statement:
    return detail_statement(product_id=read_id(named["pk"]))


STATEMENTS: Final[Mapping[str, Callable[[QueryDict, Mapping[str, str]], Statement]]] = {
    "product-list": _list,
    "product-search": _search,
    "product-detail": _detail,
}
"""By the name of an address."""


class Command(BaseCommand):
    """Prints a statement for each path, its values in it; null for a path that no one statement answers.

    The one value that a statement gives is the JSON of REST's answer.
    """

    help = "Prints the statements by which PostgreSQL alone answers REST's paths, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="as in /api/products/?page=2")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps([_literal(path) for path in options["paths"]]))


def _literal(path: str) -> str | None:
    """The statement of a path; None where there is none, or where the path is refused."""
    parts = urlsplit(path)
    try:
        match = resolve(parts.path)
        statement = STATEMENTS[match.url_name or ""](QueryDict(parts.query), match.kwargs)
    except (Resolver404, KeyError, ApiError):
        return None
    with connections[current_database()].cursor() as cursor:
        literal: bytes = cursor.mogrify(statement.sql, tuple(map(_without_colons, statement.parameters)))
    return literal.decode()


def _without_colons(value: Any) -> Any:
    """A moment in ISO 8601's basic form: programs that run scripts take `:30` for a variable."""
    return value.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%f+00") if isinstance(value, datetime) else value
