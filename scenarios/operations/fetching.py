"""Yields the operations in which the faces fetch unlike amounts: `product_cards` and `product_screen`.

A card wants three fields of many, a screen three answers at once: REST gives the whole of each, trip by trip.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from fixtures.sizes import Size
from scenarios.operations.catalog import (
    DETAIL_FIELDS,
    PAGE_FIELDS,
    PRODUCT_DETAIL,
    PRODUCT_LIST,
    PRODUCT_SEARCH,
    DetailParameters,
    ListParameters,
    SearchParameters,
)
from scenarios.operations.catalog_answers import ProductDetail, ProductPage, detail_of, page_of, read_list
from scenarios.operations.operation import Operation, Refusal, Request, by_document
from scenarios.operations.reading import AnswerReader

BESIDE: Final = 5
"""How many products of its category, and of all, a screen shows beside its own."""

CARDS_DOCUMENT: Final = """
query ProductCards($page: WholeNumber, $size: WholeNumber) {
  productList(page: $page, size: $size) { items { id name price } }
}
"""

SCREEN_DOCUMENT: Final = f"""
query ProductScreen($id: ID!, $category: WholeNumber, $size: WholeNumber) {{
  product(id: $id) {{ {DETAIL_FIELDS} }}
  productSearch(category: $category, size: $size) {{ {PAGE_FIELDS} }}
  productList(size: $size) {{ {PAGE_FIELDS} }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a list shows of a product."""

    id: int
    name: str
    price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenParameters:
    """Which product, and the category of those beside it."""

    id: int
    category: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A product, and some of a category and of all."""

    product: ProductDetail
    category: ProductPage
    newest: ProductPage


def _cards_by_graphql(wanted: ListParameters) -> Request:
    return by_document(CARDS_DOCUMENT, page=wanted.page, size=wanted.size)


def read_cards(face: str, status: int, body: bytes) -> tuple[Card, ...] | Refusal:
    """The cards in an answer to `product_cards`: REST gives whole products, of which a card takes its part."""
    if face == "rest":
        page = read_list(face, status, body)
        if isinstance(page, Refusal):
            return page
        return tuple(Card(id=each.id, name=each.name, price=each.price) for each in page.items)
    reader = AnswerReader(face)
    found = reader.answer(status, body, query="productList")
    if isinstance(found, Refusal):
        return found
    [items] = reader.keys(found, "items")
    return reader.many(items, lambda item: _card(reader, item))


def _card(reader: AnswerReader, value: object) -> Card:
    id_, name, price = reader.keys(value, "id", "name", "price")
    return Card(id=reader.id(id_), name=reader.text(name), price=reader.decimal(price))


def _sample_screen(rng: Random, size: Size) -> ScreenParameters:
    product: DetailParameters = PRODUCT_DETAIL.sample(rng, size)
    return ScreenParameters(id=product.id, category=rng.randint(1, size.categories))


def _screen_by_rest(wanted: ScreenParameters) -> Request:
    first = PRODUCT_DETAIL.rest(DetailParameters(id=wanted.id))
    then = (
        PRODUCT_SEARCH.rest(SearchParameters(category=wanted.category, size=BESIDE)),
        PRODUCT_LIST.rest(ListParameters(size=BESIDE)),
    )
    return Request(method=first.method, path=first.path, then=then)


def _screen_by_graphql(wanted: ScreenParameters) -> Request:
    return by_document(SCREEN_DOCUMENT, id=str(wanted.id), category=wanted.category, size=BESIDE)


def read_screen(face: str, status: int, body: bytes) -> Screen | Refusal:
    """The screen in the answers to `product_screen`."""
    reader = AnswerReader(face)
    found = reader.answers(status, body, queries=("product", "productSearch", "productList"))
    if isinstance(found, Refusal):
        return found
    product, category, newest = found
    return Screen(
        product=detail_of(reader, product), category=page_of(reader, category), newest=page_of(reader, newest)
    )


PRODUCT_CARDS: Final = Operation(
    name="product_cards", sample=PRODUCT_LIST.sample, rest=PRODUCT_LIST.rest, graphql=_cards_by_graphql,
    read=read_cards,
)  # fmt: skip
PRODUCT_SCREEN: Final = Operation(
    name="product_screen", sample=_sample_screen, rest=_screen_by_rest, graphql=_screen_by_graphql, read=read_screen
)
