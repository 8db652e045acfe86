"""Tokens: which of them count, what ends them, and who wins when many come at once."""

import base64
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from io import StringIO
from typing import Any
from uuid import uuid4

import jwt
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from targets.accounts import logins, tokens
from targets.accounts.models import BlacklistedToken, User
from targets.web.background import app
from tests.targets.doors import DOORS, PASSWORD, STREET, Thing, answer_of, bearer, code_of, person
from tests.targets.subject import TargetClient

pytestmark = pytest.mark.usefixtures("people")

FACES = ("rest", "graphql")
RACES = int(os.environ.get("RACES", "8"))
"""How many races of 32 each face has; `RACES=200 ./noxw -s tests -- -k many_refreshes` has more."""


def ask(
    target_client: TargetClient, door: str, *, face: str, token: str | None = None, **told: Any
) -> tuple[int, bytes]:
    """What an operation answers."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return target_client(DOORS[door].request(face, Thing(told=told)), headers=headers)


def forged(token: str, *, key: str | None = None, algorithm: str = "HS256", without: str = "", **claims: Any) -> str:
    """A token with other claims, signed with our key unless another is named."""
    payload = {**jwt.decode(token, options={"verify_signature": False}), **claims}
    payload.pop(without, None)
    return jwt.encode(payload, tokens.backend()._keys[0] if key is None else key, algorithm=algorithm)


def now(**later: int) -> int:
    """Seconds since 1970, so much later."""
    return int((timezone.now() + timedelta(**later)).timestamp())


def without_signature(token: str) -> str:
    """A token that says that it is signed by nobody."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


UNSOUND: dict[str, Callable[[str], str]] = {
    "of no algorithm": without_signature,
    "of another key": lambda token: forged(token, key="another key of a good length, as ours are"),
    "of another algorithm": lambda token: forged(token, algorithm="HS512"),
    "expired": lambda token: forged(token, exp=now(seconds=-1)),
    "not yet valid": lambda token: forged(token, nbf=now(minutes=5)),
    "issued in the future": lambda token: forged(token, iat=now(minutes=5)),
    "for another audience": lambda token: forged(token, aud="elsewhere"),
    "for no audience": lambda token: forged(token, without="aud"),
    "for several audiences": lambda token: forged(token, aud=["windtunnel", "elsewhere"]),
    "of another issuer": lambda token: forged(token, iss="elsewhere"),
    "without an end": lambda token: forged(token, without="exp"),
    "without an id": lambda token: forged(token, without="jti"),
    "without a login": lambda token: forged(token, without="family"),
    "of no kind": lambda token: forged(token, without="token_type"),
    "of a subject that is no number": lambda token: forged(token, sub="1; DROP TABLE accounts_user"),
    "of a subject that is too large": lambda token: forged(token, sub="9" * 30),
    "of another role's shape": lambda token: forged(token, role=["admin"]),
    "truncated": lambda token: token[:-10],
    "8 KB long": lambda token: token + "A" * 8_192,
    "no token": lambda _: "nonsense",
    "empty": lambda _: "",
    "of odd characters": lambda _: "\u00e9.\u00e9.\u00e9",
}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("how", UNSOUND)
@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_an_unsound_token_is_refused(target_client: TargetClient, how: str, face: str, kind: str):
    """401 and one shape, as access token and as refresh token, in both faces."""
    pair = tokens.pair_for(person("customer"))
    if kind == "access":
        status, body = ask(target_client, "me", face=face, token=UNSOUND[how](pair.access))
    else:
        presented = UNSOUND[how](pair.refresh)
        status, body = ask(target_client, "token_refresh", face=face, refresh=presented or " ")
    assert (status, code_of(status, body)) == (401, "unauthenticated")


@pytest.mark.parametrize("face", FACES)
def test_a_token_is_of_one_kind_only(target_client: TargetClient, face: str):
    """A refresh token lets nobody in, and an access token refreshes nothing."""
    pair = tokens.pair_for(person("customer"))
    assert ask(target_client, "me", face=face, token=pair.refresh)[0] == 401
    assert ask(target_client, "token_refresh", face=face, refresh=pair.access)[0] == 401


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "Bearer Bearer"])
def test_only_bearers_are_let_in(target_client: TargetClient, face: str, scheme: str):
    """Credentials of another scheme are not passed over: they are refused."""
    token = tokens.pair_for(person("customer")).access
    status, body = target_client(
        DOORS["product_list"].request(face, Thing()), headers={"Authorization": f"{scheme} {token}"}
    )
    assert (status, code_of(status, body)) == (401, "unauthenticated")


