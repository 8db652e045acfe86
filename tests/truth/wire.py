"""Yields HTTP/1.1 on the server's side: connections, requests, answers and ends. It decides nothing about them.

Connections stay open between requests; requests may carry a body with Content-Length; there is no pipelining.
"""

import asyncio
import re
import select
import selectors
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
REASONS = {each.value: each.phrase for each in HTTPStatus}


class FineSelector(selectors.DefaultSelector):
    """Waits to within some 0.1 ms, where epoll's own time-outs are whole milliseconds."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            # Linux lets select() oversleep by 0.1 % of its time-out: a long wait ends early, and the loop asks again.
            select.select([self.fileno()], [], [], timeout if timeout < 0.02 else 0.95 * timeout)
            timeout = 0
        return super().select(timeout)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request that was read whole; its head is in lower case, `arrived` is time.monotonic_ns()."""

    path: bytes
    head: bytes
    arrived: int


class Connection(asyncio.Protocol):
    """One client's connection: hands each whole request to the mode, which answers at once, later, or wrongly."""

    transport: asyncio.Transport

    def __init__(self, mode: "Mode") -> None:
        self.mode = mode
        self.unread = bytearray()
        self.invited = self.last = self.over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self.unread += data
        while not self.over and (request := self._next(now)):
            self.mode(self, request)

    def _next(self, now: int) -> Request | None:
        end = self.unread.find(b"\r\n\r\n")
        if end < 0:
            return None
        start_line, _, rest = bytes(self.unread[: end + 2]).partition(b"\r\n")
        head = b"\r\n" + rest.lower()
        length = re.search(rb"\r\ncontent-length:\s*(\d+)", head)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self.unread) < whole:
            if b"\r\nexpect: 100-continue" in head and not self.invited:
                self.invited = True
                self.transport.write(INTERIM)
            return None
        del self.unread[:whole]
        self.invited = False
        self.last = b"\r\nconnection: close" in head
        return Request(path=start_line.split(b" ")[1], head=head, arrived=now)

    def answer(self, *parts: bytes, end: "End | None" = None) -> None:
        """Send an answer, each part by a write of its own, and end as told; a client that has gone gets none."""
        if self.transport.is_closing():
            return
        for part in parts:
            self.transport.write(part)
        if end is not None:
            end(self)
        elif self.last:
            self.close()

    def close(self) -> None:
        """End the connection once what was written is sent."""
        self.over = True
        self.transport.close()

    def reset(self) -> None:
        """End it by RST."""
        self.over = True
        lingering = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
        self.transport.abort()

    def half_close(self) -> None:
        """Say that no more will be sent, and stay until the client closes."""
        self.over = True
        self.transport.write_eof()


Mode = Callable[[Connection, Request], None]
End = Callable[[Connection], None]


def message(body: bytes, *headers: str, status: int = 200, kind: str = "text/plain", sized: bool = True) -> bytes:
    """A whole answer; `sized` says its length in the head."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, '')}", *headers]
    if status in {204, 304}:  # these have no body
        return "\r\n".join([*lines, "", ""]).encode()
    lines.append(f"Content-Type: {kind}")
    if sized:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def text(size: int) -> bytes:
    """A body of that many bytes."""
    return b"x" * size
