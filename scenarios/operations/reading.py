"""Yields `AnswerReader`, which takes an answer of either face apart and refuses what it does not expect.

It knows no operation: which keys an answer has is said by the operation that reads it.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from scenarios.operations.operation import Refusal

T = TypeVar("T")

_DECIMAL: Final = re.compile(r"-?[0-9]+\.[0-9]{2}")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_DECODER: Final = json.JSONDecoder()
_STATUS_OF: Final = {"invalid": 400, "not_found": 404}


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """Reads values as `face` writes them; every method raises ValueError for a key or type that is not its own."""

    face: str

    def answer(self, status: int, body: bytes, *, query: str, success: int = 200) -> Any | Refusal:
        """What was asked for, not yet read, or a refusal. `query` is the name of GraphQL's root field.

        `success` is the status of a REST answer that is no refusal.
        """
        found = self.answers(status, body, queries=(query,), success=success)
        return found if isinstance(found, Refusal) else found[0]

    def answers(self, status: int, body: bytes, *, queries: Sequence[str], success: int = 200) -> list[Any] | Refusal:
        """What was asked for, likewise, of several at once: trip by trip in REST, by root field in GraphQL."""
        values = _values(body)
        if self.face == "rest":
            return self._rest(status, values, count=len(queries), success=success)
        [value] = values
        return self._graphql(status, value, queries=queries)

    def _rest(self, status: int, values: list[Any], *, count: int, success: int) -> list[Any] | Refusal:
        if status == success:
            if len(values) != count:
                raise ValueError(f"{len(values)} answers to {count} requests")
            return values
        [error] = self.keys(values[-1], "error")
        code, message, fields = self.keys(error, "code", "message", "fields")
        expected = _STATUS_OF.get(code, status) if isinstance(code, str) else status
        return _refusal(status, code, message, fields, expected=expected)

    def _graphql(self, status: int, value: Any, *, queries: Sequence[str]) -> list[Any] | Refusal:
        if not isinstance(value, dict) or not value.keys() <= {"data", "errors"}:
            raise ValueError(f"not a GraphQL answer: {_short(value)}")
        if "errors" not in value:
            if status != 200:
                raise ValueError(f"status {status} without errors")
            return self.keys(value.get("data"), *queries)
        data = value.get("data")
        if data is not None and (not isinstance(data, dict) or any(data.values())):
            raise ValueError("an answer with both data and errors")
        refusals = []
        for error in self.many(value["errors"], lambda error: error):
            if not isinstance(error, dict):
                raise ValueError(f"expected an error, found {_short(error)}")
            told = {key: part for key, part in error.items() if key != "path"}
            message, extensions = self.keys(told, "message", "extensions")
            code, fields = self.keys(extensions, "code", "fields")
            refusals.append(_refusal(status, code, message, fields, expected=status))
        if len({refusal.code for refusal in refusals}) != 1:
            raise ValueError(f"errors of several kinds, or none: {_short(value)}")
        names = {_snake(name) for refusal in refusals for name in refusal.fields}
        return Refusal(refusals[0].code, tuple(sorted(names)))

    def keys(self, value: Any, *names: str) -> list[Any]:
        """The values of an object that has exactly these keys, in the order of `names`."""
        if not isinstance(value, dict):
            raise ValueError(f"expected an object with {', '.join(names)}, found {_short(value)}")
        written = names if self.face == "rest" else [_camel(name) for name in names]
        if value.keys() != set(written):
            unknown, missing = sorted(value.keys() - set(written)), sorted(set(written) - value.keys())
            raise ValueError(f"unknown keys {unknown}, missing keys {missing}")
        return [value[name] for name in written]

    def many(self, value: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
        """The members of a list, each read by `read`."""
        if not isinstance(value, list):
            raise ValueError(f"expected a list, found {_short(value)}")
        return tuple(read(member) for member in value)

    def id(self, value: Any) -> int:
        """A primary key: a number in REST, text in GraphQL."""
        if self.face == "rest":
            return self.whole(value)
        if not (isinstance(value, str) and value.isascii() and value.isdigit()):
            raise ValueError(f"expected an ID, found {_short(value)}")
        return int(value)

    def whole(self, value: Any) -> int:
        """A whole number."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"expected a whole number, found {_short(value)}")
        return value

    def flag(self, value: Any) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            raise ValueError(f"expected true or false, found {_short(value)}")
        return value

    def text(self, value: Any) -> str:
        """Text."""
        if not isinstance(value, str):
            raise ValueError(f"expected text, found {_short(value)}")
        return value

    def decimal(self, value: Any) -> str:
        """A decimal with two places, which stays text."""
        if not (isinstance(value, str) and _DECIMAL.fullmatch(value)):
            raise ValueError(f"expected a decimal as text, found {_short(value)}")
        return value

    def moment(self, value: Any) -> datetime:
        """A moment in UTC with microseconds."""
        if not (isinstance(value, str) and _MOMENT.fullmatch(value)):
            raise ValueError(f"expected a time in UTC, found {_short(value)}")
        return datetime.fromisoformat(value)

    def optional(self, value: Any, read: Callable[[Any], T]) -> T | None:
        """Null, or what `read` reads."""
        return None if value is None else read(value)


def _values(body: bytes) -> list[Any]:
    """The JSON values of a body: one of each trip, one after the other, with white space around them or none."""
    text, at = body.decode().strip(), 0
    values: list[Any] = []
    while at < len(text) or not values:
        value, at = _DECODER.raw_decode(text, at)
        values.append(value)
        at += len(text[at:]) - len(text[at:].lstrip())
    return values


def _refusal(status: int, code: Any, message: Any, fields: Any, *, expected: int) -> Refusal:
    if not (isinstance(code, str) and isinstance(message, str) and isinstance(fields, dict)):
        raise ValueError(f"not a refusal: {_short([code, message, fields])}")
    if status != expected:
        raise ValueError(f"code {code!r} with status {status}")
    return Refusal(code, tuple(sorted(fields)))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
