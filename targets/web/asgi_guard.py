"""Yields an ASGI application that never sees a strange charset, nor more of a body than may be sent.

Django reads a whole body to disk before any of the project's code runs, and knows its size beforehand only where the
client tells it.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from targets.web.content_type import plain
from targets.web.errors import TooLargeError, error_body

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class _TooLong(Exception):  # noqa: N818 - it never leaves this file
    """More came than may."""


def guarded(application: Application, *, limit: int) -> Application:
    """The application, for bodies of at most `limit` bytes."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        scope = {**scope, "headers": [(name, _plain(name, value)) for name, value in scope["headers"]]}
        come = 0

        async def receive_some() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            if come > limit:
                raise _TooLong
            return message

        try:
            await application(scope, receive_some, send)
        except _TooLong:
            error = TooLargeError(limit=limit)
            body = json.dumps(error_body(code=error.code, message=error.message)).encode()
            headers = [
                (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"), (b"cache-control", b"no-store"),
            ]  # fmt: skip
            await send({"type": "http.response.start", "status": error.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return answer


def _plain(name: bytes, value: bytes) -> bytes:
    return plain(value.decode("latin-1")).encode("latin-1") if name.lower() == b"content-type" else value
