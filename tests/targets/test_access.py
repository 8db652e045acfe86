"""Who may do what: TABLE is the truth, and both faces keep to it in every cell."""

from typing import Final, cast

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from targets.accounts.permissions import Permission
from targets.accounts.rest_views import GuardedViewSet
from targets.config.schema import schema
from tests.targets.doors import ABOUT, DOORS, Thing, answer_of, bearer, camel, code_of, person
from tests.targets.subject import TargetClient

pytestmark = pytest.mark.usefixtures("people")

ROLES: Final = ("anonymous", "customer", "merchant", "staff", "admin")
OK, LOGIN, NO, NONE, BAD = "ok", "unauthenticated", "forbidden", "not_found", "invalid"

# operation, whose object: what anonymous, customer, merchant, staff and admin are told. The owner of an object that is
# somebody else's is a merchant where it is a product, else a customer.
TABLE: Final = {
    ("product_list", "none"): (OK, OK, OK, OK, OK),
    ("product_search", "none"): (OK, OK, OK, OK, OK),
    ("product_detail", "foreign"): (OK, OK, OK, OK, OK),
    ("product_detail", "own"): (OK, OK, OK, OK, OK),
    ("product_create", "none"): (LOGIN, NO, OK, NO, OK),
    ("product_update", "own"): (LOGIN, NO, OK, NO, OK),
    ("product_update", "foreign"): (LOGIN, NO, NO, NO, OK),
    ("review_create", "own"): (LOGIN, OK, NO, NO, NO),
    ("review_create", "foreign"): (LOGIN, OK, NO, NO, NO),
    ("review_delete", "own"): (LOGIN, OK, OK, OK, OK),
    ("review_delete", "foreign"): (LOGIN, NO, NO, OK, OK),
    ("user_register", "none"): (OK, OK, OK, OK, OK),
    ("me", "none"): (LOGIN, OK, OK, OK, OK),
    ("user", "own"): (LOGIN, OK, OK, OK, OK),
    ("user", "foreign"): (LOGIN, NONE, NONE, OK, OK),
    ("user_update", "own"): (LOGIN, OK, OK, OK, OK),
    ("user_update", "foreign"): (LOGIN, NONE, NONE, NO, OK),
    ("user_role", "own"): (LOGIN, NO, NO, NO, OK),
    ("user_role", "foreign"): (LOGIN, NONE, NONE, NO, OK),
    ("user_deactivate", "own"): (LOGIN, OK, OK, OK, OK),
    ("user_deactivate", "foreign"): (LOGIN, NONE, NONE, OK, OK),
    ("user_deactivate", "of staff"): (LOGIN, NONE, NONE, NO, OK),
    ("password_change", "none"): (LOGIN, OK, OK, OK, OK),
    ("token_obtain", "own"): (OK, OK, OK, OK, OK),
    ("token_obtain", "foreign"): (OK, OK, OK, OK, OK),
    ("token_refresh", "own"): (OK, OK, OK, OK, OK),
    ("token_refresh", "foreign"): (OK, OK, OK, OK, OK),
    ("token_revoke", "own"): (OK, OK, OK, OK, OK),
    ("token_revoke", "foreign"): (OK, OK, OK, OK, OK),
    ("address_list", "none"): (LOGIN, OK, OK, OK, OK),
    ("address", "own"): (LOGIN, OK, OK, OK, OK),
    ("address", "foreign"): (LOGIN, NONE, NONE, OK, OK),
    ("address_create", "none"): (LOGIN, OK, OK, OK, OK),
    ("address_update", "own"): (LOGIN, OK, OK, OK, OK),
    ("address_update", "foreign"): (LOGIN, NONE, NONE, NO, NO),
    ("address_delete", "own"): (LOGIN, OK, OK, OK, OK),
    ("address_delete", "foreign"): (LOGIN, NONE, NONE, NO, NO),
    ("cart", "none"): (LOGIN, OK, OK, OK, OK),
    ("cart_set", "foreign"): (LOGIN, OK, NO, NO, NO),
    ("order_list", "none"): (LOGIN, OK, OK, OK, OK),
    ("order", "own"): (LOGIN, OK, OK, OK, OK),
    ("order", "foreign"): (LOGIN, NONE, NONE, OK, OK),
    ("order_create", "own"): (LOGIN, OK, NO, NO, NO),
    ("order_create", "foreign"): (LOGIN, BAD, NO, NO, NO),
    ("quote_list", "none"): (OK, OK, OK, OK, OK),
    ("mail_list", "none"): (LOGIN, NO, NO, OK, OK),
    ("mail_retry", "foreign"): (LOGIN, NO, NO, OK, OK),
}
CELLS: Final = [
    (operation, whose, role, told)
    for (operation, whose), row in TABLE.items()
    for role, told in zip(ROLES, row, strict=True)
]
TABLES: Final = (
    "accounts_user", "accounts_address", "accounts_blacklistedtoken", "catalog_product", "catalog_review",
    "orders_order", "orders_orderline", "orders_cartline", "orders_orderkey", "orders_mail",
)  # fmt: skip
PAGE: Final = {"page": 1, "size": 20, "has_next": False}
CAMEL_PAGE: Final = {camel(name): value for name, value in PAGE.items()}
NO_ROWS: Final = ({"items": [], **PAGE}, {"items": [], **CAMEL_PAGE})
NOTHING: Final = {"address_list": NO_ROWS, "order_list": NO_ROWS, "cart": ({"lines": []},)}
"""What somebody unknown is shown of a list of one's own where no view refuses."""

