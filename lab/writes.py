"""Yields requests that change something, which the target makes ready, as lines of a load. It sends nothing."""

import json
from dataclasses import dataclass
from typing import Final

import msgspec

from lab.clones import told
from lab.script import Line
from lab.server import Surroundings

TOKEN_SECONDS: Final = "3600"  # noqa: S105 - a duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A POST request, and the status of its answer."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: str
    status: int


def writes_of(surroundings: Surroundings, *, words: tuple[str, ...], count: int, url: str) -> tuple[Write, ...]:
    """What the target's command `writes` makes ready on the database at `url`. Raises LabError with its last words."""
    command = ("writes", *words, str(count), "--seconds", TOKEN_SECONDS)
    text = told(
        surroundings.build, *command, url=url, secret=surroundings.secret, what="no requests could be made ready",
        hint=f"try it alone: python -m targets {' '.join(command)}",
    )  # fmt: skip
    return tuple(msgspec.convert(each, Write) for each in json.loads(text))


def lines_to(writes: tuple[Write, ...], *, url: str) -> tuple[Line, ...]:
    """The lines that send them to the server at `url`; of an answer the status is known, and that it has no errors."""
    return tuple(
        Line(
            cell=0, key=number, method="POST", url=url + each.path, headers=each.headers, body=each.body.encode(),
            status=each.status, length=None, checksum=None, graphql=each.path == "/graphql",
        )
        for number, each in enumerate(writes)
    )  # fmt: skip
