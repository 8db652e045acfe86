"""Yields `ParameterReader`, which reads the parameters of either face and collects every fault.

REST gives text, GraphQL gives numbers: both are judged here, so that they cannot disagree.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final

from targets.web.errors import InvalidError

MAX_ID: Final = 2**63 - 1

# ASCII digits only: \d would let digits of other scripts through, and int() reads those.
_WHOLE = re.compile(r"[0-9]{1,19}")
_DECIMAL = re.compile(r"[0-9]{1,8}(\.[0-9]{1,2})?")
_LAYOUT = frozenset("\n\t")
# What turns the reading direction around makes a text look like another one.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class ParameterReader:
    """Reads parameters by name; one that is absent or null takes its default.

    With `names` those are all that there may be, and their values are typed, as in a body: a number is no text.
    `finish` raises InvalidError for all faults at once.
    """

    def __init__(self, raw: Mapping[str, object], *, names: Collection[str] | None = None) -> None:
        self._raw = raw
        self._is_typed = names is not None
        self._faults: dict[str, str] = {}
        for name in () if names is None else raw.keys() - set(names):
            # JSON can carry half a surrogate pair, and no answer can.
            self.refuse(name[:50].encode(errors="replace").decode(), "is not known here")

    def has(self, name: str) -> bool:
        """Whether the parameter is there, be it null."""
        return name in self._raw

    def is_given(self, name: str) -> bool:
        """Whether the parameter is there and not null."""
        return self._raw.get(name) is not None

    def refuse(self, name: str, fault: str) -> None:
        """Keep a fault; the first one of a parameter stays."""
        self._faults.setdefault(name, fault)

    def finish(self) -> None:
        """Raise InvalidError when any parameter is at fault."""
        if self._faults:
            raise InvalidError(self._faults)

    def whole(self, name: str, *, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`; `default` when it is at fault."""
        return self._whole(name, low=low, high=high) or default

    def optional_whole(self, name: str, *, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`, or None."""
        return self._whole(name, low=low, high=high)

    def _whole(self, name: str, *, low: int, high: int) -> int | None:
        raw = self._raw.get(name)
        if raw is None:
            return None
        text = str(raw)
        is_kind = isinstance(raw, int if self._is_typed else int | str) and not isinstance(raw, bool)
        if not is_kind or not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            self.refuse(name, f"must be a whole number from {low} to {high}")
            return None
        return int(text)

    def optional_decimal(self, name: str, *, high: Decimal) -> Decimal | None:
        """A decimal number with at most two places from 0 to `high`, or None."""
        raw = self._raw.get(name)
        if raw is None:
            return None
        if not isinstance(raw, str) or not _DECIMAL.fullmatch(raw) or Decimal(raw) > high:
            self.refuse(name, f"must be a decimal number from 0 to {high} with at most two places")
            return None
        return Decimal(raw)

    def choice(self, name: str, *, default: str, choices: Collection[str]) -> str:
        """One of `choices`; `default` when it is at fault."""
        raw = self._raw.get(name)
        if raw is None:
            return default
        if not isinstance(raw, str) or raw not in choices:
            self.refuse(name, f"must be one of {', '.join(choices)}")
            return default
        return raw

    def required(self, *names: str) -> None:
        """Refuse each of `names` that is absent or null."""
        for name in names:
            if self._raw.get(name) is None:
                self.refuse(name, "is required")

    def text(self, name: str, *, high: int, low: int = 1, has_lines: bool = False) -> str:
        """A text of `low` to `high` characters without blanks around it; "" when it is absent or at fault.

        Refused is what no person types: control characters (of layout only with `has_lines`), half surrogate pairs,
        and what turns the reading direction around.
        """
        raw = self._raw.get(name)
        if raw is None:
            return ""
        if not isinstance(raw, str):
            self.refuse(name, "must be text")
            return ""
        text = raw.strip()
        if not low <= len(text) <= high:
            self.refuse(name, f"must have {low} to {high} characters")
            return ""
        if any(_is_odd(character, has_lines=has_lines) for character in text):
            self.refuse(name, "has characters that are not allowed")
            return ""
        return text

    def secret(self, name: str, *, high: int) -> str:
        """A text that is taken as it is, up to `high` characters; "" when it is absent or at fault."""
        raw = self._raw.get(name)
        if raw is None:
            return ""
        if not isinstance(raw, str) or not 1 <= len(raw) <= high or any("\ud800" <= one <= "\udfff" for one in raw):
            self.refuse(name, f"must be text of 1 to {high} characters")
            return ""
        return raw


def read_id(text: str) -> int:
    """The id that `text` names, or 0, which no row has."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return 0
    number = int(text)
    return number if number <= MAX_ID else 0


def _is_odd(character: str, *, has_lines: bool) -> bool:
    if has_lines and character in _LAYOUT:
        return False
    return unicodedata.category(character) in {"Cc", "Cs"} or character in _TURNING
