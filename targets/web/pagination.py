"""Yields pages: which one is asked for, and what is on it.

There is no total: counting costs more than the page, and one row too many says whether there is a next one. A list that
is ordered newest first can be leafed through by number, or by cursor: the database skips all rows before a number, and
goes straight to a cursor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from targets.web.cursors import Place, cursor_of, read_cursor
from targets.web.parameters import ParameterReader

DEFAULT_SIZE = 20
MAX_SIZE = 100
MAX_OFFSET = 10_000_000
_MAX_CURSOR = 64

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which page is asked for, and how many rows it has: by its number from 1, or as what comes `after` a place."""

    page: int = 1
    size: int = DEFAULT_SIZE
    after: Place | None = None

    @property
    def offset(self) -> int:
        """How many rows to skip: those of the pages before, none behind a place."""
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


def read_leaf(reader: ParameterReader) -> Window:
    """The window that `page`, or in its place the cursor `after`, and `size` name; the reader keeps what is wrong."""
    window = read_window(reader)
    cursor = reader.secret("after", high=_MAX_CURSOR)
    if not cursor:
        return window
    if reader.is_given("page"):
        reader.refuse("after", "cannot be given together with page")
    place = read_cursor(cursor)
    if place is None:
        reader.refuse("after", "is no cursor that was given out here")
    return Window(size=window.size, after=place)


def read_list(parameters: Mapping[str, object]) -> Window:
    """The window of a list. Raises InvalidError."""
    reader = ParameterReader(parameters)
    window = read_window(reader)
    reader.finish()
    return window


def read_newest(parameters: Mapping[str, object]) -> Window:
    """The window of a list that is ordered newest first. Raises InvalidError."""
    reader = ParameterReader(parameters)
    window = read_leaf(reader)
    reader.finish()
    return window


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page of rows; without a number where it was asked for by cursor. `place` is a row's, if it can have a cursor.

    `place` is asked for when the cursor is: a row may have been read without what it takes.
    """

    items: Sequence[Row]
    page: int | None
    size: int
    has_next: bool
    place: Callable[[Row], Place] | None = None

    @property
    def next(self) -> str | None:
        """The cursor of the page behind this one; None where there is none, or where the order has no cursors."""
        if self.place is None or not self.has_next:
            return None
        return cursor_of(self.place(self.items[-1]))


def page_of(rows: Sequence[Row], *, window: Window, place: Callable[[Row], Place] | None = None) -> Page[Row]:
    """The page in `rows`, which hold up to `window.limit` rows from the window's beginning on."""
    return Page(
        items=rows[: window.size],
        page=None if window.after else window.page,
        size=window.size,
        has_next=len(rows) > window.size,
        place=place,
    )
