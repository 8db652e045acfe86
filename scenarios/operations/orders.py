"""Yields `order_create`, by which a customer buys a product, with the reader of its answer in either face.

It is a write: customers do it among their reads, and the lab measures it apart from them.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final

from fixtures.sizes import Size
from scenarios.operations.operation import Operation, Refusal, Request, by_document
from scenarios.operations.popularity import USUAL, rank
from scenarios.operations.reading import AnswerReader

ORDER_DOCUMENT: Final = """
mutation OrderCreate($address: WholeNumber!, $lines: [WishLine!]) {
  orderCreate(address: $address, lines: $lines) {
    id status total placedAt shippedAt
    address { id street city postcode country }
    lines { product { id sku name } quantity unitPrice }
  }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParameters:
    """How many of which product, and to which of the customer's addresses: who draws an order does not know that."""

    product: int
    quantity: int = 1
    address: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A product of an order, at the price that was paid."""

    id: int
    sku: str
    name: str
    quantity: int
    unit_price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as its customer sees it."""

    id: int
    status: str
    total: str
    placed_at: datetime
    shipped_at: datetime | None
    address: int
    lines: tuple[Bought, ...]


def _sample(rng: Random, size: Size, /, *, exponent: float = USUAL) -> OrderParameters:
    product = rank(rng, size.products, exponent=exponent)
    return OrderParameters(product=product, quantity=rng.choice((1, 1, 1, 2, 3)))


def _told(wanted: OrderParameters) -> dict[str, Any]:
    return {"address": wanted.address, "lines": [{"product": wanted.product, "quantity": wanted.quantity}]}


def _by_rest(wanted: OrderParameters) -> Request:
    body = json.dumps(_told(wanted)).encode()
    return Request(method="POST", path="/api/orders/", body=body, content_type="application/json")


def _by_graphql(wanted: OrderParameters) -> Request:
    return by_document(ORDER_DOCUMENT, **_told(wanted))


def read_order(face: str, status: int, body: bytes) -> Order | Refusal:
    """The order in an answer to `order_create`."""
    reader = AnswerReader(face)
    found = reader.answer(status, body, query="orderCreate", success=201)
    if isinstance(found, Refusal):
        return found
    names = ("id", "status", "total", "placed_at", "shipped_at", "address", "lines")
    id_, state, total, placed_at, shipped_at, address, lines = reader.keys(found, *names)
    return Order(
        id=reader.id(id_),
        status=reader.text(state),
        total=reader.decimal(total),
        placed_at=reader.moment(placed_at),
        shipped_at=reader.optional(shipped_at, reader.moment),
        address=reader.id(reader.keys(address, "id", "street", "city", "postcode", "country")[0]),
        lines=reader.many(lines, lambda line: _bought(reader, line)),
    )


def _bought(reader: AnswerReader, value: Any) -> Bought:
    product, quantity, unit_price = reader.keys(value, "product", "quantity", "unit_price")
    id_, sku, name = reader.keys(product, "id", "sku", "name")
    return Bought(
        id=reader.id(id_), sku=reader.text(sku), name=reader.text(name), quantity=reader.whole(quantity),
        unit_price=reader.decimal(unit_price),
    )  # fmt: skip


ORDER_CREATE: Final = Operation(
    name="order_create", sample=_sample, rest=_by_rest, graphql=_by_graphql, read=read_order
)