@pytest.mark.parametrize("face", FACES)
def test_a_login_gives_a_pair_that_works(target_client: TargetClient, face: str):
    """However the address is capitalised; and the pair's refresh token gives another that works."""
    user = person("customer")
    status, body = ask(target_client, "token_obtain", face=face, email=user.email.upper(), password=PASSWORD)
    assert status == 200
    pair = answer_of("token_obtain", face, body)
    expires = pair["expires_in" if face == "rest" else "expiresIn"]
    assert expires == 300
    pair = answer_of("token_refresh", face, ask(target_client, "token_refresh", face=face, refresh=pair["refresh"])[1])
    assert answer_of("me", face, ask(target_client, "me", face=face, token=pair["access"])[1])["email"] == user.email


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("how", ["wrong password", "nobody", "inactive", "without a password"])
def test_a_login_that_fails_does_not_tell_why(target_client: TargetClient, face: str, how: str):
    """All of them are told the same."""
    user = person("customer", is_active=how != "inactive")
    if how == "without a password":
        user.set_unusable_password()
        user.save()
    email = "nobody@example.com" if how == "nobody" else user.email
    status, body = ask(
        target_client, "token_obtain", face=face, email=email, password="wrong" if how == "wrong password" else PASSWORD
    )
    assert (status, code_of(status, body)) == (401, "unauthenticated")
    assert b"E-mail address or password is wrong." in body


@pytest.mark.parametrize("face", FACES)
def test_a_used_refresh_token_harms_nobody_for_a_while(target_client: TargetClient, face: str):
    """Within the grace it gets 401 and the new pair works; after it the whole login has ended."""
    old = tokens.pair_for(person("customer"))
    new = answer_of("token_refresh", face, ask(target_client, "token_refresh", face=face, refresh=old.refresh)[1])
    assert ask(target_client, "token_refresh", face=face, refresh=old.refresh)[0] == 401
    newer = answer_of("token_refresh", face, ask(target_client, "token_refresh", face=face, refresh=new["refresh"])[1])

    moment = timezone.now() - logins.GRACE - timedelta(seconds=1)
    BlacklistedToken.objects.filter(key=tokens.read_refresh(old.refresh)["jti"]).update(blacklisted_at=moment)
    assert ask(target_client, "token_refresh", face=face, refresh=old.refresh)[0] == 401
    assert ask(target_client, "token_refresh", face=face, refresh=newer["refresh"])[0] == 401
    assert ask(target_client, "address_create", face=face, token=newer["access"], **STREET)[0] == 401


def ended_by_rotation(target_client: TargetClient, face: str, user: User, pair: tokens.TokenPair) -> None:
    status, body = ask(target_client, "token_refresh", face=face, refresh=pair.refresh)
    assert status == 200
    access = answer_of("token_refresh", face, body)["access"]
    assert ask(target_client, "address_create", face=face, token=access, **STREET)[0] in {200, 201}


def ended_by_logout(target_client: TargetClient, face: str, user: User, pair: tokens.TokenPair) -> None:
    assert ask(target_client, "token_revoke", face=face, refresh=pair.refresh)[0] in {200, 204}


def ended_by_password(target_client: TargetClient, face: str, user: User, pair: tokens.TokenPair) -> None:
    told = {"current": PASSWORD, "new": "another correct horse"}
    status, body = ask(target_client, "password_change", face=face, token=pair.access, **told)
    assert status == 200
    access = answer_of("password_change", face, body)["access"]
    assert ask(target_client, "address_create", face=face, token=access, **STREET)[0] in {200, 201}


def ended_by_deactivation(target_client: TargetClient, face: str, user: User, pair: tokens.TokenPair) -> None:
    door = DOORS["user_deactivate"].request(face, Thing(id=user.id))
    assert target_client(door, headers=bearer(person("staff")))[0] == 200


