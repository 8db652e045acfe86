"""Yields what is wrong with an answer, by the line that asked for it. It sends nothing."""

import errno
import json
import zlib
from typing import Final

from lab.recorder import Fault, Told
from lab.script import Line

_BY_NAME: Final = {
    "Timeout": Fault.TIME_OUT,
    "HTTPConnectionClosed": Fault.RESET,
    "HTTPParseError": Fault.PROTOCOL,
    "HTTPProtocolViolationError": Fault.PROTOCOL,
    "error": Fault.PROTOCOL,
}
"""The exceptions of gevent, geventhttpclient and zlib, by name: none of them is imported where Locust is not."""

_TOLD: Final = {
    "hit": Told.HIT, "fwd=partial": Told.PART, "collapsed": Told.WAITED, "fwd=miss": Told.MISS, "fwd=bypass": Told.AWAY,
}  # fmt: skip
"""The words of `Cache-Status`; the first one counts that is there."""


def fault_of(line: Line, *, status: int, body: bytes) -> Fault:
    """The first thing that is wrong with a whole answer: status, size, content, or `errors` where GraphQL was asked."""
    if status != line.status if line.status is not None else not 200 <= status < 300:
        return Fault.STATUS
    if line.length is not None and len(body) != line.length:
        return Fault.SIZE
    if line.checksum is not None and zlib.crc32(body) != line.checksum:
        return Fault.CONTENT
    if line.graphql and _has_errors(body):
        return Fault.GRAPHQL_ERRORS
    return Fault.NONE


OURS: Final = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS}
"""What this machine ran out of: files, ports, memory for sockets."""


def is_ours(error: BaseException) -> bool:
    """Whether no request was sent for want of something here, which is nothing that a service did."""
    error = getattr(error, "original", None) or error
    return isinstance(error, OSError) and error.errno in OURS


def fault_of_error(error: BaseException, *, in_body: bool) -> Fault:
    """What an exception in place of an answer means; `in_body` when a status had come already."""
    # The client wraps what happened when it gives up.
    error = getattr(error, "original", None) or error
    if isinstance(error, TimeoutError):
        return Fault.TIME_OUT
    found = _BY_NAME.get(type(error).__name__)
    if found is None:
        found = Fault.RESET if isinstance(error, ConnectionResetError | BrokenPipeError) else Fault.REFUSED
    return Fault.TRUNCATED if in_body and found in {Fault.RESET, Fault.REFUSED} else found


def told_of(status: str | list[str] | None) -> Told:
    """What `Cache-Status` (RFC 9211) tells, a line or several: by its last member, the cache nearest to the client."""
    if not status:
        return Told.NOTHING
    line = status if isinstance(status, str) else status[-1]
    words = {word.strip() for word in line.rsplit(",", 1)[-1].split(";")}
    return next((told for word, told in _TOLD.items() if word in words), Told.NOTHING)


def _has_errors(body: bytes) -> bool:
    """Whether a GraphQL answer tells of errors; one that is no JSON object is an error too."""
    if b'"errors"' not in body:
        return not body.lstrip().startswith(b"{")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return not isinstance(value, dict) or "errors" in value
