"""Pages of several sizes, and pages at several depths, are asked for as customers and their programs do."""

import json
from random import Random

import pytest

from fixtures.sizes import SIZES
from scenarios.operations.catalog import PRODUCT_DETAIL, ListParameters
from scenarios.operations.operation import Operation
from scenarios.operations.paging import (
    PRODUCT_LIST_10,
    PRODUCT_LIST_20,
    PRODUCT_LIST_50,
    PRODUCT_LIST_100,
    PRODUCT_LIST_LAST_PAGE,
    PRODUCT_LIST_PAGE_1,
    PRODUCT_LIST_PAGE_10,
    PRODUCT_LIST_PAGE_1000,
)

SIZED = {10: PRODUCT_LIST_10, 20: PRODUCT_LIST_20, 50: PRODUCT_LIST_50, 100: PRODUCT_LIST_100}


@pytest.mark.parametrize(("rows", "operation"), SIZED.items())
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_pages_of_a_size_are_full(rows, operation, size):
    """Their numbers are drawn among those that a dataset fills, and are several."""
    drawn = {operation.sample(Random(seed), size) for seed in range(100)}
    assert {each.size for each in drawn} == {rows}
    assert all(each.page * rows <= size.products for each in drawn)
    assert len(drawn) >= 5
    assert operation.name == f"product_list_{rows}"


@pytest.mark.parametrize(
    ("operation", "name", "page"),
    [
        (PRODUCT_LIST_PAGE_1, "product_list_page_1", 1),
        (PRODUCT_LIST_PAGE_10, "product_list_page_10", 10),
        (PRODUCT_LIST_PAGE_1000, "product_list_page_1000", 1000),
        (PRODUCT_LIST_LAST_PAGE, "product_list_last_page", 2500),
    ],
)
def test_a_depth_is_one_page(operation: Operation, name: str, page: int):
    """Of the same twenty rows, whatever is drawn."""
    drawn = {operation.sample(Random(seed), SIZES["medium"], exponent=0.0) for seed in range(20)}
    assert (operation.name, drawn) == (name, {ListParameters(page=page, size=20)})


def test_a_page_that_a_dataset_has_not_is_no_question():
    """ValueError, which names both."""
    with pytest.raises(ValueError, match="small has 25 pages of 20, and no page 1000"):
        PRODUCT_LIST_PAGE_1000.sample(Random(1), SIZES["small"])


@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_a_page_by_cursor_is_asked_for_as_the_page_before_told(face: str):
    """First the page before, by its number; then what comes behind its cursor, and no number."""
    wanted = ListParameters(page=1000, size=20)
    prelude = PRODUCT_LIST_PAGE_1000.request(face, wanted, "keyset")
    assert prelude.is_prelude
    assert prelude.follow
    told = {"next": "abc"} if face == "rest" else {"data": {"productList": {"next": "abc"}}}
    asked = prelude.follow(json.dumps(told).encode())
    if face == "rest":
        assert prelude.path == "/api/products/?page=999&size=20"
        assert asked.path == "/api/products/?after=abc&size=20"
    else:
        assert json.loads(prelude.body or b"")["variables"] == {"page": 999, "size": 20}
        assert json.loads(asked.body or b"")["variables"] == {"after": "abc", "size": 20}
    assert not asked.is_prelude
    assert not PRODUCT_LIST_PAGE_1000.request(face, wanted, "offset").is_prelude


@pytest.mark.parametrize("face", ["rest", "graphql"])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"next": null}', b'{"data": null}', b'{"data": {"productList": {"next": null}}}']
)
def test_a_page_before_without_a_cursor_leads_nowhere(face: str, body: bytes):
    """ValueError: nothing is made up."""
    follow = PRODUCT_LIST_LAST_PAGE.request(face, ListParameters(page=3, size=20), "keyset").follow
    assert follow
    with pytest.raises(ValueError):
        follow(body)


@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_the_first_page_has_no_cursor(face: str):
    """Both ways are one request."""
    wanted = ListParameters(page=1, size=20)
    assert PRODUCT_LIST_PAGE_1.request(face, wanted, "keyset") == PRODUCT_LIST_PAGE_1.request(face, wanted)


@pytest.mark.parametrize(("operation", "paging"), [(PRODUCT_DETAIL, "keyset"), (PRODUCT_LIST_PAGE_1, "sideways")])
def test_a_way_that_an_operation_has_not_is_refused(operation: Operation, paging: str):
    """ValueError names the operation and the way."""
    with pytest.raises(ValueError, match=f"{operation.name} cannot be asked for by {paging}"):
        operation.request("rest", operation.sample(Random(1), SIZES["small"]), paging)
