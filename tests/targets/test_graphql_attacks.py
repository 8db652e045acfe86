"""Hostile GraphQL documents, and the thirteen checks of graphql-cop, against the production profile."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scenarios.operations.operation import Request
from targets.web import graphql_limits
from tests.targets.subject import TargetClient

TYPE = "application/json"


def post(client: TargetClient, body: Any, *, content_type: str = TYPE) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with CaptureQueriesContext(connections["default"]) as statements:
        status, answer = client(Request(method="POST", path="/graphql", body=data, content_type=content_type))
    assert len(statements) == 0, "a hostile document reached the database"
    return status, json.loads(answer)


def nested(depth: int) -> str:
    return "{ product(id: 1) { category " + "{ ancestors " * depth + "{ id }" + " }" * depth + " } }"


ITEM = "id name sku newestReviews { id title author { id name } }"
HOSTILE = {
    "depth 50": nested(50),
    "depth 1,000": nested(1_000),
    "1,000 aliases": "{" + " ".join(f"a{number}: __typename" for number in range(1_000)) + "}",
    "aliases past the limit": "{"
    + " ".join(f"a{number}: __typename" for number in range(graphql_limits.MAX_ALIASES + 1))
    + "}",
    "fields over and over": "{ productList { items { " + "id " * graphql_limits.MAX_FIELDS + "} } }",
    "circular fragments": "query { ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "fragments that grow": "query { ...f0 } "
    + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(30))
    + " fragment f30 on Query { __typename }",
    "unknown fragments": "query { ...nobody }",
    "directives over and over": "{ __typename " + "@skip(if: false) " * 100 + "}",
    "unknown directives": "{ __typename " + "@aa" * 10 + " }",
    "pages of pages": "{"
    + " ".join(f"{name}: productList(size: 100) {{ items {{ {ITEM} }} }}" for name in "abcde")
    + "}",
    "several roots": "{"
    + " ".join(f"a{n}: product(id: {n}) {{ id }}" for n in range(graphql_limits.MAX_ROOTS + 1))
    + "}",
    "an unused fragment that is large": "query { __typename } fragment f on Query {" + "__typename " * 700 + "}",
    "many operations": " ".join(f"query q{number} {{ ...f }}" for number in range(300))
    + " fragment f on Query {"
    + "__typename " * 200
    + "}",
    "many fragments": "query { __typename } "
    + " ".join(f"fragment f{number} on Query {{ __typename }}" for number in range(60)),
    "ancestors of ancestors": "{"
    + " ".join(
        f"{name}: productList(size: 100) {{ items {{ category {{ ancestors {{ ancestors {{ id }} }} }} }} }}"
        for name in "abcde"
    )
    + "}",
    "a text that means something": '{ " Did you mean' + " Did you mean" * 3_000 + "?" * 40_000 + '" }',
    "the limit passed by an unused operation": "query A { __typename } query B " + nested(20),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_document_is_refused(target_client: TargetClient, what: str):
    """400 with few and clear errors, no statement, and the process unharmed."""
    status, answer = post(
        target_client, {"query": HOSTILE[what], "operationName": "A" if " A " in HOSTILE[what] else None}
    )
    assert (status, set(answer)) == (400, {"errors"})
    assert 1 <= len(answer["errors"]) <= 6
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"invalid"}
    assert post(target_client, {"query": "{ __typename }"})[0] == 200


def test_the_size_of_a_page_counts_as_a_variable_too(target_client: TargetClient):
    """Whether it is written, given, or a variable's default."""
    reviews = "newestReviews { id title author { id name } }"
    items = f"{{ items {{ id name sku brand {{ id name slug }} tags {{ id name slug }} {reviews} }} }}"
    document = (
        f"query($size: WholeNumber = 100) {{ a: productList(size: $size) {items} b: productList(size: $size) {items}"
    )
    document += f" c: productList(size: $size) {items} d: productList(size: $size) {items} }}"
    assert post(target_client, {"query": document})[0] == 400
    assert post(target_client, {"query": document.replace("= 100", "= 1"), "variables": {"size": 100}})[0] == 400


