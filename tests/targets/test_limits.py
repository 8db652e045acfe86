"""What is too large, too often, too slow or too odd is refused in both faces, before it costs anything."""

import json
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext

from scenarios.operations.operation import Request
from targets.accounts import logins, services
from targets.accounts.inputs import Credentials, PasswordChange
from targets.accounts.models import User
from targets.catalog import selectors
from targets.config.wsgi import application
from targets.orders.models import Order
from targets.web import limits
from targets.web.actor import Actor
from targets.web.errors import InvalidError, TooManyError, UnauthenticatedError
from targets.web.limits import address_of, count, discount
from targets.web.rate import Rate
from tests.targets.doors import ABOUT, DOORS, PASSWORD, STREET, Thing, bearer, code_of, person
from tests.targets.subject import TargetClient, get

pytestmark = pytest.mark.usefixtures("people")

FACES = ("rest", "graphql")
LOGIN_LIMIT = 10
NULL, HALF, TURNED, HUGE = "a\x00b", "a\ud800b", "a\u202eb", 10**40


def test_of_many_logins_at_once_no_more_than_the_limit_are_tried(project: None, monkeypatch: pytest.MonkeyPatch):
    """Of 200 with wrong passwords, ten reach the hash."""
    user, together = person("customer"), threading.Barrier(20)
    tried: list[str] = []

    def wrong(_: User, password: str) -> bool:
        tried.append(password)
        return False

    monkeypatch.setattr(User, "check_password", wrong)

    def attempts(_: int) -> list[type]:
        together.wait()
        told: list[type] = []
        for _ in range(10):
            try:
                logins.token_obtain(Credentials(email=user.email, password="wrong"), address=secrets.token_hex(8))
            except (TooManyError, UnauthenticatedError) as error:
                told.append(type(error))
        connections.close_all()
        return told

    with override_settings(RATE_LOGIN=Rate(limit=LOGIN_LIMIT, seconds=86_400)), ThreadPoolExecutor(20) as pool:
        told = [error for thread in pool.map(attempts, range(20)) for error in thread]
    assert len(tried) == LOGIN_LIMIT
    assert (told.count(UnauthenticatedError), told.count(TooManyError)) == (LOGIN_LIMIT, 190)


def test_the_right_password_is_no_attempt(project: None):
    """Who logs in again and again is not shut out."""
    user, rate = person("customer"), Rate(limit=2, seconds=86_400)
    with override_settings(RATE_LOGIN=rate):
        for _ in range(4):
            logins.token_obtain(Credentials(email=user.email, password="correct horse battery"), address="192.0.2.1")


def test_the_edge_of_two_windows_lets_nobody_twice_as_often(project: None, monkeypatch: pytest.MonkeyPatch):
    """What was counted just before it counts after it too, and less and less."""
    rate, who, edge = Rate(limit=10, seconds=900), secrets.token_hex(8), 900 * 2_000_000.0

    def let_through(at: float, times: int) -> int:
        monkeypatch.setattr("time.time", lambda: at)
        return sum(is_let_through(rate, who) for _ in range(times))

    assert let_through(edge - 1, 100) == 10
    assert let_through(edge + 1, 100) == 0
    assert 4 <= let_through(edge + 1_400, 100) <= 10


