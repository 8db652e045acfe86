"""Credentials that the lab has made for it, and what the target makes of them."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections

from targets.accounts.models import BlacklistedToken
from tests.targets.subject import TargetClient, get


@pytest.fixture
def made(project: None) -> dict[str, dict[str, str]]:
    """A header for each kind."""
    said = StringIO()
    call_command("credentials", "--seconds", "60", stdout=said)
    return {kind: {name: value} for kind, (name, value) in json.loads(said.getvalue()).items()}


@pytest.mark.parametrize("kind", ["token", "session"])
def test_credentials_are_those_of_a_customer(target_client: TargetClient, made: dict[str, dict[str, str]], kind: str):
    """Both say the same: who is asked tells a customer's profile."""
    status, body = target_client(get("/api/users/me/"), headers=made[kind])
    assert (status, json.loads(body)["role"]) == (200, "customer")


def test_a_session_is_for_the_lab_alone(target_client: TargetClient, made: dict[str, dict[str, str]]):
    """Without the lab's token a cookie authenticates nobody, so nobody can forge what it would allow."""
    assert target_client(get("/api/users/me/"), headers=made["session"], token=None)[0] == 401


def test_a_session_that_ended_is_refused(target_client: TargetClient, made: dict[str, dict[str, str]]):
    """A cookie of no session is a credential that does not count."""
    assert target_client(get("/api/users/me/"), headers={"Cookie": "sessionid=nothing"})[0] == 401


def test_a_blacklist_can_be_filled(project: None):
    """So many rows, of no login that there is."""
    try:
        call_command("fill_blacklist", "1000")
        assert BlacklistedToken.objects.count() >= 1000
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "DELETE FROM accounts_blacklistedtoken"
                " WHERE key IN (SELECT md5(number::text)::uuid FROM generate_series(1, 1000) number)"
            )
