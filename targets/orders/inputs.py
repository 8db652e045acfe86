"""Yields what a client sends to buy, read from the body of either face."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from targets.orders.models import Mail
from targets.orders.quotes import Parcel
from targets.web.pagination import Window, read_window
from targets.web.parameters import MAX_ID, ParameterReader

MAX_LINES: Final = 50
MAX_QUANTITY: Final = 999
MAX_GRAMS: Final = 100_000
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_KEY: Final = re.compile(r"[!-~]{8,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order that a customer wants: where to, and what, as (product, quantity); without lines, what is in the cart.

    With `key` it is one order, however often it is asked for.
    """

    address: int
    lines: tuple[tuple[int, int], ...] | None
    key: str

    @property
    def fingerprint(self) -> str:
        """What tells it from another wish."""
        return sha256(repr((self.address, self.lines)).encode()).hexdigest()


def read_wish(body: Mapping[str, object], *, key: object = None) -> Wish:
    """An order that is wanted. Raises InvalidError."""
    reader = ParameterReader(body, names=("address", "lines"))
    reader.required("address")
    address = reader.optional_whole("address", low=1, high=MAX_ID)
    lines = _lines(reader, body.get("lines"))
    if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
        reader.refuse("idempotency_key", "must be 8 to 64 visible ASCII characters")
        key = None
    reader.finish()
    return Wish(address=address or 0, lines=lines, key=key or "")


def read_quantity(body: Mapping[str, object]) -> int:
    """How many of a product the cart is to hold, 0 for none. Raises InvalidError."""
    reader = ParameterReader(body, names=("quantity",))
    reader.required("quantity")
    quantity = reader.optional_whole("quantity", low=0, high=MAX_QUANTITY)
    reader.finish()
    return quantity or 0


def read_parcel(parameters: Mapping[str, object]) -> Parcel:
    """A parcel that is to be sent. Raises InvalidError."""
    reader = ParameterReader(parameters)
    reader.required("country", "grams")
    country = parameters.get("country")
    if country is not None and not (isinstance(country, str) and _COUNTRY.fullmatch(country)):
        reader.refuse("country", "must be two capital letters")
    grams = reader.optional_whole("grams", low=1, high=MAX_GRAMS)
    reader.finish()
    return Parcel(country=str(country), grams=grams or 0)


def read_mails(parameters: Mapping[str, object]) -> tuple[str, Window]:
    """The state and the window of a list of mails. Raises InvalidError."""
    reader = ParameterReader(parameters)
    state = reader.choice("state", default=Mail.State.DEAD, choices=Mail.State.values)
    window = read_window(reader)
    reader.finish()
    return state, window


def _lines(reader: ParameterReader, raw: object) -> tuple[tuple[int, int], ...] | None:
    """The lines by product, so that two orders never wait for each other's products crosswise."""
    if raw is None:
        return None
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not 1 <= len(raw) <= MAX_LINES:
        reader.refuse("lines", f"must be a list of 1 to {MAX_LINES} lines")
        return None
    lines: dict[int, int] = {}
    for each in raw:
        line = _line(each)
        if line is None:
            reader.refuse("lines", f"must each hold a product and a quantity from 1 to {MAX_QUANTITY}")
            return None
        if line[0] in lines:
            reader.refuse("lines", "must each name another product")
        lines[line[0]] = line[1]
    return tuple(sorted(lines.items()))


def _line(raw: object) -> tuple[int, int] | None:
    if not isinstance(raw, Mapping) or set(raw) != {"product", "quantity"}:
        return None
    reader = ParameterReader(raw, names=("product", "quantity"))
    product = reader.optional_whole("product", low=1, high=MAX_ID)
    quantity = reader.optional_whole("quantity", low=1, high=MAX_QUANTITY)
    return (product, quantity) if product and quantity else None
