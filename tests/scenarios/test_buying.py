"""Shoppers browse the real API and buy what they looked at, and what they bought is there."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from random import Random
from typing import Any

import psycopg2
import pytest

from fixtures.databases import drop_database
from fixtures.sizes import SIZES
from fixtures.template import prepare, template_name
from scenarios.operations.operation import Refusal
from scenarios.operations.orders import ORDER_CREATE, Bought, Order, OrderParameters
from tests.scenarios.locusts import Done, counts, locust_at_once
from tests.targets.live import live
from tests.targets.subject import ServiceUrls

pytest_plugins = ["tests.targets.subject"]  # its settings

BROWSED = {"product_list", "product_search", "product_detail"}
ENTERED = {"user_register", "token_obtain", "address_create"}
PREFIX = f"windtunnel_buying_{os.getpid()}"


@pytest.fixture(scope="module")
def urls(postgres_url: str, cache_url: str) -> Iterator[ServiceUrls]:
    """Databases that may change, for these tests alone."""
    size = SIZES["small"]
    try:
        made = prepare(postgres_url, size=size, seed=3, prefix=PREFIX)
        yield ServiceUrls(database=made.indexed_url, bare=made.bare_url, cache=cache_url)
    finally:
        for name in (f"{PREFIX}_indexed", f"{PREFIX}_bare", template_name(size, seed=3, prefix=PREFIX)):
            drop_database(postgres_url, name)


@pytest.fixture(scope="module")
def ended(urls: ServiceUrls, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """Two shoppers in each face, at the same time."""
    options = ("-u", "2", "-r", "2", "-t", "12s")
    with live(urls, name="buying", logs=tmp_path_factory.mktemp("buying")) as url:
        rest, graphql = locust_at_once((url, options, {}), (url, options, {"FACE": "graphql"}), file="buying")
    return {"rest": rest, "graphql": graphql}


@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_shoppers_enter_browse_and_buy_without_a_failure(ended: dict[str, Done], face: str):
    """Each registers once; every step of a visit is done, a third of the visits buys, and no answer is wrong."""
    found = counts(ended[face])
    assert (ended[face].returncode, set(found)) == (0, BROWSED | ENTERED | {"order_create"}), ended[face].stderr
    assert all(requests > 0 and failures == 0 for requests, failures in found.values()), ended[face].stderr
    assert {found[name] for name in ENTERED} == {(2, 0)}
    assert 0 < found["order_create"][0] <= found["product_detail"][0]


def test_what_was_ordered_is_there(ended: dict[str, Done], urls: ServiceUrls):
    """The database has an order of each shopper's that was answered, but for those that the end cut off."""
    with closing(psycopg2.connect(urls.database)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT customer_id) FROM orders_order JOIN accounts_user u ON u.id = customer_id"
            " WHERE u.email LIKE 'shopper-%'"
        )
        orders, customers = cursor.fetchone() or (0, 0)
    answered = sum(counts(done)["order_create"][0] for done in ended.values())
    assert 0 < orders <= answered + 4
    assert 1 <= customers <= 4


REST: dict[str, Any] = {
    "id": 7, "status": "placed", "total": "20.00", "placed_at": "2026-01-02T03:04:05.000006Z", "shipped_at": None,
    "address": {"id": 9, "street": "s", "city": "c", "postcode": "p", "country": "GB"},
    "lines": [{"product": {"id": 3, "sku": "S", "name": "n"}, "quantity": 2, "unit_price": "10.00"}],
}  # fmt: skip
GRAPHQL: dict[str, Any] = {
    "id": "7", "status": "placed", "total": "20.00", "placedAt": "2026-01-02T03:04:05.000006Z", "shippedAt": None,
    "address": {"id": "9", "street": "s", "city": "c", "postcode": "p", "country": "GB"},
    "lines": [{"product": {"id": "3", "sku": "S", "name": "n"}, "quantity": 2, "unitPrice": "10.00"}],
}  # fmt: skip


def test_an_order_reads_alike_in_both_faces():
    """It is made with 201 by REST, and with 200 by GraphQL; another status is none of it."""
    rest = ORDER_CREATE.read("rest", 201, json.dumps(REST).encode())
    graphql = ORDER_CREATE.read("graphql", 200, json.dumps({"data": {"orderCreate": GRAPHQL}}).encode())
    assert isinstance(rest, Order)
    assert rest == graphql
    assert (rest.address, rest.lines) == (9, (Bought(id=3, sku="S", name="n", quantity=2, unit_price="10.00"),))
    with pytest.raises(ValueError):
        ORDER_CREATE.read("rest", 200, json.dumps(REST).encode())


def test_what_is_sold_out_is_a_refusal():
    """The code, and which field is at fault."""
    told = {"error": {"code": "sold_out", "message": "m", "fields": {"lines": "1 left"}}}
    assert ORDER_CREATE.read("rest", 409, json.dumps(told).encode()) == Refusal("sold_out", ("lines",))


def test_both_faces_order_the_same():
    """The same address, product and quantity; what is drawn is a product that there is."""
    wanted = OrderParameters(product=3, quantity=2, address=9)
    rest, graphql = ORDER_CREATE.request("rest", wanted), ORDER_CREATE.request("graphql", wanted)
    assert (rest.method, rest.path) == ("POST", "/api/orders/")
    assert json.loads(rest.body or b"") == json.loads(graphql.body or b"")["variables"]
    drawn = {ORDER_CREATE.sample(Random(seed), SIZES["small"]) for seed in range(200)}
    assert {each.product for each in drawn} <= set(range(1, 501))
    assert {each.quantity for each in drawn} == {1, 2, 3}
