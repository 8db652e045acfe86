"""Yields `ParameterReader`, which reads the parameters of either face and collects every fault.

REST gives text, GraphQL gives numbers: both are judged here, so that they cannot disagree.
"""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal

from targets.web.errors import InvalidError

# ASCII digits only: \d would let digits of other scripts through, and int() reads those.
_WHOLE = re.compile(r"[0-9]{1,19}")
_DECIMAL = re.compile(r"[0-9]{1,8}(\.[0-9]{1,2})?")


class ParameterReader:
    """Reads parameters by name; one that is absent or null takes its default.

    `finish` raises InvalidError for all faults at once.
    """

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = raw
        self._faults: dict[str, str] = {}

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
        if isinstance(raw, bool) or not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            self.refuse(name, f"must be a whole number from {low} to {high}")
            return None
        return int(text)

    def optional_decimal(self, name: str, *, high: Decimal) -> Decimal | None:
        """A decimal number with at most two places from 0 to `high`, or None."""
        raw = self._raw.get(name)
        if raw is None:
            return None
        text = str(raw)
        if isinstance(raw, bool) or not _DECIMAL.fullmatch(text) or Decimal(text) > high:
            self.refuse(name, f"must be a decimal number from 0 to {high} with at most two places")
            return None
        return Decimal(text)

    def choice(self, name: str, *, default: str, choices: Collection[str]) -> str:
        """One of `choices`; `default` when it is at fault."""
        raw = self._raw.get(name)
        if raw is None:
            return default
        if not isinstance(raw, str) or raw not in choices:
            self.refuse(name, f"must be one of {', '.join(choices)}")
            return default
        return raw
