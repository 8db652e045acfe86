"""Yields what the orders app reads: a customer's cart and orders, and for those who run the shop the outbox.

The knobs `select_related` and `prefetch_related` decide what comes along; what did not, the loaders fetch.
"""

from typing import Final

from django.db.models import Prefetch, QuerySet

from targets.accounts.models import RUNS_THE_SHOP
from targets.orders.models import CartLine, Mail, Order, OrderLine
from targets.web.actor import Actor
from targets.web.current import current_variant
from targets.web.errors import ForbiddenError, NotFoundError
from targets.web.pagination import Page, Window, page_of
from targets.web.parameters import read_id

# Of a product the columns that a line shows: its description alone is longer than the rest of an answer.
_PRODUCT: Final = ("product", "product__sku", "product__name")


def order_list(*, actor: Actor, window: Window) -> Page[Order]:
    """A page of the actor's own orders, newest first."""
    rows = _with_related(Order.objects.filter(customer_id=actor.id).order_by("-placed_at", "-id"))
    return page_of(list(rows[window.offset : window.offset + window.limit]), window=window)


def order_detail(*, actor: Actor, order_id: str) -> Order:
    """An order that the actor may see. Raises NotFoundError."""
    order = _with_related(Order.objects.visible_to(actor)).filter(id=read_id(order_id)).first()
    if order is None:
        raise NotFoundError("There is no such order.")
    return order


def cart(*, actor: Actor) -> list[CartLine]:
    """What is in the actor's cart, by product."""
    lines = CartLine.objects.filter(customer_id=actor.id).order_by("product_id")
    return list(lines.select_related("product").only("quantity", "customer", *_PRODUCT, "product__price"))


def mail_list(*, actor: Actor, state: str, window: Window) -> Page[Mail]:
    """A page of the mails in a state, the oldest first. Raises ForbiddenError."""
    if actor.role not in RUNS_THE_SHOP:
        raise ForbiddenError
    rows = Mail.objects.filter(state=state).order_by("made_at", "id")
    return page_of(list(rows[window.offset : window.offset + window.limit]), window=window)


def lines_in_order() -> QuerySet[OrderLine]:
    """Lines as orders show them."""
    lines = OrderLine.objects.order_by("id")
    if current_variant().select_related == "on":
        return lines.select_related("product").only("quantity", "unit_price", "order", *_PRODUCT)
    return lines


def _with_related(orders: QuerySet[Order]) -> QuerySet[Order]:
    variant = current_variant()
    if variant.select_related == "on":
        orders = orders.select_related("address")
    if variant.prefetch_related == "on":
        orders = orders.prefetch_related(Prefetch("lines", lines_in_order(), to_attr="lines_in_order"))
    return orders
