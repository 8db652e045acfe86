"""Yields an ASGI application that never sees a strange charset, nor more of a body than may be sent.

Django reads a whole body to disk before any of the project's code runs, and knows its size beforehand only where the
client tells it.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from targets.web.content_type import plain
from targets.web.errors import TooLargeError, error_response
from targets.web.graphql_view import graphql_refusal

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
            if _announced(scope) > limit:
                # Nobody reads any of it.
                raise _TooLong
            message = await receive()
            come += len(message.get("body", b""))
            if come > limit:
                raise _TooLong
            return message

        try:
            await application(scope, receive_some, send)
        except _TooLong:
            error = TooLargeError(limit=limit)
            # Each face says so in its own words.
            refusal = graphql_refusal(error) if scope["path"] == "/graphql" else error_response(error)
            body = refusal.content
            headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
            headers.append((b"content-length", str(len(body)).encode()))
            await send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return answer


def _announced(scope: Message) -> int:
    lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _plain(name: bytes, value: bytes) -> bytes:
    return plain(value.decode("latin-1")).encode("latin-1") if name.lower() == b"content-type" else value
