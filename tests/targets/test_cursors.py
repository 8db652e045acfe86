"""A list can be leafed through by cursor: every row once and in order, by text that the API alone can write."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from fixtures.sizes import SIZES
from scenarios.operations.catalog import PRODUCT_LIST, PRODUCT_SEARCH, ListParameters, SearchParameters
from scenarios.operations.catalog_answers import ProductPage
from scenarios.operations.operation import Operation, Refusal
from scenarios.operations.paging import PRODUCT_LIST_LAST_PAGE, PRODUCT_LIST_PAGE_1, PRODUCT_LIST_PAGE_10, Leaf
from targets.catalog.models import Product
from targets.web.cursors import Place, cursor_of, read_cursor
from tests.targets.subject import TargetClient

pytestmark = pytest.mark.given_servers

FACES = ("rest", "graphql")
places = st.builds(
    lambda moment, id_: Place(moment=moment, id=id_),
    st.datetimes(timezones=st.just(UTC)),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
)


@given(place=places)
def test_a_cursor_names_its_place(place: Place):
    """To the microsecond, in 32 characters that need no escape in a URL."""
    cursor = cursor_of(place)
    assert read_cursor(cursor) == place
    assert (len(cursor), cursor.replace("-", "").replace("_", "").isalnum()) == (32, True)


@given(place=places, at=st.integers(0, 31), other=st.sampled_from("ABab01-_"))
def test_a_cursor_that_was_changed_is_none(place: Place, at: int, other: str):
    """One character is enough, wherever it stands."""
    cursor = cursor_of(place)
    changed = cursor[:at] + other + cursor[at + 1 :]
    assert (read_cursor(changed) is None) == (changed != cursor)


@given(text=st.text(max_size=40))
def test_text_that_is_no_cursor_is_none(text: str):
    """Whatever it is, and whatever its length."""
    assert read_cursor(text) is None


def test_a_place_without_its_seal_is_none():
    """Who knows what a cursor holds can still make none."""
    told = urlsafe_b64decode(cursor_of(Place(moment=datetime(2026, 1, 1, tzinfo=UTC), id=5)))[:16]
    assert read_cursor(urlsafe_b64encode(told + bytes(8)).decode()) is None
    assert read_cursor(urlsafe_b64encode(told).decode()) is None


def test_a_cursor_outlives_a_new_key_while_the_old_one_counts(settings: Any):
    """A key is replaced while clients leaf: what the former one signed counts as long as it is a fallback."""
    place = Place(moment=datetime(2026, 1, 1, tzinfo=UTC), id=5)
    cursor, old = cursor_of(place), settings.SECRET_KEY
    settings.SECRET_KEY = "another-key-of-some-length-that-signs-now"
    assert read_cursor(cursor) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert read_cursor(cursor) == place
    assert cursor_of(place) != cursor


CURSOR = cursor_of(Place(moment=datetime(2020, 1, 1, tzinfo=UTC), id=9))


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        (PRODUCT_LIST, ListParameters(after="")),
        (PRODUCT_LIST, ListParameters(after="x" * 32)),
        (PRODUCT_LIST, ListParameters(after="x" * 1000)),
        (PRODUCT_LIST, ListParameters(after="\x00")),
        (PRODUCT_LIST, ListParameters(after=CURSOR[:-1])),
        (PRODUCT_LIST, ListParameters(after=f"{CURSOR}=")),
        (PRODUCT_LIST, ListParameters(after=f" {CURSOR}")),
        (PRODUCT_LIST, ListParameters(after=CURSOR.swapcase())),
        (PRODUCT_LIST, ListParameters(after=CURSOR, page=1)),
        (PRODUCT_LIST, ListParameters(after=CURSOR, page=2)),
        (PRODUCT_SEARCH, SearchParameters(after=CURSOR, page=1)),
        (PRODUCT_SEARCH, SearchParameters(after=CURSOR, ordering="price")),
        (PRODUCT_SEARCH, SearchParameters(after="nonsense", ordering="-rating")),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_no_cursor_is_refused_by_its_name(
    target_client: TargetClient, operation: Operation, parameters: Any, face: str
):
    """Malformed, tampered with, together with a page, or with an order that has no cursors: 400, at `after`."""
    status, body = target_client(operation.request(face, parameters))
    assert operation.read(face, status, body) == Refusal("invalid", ("after",))
    assert face == "graphql" or status == 400


@pytest.fixture
def ties(project: None) -> Iterator[list[int]]:
    """Products that share their times, with each other and with those that were there: nine at each of three."""
    model = Product.objects.using("default").order_by("-created_at", "-id")[30]
    moments = [model.created_at, model.created_at - timedelta(days=30), datetime(2031, 1, 1, tzinfo=UTC)]
    made = [
        Product(
            sku=f"TIE-{number}", name="Tie", brand_id=model.brand_id, category_id=model.category_id,
            merchant_id=model.merchant_id, price="1.00", created_at=moments[number % 3],
        )
        for number in range(27)
    ]  # fmt: skip
    rows = Product.objects.using("default").bulk_create(made)
    try:
        yield [row.pk for row in rows]
    finally:
        Product.objects.using("default").filter(sku__startswith="TIE-").delete()


def leafed(
    client: TargetClient, operation: Operation, parameters: Any, *, face: str, variant: str = ""
) -> Iterator[ProductPage]:
    """All pages of a list from its beginning to its end, each by the cursor of the one before."""
    after: str | None = None
    while True:
        asked = replace(parameters, after=after)
        page = operation.read(face, *client(operation.request(face, asked), variant=variant or None))
        assert isinstance(page, ProductPage), page
        yield page
        after = page.next
        assert (after is not None) == page.has_next
        if after is None:
            return


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("size", [4, 9, 100])
@pytest.mark.parametrize("variant", ["", "cache=both", "prefetch_related=off; resolving=dataloader"])
def test_leafing_by_cursor_meets_every_product_once_and_in_order(
    target_client: TargetClient, ties: list[int], size: int, face: str, variant: str
):
    """Also those that share their times, wherever a page ends; only the first page has a number."""
    expected = list(Product.objects.using("default").order_by("-created_at", "-id").values_list("id", flat=True))
    pages = list(leafed(target_client, PRODUCT_LIST, ListParameters(size=size), face=face, variant=variant))
    assert [product.id for page in pages for product in page.items] == expected
    assert set(ties) < set(expected)
    assert [page.page for page in pages] == [1] + [None] * (len(pages) - 1)
    assert {page.size for page in pages} == {size}
    assert {len(page.items) for page in pages[:-1]} == {size}


@pytest.mark.parametrize("face", FACES)
def test_a_search_is_leafed_through_by_cursor_too(target_client: TargetClient, ties: list[int], face: str):
    """What a filter lets through, newest first: the same as by numbers; other orders give no cursor."""
    wanted = SearchParameters(min_price="20.00", size=50)
    by_cursor = [product for page in leafed(target_client, PRODUCT_SEARCH, wanted, face=face) for product in page.items]
    by_number = []
    for number in range(1, 20):
        asked = SearchParameters(min_price="20.00", size=50, page=number)
        by_number += PRODUCT_SEARCH.read(face, *target_client(PRODUCT_SEARCH.request(face, asked))).items
    assert by_cursor == by_number
    assert len(by_cursor) > 100
    other = SearchParameters(min_price="20.00", size=50, ordering="price")
    page = PRODUCT_SEARCH.read(face, *target_client(PRODUCT_SEARCH.request(face, other)))
    assert (page.has_next, page.next) == (True, None)


def test_what_comes_meanwhile_moves_no_page_by_cursor(target_client: TargetClient, project: None):
    """A product that is added at the top is in no later page, and puts none of the others there twice."""
    pages = leafed(target_client, PRODUCT_LIST, ListParameters(size=20), face="rest")
    first = next(pages)
    model = Product.objects.using("default").order_by("id")[0]
    try:
        Product.objects.using("default").create(
            sku="TIE-NEW", name="New", brand_id=model.brand_id, category_id=model.category_id,
            merchant_id=model.merchant_id, price="1.00",
        )  # fmt: skip
        second = next(pages)
        numbered = ListParameters(page=2, size=20)
        shifted = PRODUCT_LIST.read("rest", *target_client(PRODUCT_LIST.request("rest", numbered)))
    finally:
        Product.objects.using("default").filter(sku="TIE-NEW").delete()
    assert not {product.id for product in first.items} & {product.id for product in second.items}
    assert first.items[-1] == shifted.items[0]


@pytest.mark.parametrize("operation", [PRODUCT_LIST_PAGE_1, PRODUCT_LIST_PAGE_10, PRODUCT_LIST_LAST_PAGE],
                         ids=lambda operation: operation.name)  # fmt: skip
def test_both_ways_give_the_same_page(target_client: TargetClient, operation: Operation):
    """By number and by cursor, in both faces: the same rows, and the same cursor to go on with."""
    parameters = operation.sample(Random(1), SIZES["small"])
    found = []
    for face in FACES:
        for paging in ("offset", "keyset"):
            request = operation.request(face, parameters, paging)
            if request.is_prelude:
                assert request.follow is not None
                request = request.follow(target_client(request)[1])
            found.append(operation.read(face, *target_client(request)))
    assert all(isinstance(leaf, Leaf) and len(leaf.items) == 20 for leaf in found)
    assert found == [found[0]] * 4


def test_a_page_by_cursor_begins_in_the_index(target_client: TargetClient):
    """The comparison of rows is a condition of the index: no row before the page is read, and none is sorted."""
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, parameters: Any, many: Any, context: Any) -> Any:
        seen.append((sql, parameters))
        return execute(sql, parameters, many, context)

    [product] = Product.objects.using("default").order_by("-created_at", "-id")[250:251]
    after = cursor_of(Place(moment=product.created_at, id=product.pk))
    with connections["default"].execute_wrapper(note):
        assert target_client(PRODUCT_LIST.request("rest", ListParameters(after=after)))[0] == 200
    sql, parameters = seen[0]
    with connections["default"].cursor() as cursor:
        # So small a table is quicker read as a whole.
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        plan = json.dumps(cursor.fetchone()[0])
        cursor.execute("RESET enable_seqscan")
    assert '"Index Name": "product_newest"' in plan
    assert "(ROW(created_at, id) < ROW(" in plan
    assert '"Node Type": "Sort"' not in plan
    assert "OFFSET" not in sql
