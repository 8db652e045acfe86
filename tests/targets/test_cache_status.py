"""What the cache had for a request is told in the answer: to the lab, where it asks, and to nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from scenarios.operations.catalog import PRODUCT_DETAIL, DetailParameters
from targets.catalog.models import Product
from targets.catalog.selectors import ids_above
from targets.web import cache_breaker, cache_store
from tests.targets.subject import TOKEN, redis_client

pytestmark = pytest.mark.given_servers

ASKED: Mapping[str, str] = {"Lab-Token": TOKEN, "Lab-Tell": "Cache-Status"}
FACES = ("rest", "graphql")


@pytest.fixture
def nested(project: None) -> int:
    """A product whose category has others above it, which are rows of their own."""
    products = Product.objects.using("default").select_related("category").order_by("id")
    return next(product.pk for product in products if ids_above(product.category.path))


def told(product: int, *, cache: str, face: str = "rest", headers: Mapping[str, str] = ASKED) -> tuple[Any, bytes]:
    """The header of a product's answer, None where there is none, and the body."""
    request = PRODUCT_DETAIL.request(face, DetailParameters(id=product))
    answer = Client().generic(
        request.method, request.path, data=request.body or b"", content_type="application/json",
        headers={**headers, "Lab-Variant": f"cache={cache}"},
    )  # fmt: skip
    assert answer.status_code == 200
    return answer.headers.get("Cache-Status"), answer.content


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("cache", "expected"),
    [
        ("off", (None, None)),
        ("query", ("query; fwd=miss", "query; hit")),
        ("view", ("view; fwd=miss", "view; hit")),
        ("both", ("query; fwd=miss, view; fwd=miss", "view; hit")),
    ],
)
def test_the_first_answer_is_a_miss_and_the_second_a_hit(
    fresh_cache: None, nested: int, face: str, cache: str, expected: tuple[str | None, str | None]
):
    """Of each level that was looked up, the one nearest to the client last; without a cache nothing is told."""
    first, second = (told(nested, cache=cache, face=face) for _ in range(2))
    assert (first[0], second[0]) == expected
    assert first[1] == second[1]


def test_a_hit_that_lacks_what_belongs_to_it_is_partial(fresh_cache: None, nested: int):
    """A product's rows and those of the categories above it are two entries: each may be gone without the other."""
    told(nested, cache="query")
    client = redis_client()
    keys = [key for key in client.scan_iter(match=f"{caches['default'].key_prefix}:*") if b":version:" not in key]
    assert len(keys) == 2
    states = set()
    for key in keys:
        client.delete(key)
        states.add(told(nested, cache="query")[0])
        assert told(nested, cache="query")[0] == "query; hit"
    assert states == {"query; fwd=miss", "query; fwd=partial"}


def test_who_waited_for_another_is_told_so(fresh_cache: None, nested: int, monkeypatch: pytest.MonkeyPatch):
    """A miss that another computed meanwhile is one, and was collapsed into theirs."""
    mine = told(nested, cache="view")
    assert mine[0] == "view; fwd=miss"
    look = cache_store._fetch

    def late(key: str, *, domains: Sequence[str]) -> Any:
        """What the first look finds: nothing yet. Later ones are another function's."""
        return replace(look(key, domains=domains), payload=None)

    monkeypatch.setattr(cache_store, "_fetch", late)
    assert told(nested, cache="view") == ("view; fwd=miss; collapsed", mine[1])


def test_a_cache_that_is_away_is_told_as_such(fresh_cache: None, nested: int):
    """It is no miss: nothing was looked up."""
    cache_breaker.rest()
    try:
        assert told(nested, cache="view")[0] == "view; fwd=bypass; detail=away"
    finally:
        cache_breaker.wake()


@pytest.mark.parametrize(
    "headers",
    [
        {"Lab-Token": TOKEN},
        {"Lab-Token": TOKEN, "Lab-Tell": "Everything"},
        {"Lab-Tell": "Cache-Status"},
        {"Lab-Token": TOKEN[:-1], "Lab-Tell": "Cache-Status"},
    ],
    ids=["not asked", "asked for something else", "no token", "a wrong token"],
)
def test_nobody_else_is_told(fresh_cache: None, nested: int, settings: Any, headers: Mapping[str, str]):
    """Without the question, or without the token, an answer says nothing of the cache."""
    settings.TARGET_VARIANT = settings.TARGET_VARIANT.with_levels("cache=view")
    assert [told(nested, cache="view", headers=headers)[0] for _ in range(2)] == [None, None]
