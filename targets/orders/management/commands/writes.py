"""Yields the command `writes`, for the lab: requests that change something, each of them good for one use, as JSON."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser
from django.db import router

from targets.accounts.models import Address, User
from targets.accounts.tokens import pair_for
from targets.catalog.models import Product
from targets.web.cache_store import changed

STOCK: Final = 100_000_000
SHOPPERS: Final = 32
KINDS: Final = ("orders", "hot_orders", "refreshes")

ORDER: Final = """
mutation OrderCreate($address: WholeNumber!, $lines: [WishLine!]) {
  orderCreate(address: $address, lines: $lines) {
    id status total placedAt shippedAt
    address { id street city postcode country }
    lines { product { id sku name } quantity unitPrice }
  }
}
"""
REFRESH: Final = """
mutation TokenRefresh($refresh: String!) { tokenRefresh(refresh: $refresh) { access refresh expiresIn } }
"""


class Command(BaseCommand):
    """Prints requests by customers there are: orders of a product each, orders of one product, or refreshes.

    Whoever may run it has SECRET_KEY anyway, and could sign tokens without it.
    """

    help = "Prints requests that change something, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=KINDS)
        parser.add_argument("face", choices=("rest", "graphql"))
        parser.add_argument("count", type=int)
        parser.add_argument("--seconds", type=int, default=300, help="how long their tokens count")

    def handle(self, *args: Any, **options: Any) -> None:
        users = User.objects.filter(is_active=True, role=User.Role.CUSTOMER, addresses__isnull=False)
        chosen = list(users.distinct().order_by("id")[:SHOPPERS])
        lifetime, face = timedelta(seconds=options["seconds"]), options["face"]
        made = _refreshes(chosen, face) if options["kind"] == "refreshes" else _orders(
            chosen, face, lifetime=lifetime, is_hot=options["kind"] == "hot_orders"
        )  # fmt: skip
        self.stdout.write(json.dumps([next(made) for _ in range(options["count"])]))


def _orders(users: list[User], face: str, *, lifetime: timedelta, is_hot: bool) -> Iterator[dict[str, Any]]:
    """Orders of one product each: each user's own, or the same one for all."""
    products = list(Product.objects.order_by("id")[: len(users)].values_list("id", flat=True))
    Product.objects.filter(id__in=products).update(stock=STOCK)
    changed("catalog", using=router.db_for_write(Product))
    addresses = dict(Address.objects.filter(user__in=users).order_by("-id").values_list("user_id", "id"))
    tokens = [pair_for(user, lifetime=lifetime).access for user in users]
    while True:
        for user, product, token in zip(users, products, tokens, strict=True):
            wish = {
                "address": addresses[user.pk],
                "lines": [{"product": products[0] if is_hot else product, "quantity": 1}],
            }
            yield _request(face, "/api/orders/", document=ORDER, told=wish, token=token, status=201)


def _refreshes(users: list[User], face: str) -> Iterator[dict[str, Any]]:
    """Refreshes, each of a login of its own."""
    while True:
        for user in users:
            told = {"refresh": pair_for(user).refresh}
            yield _request(face, "/api/tokens/refresh/", document=REFRESH, told=told)


def _request(
    face: str, path: str, *, document: str, told: dict[str, Any], token: str = "", status: int = 200
) -> dict[str, Any]:
    """A request as JSON, with the status of its answer."""
    headers = [["Content-Type", "application/json"], ["Accept", "application/json"]]
    headers += [["Authorization", f"Bearer {token}"]] if token else []
    if face == "rest":
        return {"path": path, "headers": headers, "body": json.dumps(told), "status": status}
    body = json.dumps({"query": document, "variables": told})
    return {"path": "/graphql", "headers": headers, "body": body, "status": 200}
