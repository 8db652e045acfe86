"""Yields content types without what can be done with their parameters: applications get JSON in UTF-8, or refuse it.

Django takes any codec that Python knows for a charset, and an unknown one of RFC 2231 ends in an exception before any
of the project's code runs.
"""

from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def plain(content_type: str) -> str:
    """The media type alone, and of its parameters no more than that the charset is UTF-8."""
    media_type, semicolon, _ = content_type.partition(";")
    return f"{media_type.strip()}; charset=utf-8" if semicolon else content_type


def with_plain_content_type(application: Application) -> Application:
    """A WSGI application that never sees another charset."""

    def plainly(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "CONTENT_TYPE" in environ:
            environ["CONTENT_TYPE"] = plain(environ["CONTENT_TYPE"])
        return application(environ, start_response)

    return plainly
