import gc
import json
import secrets

import django
import pytest
from django.db import connections, transaction
from django.test import override_settings

from fixtures.identity import read_identity
from scenarios.operations.operation import Request
from targets.variants import Variant
from tests.targets.subject import TOKEN, ServiceUrls, TargetClient, get

IDENTITY = get("/identity")
UNNAMED = "select_related=off; prefetch_related=off"


@override_settings(TARGET_LAB_TOKEN="")
@pytest.mark.parametrize("request_", [IDENTITY, Request(method="POST", path="/settle"), get("/bare?bytes=10")])
@pytest.mark.parametrize("token", [None, "", TOKEN], ids=["none", "empty", "whole"])
def test_without_lab_mode_the_labs_addresses_lead_nowhere(
    target_client: TargetClient, request_: Request, token: str | None
):
    """A process booted without a token answers 404, also to an empty token."""
    assert target_client(request_, token=token)[0] == 404


@pytest.mark.parametrize(
    "token", [None, "", TOKEN[:-1], TOKEN + "x", "ü" * 43], ids=["none", "empty", "shorter", "longer", "not ASCII"]
)
def test_a_wrong_token_is_no_token(target_client: TargetClient, token: str | None):
    """In lab mode, a request without the right token gets 404 and a bad variant header is not even read."""
    assert target_client(IDENTITY, token=token)[0] == 404
    assert target_client(get("/api/products/?size=1"), token=token, variant="nonsense")[0] == 200


@override_settings(TARGET_LAB_TOKEN="")
def test_without_lab_mode_a_variant_header_is_inert(target_client: TargetClient):
    """A bad variant header changes nothing where lab mode is off."""
    assert target_client(get("/api/products/?size=1"), variant="nonsense")[0] == 200


def test_identity_tells_the_requests_variant(target_client: TargetClient):
    """Knobs that the header does not name keep the process default; the text is canonical."""
    for variant in (None, "cache=both", UNNAMED, str(Variant(indexes="off"))):
        status, body = target_client(IDENTITY, variant=variant)
        assert (status, json.loads(body)["variant"]) == (200, str(Variant().with_levels(variant or "")))


@override_settings(TARGET_VARIANT=Variant(cache="query", select_related="off"), TARGET_COMMIT="abc1234")
def test_identity_tells_what_the_process_is(target_client: TargetClient, service_urls: ServiceUrls):
    """The default variant, the commit, a digest of the sources, the versions, and the dataset of each database."""
    told = json.loads(target_client(IDENTITY)[1])
    assert told["variant"] == str(Variant(select_related="off", cache="query"))
    assert told["commit"] == "abc1234"
    assert told["source"].startswith("sha256:")
    assert len(told["source"]) == 71
    assert told["django"] == django.get_version()
    assert set(told) == {"variant", "commit", "source", "django", "python", "pid", "databases"}
    assert set(told["databases"]) == {"default", "bare"}
    for alias, url in (("default", service_urls.database), ("bare", service_urls.bare)):
        loaded = read_identity(url)
        assert loaded is not None
        assert told["databases"][alias] == loaded.text


@pytest.mark.given_servers
@pytest.mark.parametrize(
    ("schema", "table", "shown"),
    [
        ('{"seed": 1}', None, '{"seed": 1}'),
        ('{"seed": 1}', '{"seed": 2}', '{"seed": 1}'),
        ("standard public schema", '{"seed": 2}', '{"seed": 2}'),
        (None, '{"seed": 2}', '{"seed": 2}'),
        ("standard public schema", None, None),
        ("1", "[]", None),
    ],
)
def test_the_dataset_is_the_first_comment_that_is_an_object(
    target_client: TargetClient, schema: str | None, table: str | None, shown: str | None
):
    """The loader writes on the schema, or on a table where PostgreSQL 14 refuses that; other comments say nothing."""
    with connections["default"].cursor() as cursor, transaction.atomic(using="default"):
        cursor.execute("COMMENT ON SCHEMA public IS %s", [schema])
        cursor.execute("COMMENT ON TABLE accounts_user IS %s", [table])
        told = json.loads(target_client(IDENTITY)[1])["databases"]
        transaction.set_rollback(True, using="default")
    assert told["default"] == shown


@pytest.mark.parametrize("header", ["nonsense", "cache=on", "cache=off; cache=off", "speed=11"])
@pytest.mark.parametrize("path", ["/api/products/", "/identity"])
def test_a_bad_variant_header_is_refused(target_client: TargetClient, header: str, path: str):
    """It is 400 in the one shape of errors, before anything is served."""
    status, body = target_client(get(path), variant=header)
    error = json.loads(body)["error"]
    assert (status, error["code"], list(error["fields"])) == (400, "invalid", ["Lab-Variant"])


def test_a_variant_that_this_process_cannot_serve_is_refused(
    target_client: TargetClient, settings, monkeypatch: pytest.MonkeyPatch
):
    """Without a bare database indexes=off is 400, and without a cache every level but off: no knob is ignored."""
    with override_settings(CACHE_URL=""):
        assert target_client(IDENTITY, variant="cache=query")[0] == 400
        assert target_client(IDENTITY, variant="cache=off")[0] == 200
    monkeypatch.delitem(settings.DATABASES, "bare")
    assert target_client(IDENTITY, variant="indexes=off")[0] == 400


@pytest.mark.parametrize("size", [2, 3, 20_000])
def test_a_bare_answer_has_the_size_asked_for(target_client: TargetClient, size: int):
    """It is JSON of exactly that many bytes."""
    status, body = target_client(get(f"/bare?bytes={size}"))
    assert (status, len(body), type(json.loads(body))) == (200, size, str)


@pytest.mark.parametrize("size", ["0", "1", "-5", "x", "10000001", "9" * 30])
def test_a_bare_answer_has_bounds(target_client: TargetClient, size: str):
    """A size that cannot be served is refused."""
    status, body = target_client(get(f"/bare?bytes={size}"))
    assert (status, json.loads(body)["error"]["fields"].keys()) == (400, {"bytes"})


def test_settle_freezes_what_is_in_memory(target_client: TargetClient):
    """After it, the garbage collector leaves all older objects alone."""
    try:
        assert target_client(Request(method="POST", path="/settle")) == (204, b"")
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
    assert target_client(get("/settle"))[0] == 405


def test_tokens_are_compared_in_full(target_client: TargetClient):
    """A random token of the right length is wrong."""
    assert target_client(IDENTITY, token=secrets.token_urlsafe(32))[0] == 404