def some_address() -> str:
    """An address in a network that no other test is in."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


def is_let_through(rate: Rate, who: str) -> bool:
    """Whether one more is."""
    try:
        count(rate, who)
    except TooManyError:
        return False
    return True


def test_an_address_as_an_e_mail_counts_nothing_for_the_address(project: None):
    """Nobody shuts others out of logging in by naming their address."""
    with override_settings(RATE_LOGIN_ADDRESS=Rate(limit=2, seconds=86_400)):
        for number in range(5):
            with pytest.raises(UnauthenticatedError):
                logins.token_obtain(Credentials(email="203.0.113.7", password="x"), address=f"198.51.100.{number}")
        with pytest.raises(UnauthenticatedError):
            logins.token_obtain(Credentials(email="a@example.com", password="x"), address="203.0.113.7")


@pytest.mark.parametrize("face", FACES)
def test_registrations_are_limited_before_they_cost(target_client: TargetClient, face: str):
    """By address, since each would bring a rate of its own."""
    headers = {"X-Forwarded-For": f"192.0.2.7, {some_address()}"}
    with override_settings(RATE_REGISTER=Rate(limit=2, seconds=86_400), TRUSTED_PROXIES=1):
        answers = [
            target_client(DOORS["user_register"].request(face, ABOUT["user_register"](User())), headers=headers)
            for _ in range(3)
        ]
    assert [code_of(*answer) for answer in answers] == ["ok", "ok", "too_many"]


def test_a_password_change_that_fails_counts(project: None):
    """A stolen access token is no way to guess, nor to have passwords hashed without end."""
    user = person("customer")
    actor = Actor(id=user.id)
    with override_settings(RATE_LOGIN=Rate(limit=2, seconds=86_400)):
        for change in (PasswordChange(current="wrong", new="x" * 12), PasswordChange(current=PASSWORD, new="short")):
            with pytest.raises(InvalidError):
                services.password_change(actor=actor, change=change)
        with pytest.raises(TooManyError):
            services.password_change(actor=actor, change=PasswordChange(current=PASSWORD, new="x" * 12))


@pytest.mark.parametrize("store", ["rates", "own_rates"])
def test_a_counter_stands_between_processes_or_in_this_one(project: None, store: str, monkeypatch: pytest.MonkeyPatch):
    """In Redis, or without it in this process, the same number is let through."""
    if store == "own_rates":
        away = {**settings.CACHES["rates"], "LOCATION": "redis://127.0.0.1:9/0"}
        monkeypatch.setitem(caches.settings, "rates", away)
        monkeypatch.setattr(
            limits, "caches", {"rates": caches.create_connection("rates"), "own_rates": caches["own_rates"]}
        )
    rate, who = Rate(limit=3, seconds=86_400), secrets.token_hex(8)
    for _ in range(3):
        count(rate, who)
    with pytest.raises(TooManyError) as refused:
        count(rate, who)
    assert 0 < refused.value.retry_after <= 86_400
    discount(rate, who)
    discount(rate, who)
    count(rate, who)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("who", ["address", "user"])
def test_more_requests_than_the_rate_are_refused(target_client: TargetClient, face: str, who: str):
    """429, with Retry-After; the lab alone sends as many as it likes."""
    request = DOORS["product_list"].request(face, Thing())
    headers = {"X-Forwarded-For": f"192.0.2.7, {some_address()}"}
    if who == "user":
        headers |= bearer(person("customer"))
    rate = {f"RATE_{who.upper()}": Rate(limit=2, seconds=86_400), "TRUSTED_PROXIES": 1}
    with override_settings(**rate):
        answers = [target_client(request, token=None, headers=headers) for _ in range(3)]
        assert [code_of(*answer) for answer in answers] == ["ok", "ok", "too_many"]
        assert answers[2][0] == 429
        assert target_client(request, headers=headers)[0] == 200


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.9, 198.51.100.7", "203.0.113.9"),
        (2, "198.51.100.7", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "::ffff:198.51.100.7", "198.51.100.7"),
        (1, "nonsense", "nonsense"),
    ],
)
def test_an_address_is_what_our_own_proxies_saw(project: None, proxies: int, forwarded: str, address: str):
    """What a client writes into X-Forwarded-For itself is never believed."""
    with override_settings(TRUSTED_PROXIES=proxies):
        assert address_of(RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})) == address


@pytest.mark.parametrize("path", ["/api/tokens/", "/graphql"])
def test_a_body_that_is_too_large_is_not_read(target_client: TargetClient, path: str):
    """413 by its announced length, with no statement."""
    body = b'{"email": "' + b"x" * 10_000_000 + b'"}'
    request = Request(method="POST", path=path, body=body, content_type="application/json")
    with CaptureQueriesContext(connections["default"]) as statements:
        status, answer = target_client(request)
    assert (status, code_of(status, answer), len(statements)) == (413, "too_large", 0)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"\xff", b"[" * 50_000, b'{"email": NaN}', b'{"a":' * 20_000])
def test_a_rest_body_that_is_no_object_is_malformed(target_client: TargetClient, body: bytes):
    """400, whatever is in it."""
    request = Request(method="POST", path="/api/tokens/", body=body, content_type="application/json")
    status, answer = target_client(request)
    assert (status, code_of(status, answer)) == (400, "malformed" if body else "invalid")


ODD: dict[str, tuple[str, dict[str, Any]]] = {
    "a NUL in a name": ("user_update", {"name": NULL}),
    "half a surrogate pair in a name": ("user_update", {"name": HALF}),
    "a name that reads backwards": ("user_update", {"name": TURNED}),
    "a name of blanks": ("user_update", {"name": " \u3000\t"}),
    "a name that is too long": ("user_update", {"name": "x" * 151}),
    "no name": ("user_update", {"name": None}),
    "a NUL in a city": ("address_update", {"city": NULL}),
    "a NUL in an e-mail address": ("user_register", {"email": NULL, "password": "correct horse battery", "name": "A"}),
    "no e-mail address": ("user_register", {"email": "nowhere", "password": "correct horse battery", "name": "A"}),
    "a password with half a surrogate pair": ("user_register", {"email": "a@b.cc", "password": HALF * 9, "name": "A"}),
    "a password that is easy to guess": ("user_register", {"email": "a@b.cc", "password": "password12", "name": "A"}),
    "a huge password": ("token_obtain", {"email": "a@example.com", "password": "x" * 201}),
    "a NUL to log in with": ("token_obtain", {"email": NULL, "password": "x"}),
    "a huge version": ("product_update", {"version": HUGE, "stock": 1}),
    "a huge stock": ("product_update", {"version": 1, "stock": HUGE}),
    "a negative stock": ("product_update", {"version": 1, "stock": -1}),
    "no rating": ("review_create", {"rating": 0, "title": "t"}),
    "a rating too many": ("review_create", {"rating": 6, "title": "t"}),
    "a NUL in a title": ("review_create", {"rating": 5, "title": NULL}),
    "an odd country": ("address_create", {**STREET, "country": "g1"}),
    "a brand that does not exist": (
        "product_create", {"sku": "ODD-1", "name": "n", "brand": 2**62, "category": 1, "price": "1.00"},
    ),
    "an odd stock-keeping unit": (
        "product_create", {"sku": "odd \u0661", "name": "n", "brand": 1, "category": 1, "price": "1.00"},
    ),
    "an odd price": ("product_create", {"sku": "ODD-1", "name": "n", "brand": 1, "category": 1, "price": "1e3"}),
}  # fmt: skip


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", ODD)
def test_what_nobody_sends_in_earnest_is_invalid(target_client: TargetClient, what: str, face: str):
    """400 in REST and `invalid` in both faces, never a defect."""
    operation, told = ODD[what]
    actor = person("merchant" if operation.startswith("product") else "customer")
    thing = ABOUT[operation](actor)
    status, body = target_client(DOORS[operation].request(face, Thing(id=thing.id, told=told)), headers=bearer(actor))
    assert code_of(status, body) == "invalid", body
    assert status == 400 or face == "graphql"


@pytest.mark.parametrize(
    "told",
    [{"version": "1", "stock": 1}, {"version": 1, "stock": 1.5}, {"version": True}, {"price": 2.5, "version": 1}],
)
def test_a_rest_body_is_typed(target_client: TargetClient, told: dict[str, Any]):
    """A number in quotes is no number, as in GraphQL."""
    merchant = person("merchant")
    thing = Thing(id=ABOUT["product_update"](merchant).id, told=told)
    status, body = target_client(DOORS["product_update"].rest(thing), headers=bearer(merchant))
    assert (status, code_of(status, body)) == (400, "invalid")


def test_a_rest_body_has_no_other_names(target_client: TargetClient):
    """What is not known is refused by its name, as an unknown argument is in GraphQL."""
    user = person("customer")
    request = DOORS["user_update"].rest(Thing(id=user.id, told={"name": "A", "is_superuser": True}))
    status, body = target_client(request, headers=bearer(user))
    assert (status, json.loads(body)["error"]["fields"]) == (400, {"is_superuser": "is not known here"})


def test_a_name_that_no_answer_can_carry_is_refused(target_client: TargetClient):
    """Half a surrogate pair in a name is told as a question mark."""
    request = Request(method="POST", path="/api/tokens/", body=b'{"\\ud800": 1}', content_type="application/json")
    status, body = target_client(request)
    assert (status, json.loads(body)["error"]["fields"]["?"]) == (400, "is not known here")


@pytest.mark.parametrize("content_type", ["x/y; charset=hex", "application/json; x*=nope''a", "a; charset=undefined"])
@pytest.mark.parametrize("path", ["/api/products/", "/graphql"])
def test_no_content_type_is_a_defect(project: None, content_type: str, path: str):
    """What servers pass on reaches Django without its parameters."""
    said: list[str] = []
    environ = RequestFactory().get(f"{path}?size=1").environ | {"CONTENT_TYPE": content_type, "HTTP_HOST": "testserver"}
    body = b"".join(application(environ, lambda status, _: said.append(status)))
    assert said[0][:3] in {"200", "405"}, body


@pytest.mark.parametrize("face", FACES)
def test_a_second_review_and_an_address_in_use_are_invalid(target_client: TargetClient, face: str):
    """What the database forbids is told as what it means."""
    customer = person("customer")
    product = ABOUT["review_create"](person("merchant"))
    order = Order.objects.select_related("customer").filter(customer__is_active=True).order_by("id")[0]
    for actor, door, thing, expected in (
        (customer, "review_create", product, "ok"),
        (customer, "review_create", product, "invalid"),
        (order.customer, "address_delete", Thing(id=order.address_id), "invalid"),
    ):
        assert code_of(*target_client(DOORS[door].request(face, thing), headers=bearer(actor))) == expected
    assert Order.objects.filter(id=order.id, address_id=order.address_id).exists()


@pytest.mark.parametrize("face", FACES)
def test_a_statement_that_takes_too_long_is_given_up(
    target_client: TargetClient, face: str, monkeypatch: pytest.MonkeyPatch
):
    """503 and `too_slow`: PostgreSQL ends it, and the connection goes on working."""

    def slow(**_: Any) -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SET statement_timeout = 20")
            try:
                cursor.execute("SELECT pg_sleep(5)")
            finally:
                cursor.execute("SET statement_timeout = DEFAULT")

    with monkeypatch.context() as patch:
        patch.setattr(selectors, "product_list", slow)
        status, body = target_client(DOORS["product_list"].request(face, Thing()))
    assert code_of(status, body) == "too_slow"
    assert target_client(DOORS["product_list"].request(face, Thing()))[0] == 200


def test_the_database_ends_what_takes_too_long(project: None):
    """The setting reaches every connection."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("10s",)


def test_headers_of_the_lab_are_nothing_to_others(target_client: TargetClient):
    """Without the token no knob turns, and no limit falls away."""
    assert target_client(get("/identity"), token=None)[0] == 404
    assert target_client(get("/api/products/"), token="x" * 43, variant="nonsense")[0] == 200


def test_answers_say_how_they_may_be_used(project: None):
    """Nobody sniffs, frames or keeps what is not theirs."""
    user = person("customer")
    answer = Client().get("/api/users/me/", headers=bearer(user))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "private"
    assert "Set-Cookie" not in answer.headers
    refused = Client().get("/api/users/me/")
    assert (refused.headers["WWW-Authenticate"], refused.headers["Cache-Control"]) == ("Bearer", "no-store")
