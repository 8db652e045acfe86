import json
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.sizes import SIZES
from scenarios.operations.catalog import (
    PRODUCT_DETAIL,
    PRODUCT_LIST,
    PRODUCT_SEARCH,
    DetailParameters,
    ListParameters,
    SearchParameters,
)
from scenarios.operations.catalog_answers import IdAndName, Named, Product, ProductPage, Review
from scenarios.operations.operation import Refusal, Request

OPERATIONS = (PRODUCT_LIST, PRODUCT_SEARCH, PRODUCT_DETAIL)

NAMED: dict[str, Any] = {"id": 2, "name": "Ü", "slug": "u"}
REVIEW: dict[str, Any] = {
    "id": 4, "rating": 5, "title": "t", "created_at": "2026-01-02T03:04:05.000006Z", "author": {"id": 5, "name": "n"},
}  # fmt: skip
REST: dict[str, Any] = {
    "items": [
        {
            "id": 1, "sku": "s", "name": "p", "price": "1.00", "rating": None, "review_count": 1,
            "created_at": "2026-01-02T03:04:05.000006Z", "brand": NAMED, "category": NAMED, "tags": [NAMED],
            "newest_reviews": [REVIEW],
        }
    ],
    "page": 1, "size": 20, "has_next": False, "next": None,
}  # fmt: skip
PAGE = ProductPage(
    items=(
        Product(
            id=1, sku="s", name="p", price="1.00", rating=None, review_count=1,
            created_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
            brand=Named(id=2, name="Ü", slug="u"), category=Named(id=2, name="Ü", slug="u"),
            tags=(Named(id=2, name="Ü", slug="u"),),
            newest_reviews=(
                Review(
                    id=4, rating=5, title="t", body=None, created_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
                    author=IdAndName(id=5, name="n"),
                ),
            ),
        ),
    ),
    page=1, size=20, has_next=False, next=None,
)  # fmt: skip


def as_graphql(value: Any) -> Any:
    """The same answer as the other face writes it."""
    if isinstance(value, list):
        return [as_graphql(member) for member in value]
    if not isinstance(value, dict):
        return value
    renamed = {}
    for name, part in value.items():
        head, *rest = name.split("_")
        renamed[head + "".join(map(str.title, rest))] = str(part) if name == "id" else as_graphql(part)
    return renamed


def test_both_faces_read_as_the_same_page():
    """Keys, ids and case differ on the wire; what is read does not."""
    graphql = {"data": {"productList": as_graphql(REST)}}
    assert PRODUCT_LIST.read("rest", 200, json.dumps(REST).encode()) == PAGE
    assert PRODUCT_LIST.read("graphql", 200, json.dumps(graphql).encode()) == PAGE


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    answer = deepcopy(REST)
    *above, last = path
    place: Any = answer
    for step in above:
        place = place[step]
    if value is Ellipsis:
        del place[last]
    else:
        place[last] = value
    return answer


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("page",), ...),
        (("total",), 5),
        (("page",), "1"),
        (("next",), 5),
        (("next",), ...),
        (("page",), True),
        (("has_next",), 0),
        (("items",), {}),
        (("items", 0, "slug"), "extra"),
        (("items", 0, "brand", "slug"), ...),
        (("items", 0, "brand"), None),
        (("items", 0, "id"), "1"),
        (("items", 0, "price"), 1.0),
        (("items", 0, "price"), "1.0"),
        (("items", 0, "price"), None),
        (("items", 0, "rating"), "4.5"),
        (("items", 0, "name"), None),
        (("items", 0, "created_at"), "2026-01-02T03:04:05.000006+00:00"),
        (("items", 0, "created_at"), "2026-01-02T03:04:05Z"),
        (("items", 0, "created_at"), 1767323045),
        (("items", 0, "newest_reviews", 0, "body"), "not in a list"),
        (("items", 0, "newest_reviews", 0, "author"), "n"),
    ],
    ids=str,
)
def test_an_unexpected_key_or_type_is_refused(path: tuple[Any, ...], value: Any):
    """Unknown keys, missing keys and values of another type raise ValueError in both faces."""
    answer = changed(path, value)
    with pytest.raises(ValueError):
        PRODUCT_LIST.read("rest", 200, json.dumps(answer).encode())
    if path == ("items", 0, "id"):
        return  # Text is what GraphQL's ids are.
    with pytest.raises(ValueError):
        PRODUCT_LIST.read("graphql", 200, json.dumps({"data": {"productList": as_graphql(answer)}}).encode())


