"""Yields the parser of REST bodies: a JSON object, or a refusal in our words."""

from collections.abc import Mapping
from typing import IO, Any, cast

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from targets.web.errors import MalformedError


class ObjectParser(JSONParser):
    """Reads a JSON object. Raises MalformedError for all else, also for one that is nested without end."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            body = super().parse(stream, media_type, parser_context)
        except (ParseError, RecursionError):
            raise MalformedError("The body must be JSON.") from None
        if not isinstance(body, dict):
            raise MalformedError("The body must be a JSON object.")
        return body


def body_of(request: Request) -> Mapping[str, object]:
    """The object in a request's body; an empty one where there is no body."""
    return cast(Mapping[str, object], request.data)