def ended_by_another_role(target_client: TargetClient, face: str, user: User, pair: tokens.TokenPair) -> None:
    door = DOORS["user_role"].request(face, Thing(id=user.id, told={"role": "merchant"}))
    assert target_client(door, headers=bearer(person("admin")))[0] == 200


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    "end", [ended_by_rotation, ended_by_logout, ended_by_password, ended_by_deactivation, ended_by_another_role]
)
def test_what_ends_a_login(target_client: TargetClient, face: str, end: Callable[..., None]):
    """Refresh tokens count no more, access tokens not for writes; reads believe them while they live."""
    user = person("customer")
    pair = tokens.pair_for(user)
    end(target_client, face, user, pair)
    assert ask(target_client, "token_refresh", face=face, refresh=pair.refresh)[0] == 401
    assert ask(target_client, "token_revoke", face=face, refresh=pair.refresh)[0] == 401
    status, body = ask(target_client, "address_create", face=face, token=pair.access, **STREET)
    assert (status, code_of(status, body)) == (401, "unauthenticated")
    assert ask(target_client, "address_list", face=face, token=pair.access)[0] == 200


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("level", "after_logout", "after_deactivation"),
    [("stateless", 200, 200), ("user", 200, 401), ("blacklist", 401, 401)],
)
def test_what_a_read_asks_of_a_token(
    target_client: TargetClient, face: str, level: str, after_logout: int, after_deactivation: int
):
    """Nothing, its user, or the blacklist too: as the knob `token_check` says, which only the lab can turn."""
    user = person("customer")
    pair = tokens.pair_for(user)

    def read() -> int:
        request = DOORS["address_list"].request(face, Thing())
        headers = {"Authorization": f"Bearer {pair.access}"}
        return target_client(request, variant=f"token_check={level}", headers=headers)[0]

    assert read() == 200
    logins.token_revoke(pair.refresh)
    assert read() == after_logout
    User.objects.filter(id=user.id).update(is_active=False)
    assert read() == after_deactivation


def test_old_keys_verify_and_new_ones_sign(target_client: TargetClient):
    """A token of the old key works while the key is there, and a new token is of the new key."""
    user = person("customer")
    old = tokens.pair_for(user).access
    try:
        with override_settings(JWT_KEYS=["new key", *settings.JWT_KEYS]):
            tokens.backend.cache_clear()
            assert ask(target_client, "me", face="rest", token=old)[0] == 200
            new = tokens.pair_for(user).access
        with override_settings(JWT_KEYS=["new key"]):
            tokens.backend.cache_clear()
            assert ask(target_client, "me", face="rest", token=new)[0] == 200
            assert ask(target_client, "me", face="rest", token=old)[0] == 401
    finally:
        tokens.backend.cache_clear()


def at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    """What `work` gave in each of `count` threads that began together."""
    together = threading.Barrier(count)

    def run(_: int) -> Any:
        together.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("face", FACES)
def test_of_many_refreshes_at_once_one_wins(target_client: TargetClient, face: str):
    """One of 32 gets a pair, again and again, and its pair works: for a write, and for the next race."""
    pair = tokens.pair_for(person("customer"))
    for _ in range(RACES):
        race = partial(ask, target_client, "token_refresh", face=face, refresh=pair.refresh)
        answers = at_once(32, race)
        assert {status for status, _ in answers} == {200, 401}
        [won] = [answer_of("token_refresh", face, body) for status, body in answers if status == 200]
        pair = tokens.TokenPair(access=won["access"], refresh=won["refresh"], expires_in=300)
        assert ask(target_client, "user_register", face=face, token=pair.access, **new_customer())[0] in {200, 201}


def new_customer() -> dict[str, str]:
    """What a registration tells."""
    return {"email": f"raced-{uuid4().hex}@example.com", "password": PASSWORD, "name": "Raced"}


def test_what_has_expired_is_forgotten(project: None):
    """A row whose token would have expired goes, any other stays."""
    user = person("customer")
    now_and_then = {"old": timezone.now() - timedelta(seconds=1), "new": timezone.now() + timedelta(days=1)}
    for moment in now_and_then.values():
        BlacklistedToken.objects.create(key=uuid4(), user=user, reason="rotated", expires_at=moment)
    said = StringIO()
    call_command("forget_tokens", stdout=said)
    assert said.getvalue() == "1 expired rows removed\n"
    assert [row.expires_at for row in BlacklistedToken.objects.filter(user=user)] == [now_and_then["new"]]


def test_what_beat_asks_for_is_a_task(project: None):
    """Each entry of the schedule names a task that workers know; that of tokens removes what has expired."""
    app.loader.import_default_modules()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)
    user = person("customer")
    expired = timezone.now() - timedelta(seconds=1)
    BlacklistedToken.objects.create(key=uuid4(), user=user, reason="rotated", expires_at=expired)
    assert app.tasks["accounts.forget_tokens"].apply().get() == "1 expired rows removed"
    assert not BlacklistedToken.objects.filter(user=user).exists()
