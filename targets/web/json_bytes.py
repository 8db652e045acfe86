"""Yields an answer as REST's bytes without a renderer: from plain values, or from JSON that is written already.

The bytes are those of REST framework's own renderer for the same values.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from targets.web.current import current_variant

JSON: Final = "application/json"

# Valid in JSON as they are; REST framework writes them so that JavaScript before 2019 can read them too.
_LINE_ENDS: Final = (("\u2028".encode(), b"\\u2028"), ("\u2029".encode(), b"\\u2029"))


def json_of(value: Any) -> bytes:
    """The JSON of dicts, lists, texts, whole numbers, booleans and None; keys keep their order."""
    return as_rendered(orjson.dumps(value))


def as_rendered(written: bytes) -> bytes:
    """Compact JSON with its line ends escaped as REST framework does."""
    for line_end, escaped in _LINE_ENDS:
        written = written.replace(line_end, escaped)
    return written


def answer_by(
    request: Request, *, drf: Callable[[], Any], values: Callable[[], bytes], database: Callable[[], bytes]
) -> HttpResponse:
    """The answer as the knob `serializer` has it written; each way gives the same bytes.

    A client may ask for indented JSON, in the parameters of its Accept: that only REST framework's renderer writes.
    """
    level = current_variant().serializer
    if level == "drf" or request.accepted_media_type != JSON:
        return Response(drf())
    return HttpResponse(values() if level == "values" else database(), content_type=JSON)
