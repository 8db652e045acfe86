"""Every write is seen by the next read, whatever was kept before: each operation that writes, level and face."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from targets.accounts.models import User
from targets.catalog.models import Review
from tests.targets.doors import ABOUT, DOORS, Door, Thing, bearer, code_of, person, review_by
from tests.targets.subject import TargetClient

pytestmark = pytest.mark.usefixtures("people")

TARGETS: Final = Path(__file__).parents[2] / "targets"
FACES: Final = ("rest", "graphql")
VARIANTS: Final = (
    "cache=query",
    "cache=query; select_related=off; prefetch_related=off",
    "cache=view",
    "cache=both; indexes=on",
)

PRODUCT: Final = Door(
    method="GET", path="/api/products/{id}/", kind="query", variables="$id: ID!", has_id=True,
    call="product(id: $id) { id version price stock reviewCount newestReviews { title author { name } } }",
)  # fmt: skip
PRODUCTS: Final = Door(
    method="GET", path="/api/products/?size=2", kind="query", call="productList(size: 2) { items { id name } }"
)  # fmt: skip


def _the_thing(_: User, thing: Thing) -> Any:
    return thing.id


def _the_owner(owner: User, _: Thing) -> Any:
    return owner.id


def _the_reviewed(_: User, thing: Thing) -> Any:
    return Review.objects.get(id=int(str(thing.id))).product_id


def _of_the_owners_review(owner: User, _: Thing) -> Any:
    return review_by(owner).product_id


def _the_ordered(_: User, thing: Thing) -> Any:
    return thing.told["lines"][0]["product"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A write by `writer` of what a user with the role `owner` owns, and a read that shows it; empty for nobody known.

    `reader` and `writer` may be the owner.
    """

    read: Door
    about: Callable[[User, Thing], Any] = _the_thing
    owner: str = "customer"
    writer: str = "owner"
    reader: str = "owner"


CASES: Final = {
    "product_create": (Case(read=PRODUCTS, owner="merchant", reader=""),),
    "product_update": (Case(read=PRODUCT, owner="merchant", reader=""),),
    "review_create": (Case(read=PRODUCT, reader=""),),
    "review_delete": (Case(read=PRODUCT, about=_the_reviewed, reader=""),),
    "user_update": (
        Case(read=PRODUCT, about=_of_the_owners_review, reader=""), Case(read=DOORS["me"]),
        Case(read=DOORS["user"], about=_the_owner, reader="staff"),
    ),
    "user_role": (Case(read=DOORS["user"], about=_the_owner, writer="admin", reader="staff"),),
    "user_deactivate": (Case(read=DOORS["user"], about=_the_owner, reader="staff"),),
    "address_create": (Case(read=DOORS["address_list"]),),
    "address_update": (Case(read=DOORS["address_list"]), Case(read=DOORS["address"], reader="staff")),
    "address_delete": (Case(read=DOORS["address_list"]),),
    "cart_set": (Case(read=DOORS["cart"]),),
    "order_create": (Case(read=PRODUCT, about=_the_ordered, reader=""), Case(read=DOORS["order_list"])),
    "mail_retry": (Case(read=DOORS["mail_list"], writer="staff", reader="staff"),),
}  # fmt: skip

UNSEEN: Final = {
    "user_register": "who was not there was refused, and refusals are not kept",
    "password_change": "no answer shows a password",
    "token_obtain": "no answer shows tokens",
    "token_refresh": "no answer shows tokens",
    "token_revoke": "no answer shows tokens",
}


