"""Orders are whole or not at all, sell what is there and no more, and are made once for each key; in both faces."""

import json
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from lab.experiment import Server
from scenarios.operations.catalog import PRODUCT_DETAIL, DetailParameters
from scenarios.operations.operation import Request
from targets.catalog.models import Product
from targets.orders.models import CartLine, Mail, Order, OrderKey
from tests.targets.doors import (
    DOORS,
    Thing,
    address_of,
    answer_of,
    bearer,
    code_of,
    order_of,
    person,
    product_of,
    wish_of,
)
from tests.targets.live import live
from tests.targets.subject import ServiceUrls, TargetClient

pytestmark = pytest.mark.usefixtures("people")

FACES = ("rest", "graphql")


@pytest.fixture(scope="module")
def server(service_urls: ServiceUrls, project: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that does many things at once."""
    logs = tmp_path_factory.mktemp("orders")
    with live(service_urls, name="orders", logs=logs, server=Server(workers=2, threads=16)) as url:
        yield url


def asked(face: str, wish: dict[str, Any], *, key: str) -> tuple[Request, dict[str, str]]:
    """An order with a key, and the headers that go with it."""
    if face == "rest":
        return DOORS["order_create"].rest(Thing(told=wish)), {"Idempotency-Key": key}
    document = (
        "mutation Asked($address: WholeNumber!, $lines: [WishLine!], $key: String) "
        "{ orderCreate(address: $address, lines: $lines, idempotencyKey: $key) { id total } }"
    )
    body = json.dumps({"query": document, "variables": {**wish, "key": key}}).encode()
    return Request(method="POST", path="/graphql", body=body, content_type="application/json"), {}


def at_once(url: str, requests: list[tuple[Request, dict[str, str]]]) -> list[tuple[int, bytes]]:
    """The answers to requests that are sent at the same moment, each on a connection of its own."""
    together = threading.Barrier(len(requests))

    def send(asked: tuple[Request, dict[str, str]]) -> tuple[int, bytes]:
        request, headers = asked
        connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
        connection.connect()
        together.wait()
        connection.request(
            request.method, request.path, body=request.body, headers={"Content-Type": "application/json", **headers}
        )
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


@pytest.mark.parametrize("face", FACES)
def test_an_order_takes_from_stock_and_says_what_was_bought(target_client: TargetClient, face: str):
    """Two lines at their prices, a total, stock that is less, a version that is seen, and a mail that is due."""
    customer, merchant = person("customer"), person("merchant")
    first, second = product_of(merchant, stock=5), product_of(merchant, stock=1)
    lines = [{"product": second.id, "quantity": 1}, {"product": first.id, "quantity": 3}]
    told = {"address": address_of(customer).id, "lines": lines}
    status, body = target_client(DOORS["order_create"].request(face, Thing(told=told)), headers=bearer(customer))
    assert code_of(status, body) == "ok"
    answer = answer_of("order_create", face, body)
    assert answer["total"] == "4.00"
    assert [line["quantity"] for line in answer["lines"]] == [3, 1]
    first.refresh_from_db()
    second.refresh_from_db()
    assert [(product.stock, product.version) for product in (first, second)] == [(2, 2), (0, 2)]
    assert Mail.objects.get(order_id=int(answer["id"])).state == "pending"


@pytest.mark.parametrize("face", FACES)
def test_what_is_not_there_is_not_sold(target_client: TargetClient, face: str):
    """One line too many refuses the whole order, and says what is left; nothing is taken or written."""
    customer, merchant = person("customer"), person("merchant")
    enough, short = product_of(merchant, stock=5), product_of(merchant, stock=1)
    lines = [{"product": enough.id, "quantity": 1}, {"product": short.id, "quantity": 2}]
    told = {"address": address_of(customer).id, "lines": lines}
    status, body = target_client(DOORS["order_create"].request(face, Thing(told=told)), headers=bearer(customer))
    assert code_of(status, body) == "sold_out"
    assert f"1 left of product {short.id}" in body.decode()
    assert not Order.objects.filter(customer=customer).exists()
    assert Product.objects.get(id=enough.id).stock == 5


@pytest.mark.parametrize(
    "lines",
    [
        [], [{"product": 1}], [{"product": 1, "quantity": 0}], [{"product": 1, "quantity": 1000}], "1", [1],
        [{"product": 1, "quantity": 1}] * 2, [{"product": 10**18, "quantity": 1}],
    ],
)  # fmt: skip
def test_an_order_that_is_none_is_refused(target_client: TargetClient, lines: Any):
    """No lines, no quantity, too many, one product twice, a product that there is not."""
    customer = person("customer")
    told = {"address": address_of(customer).id, "lines": lines}
    status, body = target_client(DOORS["order_create"].rest(Thing(told=told)), headers=bearer(customer))
    assert (status, code_of(status, body)) == (400, "invalid")


@pytest.mark.parametrize("face", FACES)
def test_a_cart_becomes_an_order(target_client: TargetClient, face: str):
    """Without lines what is in the cart is ordered, and the cart is empty; an empty cart is no order."""
    customer, product = person("customer"), product_of(person("merchant"))
    who = bearer(customer)
    status, body = target_client(
        DOORS["cart_set"].request(face, Thing(id=product.id, told={"quantity": 2})), headers=who
    )
    assert [line["quantity"] for line in answer_of("cart_set", face, body)["lines"]] == [2]
    wish = Thing(told={"address": address_of(customer).id})
    status, body = target_client(DOORS["order_create"].request(face, wish), headers=who)
    assert answer_of("order_create", face, body)["total"] == "2.00"
    assert not CartLine.objects.filter(customer=customer).exists()
    status, body = target_client(DOORS["order_create"].request(face, wish), headers=who)
    assert code_of(status, body) == "invalid"


@pytest.mark.parametrize("face", FACES)
def test_a_cart_is_seen_as_it_is_at_every_cache_level(target_client: TargetClient, face: str):
    """What was put into it or taken out of it shows in the next answer."""
    customer, product = person("customer"), product_of(person("merchant"))
    who = bearer(customer)
    for quantity in (1, 3, 0):
        target_client(
            DOORS["cart_set"].request(face, Thing(id=product.id, told={"quantity": quantity})), headers=who,
            variant="cache=both",
        )  # fmt: skip
        _, body = target_client(DOORS["cart"].request(face, Thing()), headers=who, variant="cache=both")
        assert [each["quantity"] for each in answer_of("cart", face, body)["lines"]] == ([quantity] if quantity else [])


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("level", ["query", "view", "both"])
def test_every_cache_level_sees_an_order_at_once(target_client: TargetClient, face: str, level: str):
    """Stock in a product's answer, and the customer's history, are those after the order."""
    customer, product, variant = person("customer"), product_of(person("merchant"), stock=5), f"cache={level}"
    who = bearer(customer)
    detail = PRODUCT_DETAIL.request(face, DetailParameters(id=product.id))
    history = DOORS["order_list"].request(face, Thing())
    for left in (5, 4, 3):
        found = PRODUCT_DETAIL.read(face, *target_client(detail, variant=variant))
        assert found.stock == left
        _, body = target_client(history, headers=who, variant=variant)
        assert len(answer_of("order_list", face, body)["items"]) == 5 - left
        wish = Thing(told=wish_of(customer, product=product))
        assert code_of(*target_client(DOORS["order_create"].request(face, wish), headers=who, variant=variant)) == "ok"


@pytest.mark.parametrize("face", FACES)
def test_one_key_is_one_order(target_client: TargetClient, face: str):
    """Asked again, the same order is told; with another wish, or another's key, it is not."""
    customer, other = person("customer"), person("customer")
    wish, key = wish_of(customer), secrets.token_hex(8)
    request, headers = asked(face, wish, key=key)
    first, again = (target_client(request, headers=headers | bearer(customer)) for _ in range(2))
    assert first == again
    assert Order.objects.filter(customer=customer).count() == 1
    request, headers = asked(face, wish_of(customer, quantity=2), key=key)
    assert code_of(*target_client(request, headers=headers | bearer(customer))) == "conflict"
    request, headers = asked(face, wish_of(other), key=key)
    assert code_of(*target_client(request, headers=headers | bearer(other))) == "ok"
    request, headers = asked(face, wish, key="short")
    assert code_of(*target_client(request, headers=headers | bearer(customer))) == "invalid"


def test_a_refused_order_leaves_its_key_free(target_client: TargetClient):
    """What was sold out may be asked for again under the same key."""
    customer, product = person("customer"), product_of(person("merchant"), stock=0)
    request, headers = asked("rest", wish_of(customer, product=product), key=secrets.token_hex(8))
    headers |= bearer(customer)
    assert code_of(*target_client(request, headers=headers)) == "sold_out"
    Product.objects.filter(id=product.id).update(stock=1)
    assert code_of(*target_client(request, headers=headers)) == "ok"


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("variant", "count"),
    [
        ("select_related=on; prefetch_related=on", 2), ("select_related=off; prefetch_related=on", 8),
        ("select_related=on; prefetch_related=off", 4), ("select_related=off; prefetch_related=off", 10),
    ],
)  # fmt: skip
def test_each_knob_removes_its_statements_from_a_history(
    target_client: TargetClient, face: str, variant: str, count: int
):
    """Three orders of a line each: their addresses, their lines and what was bought come along, or one by one."""
    customer = person("customer")
    for _ in range(3):
        order_of(customer)
    with CaptureQueriesContext(connections["default"]) as statements:
        target_client(DOORS["order_list"].request(face, Thing()), headers=bearer(customer), variant=variant)
    made = [each["sql"] for each in statements if "SET " not in each["sql"]]
    assert len(made) == count, made


