"""Yields `Operation`, one thing a client does written once for each face, and the values it travels in.

It knows no server and sends nothing: the proof and the load both send exactly these requests.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from fixtures.sizes import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request: what goes over the wire, but for the host."""

    method: str
    path: str
    body: bytes | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that says no: the error code both faces use, and the names of the fields at fault, sorted."""

    code: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing a client does: a REST request, a GraphQL document, and one reader for either answer.

    `sample` draws the operation's own frozen parameters; `read` turns (face, status, body) into a frozen
    dataclass or a `Refusal`, and raises ValueError for an unknown or a missing key or a wrong type. `paged` gives the
    same parameters with a first page of another size, where there are pages.
    """

    name: str
    sample: Callable[[Random, Size], Any]
    rest: Callable[[Any], Request]
    graphql: Callable[[Any], Request]
    read: Callable[[str, int, bytes], Any]
    paged: Callable[[Any, int], Any] | None = None

    def request(self, face: str, parameters: Any) -> Request:
        """The request of `face` ("rest" or "graphql") for `parameters`."""
        return self.rest(parameters) if face == "rest" else self.graphql(parameters)
