import json
from typing import Any

import pytest
from django.test import Client

from scenarios.operations.catalog import PRODUCT_LIST, ListParameters
from scenarios.operations.operation import Request
from targets.catalog import selectors
from tests.targets.subject import TargetClient, get


def post(body: bytes, *, content_type: str = "application/json") -> Request:
    return Request(method="POST", path="/graphql", body=body, content_type=content_type)


def ask(client: TargetClient, query: Any, **more: Any) -> tuple[int, Any]:
    status, body = client(post(json.dumps({"query": query, **more}).encode()))
    return status, json.loads(body)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"query": 5}', "application/json"),
        (b'{"query": "{__typename}", "variables": []' + b"}", "text/plain"),
        (b'{"query": "{__typename}", "variables": [1]}', "application/json"),
        (b'{"query": "{__typename}", "operationName": 1}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 50_000, "application/json"),
        (b"query={__typename}", "application/x-www-form-urlencoded"),
    ],
    ids=range(10),
)
def test_a_body_that_is_no_request_is_malformed(target_client: TargetClient, body: bytes, content_type: str):
    """It is 400 with the code `malformed`, whatever is in it."""
    status, answer = target_client(post(body, content_type=content_type))
    assert (status, json.loads(answer)["errors"][0]["extensions"]["code"]) == (400, "malformed")


def test_only_post_is_served(target_client: TargetClient):
    """A query in a link is refused."""
    status, body = target_client(get("/graphql?query={__typename}"))
    assert (status, json.loads(body)["errors"][0]["extensions"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "{ nothing }",
        "{ productList { items } }",
        "query($page: Int) { productList(page: $page) { page } }",
        "{ productList(page: true) { page } }",
        "{" + "__typename " * 3_000 + "}",
        "{ product(id: 1) { brand { products { id } } } }",
    ],
    ids=range(7),
)
def test_a_document_that_cannot_be_executed_is_invalid(target_client: TargetClient, query: str):
    """Syntax, unknown fields, wrong types, too many tokens: 400 with the code `invalid` and no data."""
    status, answer = ask(target_client, query)
    assert (status, set(answer)) == (400, {"errors"})
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"invalid"}


def test_a_variable_of_the_wrong_kind_is_named(target_client: TargetClient):
    """The fields at fault are the names of the variables."""
    query = "query($page: WholeNumber) { productList(page: $page) { page } }"
    status, answer = ask(target_client, query, variables={"page": "1"})
    assert (status, set(answer["errors"][0]["extensions"]["fields"])) == (400, {"page"})


@pytest.mark.parametrize("cache", ["off", "view"])
def test_half_a_surrogate_pair_is_told_as_any_other_fault(target_client: TargetClient, cache: str):
    """JSON can carry text that is no Unicode; it is refused, not a defect."""
    query = "query($page: WholeNumber) { productList(page: $page) { page } }"
    body = json.dumps({"query": query, "variables": {"page": "\ud800"}}).encode()
    assert target_client(post(body), variant=f"cache={cache}")[0] == 400
    body = json.dumps({"query": "{ \ud800 }"}).encode()
    assert target_client(post(body), variant=f"cache={cache}")[0] == 400
    body = json.dumps({"query": '{ product(id: "\ud800") { id } }'}).encode()
    assert target_client(post(body), variant=f"cache={cache}")[0] == 400


@pytest.mark.parametrize("variables", [{"page": None}, {}])
def test_null_is_as_good_as_nothing(target_client: TargetClient, variables: dict[str, None]):
    """A parameter that is null takes its default."""
    query = "query($page: WholeNumber) { productList(page: $page, size: 1) { page } }"
    assert ask(target_client, query, variables=variables) == (200, {"data": {"productList": {"page": 1}}})


@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_the_text_of_an_unexpected_error_stays_inside(
    target_client: TargetClient, monkeypatch: pytest.MonkeyPatch, face: str
):
    """A defect is told as `internal`, without a word of the exception, and is never kept."""

    def broken(*, window: object) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr(selectors, "product_list", broken)
    for _ in range(2):
        status, body = target_client(PRODUCT_LIST.request(face, ListParameters()), variant="cache=view")
        told = json.loads(body)
        error = told["error"] if face == "rest" else told["errors"][0]["extensions"]
        assert (status, error["code"]) == (500 if face == "rest" else 200, "internal")
        assert b"secret" not in body


def test_no_cookie_is_set_and_none_varies_the_answer(target_client: TargetClient):
    """The two faces are a fair pair: neither answers with a cookie or `Vary: Cookie`."""
    for face in ("rest", "graphql"):
        request = PRODUCT_LIST.request(face, ListParameters(size=1))
        answer = Client().generic(request.method, request.path, request.body or b"", content_type="application/json")
        assert answer.status_code == 200
        assert not answer.cookies
        assert "Cookie" not in answer.headers.get("Vary", "")
        assert answer.headers["Content-Type"] == "application/json"