@pytest.mark.slow
@pytest.mark.parametrize("face", FACES)
def test_of_two_hundred_orders_at_once_fifty_find_stock(server: str, face: str):
    """Exactly 50 are sold, 150 are told so, and nobody waits for each other without end."""
    product = product_of(person("merchant"), stock=50)
    customers = [person("customer") for _ in range(20)]
    requests = [
        (DOORS["order_create"].request(face, Thing(told=wish_of(customer, product=product))), bearer(customer))
        for customer in customers * 10
    ]
    codes = [code_of(*answer) for answer in at_once(server, requests)]
    assert {code: codes.count(code) for code in set(codes)} == {"ok": 50, "sold_out": 150}
    product.refresh_from_db()
    assert product.stock == 0
    assert product.order_lines.count() == 50


@pytest.mark.parametrize("face", FACES)
def test_one_key_fifty_times_at_once_is_one_order(server: str, face: str):
    """There is one order, and fifty equal answers tell of it."""
    customer = person("customer")
    request, headers = asked(face, wish_of(customer), key=secrets.token_hex(8))
    answers = at_once(server, [(request, headers | bearer(customer))] * 50)
    assert len(set(answers)) == 1, set(answers)
    assert code_of(*answers[0]) == "ok"
    assert Order.objects.filter(customer=customer).count() == OrderKey.objects.filter(customer=customer).count() == 1


def test_orders_of_two_products_crosswise_never_lock_each_other(server: str):
    """Lines in either order, at once: all are made."""
    merchant, customer = person("merchant"), person("customer")
    products = [product_of(merchant, stock=100), product_of(merchant, stock=100)]
    address = address_of(customer).id
    requests = []
    for number in range(40):
        pair = products if number % 2 else products[::-1]
        told = {"address": address, "lines": [{"product": each.id, "quantity": 1} for each in pair]}
        requests.append((DOORS["order_create"].rest(Thing(told=told)), bearer(customer)))
    assert {code_of(*answer) for answer in at_once(server, requests)} == {"ok"}


def test_logs_tell_no_error(server: str, tmp_path_factory: pytest.TempPathFactory):
    """Whatever happened at once, no server wrote of a defect."""
    logs = list(Path(tmp_path_factory.getbasetemp()).glob("orders*/server-*.log"))
    assert logs
    assert not [path for path in logs if "Traceback" in path.read_text()]
