from collections import Counter

import pytest
from django.db import connections

from scenarios.operations.catalog import (
    PRODUCT_DETAIL,
    PRODUCT_LIST,
    PRODUCT_SEARCH,
    DetailParameters,
    ListParameters,
    SearchParameters,
)
from scenarios.operations.operation import Operation
from targets.catalog.models import Product, Review
from targets.variants import Variant
from tests.targets.subject import TargetClient

DETAILED = 3


class Counted:
    """Counts the statements of each database."""

    def __init__(self) -> None:
        self.by_database: Counter[str] = Counter()

    def __call__(self, execute, sql, parameters, many, context):
        self.by_database[context["connection"].alias] += 1
        return execute(sql, parameters, many, context)


def statements(
    client: TargetClient, operation: Operation, parameters: object, *, face: str, variant: Variant
) -> Counter[str]:
    counted = Counted()
    with connections["default"].execute_wrapper(counted), connections["bare"].execute_wrapper(counted):
        status, _ = client(operation.request(face, parameters), variant=variant)
    assert status == 200
    return counted.by_database


def reviews_shown_on_first_page() -> int:
    products = Product.objects.using("default").order_by("-created_at", "-id")[:20]
    return sum(min(3, Review.objects.using("default").filter(product=product).count()) for product in products)


@pytest.mark.parametrize("face", ["rest", "graphql"])
@pytest.mark.parametrize("indexes", ["on", "off"])
def test_each_knob_removes_its_statements_from_a_page(target_client: TargetClient, face: str, indexes: str):
    """Lazily a page costs 1 + 20 of brands, categories, tags and reviews each + one for each author; at best 3.

    All of them go to the database that the variant names.
    """
    authors = reviews_shown_on_first_page()
    database = "default" if indexes == "on" else "bare"
    expected = {
        ("off", "off"): 1 + 20 + 20 + 20 + 20 + authors,
        ("off", "on"): 3 + 20 + 20 + authors,
        ("on", "off"): 1 + 20 + 20,
        ("on", "on"): 3,
    }
    found = {
        levels: statements(
            target_client,
            PRODUCT_LIST,
            ListParameters(),
            face=face,
            variant=Variant(select_related=levels[0], prefetch_related=levels[1], indexes=indexes),
        )
        for levels in expected
    }
    assert found == {levels: {database: count} for levels, count in expected.items()}


@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_a_search_below_a_category_costs_one_statement_more(target_client: TargetClient, face: str):
    """The path of the category is read first."""
    parameters = SearchParameters(category=1)
    assert statements(target_client, PRODUCT_SEARCH, parameters, face=face, variant=Variant()) == {"default": 4}


@pytest.mark.parametrize("face", ["rest", "graphql"])
def test_a_detail_costs_a_statement_for_each_relation(target_client: TargetClient, face: str):
    """Product, ancestors, tags and reviews; without joins also brand, category and each author."""
    product = Product.objects.using("default").select_related("category").get(id=DETAILED)
    above = 1 if product.category.path.count("/") > 2 else 0
    authors = min(10, product.review_count)
    found = {
        joined: statements(
            target_client,
            PRODUCT_DETAIL,
            DetailParameters(id=DETAILED),
            face=face,
            variant=Variant(select_related=joined),
        )
        for joined in ("on", "off")
    }
    assert found == {"on": {"default": 3 + above}, "off": {"default": 5 + above + authors}}


@pytest.mark.parametrize("face", ["rest", "graphql"])
@pytest.mark.parametrize("cache", ["query", "view", "both"])
def test_a_warm_cache_needs_no_statement(target_client: TargetClient, face: str, cache: str):
    """What was answered once is answered again without the database."""
    variant = Variant(cache=cache, select_related="off", prefetch_related="off")
    assert statements(target_client, PRODUCT_LIST, ListParameters(), face=face, variant=variant)
    assert statements(target_client, PRODUCT_LIST, ListParameters(), face=face, variant=variant) == {}
