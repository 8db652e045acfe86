"""What a request of the target spends in process: selectors, serializers, GraphQL from its text to its answer, keys."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import execute_sync, parse, validate
from pytest_benchmark.fixture import BenchmarkFixture

from scenarios.operations.catalog import LIST_DOCUMENT
from targets.accounts.models import User
from targets.accounts.tokens import pair_for, read_access
from targets.catalog import selectors
from targets.catalog.filters import ProductFilter
from targets.catalog.rest_api import ProductSerializer
from targets.config.schema import schema
from targets.variants import Variant
from targets.web.cache_store import entry_key
from targets.web.current import serving
from targets.web.pagination import Window
from tests.targets.subject import served_by

QUICK = Variant(cache="off")
WINDOW = Window(page=1, size=20)

READS: dict[str, Callable[[], Any]] = {
    "product_list": lambda: selectors.product_list(window=WINDOW),
    "product_search": lambda: selectors.product_search(wanted=ProductFilter(category=1), window=WINDOW),
    "product_detail": lambda: selectors.product_detail(product_id="1"),
}


@pytest.mark.parametrize("name", READS)
def test_selector(benchmark: BenchmarkFixture, project: None, name: str) -> None:
    """Its statements and the models that they become."""
    with served_by(QUICK):
        assert benchmark(READS[name])


def test_serializer(benchmark: BenchmarkFixture, project: None) -> None:
    """Twenty products with all that belongs to them, already read, as REST shows them."""
    with served_by(QUICK):
        products = selectors.product_list(window=WINDOW).items
        shown = benchmark(lambda: ProductSerializer(products, many=True).data)
    assert len(shown) == WINDOW.size


def test_resolvers(benchmark: BenchmarkFixture, project: None) -> None:
    """The same page through the schema, its statements included: resolvers ask for what they need."""
    document, variables = parse(LIST_DOCUMENT), {"page": 1, "size": WINDOW.size}
    with served_by(QUICK), serving("graphql"):
        result = benchmark(lambda: execute_sync(schema.graphql_schema, document, variable_values=variables))
    assert not result.errors
    assert result.data
    assert len(result.data["productList"]["items"]) == WINDOW.size


def test_graphql_parse_and_validate(benchmark: BenchmarkFixture) -> None:
    """What the first request with a document pays."""
    assert benchmark(lambda: validate(schema.graphql_schema, parse(LIST_DOCUMENT))) == []


def test_cache_key(benchmark: BenchmarkFixture, project: None) -> None:
    """The name under which an answer is kept."""
    with served_by(QUICK), serving("rest"):
        key = benchmark(lambda: entry_key("view", "GET", "/api/products/?page=1", ["", "", ""], str(QUICK)))
    assert len(key) == 40


def test_access_token(benchmark: BenchmarkFixture) -> None:
    """What a token costs a request that asks the database nothing about it."""
    token = pair_for(User(id=7, role=User.Role.CUSTOMER)).access
    assert benchmark(lambda: read_access(token)).id == 7
