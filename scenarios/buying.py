"""Yields `Shopper`, a Locust user that browses the shop as customers do, and now and then buys what it looked at.

It registers itself at first, so the API must let as many register (RATE_REGISTER). It writes: run it on a database that
may change. From the root of the tree, with a face and the size of the dataset (scenarios/settings.py):

    FACE=graphql DATASET=small locust -f scenarios/buying.py --headless -u 5 -t 10s --host http://127.0.0.1:8000
"""

import json
import secrets
import time
from dataclasses import replace
from typing import Any, Final

from locust import task
from locust.exception import StopUser

from scenarios.operations.browsing import BROWSING
from scenarios.operations.catalog import DetailParameters
from scenarios.operations.orders import ORDER_CREATE
from scenarios.settings import EXPONENT, SHAPE, SIZE
from scenarios.visitor import Visitor

__all__ = ["SHAPE", "Shopper"]
"""Locust takes the shape from here."""

WALK: Final = replace(BROWSING, exponent=EXPONENT)
BUYS: Final = 1 / 3
"""The share of visits that end with an order."""

AHEAD: Final = 30.0
"""Seconds before its end in which a token is no longer used."""


class Shopper(Visitor):
    """A customer with a login and an address of its own, who visits the shop again and again, without a pause."""

    def on_start(self) -> None:
        super().on_start()
        password, name = secrets.token_urlsafe(24), secrets.token_hex(8)
        who = {"email": f"shopper-{name}@example.com", "password": password}
        self._told("/api/users/", who | {"name": "Shopper"}, name="user_register")
        self._keep(self._told("/api/tokens/", who, name="token_obtain"))
        home = {"street": "1 High Street", "city": "Leeds", "postcode": "LS1", "country": "GB"}
        self.address = self._told("/api/addresses/", home, name="address_create", headers=self.headers)["id"]

    @task
    def visit(self) -> None:
        """One session of the walk, and perhaps an order of the product that was looked at last."""
        product = 0
        for operation, parameters in WALK.session(self.random, SIZE):
            self.ask(operation, parameters)
            if isinstance(parameters, DetailParameters):
                product = parameters.id
        if product and self.random.random() < BUYS:
            self._buy(product)

    def _buy(self, product: int) -> None:
        """An order of it; that it is sold out is an answer as good as any."""
        if time.monotonic() > self.until:
            self._keep(self._told("/api/tokens/refresh/", {"refresh": self.refresh}, name="token_refresh"))
        wanted = replace(ORDER_CREATE.sample(self.random, SIZE), product=product, address=self.address)
        self.ask(ORDER_CREATE, wanted, headers=self.headers, expected=("sold_out",))

    def _keep(self, pair: Any) -> None:
        """Use a new pair of tokens."""
        self.headers = {"Authorization": f"Bearer {pair['access']}"}
        self.refresh = pair["refresh"]
        self.until = time.monotonic() + pair["expires_in"] - AHEAD

    def _told(self, path: str, body: Any, *, name: str, headers: dict[str, str] | None = None) -> Any:
        """The answer to what a shopper has to do by the way, by REST; without it, it leaves."""
        with self.client.post(path, json=body, headers=headers or {}, name=name, catch_response=True) as response:
            if response.request_meta["exception"] is None:
                return json.loads(response.content or b"")
        raise StopUser
