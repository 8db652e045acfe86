"""The three ways in which REST's reads of the catalog are written give the same bytes."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.sizes import SIZES
from scenarios.operations.catalog import PRODUCT_DETAIL, PRODUCT_LIST, PRODUCT_SEARCH, DetailParameters, ListParameters
from targets.accounts.models import User
from targets.catalog.models import Brand, Category, Product, ProductTag, Review, Tag
from targets.variants import KNOBS, Variant
from targets.web.json_bytes import as_rendered
from tests.equivalence.proof import questions
from tests.targets.subject import TOKEN, TargetClient

pytestmark = pytest.mark.given_servers

DIRECT = ("values", "database")
UNKNOWN_CATEGORY = "/api/products/search/?category=999999"
LINE_ENDS = "\u2028 and \u2029"


def asked(path: str, *, serializer: str, accept: str = "*/*", **levels: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of an answer."""
    headers = {
        "Lab-Token": TOKEN, "Accept": accept, "Lab-Variant": str(Variant(serializer=serializer, **levels)),
    }  # fmt: skip
    answer = Client(raise_request_exception=False).get(path, headers=headers)
    return answer.status_code, answer.content, dict(answer.headers)


def paths() -> list[str]:
    """Every page of the small dataset, and what the proof of equivalence asks: faults, empty results, unknown ids."""
    pages = [f"/api/products/?page={page}&size=20" for page in range(1, SIZES["small"].products // 20 + 2)]
    sizes = [f"/api/products/?size={size}" for size in (1, 2, 99, 100)]
    drawn = [operation.rest(parameters).path for operation, parameters in questions(seed=11, sampled=25)]
    return list(dict.fromkeys((*pages, *sizes, *drawn, UNKNOWN_CATEGORY)))


@pytest.mark.parametrize("indexes", ["on", "off"])
@pytest.mark.parametrize("serializer", DIRECT)
@pytest.mark.usefixtures("project")
def test_every_answer_has_the_same_bytes(serializer: str, indexes: str):
    """Pages, searches, products and refusals: status, body and headers are those of REST framework's serializers."""
    wanted = {path: asked(path, serializer="drf", indexes=indexes) for path in paths()}
    assert {path: asked(path, serializer=serializer, indexes=indexes) for path in wanted} == wanted
    assert {status for status, _, _ in wanted.values()} == {200, 400, 404}


@pytest.mark.parametrize("serializer", DIRECT)
@pytest.mark.usefixtures("project")
def test_products_without_reviews_tags_or_rating_are_among_them(serializer: str):
    """Each kind of emptiness has a product of its own, and is written alike on its page."""
    products = Product.objects.using("default")
    bare = [
        products.filter(rating=None).order_by("id")[0].pk,
        products.filter(reviews=None).order_by("id")[0].pk,
        products.filter(product_tags=None).order_by("id")[0].pk,
    ]
    bodies = [asked(f"/api/products/{pk}/", serializer=serializer)[1] for pk in bare]
    assert bodies == [asked(f"/api/products/{pk}/", serializer="drf")[1] for pk in bare]
    for body, empty in zip(bodies, (b'"rating":null', b'"newest_reviews":[]', b'"tags":[]'), strict=True):
        assert empty in body


@pytest.mark.parametrize("serializer", DIRECT)
@pytest.mark.usefixtures("project")
def test_indented_json_is_given_to_who_asks_for_it(serializer: str):
    """The parameters of Accept count, whatever the knob says."""
    indented = asked("/api/products/?size=2", serializer=serializer, accept="application/json; indent=2")
    assert indented == asked("/api/products/?size=2", serializer="drf", accept="application/json; indent=2")
    assert indented[1].startswith(b'{\n  "items": [')
    assert asked("/api/products/", serializer=serializer, accept="text/html")[0] == 406


texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
names = texts | st.sampled_from([LINE_ENDS, '"\\/\b\f\n\r\t\x01\x1f\x7f', "</script>", "é ë 漢 🎈 \ufeff\u200b"])
moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
money = st.decimals(min_value=0, max_value=Decimal("99999999.99"), places=2)
ratings = st.none() | st.decimals(min_value=0, max_value=Decimal("9.99"), places=2)
reviews = st.lists(st.tuples(st.integers(1, 5), names, names, moments), max_size=12)


@contextmanager
def undone() -> Iterator[None]:
    """What is written inside is seen there alone."""
    with transaction.atomic(using="default"):
        yield
        transaction.set_rollback(True, using="default")


def made(*, fields: dict[str, Any], tags: list[str], written: list[tuple[int, str, str, datetime]]) -> Product:
    """A product in a category of its own, with tags and reviews."""
    root = Category.objects.using("default").order_by("id")[0]
    shelf = Category.objects.using("default").create(name=fields["name"], slug="shelf", parent=root, path="")
    shelf.path = f"{root.path}{shelf.pk}/"
    shelf.save()
    users = list(User.objects.using("default").order_by("id")[: max(len(written), 1)])
    product = Product.objects.using("default").create(
        sku="PLAIN-1", category=shelf, brand=Brand.objects.using("default").order_by("id")[0], merchant=users[0],
        **fields,
    )  # fmt: skip
    for number, name in enumerate(tags):
        tag = Tag.objects.using("default").create(name=name, slug=f"plain-{number}")
        ProductTag.objects.using("default").create(product=product, tag=tag)
    for author, (rating, title, body, moment) in zip(users, written, strict=False):
        Review.objects.using("default").create(
            product=product, author=author, rating=rating, title=title, body=body, created_at=moment
        )
    return product


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.fixed_dictionaries(
        {
            "name": names, "description": names, "price": money, "rating": ratings, "created_at": moments,
            "weight_grams": st.none() | st.integers(0, 2**31 - 1), "stock": st.integers(0, 2**31 - 1),
        }
    ),
    tags=st.lists(names, max_size=4),
    written=reviews,
)  # fmt: skip
@pytest.mark.usefixtures("project")
def test_whatever_a_row_holds_is_written_alike(fields: dict[str, Any], tags: list[str], written: list[Any]):
    """Any text, money, rating, moment and number, any tags and reviews: the same bytes in a list and in detail."""
    with undone():
        product = made(fields=fields, tags=tags, written=written)
        for path in (f"/api/products/{product.pk}/", f"/api/products/search/?category={product.category_id}"):
            drf, values, database = (asked(path, serializer=level) for level in KNOBS["serializer"])
            assert values == drf
            assert database == drf
            assert drf[0] == 200
            assert LINE_ENDS.encode() not in drf[1]


class Counted:
    """Counts the statements of each database."""

    def __init__(self) -> None:
        self.by_database: Counter[str] = Counter()

    def __call__(self, execute, sql, parameters, many, context):
        self.by_database[context["connection"].alias] += 1
        return execute(sql, parameters, many, context)


def statements(path: str, *, serializer: str, **levels: str) -> dict[str, int]:
    counted = Counted()
    with connections["default"].execute_wrapper(counted), connections["bare"].execute_wrapper(counted):
        assert asked(path, serializer=serializer, **levels)[0] == 200
    return dict(counted.by_database)


@pytest.mark.parametrize(("indexes", "database"), [("on", "default"), ("off", "bare")])
@pytest.mark.parametrize("loading", ["on", "off"])
@pytest.mark.usefixtures("project")
def test_how_many_statements_each_takes(loading: str, indexes: str, database: str):
    """Rows take three and PostgreSQL's JSON one, however related rows are loaded; a shelf's path one more."""
    levels = {"select_related": loading, "prefetch_related": loading, "indexes": indexes}
    for path, more in (("/api/products/", 0), ("/api/products/search/?category=1", 1)):
        assert statements(path, serializer="values", **levels) == {database: 3 + more}
        assert statements(path, serializer="database", **levels) == {database: 1 + more}
    product = Product.objects.using("default").filter(category__path__regex="^/[0-9]+/[0-9]+/").order_by("id")[0]
    assert statements(f"/api/products/{product.pk}/", serializer="values", **levels) == {database: 4}
    assert statements(f"/api/products/{product.pk}/", serializer="database", **levels) == {database: 1}


@pytest.mark.parametrize("serializer", DIRECT)
@pytest.mark.usefixtures("fresh_cache")
def test_whole_answers_are_kept_and_rows_are_not(serializer: str):
    """A warm view hit needs no statement and has the same bytes; the level `query` has no rows of models to keep."""
    path = "/api/products/?size=7"
    cold, cost = asked(path, serializer=serializer), statements(path, serializer=serializer)
    assert statements(path, serializer=serializer, cache="view") == cost
    assert statements(path, serializer=serializer, cache="view") == {}
    assert asked(path, serializer=serializer, cache="view")[:2] == cold[:2]
    for _ in range(2):
        assert statements(path, serializer=serializer, cache="query") == cost


@pytest.mark.parametrize("serializer", DIRECT)
def test_graphql_knows_no_serializer(target_client: TargetClient, serializer: str):
    """What a document asks for is written field by field at every level."""
    request = PRODUCT_LIST.request("graphql", ListParameters(size=3))
    assert target_client(request, variant=Variant(serializer=serializer)) == target_client(request, variant=Variant())


def printed(*asked_for: str) -> list[str | None]:
    """What the command `page_sql` prints."""
    said = StringIO()
    call_command("page_sql", *asked_for, stdout=said)
    found: list[str | None] = json.loads(said.getvalue())
    return found


@pytest.mark.usefixtures("project")
def test_the_lab_is_told_the_statements_that_answer_its_requests():
    """What PostgreSQL gives for a path's statement, values in it, is that path's answer, byte for byte."""
    random = Random(5)
    drawn = [
        operation.rest(operation.sample(random, SIZES["small"])).path
        for operation in (PRODUCT_LIST, PRODUCT_SEARCH, PRODUCT_DETAIL)
        for _ in range(8)
    ]
    for path, sql in zip(drawn, printed(*drawn), strict=True):
        assert sql is not None
        # Where pgbench runs it, `:name` would be a variable.
        assert not re.search(r"(?<!:):\w", sql)
        with connections["default"].cursor() as cursor:
            cursor.execute(sql)
            [(text,)] = cursor.fetchall()
        assert as_rendered(text.encode()) == asked(path, serializer="drf")[1]


@pytest.mark.usefixtures("project")
def test_what_one_statement_does_not_answer_has_none():
    """Unknown addresses, other operations and refused parameters are null; an unknown product's gives no row."""
    unknown = PRODUCT_DETAIL.rest(DetailParameters(id=10**9)).path
    refused = ("/nowhere", "/api/quotes/?country=GB", "/api/products/?page=0", "/api/products/search/?ordering=x")
    *nothing, last = printed(*refused, unknown)
    assert nothing == [None] * len(refused)
    assert last is not None
    with connections["default"].cursor() as cursor:
        cursor.execute(last)
        assert cursor.fetchall() == []