def test_every_write_has_a_case():
    """What writes stands in CASES, or shows in nothing that is kept."""
    assert {name for name, door in DOORS.items() if door.kind == "mutation"} == CASES.keys() | UNSEEN.keys()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("operation", "case"), [(name, case) for name, cases in CASES.items() for case in cases],
    ids=lambda each: each if isinstance(each, str) else each.read.call.partition("(")[0].partition(" ")[0],
)  # fmt: skip
def test_the_next_read_shows_a_write(target_client: TargetClient, operation: str, case: Case, face: str, variant: str):
    """Both faces answered before, and answer otherwise after: as the database does."""
    owner = person(case.owner)
    thing = ABOUT[operation](owner)
    about = Thing(id=case.about(owner, thing))

    def who(role: str) -> dict[str, str]:
        return {} if not role else bearer(owner if role == "owner" else person(role))

    reader, writer = who(case.reader), who(case.writer)

    def shown(variant: str) -> list[bytes]:
        answers = [target_client(case.read.request(each, about), variant=variant, headers=reader) for each in FACES]
        assert [code_of(*answer) for answer in answers] == ["ok", "ok"]
        return [body for _, body in answers]

    before = shown(variant)
    assert shown(variant) == before
    assert code_of(*target_client(DOORS[operation].request(face, thing), variant=variant, headers=writer)) == "ok"
    after = shown(variant)
    assert after == shown("cache=off")
    assert all(new != old for new, old in zip(after, before, strict=True))


WRITES: Final = {
    "save", "create", "bulk_create", "update", "bulk_update", "delete", "get_or_create", "update_or_create",
}  # fmt: skip

UNTOLD: Final = {
    "accounts/logins.py token_refresh": "no answer shows tokens",
    "accounts/logins.py token_revoke": "no answer shows tokens",
    "accounts/logins.py forget_expired": "no answer shows tokens",
    "accounts/models.py create_superuser": "the command line's, of a user whom nobody has seen",
    "accounts/models.py renew": "no answer shows a password",
    "accounts/management/commands/credentials.py handle": "no answer shows sessions",
    "orders/mails.py mail_send": "lists of mails are live",
    "orders/relay.py run": "lists of mails are live",
}
"""Functions that write and have nothing to unmake, each with the reason."""


def untold(source: str) -> set[str]:
    """The functions in `source` that write and unmake nothing: those that no other function of it calls."""
    functions = {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    called: dict[str, set[str]] = {}
    for name, function in functions.items():
        own = {inner for node in ast.walk(function) if node is not function and isinstance(node, ast.FunctionDef)
               for inner in ast.walk(node)}  # fmt: skip
        calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call) and node not in own]
        called[name] = {call.id if isinstance(call, ast.Name) else call.attr for call in calls
                        if isinstance(call, ast.Name | ast.Attribute)}  # fmt: skip

    def reached(name: str) -> set[str]:
        found: set[str] = set()
        ahead = [name]
        while ahead:
            new = called.get(ahead.pop(), set()) - found
            found |= new
            ahead += new
        return found

    inside = {each for name, calls in called.items() for each in calls - {name}}
    return {
        name for name in functions
        if name not in inside and reached(name) & WRITES and "changed" not in reached(name)
    }  # fmt: skip


def test_whatever_writes_unmakes_what_was_kept():
    """Each function of an app that writes calls `changed`, or stands in UNTOLD; what stands there writes."""
    found = {
        f"{path.relative_to(TARGETS).as_posix()} {name}"
        for app in ("accounts", "catalog", "orders")
        for path in sorted((TARGETS / app).rglob("*.py"))
        if "migrations" not in path.parts
        for name in untold(path.read_text(encoding="utf-8"))
    }
    assert found == UNTOLD.keys()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def a():\n    row.save()\n", {"a"}),
        ("def a():\n    row.save()\n    changed('x', using='y')\n", set()),
        ("def a():\n    b()\n\ndef b():\n    c()\n\ndef c():\n    rows.update(x=1)\n", {"a"}),
        ("def a():\n    b()\n    changed('x', using='y')\n\ndef b():\n    rows.bulk_update(x, [])\n", set()),
        ("def a():\n    return rows.filter(x=1)\n", set()),
    ],
)  # fmt: skip
def test_a_write_that_unmakes_nothing_is_caught(source: str, expected: set[str]):
    """The rule finds what it is for, also behind helpers."""
    assert untold(source) == expected


def test_what_is_looked_at_is_there() -> None:
    """The rule would say nothing if the files were renamed."""
    names: list[Any] = [path.relative_to(TARGETS).as_posix() for path in TARGETS.rglob("services.py")]
    assert {"accounts/services.py", "catalog/services.py", "orders/services.py"} <= set(names)
