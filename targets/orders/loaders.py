"""Yields what belongs to one order: what came along with it, or else what one statement fetches for it."""

from typing import cast

from targets.accounts.models import Address
from targets.catalog.models import Product
from targets.orders.models import Order, OrderLine
from targets.orders.selectors import lines_in_order


def lines_of(order: Order) -> list[OrderLine]:
    """The lines of an order, as they were added."""
    loaded = getattr(order, "lines_in_order", None)
    return list(lines_in_order().filter(order=order.pk)) if loaded is None else cast(list[OrderLine], loaded)


def address_of(order: Order) -> Address:
    """Where an order is sent."""
    return order.address


def product_of(line: OrderLine) -> Product:
    """What was bought; of the product its name and number are read."""
    if "product" not in line._state.fields_cache:
        line.product = Product.objects.only("sku", "name").get(id=line.product_id)
    return line.product