MOST_STATEMENTS: Final = 6
"""Of a refusal: the user, the blacklist, the object with its lock, and the two that begin and end a transaction."""


def test_the_table_has_every_operation():
    """No operation of either face is missing in it."""
    assert {operation for operation, _ in TABLE} == set(DOORS)
    fields = {name for kind in (schema.query, schema.mutation) for name in kind._meta.fields}
    named = {door.call.partition("(")[0].partition(" ")[0] for door in DOORS.values()}
    assert named == {camel(name) for name in fields}


def test_every_view_and_resolver_names_a_permission():
    """What names none is for nobody in REST; in GraphQL there is no such resolver."""
    for kind in (schema.query, schema.mutation):
        for name in kind._meta.fields:
            assert hasattr(getattr(kind, f"resolve_{name}"), "permission"), name
    api = cast(URLResolver, get_resolver("targets.config.urls").url_patterns[0])
    views = {getattr(pattern.callback, "cls", None) for pattern in cast(list[URLPattern], api.url_patterns)}
    assert all(view is not None and issubclass(view, GuardedViewSet) for view in views)


@pytest.mark.parametrize("face", ["rest", "graphql"])
@pytest.mark.parametrize(
    ("operation", "whose", "role", "told"), CELLS, ids=["-".join(cell[:3]).replace(" ", "_") for cell in CELLS]
)
def test_who_may_do_what(  # noqa: PLR0917 - pytest passes names
    target_client: TargetClient, operation: str, whose: str, role: str, told: str, face: str
):
    """Both faces decide as the table says; a refusal changes nothing, and costs few statements."""
    actor = None if role == "anonymous" else person(role)
    owner = actor if whose == "own" and actor is not None else person(_owner(operation, whose))
    thing = ABOUT[operation](owner) if operation in ABOUT else Thing()
    request = DOORS[operation].request(face, thing)
    before = _state()
    with CaptureQueriesContext(connections["default"]) as statements:
        status, body = target_client(request, headers={} if actor is None else bearer(actor))
    assert code_of(status, body) == told, (status, body[:300])
    if told != OK:
        assert _state() == before
        assert len(statements) <= MOST_STATEMENTS, [statement["sql"] for statement in statements]


@pytest.mark.parametrize("face", ["rest", "graphql"])
@pytest.mark.parametrize(
    ("operation", "whose", "role", "told"),
    [cell for cell in CELLS if cell[3] != OK],
    ids=["-".join(cell[:3]).replace(" ", "_") for cell in CELLS if cell[3] != OK],
)
def test_what_a_view_forgets_to_ask_services_refuse(  # noqa: PLR0917 - pytest passes names
    target_client: TargetClient,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    whose: str,
    role: str,
    told: str,
    face: str,
):
    """With every permission let through, each refused cell is refused all the same, and nothing is changed or shown."""
    monkeypatch.setattr(Permission, "check", classmethod(lambda *_: None))
    actor = None if role == "anonymous" else person(role)
    owner = actor if whose == "own" and actor is not None else person(_owner(operation, whose))
    thing = ABOUT[operation](owner) if operation in ABOUT else Thing()
    before = _state()
    status, body = target_client(DOORS[operation].request(face, thing), headers={} if actor is None else bearer(actor))
    if operation in NOTHING:
        assert answer_of(operation, face, body) in NOTHING[operation]
    else:
        assert code_of(status, body) in {LOGIN, NO, NONE, told}
    assert _state() == before


def _owner(operation: str, whose: str) -> str:
    if whose == "of staff":
        return "staff"
    return "merchant" if operation.startswith(("product", "review_create")) else "customer"


def _state() -> list[tuple[str, ...]]:
    """A digest of every table that an operation could change, as far as tests made its rows."""
    digests = []
    with connections["default"].cursor() as cursor:
        for table in TABLES:
            key = "key" if table.endswith("token") else "id"
            cursor.execute(
                f"SELECT count(*)::text, md5(string_agg(t::text, '|')) FROM"
                f" (SELECT * FROM {table} ORDER BY {key} DESC LIMIT 20) t"
            )
            digests.append(cursor.fetchone())
            cursor.execute(f"SELECT count(*)::text FROM {table}")
            digests.append(cursor.fetchone())
    return digests
