"""Yields one request by Locust's client: what its answer was. It runs inside Locust alone, and keeps no time."""

from collections.abc import Iterable
from typing import Any, Final

from geventhttpclient.response import HTTPResponse, HTTPSocketResponse
from geventhttpclient.url import URL
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS

from lab.answers import fault_of, fault_of_error
from lab.recorder import Fault
from lab.script import Line

INTERIM: Final = range(100, 200)


def ask(client: Any, line: Line, *, headers: dict[str, str], name: str) -> tuple[int, int, Fault]:
    """Sends one request and reads all of the answer: its status (0 for none), its bytes, and what is wrong with it."""
    response = client.request(line.method, line.url, data=line.body, headers=headers, name=name)
    status: int = response.status_code or 0
    try:
        body = response.content or b""
    except FAILURE_EXCEPTIONS as broken:
        return status, 0, fault_of_error(broken, in_body=True)
    error: BaseException | None = getattr(response, "error", None)
    if status == 0 and error is not None:
        return 0, 0, fault_of_error(error, in_body=False)
    if not response._response.message_complete:  # noqa: SLF001 - the session swallows what happened to the body
        return status, len(body), Fault.TRUNCATED
    return status, len(body), fault_of(line, status=status, body=body)


def ask_once(client: Any, urls: Iterable[str]) -> None:
    """Makes Locust's client send each request once, whatever becomes of its connection, and not to another place."""
    agent = client.client
    agent.redirect_response_codes, agent.cookiejar = frozenset(), None
    for origin in {url.split("/", 3)[2]: url for url in urls}.values():
        # The client would ask again, up to this many times and one more, when a connection breaks.
        agent.clientpool.get_client(URL(origin))._connection_pool.size = -1  # noqa: SLF001


def _on_message_complete(response: HTTPSocketResponse) -> None:
    """Keeps the connection while an interim answer's final one is to come.

    The client gives it back to its pool after the first message of any kind: where a 100 comes alone, the next request
    is sent on a connection on which this one's answer is awaited, and reads it.
    """
    HTTPResponse._on_message_complete(response)  # noqa: SLF001
    if response.get_code() not in INTERIM:
        response.release()


_responses: Any = HTTPSocketResponse
_responses._on_message_complete = _on_message_complete  # noqa: SLF001