def test_every_document_of_ours_is_allowed(target_client: TargetClient):
    """The limits are wide enough for what our own clients ask, with the largest page."""
    from graphql import parse

    from scenarios.operations.catalog import DETAIL_DOCUMENT, LIST_DOCUMENT, SEARCH_DOCUMENT

    for document in (LIST_DOCUMENT, SEARCH_DOCUMENT, DETAIL_DOCUMENT):
        assert graphql_limits.operation_faults(parse(document), variables={"size": 100}) == []


@pytest.mark.parametrize("batch", [100, 2])
def test_a_batch_is_refused(target_client: TargetClient, batch: int):
    """One operation at a time."""
    status, answer = post(target_client, [{"query": "{ __typename }"}] * batch)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (400, "malformed")


@pytest.mark.parametrize("size", [1_000_000, 10_000_000])
def test_a_large_document_is_refused(target_client: TargetClient, size: int):
    """413, by its announced length."""
    status, answer = post(target_client, {"query": "{" + "a" * size + "}"})
    assert (status, answer["errors"][0]["extensions"]["code"]) == (413, "too_large")


# The thirteen checks of graphql-cop 1.x, by its own names.


def test_the_profile_is_that_of_production():
    """What follows says something only with debugging off."""
    assert settings.DEBUG is False


def test_cop_alias_overloading(target_client: TargetClient):
    """101 aliases are refused."""
    query = "query cop { " + " ".join(f"alias{number}: __typename" for number in range(101)) + " }"
    assert post(target_client, {"query": query})[0] == 400


def test_cop_array_based_query_batching(target_client: TargetClient):
    """Ten operations in an array are refused."""
    assert post(target_client, [{"query": "query cop { __typename }"}] * 10)[0] == 400


def test_cop_directive_overloading(target_client: TargetClient):
    """Ten unknown directives do not make ten errors."""
    status, answer = post(target_client, {"query": "query cop { __typename @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa }"})
    assert status == 400
    assert len(answer["errors"]) < 10


def test_cop_circular_query_introspection(target_client: TargetClient):
    """Types within fields within types are not told."""
    query = "query cop { __schema { types " + "{ fields { type " * 4 + "{ name }" + " } }" * 4 + " } }"
    assert post(target_client, {"query": query})[0] == 400


def test_cop_field_duplication(target_client: TargetClient):
    """500 times the same field is refused."""
    assert post(target_client, {"query": "query cop { " + "__typename " * 500 + "}"})[0] == 400


def test_cop_field_suggestions(target_client: TargetClient):
    """A field that is nearly right is not named."""
    status, answer = post(target_client, {"query": "query cop { productLis { page } }"})
    assert status == 400
    assert "Did you mean" not in json.dumps(answer)
    assert "productList" not in json.dumps(answer)


def test_cop_introspection(target_client: TargetClient):
    """The schema is not told."""
    status, answer = post(target_client, {"query": "query cop { __schema { types { name fields { name } } } }"})
    assert (status, set(answer)) == (400, {"errors"})


def test_cop_get_method_query_support(project: None):
    """A query in a link is refused."""
    assert Client().get("/graphql", {"query": "query cop { __typename }"}).status_code == 405


def test_cop_get_based_mutation(project: None):
    """So is a mutation."""
    assert Client().get("/graphql", {"query": "mutation cop { __typename }"}).status_code == 405


def test_cop_post_based_csrf(target_client: TargetClient):
    """What a form of another site can send is refused."""
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
        assert post(target_client, b"query=query+cop+{__typename}", content_type=content_type)[0] == 400


@pytest.mark.parametrize("path", ["/", "/graphql", "/graphiql", "/playground", "/console"])
def test_cop_graphiql(project: None, path: str):
    """No page to try queries on."""
    answer = Client().get(path, headers={"Accept": "text/html"})
    assert answer.status_code in {404, 405}
    assert b"graphiql" not in answer.content.lower()


def test_cop_trace_mode(target_client: TargetClient):
    """No timings of resolvers."""
    _, answer = post(target_client, {"query": "query cop { __typename }"})
    assert "extensions" not in answer


def test_cop_unhandled_error_detection(target_client: TargetClient):
    """An operation that makes no sense is told in GraphQL's words, without an exception's."""
    status, answer = post(target_client, {"query": "qwerty cop { abc }"})
    assert status == 400
    assert not {"exception", "stacktrace", "Traceback"} & set(json.dumps(answer).replace('"', " ").split())
