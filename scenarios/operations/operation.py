"""Yields `Operation`, one thing a client does written once for each face, and the values it travels in.

It knows no server and sends nothing: the proof and the load both send exactly these requests.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol
from urllib.parse import urlencode

from fixtures.sizes import Size
from scenarios.operations.popularity import USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request: what goes over the wire, but for the host.

    `follow` makes a further trip of this one's answer, with the same headers; it raises ValueError where it cannot.
    The answer is that of all trips together: their bodies, one after the other. A prelude is no trip: its answer, to
    which `follow` is put as well, only tells the client what to ask.
    """

    method: str
    path: str
    body: bytes | None = None
    content_type: str | None = None
    follow: "Callable[[bytes], Request] | None" = None
    is_prelude: bool = False


def by_query(path: str, **parameters: object) -> Request:
    """A REST request for what `path` names; None leaves a parameter out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return Request(method="GET", path=f"{path}?{urlencode(given)}" if given else path)


def by_document(document: str, **variables: object) -> Request:
    """A GraphQL request; None leaves a variable out."""
    given = {name: value for name, value in variables.items() if value is not None}
    body = json.dumps({"query": document, "variables": given}).encode()
    return Request(method="POST", path="/graphql", body=body, content_type="application/json")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that says no: the error code both faces use, and the names of the fields at fault, sorted."""

    code: str
    fields: tuple[str, ...] = ()


class Sampler(Protocol):
    """Draws parameters; what is popular comes up often, by Zipf's law with this exponent."""

    def __call__(self, rng: Random, size: Size, /, *, exponent: float = USUAL) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing a client does: a REST request, a GraphQL document, and one reader for either answer.

    `sample` draws the operation's own frozen parameters; `read` turns (face, status, body) into a frozen
    dataclass or a `Refusal`, and raises ValueError for an unknown or a missing key or a wrong type. `paged` gives the
    same parameters with a first page of another size, where there are pages. `keyset` asks for the same rows by cursor,
    as (face, parameters), where that can be done. `comparable` gives parameters for a
    size, a seed and a count, of which each asks for as much as the one in its place at any other size.
    """

    name: str
    sample: Sampler
    rest: Callable[[Any], Request]
    graphql: Callable[[Any], Request]
    read: Callable[[str, int, bytes], Any]
    paged: Callable[[Any, int], Any] | None = None
    keyset: Callable[[str, Any], Request] | None = None
    comparable: Callable[[Size, int, int], Sequence[Any]] | None = None

    def request(self, face: str, parameters: Any, paging: str = "") -> Request:
        """The request of `face` ("rest" or "graphql") for `parameters`, with `paging` "keyset" by cursor.

        Raises ValueError where there are no cursors, or no such way.
        """
        if paging == "keyset" and self.keyset:
            return self.keyset(face, parameters)
        if paging not in {"", "offset"}:
            raise ValueError(f"{self.name} cannot be asked for by {paging}")
        return self.rest(parameters) if face == "rest" else self.graphql(parameters)
