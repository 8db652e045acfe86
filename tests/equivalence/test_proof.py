from collections.abc import Callable
from typing import cast

import pytest
from django.conf import settings
from django.db import connections

from fixtures.sizes import SIZES
from scenarios.operations.catalog import PRODUCT_DETAIL, PRODUCT_LIST, DetailParameters, ListParameters
from scenarios.operations.catalog_answers import ProductDetail
from targets.catalog import loaders, rest_api, selectors, services
from targets.catalog.inputs import ProductChange
from targets.catalog.models import Product, Tag
from targets.config.schema import schema
from targets.variants import Variant
from targets.web.actor import Actor
from targets.web.pagination import Window
from targets.web.texts import DecimalTextField
from tests.equivalence.proof import FACES, OTHER_CACHES, OTHER_WAYS, SERIALIZERS, VARIANTS, differences, questions
from tests.equivalence.reference import Reference
from tests.targets.subject import ServiceUrls, TargetClient, served_by

ASKED = questions(seed=1, sampled=5)
FEW_VARIANTS = (Variant(), Variant(select_related="off", prefetch_related="off"))


@pytest.fixture(scope="session")
def reference(service_urls: ServiceUrls, project: None) -> Reference:
    return Reference(service_urls.database, secret=settings.SECRET_KEY)


def test_the_proof_covers_a_thousand_answers():
    """16 variants x 2 faces x all questions are more than 1,000 answers, cached ones not counted twice."""
    assert len(VARIANTS) * len(FACES) * len(ASKED) >= 1_000


MIXED = [each for each in (*OTHER_CACHES, *OTHER_WAYS) if each.select_related != each.prefetch_related]
PLAIN = [each for each in (*VARIANTS, *OTHER_CACHES, *OTHER_WAYS, *SERIALIZERS) if each not in (*MIXED, *FEW_VARIANTS)]


@pytest.mark.parametrize(
    "variant",
    [
        *PLAIN,
        *(pytest.param(each, marks=pytest.mark.given_servers) for each in FEW_VARIANTS),
        *(pytest.param(each, marks=pytest.mark.nightly) for each in MIXED),
    ],
    ids=str,
)
def test_every_variant_of_both_faces_gives_the_reference_answer(
    target_client: TargetClient, reference: Reference, variant: Variant
):
    """Edge pages, empty results, unknown ids, bad parameters and sampled ones: no variant differs, cold or cached."""
    assert list(differences(target_client, reference, asked=ASKED, variants=[variant])) == []


def test_the_questions_meet_nulls_and_empty_collections(reference: Reference):
    """The dataset has products without a rating, without reviews and without tags, so the proof meets them."""
    assert any(row["rating"] is None for row in reference.products.values())
    assert any(not reviews for reviews in reference.product_reviews.values())
    assert any(not tags for tags in reference.product_tags.values())
    assert len(reference.products) == SIZES["small"].products


def _dropped_field(patch: pytest.MonkeyPatch) -> None:
    kept = {name: field for name, field in rest_api.TagSerializer._declared_fields.items() if name != "slug"}
    patch.setattr(rest_api.TagSerializer, "_declared_fields", kept)


def _page_off_by_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Window, "offset", property(lambda window: window.page * window.size))


def _wrong_order(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(selectors._ORDERINGS, "newest", ("created_at", "-id"))


def _wrong_order_when_lazy(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(loaders, "tags_in_order", lambda: Tag.objects.order_by("-name"))


def _a_review_too_few_when_prefetched(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(selectors, "LISTED_REVIEWS", 2)


def _one_face_reversed(patch: pytest.MonkeyPatch) -> None:
    field = schema.graphql_schema.type_map["ListedProduct"].fields["tags"]
    patch.setattr(field, "resolve", lambda product, _info: cast(list[Tag], loaders.tags_of(product))[::-1])


def _unstable_nulls(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(selectors._ORDERINGS, "-rating", ("-rating", "-id"))


def _money_as_number(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DecimalTextField, "to_representation", lambda _field, value: float(value))


@pytest.mark.parametrize(
    "plant",
    [
        _dropped_field,
        _page_off_by_one,
        _wrong_order,
        _wrong_order_when_lazy,
        _a_review_too_few_when_prefetched,
        _one_face_reversed,
        _unstable_nulls,
        _money_as_number,
    ],
)
def test_a_planted_mutant_is_caught(
    target_client: TargetClient,
    reference: Reference,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
):
    """A mistake in one selector, serializer or resolver makes at least one answer differ."""
    plant(monkeypatch)
    assert next(differences(target_client, reference, asked=ASKED, variants=FEW_VARIANTS), None) is not None


@pytest.mark.given_servers
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("cache", ["query", "view", "both"])
def test_a_stale_cache_is_caught(
    target_client: TargetClient,
    service_urls: ServiceUrls,
    monkeypatch: pytest.MonkeyPatch,
    face: str,
    cache: str,
):
    """When a write does not unmake cached answers, the next read differs from a reference made after the write."""
    asked = [(PRODUCT_DETAIL, DetailParameters(id=3)), (PRODUCT_LIST, ListParameters())]
    variant = Variant(cache=cache)
    for operation, parameters in asked:
        target_client(operation.request(face, parameters), variant=variant)
    monkeypatch.setattr(services, "changed", lambda *_, **__: None)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT stock, version FROM catalog_product WHERE id = 3")
        stock, version = cursor.fetchone()
    try:
        with served_by(variant):
            change = ProductChange(version=version, fields={"stock": stock + 1})
            services.product_update(actor=Actor(role="admin"), product_id="3", change=change)
        now = Reference(service_urls.database, secret=settings.SECRET_KEY)
        found = list(differences(target_client, now, asked=asked, variants=[variant]))
        assert {(difference.operation, difference.face) for difference in found} >= {("product_detail", face)}
        assert all(isinstance(difference.found, ProductDetail) for difference in found)
    finally:
        Product.objects.using("default").filter(id=3).update(stock=stock, version=version)
