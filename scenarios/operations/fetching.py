"""Yields the operations in which the faces fetch unlike amounts: `product_cards` and `product_screen`.

A card wants three fields of many. A screen wants a product and others of its category: GraphQL gives them in one
nested answer, REST in two trips, of which the second needs to know the category from the answer to the first.
"""

import json
from dataclasses import dataclass, replace
from typing import Final

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

ALIKE: Final = 5
"""How many products of its category a screen shows beside its own."""

CARDS_DOCUMENT: Final = """
query ProductCards($page: WholeNumber, $size: WholeNumber) {
  productList(page: $page, size: $size) { items { id name price } }
}
"""

SCREEN_DOCUMENT: Final = f"""
query ProductScreen($id: ID!, $size: WholeNumber) {{
  product(id: $id) {{ {DETAIL_FIELDS} alike(size: $size) {{ {PAGE_FIELDS} }} }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a list shows of a product."""

    id: int
    name: str
    price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A product, and some of its category."""

    product: ProductDetail
    alike: ProductPage


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


def _screen_by_rest(wanted: DetailParameters) -> Request:
    return replace(PRODUCT_DETAIL.rest(wanted), follow=_alike_by_rest)


def _alike_by_rest(answer: bytes) -> Request:
    """The second trip, for the category that the first one told."""
    try:
        category = json.loads(answer)["category"]["id"]
    except (KeyError, TypeError) as error:
        raise ValueError("a product without a category") from error
    return PRODUCT_SEARCH.rest(SearchParameters(category=category, size=ALIKE))


def _screen_by_graphql(wanted: DetailParameters) -> Request:
    return by_document(SCREEN_DOCUMENT, id=str(wanted.id), size=ALIKE)


def read_screen(face: str, status: int, body: bytes) -> Screen | Refusal:
    """The screen in the answers to `product_screen`."""
    reader = AnswerReader(face)
    if face == "rest":
        found = reader.answers(status, body, queries=("product", "alike"))
        if isinstance(found, Refusal):
            return found
        product, alike = found
    else:
        product = reader.answer(status, body, query="product")
        if isinstance(product, Refusal):
            return product
        if not isinstance(product, dict) or "alike" not in product:
            raise ValueError("a product without others of its category")
        alike = product.pop("alike")
    return Screen(product=detail_of(reader, product), alike=page_of(reader, alike))


PRODUCT_CARDS: Final = Operation(
    name="product_cards", sample=PRODUCT_LIST.sample, rest=PRODUCT_LIST.rest, graphql=_cards_by_graphql,
    read=read_cards,
)  # fmt: skip
PRODUCT_SCREEN: Final = Operation(
    name="product_screen",
    sample=PRODUCT_DETAIL.sample,
    rest=_screen_by_rest,
    graphql=_screen_by_graphql,
    read=read_screen,
)