def test_refusals_of_both_faces_are_equal():
    """The code and the sorted names of the fields at fault, as the parameters name them."""
    rest = {"error": {"code": "invalid", "message": "m", "fields": {"min_price": "f", "category": "f"}}}
    error = {
        "message": "m",
        "path": ["x"],
        "extensions": {"code": "invalid", "fields": {"minPrice": "f", "category": "g"}},
    }
    graphql = {"errors": [error], "data": {"productSearch": None}}
    expected = Refusal("invalid", ("category", "min_price"))
    assert PRODUCT_SEARCH.read("rest", 400, json.dumps(rest).encode()) == expected
    assert PRODUCT_SEARCH.read("graphql", 200, json.dumps(graphql).encode()) == expected


@pytest.mark.parametrize(
    ("face", "status", "answer"),
    [
        ("rest", 404, REST),
        ("rest", 200, {"error": {"code": "not_found", "message": "m", "fields": {}}}),
        ("rest", 400, {"error": {"code": "not_found", "message": "m", "fields": {}}}),
        ("rest", 404, {"error": {"code": "not_found", "message": "m"}}),
        ("rest", 500, {"detail": "oops"}),
        ("graphql", 200, {"errors": [{"message": "m"}]}),
        ("graphql", 200, {"errors": []}),
        ("graphql", 500, {"data": {"productList": as_graphql(REST)}}),
        ("graphql", 200, {"data": {"productList": as_graphql(REST)}, "extensions": {}}),
        ("graphql", 200, {"data": {"product": None}}),
        (
            "graphql", 200,
            {
                "data": {"productList": as_graphql(REST)},
                "errors": [{"message": "m", "extensions": {"code": "invalid", "fields": {}}}],
            },
        ),
    ],
    ids=range(11),
)  # fmt: skip
def test_an_answer_of_neither_kind_is_refused(face: str, status: int, answer: Any):
    """A status that does not fit its code, a half answer, a foreign shape: ValueError."""
    with pytest.raises(ValueError):
        PRODUCT_LIST.read(face, status, json.dumps(answer).encode())


NAMES = ("data", "errors", "error", "code", "message", "fields", "extensions", "path", "productList", "items")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(("invalid", "not_found")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(answer=JSON, face=st.sampled_from(("rest", "graphql")), status=st.sampled_from((200, 400, 404, 500)))
def test_whatever_json_comes_is_read_or_refused(answer: Any, face: str, status: int):
    """No answer, however odd, ends in another exception than ValueError."""
    with suppress(ValueError):
        PRODUCT_LIST.read(face, status, json.dumps(answer).encode())


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_a_body_that_is_no_json_is_refused(face: str, body: bytes):
    """ValueError, as for any other unexpected answer."""
    with pytest.raises(ValueError):
        PRODUCT_DETAIL.read(face, 200, body)


def test_requests_name_the_same_parameters():
    """What one face has in its query the other has in its variables; None is left out."""
    wanted = SearchParameters(category=5, min_price="1.00", ordering="-rating", page=2)
    assert PRODUCT_SEARCH.rest(wanted) == Request(
        method="GET", path="/api/products/search/?category=5&min_price=1.00&ordering=-rating&page=2"
    )
    posted = PRODUCT_SEARCH.graphql(wanted)
    assert (posted.method, posted.path, posted.content_type) == ("POST", "/graphql", "application/json")
    assert json.loads(posted.body or b"")["variables"] == {
        "category": 5, "minPrice": "1.00", "ordering": "-rating", "page": 2,
    }  # fmt: skip
    assert PRODUCT_LIST.rest(ListParameters()).path == "/api/products/"
    assert PRODUCT_DETAIL.rest(DetailParameters(id=7)).path == "/api/products/7/"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_sampled_parameters_are_repeatable_and_in_range(operation, size):
    """The same seed draws the same parameters, hashable ones, whose keys the dataset has."""
    drawn = [operation.sample(Random(seed), size) for seed in range(300)]
    assert drawn == [operation.sample(Random(seed), size) for seed in range(300)]
    assert len(set(drawn)) > 10
    for parameters in drawn:
        if isinstance(parameters, DetailParameters):
            assert 1 <= parameters.id <= size.products
        else:
            assert 1 <= (parameters.page or 1) <= 50
        if isinstance(parameters, SearchParameters) and parameters.category is not None:
            assert 1 <= parameters.category <= size.categories


def test_popular_keys_come_up_most():
    """Ids follow Zipf's law: the first of 500 comes up about as often as ids 2 and 3 together."""
    rng = Random(1)
    ids = [PRODUCT_DETAIL.sample(rng, SIZES["small"]).id for _ in range(20_000)]
    assert 0.08 < ids.count(1) / len(ids) < 0.14
    assert 0.8 < ids.count(1) / (ids.count(2) + ids.count(3)) < 1.6
