"""Yields the list of products in pages of several sizes, and pages at several depths, by number or by cursor.

A client learns a cursor from the page before, as `next`: that is a prelude, and what is compared is the page itself.
"""

import json
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from fixtures.sizes import Size
from scenarios.operations.catalog import PRODUCT_LIST, ListParameters
from scenarios.operations.catalog_answers import Product, read_list
from scenarios.operations.operation import Operation, Refusal, Request, by_document
from scenarios.operations.popularity import USUAL, rank

_PAGES_BROWSED: Final = 50
ROWS: Final = 20
"""How many rows a page at some depth has."""

NEXT_DOCUMENT: Final = """
query NextCursor($page: WholeNumber, $size: WholeNumber) { productList(page: $page, size: $size) { next } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A page without its number, which one that was asked for by cursor has not."""

    items: tuple[Product, ...]
    size: int
    has_next: bool
    next: str | None


def read_leaf(face: str, status: int, body: bytes) -> Leaf | Refusal:
    """The page in an answer, whichever way it was asked for."""
    found = read_list(face, status, body)
    if isinstance(found, Refusal):
        return found
    return Leaf(items=found.items, size=found.size, has_next=found.has_next, next=found.next)


def _of_size(rows: int) -> Operation:
    """The list in pages of so many rows, of which customers leaf through the first ones."""

    def sample(rng: Random, size: Size, /, *, exponent: float = USUAL) -> ListParameters:
        pages = max(size.products // rows, 1)
        return ListParameters(page=rank(rng, min(_PAGES_BROWSED, pages), exponent=exponent), size=rows)

    return replace(PRODUCT_LIST, name=f"product_list_{rows}", sample=sample, paged=None)


def _at(page: int | None) -> Operation:
    """The page of that number, or the last one."""

    def sample(_: Random, size: Size, /, *, exponent: float = USUAL) -> ListParameters:
        last = -(-size.products // ROWS)
        if page is not None and page > last:
            raise ValueError(f"{size.name} has {last} pages of {ROWS}, and no page {page}")
        return ListParameters(page=page or last, size=ROWS)

    return replace(
        PRODUCT_LIST, name=f"product_list_page_{page}" if page else "product_list_last_page", sample=sample,
        read=read_leaf, paged=None, keyset=_by_cursor,
    )  # fmt: skip


def _by_cursor(face: str, wanted: ListParameters) -> Request:
    if wanted.page is None or wanted.page == 1:
        # It is behind no row.
        return PRODUCT_LIST.request(face, wanted)
    before = replace(wanted, page=wanted.page - 1)

    def follow(answer: bytes) -> Request:
        cursor = _next_of(face, json.loads(answer))
        return PRODUCT_LIST.request(face, replace(wanted, page=None, after=cursor))

    asked = PRODUCT_LIST.rest(before)
    if face == "graphql":
        asked = by_document(NEXT_DOCUMENT, page=before.page, size=before.size)
    return replace(asked, follow=follow, is_prelude=True)


def _next_of(face: str, answer: Any) -> str:
    """The cursor in an answer. Raises ValueError where there is none."""
    try:
        cursor = answer["next"] if face == "rest" else answer["data"]["productList"]["next"]
    except (KeyError, TypeError) as error:
        raise ValueError("the page before has no cursor") from error
    if not isinstance(cursor, str):
        raise ValueError("there is no page behind the page before")
    return cursor


PRODUCT_LIST_10: Final = _of_size(10)
PRODUCT_LIST_20: Final = _of_size(20)
PRODUCT_LIST_50: Final = _of_size(50)
PRODUCT_LIST_100: Final = _of_size(100)

PRODUCT_LIST_PAGE_1: Final = _at(1)
PRODUCT_LIST_PAGE_10: Final = _at(10)
PRODUCT_LIST_PAGE_1000: Final = _at(1000)
PRODUCT_LIST_LAST_PAGE: Final = _at(None)
