"""An error that nobody foresaw tells a client nothing: no class, no SQL, no path, no secret, wherever it happens."""

from typing import Any

import pytest
from django.conf import settings
from django.db import InterfaceError, ProgrammingError

from tests.targets.doors import ABOUT, DOORS, Thing, bearer, code_of, person
from tests.targets.subject import TargetClient

pytestmark = pytest.mark.usefixtures("people")

SECRET = "s3cr3t-in-the-message"

PLACES = (
    ("targets.catalog.selectors.product_list", "product_list"),
    ("targets.catalog.selectors.page_of", "product_list"),
    ("targets.catalog.selectors._with_related", "product_detail"),
    ("targets.catalog.selectors.product_search", "product_search"),
    ("targets.catalog.filters.read_leaf", "product_search"),
    ("targets.catalog.selectors.product_detail", "product_detail"),
    ("targets.catalog.inputs.read_product", "product_create"),
    ("targets.catalog.services.product_create", "product_create"),
    ("targets.catalog.services.product_update", "product_update"),
    ("targets.catalog.services._locked", "product_update"),
    ("targets.catalog.services.changed", "product_update"),
    ("targets.catalog.services.review_create", "review_create"),
    ("targets.catalog.services._summarise_reviews", "review_create"),
    ("targets.catalog.services.review_delete", "review_delete"),
    ("targets.catalog.models.Review.is_removable_by", "review_delete"),
    ("targets.accounts.services.user_register", "user_register"),
    ("targets.accounts.services.validate_password", "user_register"),
    ("targets.accounts.models.User.set_password", "user_register"),
    ("targets.accounts.selectors.me", "me"),
    ("targets.accounts.selectors.user_detail", "user"),
    ("targets.accounts.models.UserQuerySet.visible_to", "user"),
    ("targets.accounts.services.user_update", "user_update"),
    ("targets.accounts.services.user_deactivate", "user_deactivate"),
    ("targets.accounts.services.password_change", "password_change"),
    ("targets.accounts.logins.token_obtain", "token_obtain"),
    ("targets.accounts.models.User.check_password", "token_obtain"),
    ("targets.accounts.logins.pair_for", "token_obtain"),
    ("targets.accounts.logins.token_refresh", "token_refresh"),
    ("targets.accounts.logins.read_refresh", "token_refresh"),
    ("targets.accounts.selectors.blacklisted", "token_refresh"),
    ("targets.accounts.logins.token_revoke", "token_revoke"),
    ("targets.accounts.selectors.address_list", "address_list"),
    ("targets.accounts.selectors.address_detail", "address"),
    ("targets.accounts.services.address_create", "address_create"),
    ("targets.accounts.models.Address.full_clean", "address_create"),
    ("targets.accounts.services.address_update", "address_update"),
    ("targets.accounts.services.address_delete", "address_delete"),
    ("targets.accounts.selectors.current_user", "me"),
    ("targets.accounts.selectors.user_by_email", "token_obtain"),
    ("targets.accounts.logins.discount", "token_obtain"),
    ("targets.accounts.logins._row", "token_refresh"),
    ("targets.accounts.logins._unused", "token_revoke"),
    ("targets.accounts.logins._end", "token_revoke"),
    ("targets.accounts.services._own_address", "address_delete"),
    ("targets.catalog.models.Product.is_editable_by", "product_update"),
    ("targets.accounts.permissions.actor_of", "me"),
    ("targets.accounts.selectors.current_actor", "address_create"),
    ("targets.accounts.entrance.read_access", "me"),
    ("targets.accounts.entrance.address_of", "product_list"),
    ("targets.accounts.entrance.checked", "product_list"),
    ("targets.web.view_cache.actor_of", "product_list"),
    ("targets.web.view_cache.look_up", "product_list"),
)
ERRORS = (
    RuntimeError(f"RuntimeError at /srv/app/secret.py: {SECRET}"),
    ProgrammingError(f'relation "accounts_user" does not exist LINE 1: SELECT password FROM accounts_user; {SECRET}'),
    InterfaceError(f"connection already closed: postgresql://shop:{SECRET}@db/shop"),
    KeyError(SECRET),
)
TOLD_NOWHERE = (SECRET, "Error", "Traceback", "SELECT", "accounts_user", ".py", "/srv", "postgresql", "targets.")


@pytest.mark.parametrize("face", ["rest", "graphql"])
@pytest.mark.parametrize(("place", "operation"), PLACES, ids=[place for place, _ in PLACES])
def test_what_nobody_foresaw_stays_inside(
    target_client: TargetClient, monkeypatch: pytest.MonkeyPatch, place: str, operation: str, face: str
):
    """The answer is `internal` and a sentence, and the process goes on."""
    merchant = operation.startswith("product")
    actor = person("merchant" if merchant else "customer")
    thing = ABOUT[operation](actor) if operation in ABOUT else Thing()
    request, headers = DOORS[operation].request(face, thing), bearer(actor)
    error = ERRORS[(PLACES.index((place, operation)) + len(face)) % len(ERRORS)]

    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        status, body = target_client(request, variant="cache=view", headers=headers)
    assert code_of(status, body) == "internal", (status, body[:300])
    assert status == 500 or face == "graphql"
    text = body.decode()
    assert [told for told in (*TOLD_NOWHERE, settings.SECRET_KEY) if told in text] == []
    assert target_client(DOORS["product_list"].request(face, Thing()))[0] == 200


def test_there_are_fifty_places():
    """Each of them in both faces."""
    assert len(set(PLACES)) >= 50
