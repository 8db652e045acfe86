"""Yields one request by Locust's client: what its answer was. It runs inside Locust alone, and keeps no time."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import brotli  # type: ignore[import-untyped]
import gevent
from gevent.queue import Queue
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPResponse, HTTPSocketResponse
from geventhttpclient.url import URL
from locust.contrib import fasthttp

from lab.answers import fault_of, fault_of_error, is_ours, told_of
from lab.recorder import Fault, Told
from lab.script import Line, Trip
from lab.timer import wait_until

# Locust takes a body that zlib cannot unpack for a failed request; so is one that brotli cannot.
_client: Any = fasthttp
_client.FAILURE_EXCEPTIONS = (*fasthttp.FAILURE_EXCEPTIONS, brotli.error)

FURTHER: Final = "further trip"
"""The name by which Locust counts a line's further trips: they are no requests of their own in what is recorded."""

INTERIM: Final = range(100, 200)

_Whole = tuple[int, bytes, int, Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of a request: its status (0 for none), its bytes, what is wrong with it, and when it was whole.

    `done` is in nanoseconds of the monotonic clock: that of the last byte, before Locust counts the request. Of several
    trips it is earlier by what the client itself took between them. `cache` is what the answer says of a cache, and of
    several trips that which had least.
    """

    status: int
    size: int
    fault: Fault
    done: int
    cache: Told = Told.NOTHING


def counted(environment: Any, *, name: str) -> int:
    """How many requests of a name Locust itself counted, whatever their method."""
    entries = environment.stats.entries
    return sum(entry.num_requests for (own, _), entry in entries.items() if own == name)


def ask(client: Any, line: Line, *, headers: dict[str, str], name: str) -> Answered:
    """Sends one request, and its further trips one after the other, and reads all of the answer."""
    found = _trip(client, line, headers=headers, name=name)
    if isinstance(found, Answered):
        return found
    status, body, done, told = found
    own = 0
    for trip in line.then:
        if line.status not in {None, status}:
            break
        begun = time.monotonic_ns()
        # What this client does between two trips is its own, and not the service's.
        own += begun - done
        found = _trip(client, trip, headers=headers, name=FURTHER)
        if isinstance(found, Answered):
            return found
        status, body, done, told = found[0], body + found[1], found[2], max(told, found[3])
    fault = fault_of(line, status=status, body=body)
    return Answered(status=status, size=len(body), fault=fault, done=done - own, cache=told)


def _trip(client: Any, trip: Line | Trip, *, headers: dict[str, str], name: str) -> _Whole | Answered:
    """A status, a whole body, when its last byte came and what a cache had; or what came instead of a whole body."""
    response = client.request(trip.method, trip.url, data=trip.body, headers=headers, name=name)
    status: int = response.status_code or 0
    try:
        body = response.content or b""
    except fasthttp.FAILURE_EXCEPTIONS as broken:
        return _failed(status, size=0, fault=fault_of_error(broken, in_body=True))
    error: BaseException | None = getattr(response, "error", None)
    if status == 0 and error is not None:
        if is_ours(error):
            raise RuntimeError(f"this machine has too little to send more: {error}")
        return _failed(0, size=0, fault=fault_of_error(error, in_body=False))
    read = response._response  # noqa: SLF001 - the session swallows what happened to the body
    if not read.message_complete:
        return _failed(status, size=len(body), fault=Fault.TRUNCATED)
    return status, body, read.completed, told_of(read.get("cache-status"))


def _failed(status: int, *, size: int, fault: Fault) -> Answered:
    return Answered(status=status, size=size, fault=fault, done=time.monotonic_ns())


def keep_to_one_request(client: Any) -> None:
    """Has Locust's client follow no redirect, and keep no cookie."""
    agent = client.client
    agent.redirect_response_codes, agent.cookiejar = frozenset(), None


def prepare(client: Any, urls: Iterable[str]) -> list[ConnectionPool]:
    """Makes Locust's client send each request once, to where it belongs, on its connections in turn; their pools.

    A client that prefers the connection it used last stays with one of a server's workers until it needs a second:
    where there are two, it would measure one.
    """
    keep_to_one_request(client)
    agent = client.client
    pools = []
    for url in {url.split("/", 3)[2]: url for url in urls}.values():
        pool: Any = agent.clientpool.get_client(URL(url))._connection_pool  # noqa: SLF001
        # The client would ask again, up to this many times and one more, when a connection breaks.
        pool.size = -1
        pool._socket_queue = Queue()  # noqa: SLF001
        pool.get_socket = partial(_socket_when_due, pool.get_socket)
        pools.append(pool)
    return pools


@dataclass(slots=True, kw_only=True)
class Sending:
    """When this greenlet's request is due, and when it was sent: nanoseconds of the monotonic clock, 0 for not known.

    The request is made ready before it is due, and waits with its connection in hand. Of several trips the first
    counts.
    """

    due: int = 0
    sent: int = 0


def _socket_when_due(get_socket: Callable[[], Any]) -> Any:
    """A connection, at the moment at which this greenlet's request is due: all that is left is to send it."""
    found = get_socket()
    sending: Sending | None = getattr(gevent.getcurrent(), "sending", None)
    if sending:
        wait_until(sending.due)
        sending.sent = sending.sent or time.monotonic_ns()
    return found


def connect(pools: Iterable[Any], count: int) -> None:
    """Has at least `count` connections in each pool, of which none was closed meanwhile. Raises OSError."""
    for pool in pools:
        idle = [pool._socket_queue.get() for _ in range(pool._socket_queue.qsize())]  # noqa: SLF001
        alive = [each for each in idle if pool._is_socket_alive(each)]  # noqa: SLF001
        for each in idle:
            if each not in alive:
                each.close()
        alive += [pool._create_socket() for _ in range(count - len(alive))]  # noqa: SLF001
        for each in alive:
            pool._socket_queue.put(each)  # noqa: SLF001


def _on_message_complete(response: Any) -> None:
    """Notes when an answer was whole, and keeps the connection while an interim answer's final one is to come.

    The client gives it back to its pool after the first message of any kind: where a 100 comes alone, the next request
    is sent on a connection on which this one's answer is awaited, and reads it.
    """
    HTTPResponse._on_message_complete(response)  # noqa: SLF001
    response.completed = time.monotonic_ns()
    if response.get_code() not in INTERIM:
        response.release()


_responses: Any = HTTPSocketResponse
_responses._on_message_complete = _on_message_complete  # noqa: SLF001
