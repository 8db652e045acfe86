"""Yields pages: which one is asked for, and what is on it.

There is no total: counting costs more than the page, and one row too many says whether there is a next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from targets.web.parameters import ParameterReader

DEFAULT_SIZE = 20
MAX_SIZE = 100
MAX_OFFSET = 10_000_000

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which page is asked for: its number from 1, and how many rows a page has."""

    page: int = 1
    size: int = DEFAULT_SIZE

    @property
    def offset(self) -> int:
        """How many rows come before the page."""
        return (self.page - 1) * self.size

    @property
    def limit(self) -> int:
        """How many rows to fetch: one more than the page shows."""
        return self.size + 1


def read_window(reader: ParameterReader) -> Window:
    """The window that the parameters `page` and `size` name; the reader keeps what is wrong with them."""
    page = reader.whole("page", default=1, low=1, high=MAX_OFFSET)
    size = reader.whole("size", default=DEFAULT_SIZE, low=1, high=MAX_SIZE)
    if page * size > MAX_OFFSET:
        reader.refuse("page", f"must be at most {MAX_OFFSET // size} with pages of {size}")
    return Window(page=page, size=size)


def read_list(parameters: Mapping[str, object]) -> Window:
    """The window of a list. Raises InvalidError."""
    reader = ParameterReader(parameters)
    window = read_window(reader)
    reader.finish()
    return window


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page of rows."""

    items: Sequence[Row]
    page: int
    size: int
    has_next: bool


def page_of(rows: Sequence[Row], *, window: Window) -> Page[Row]:
    """The page in `rows`, which hold up to `window.limit` rows from `window.offset` on."""
    return Page(items=rows[: window.size], page=window.page, size=window.size, has_next=len(rows) > window.size)
