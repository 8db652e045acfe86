"""Yields what belongs to one object: what came along with it, or else what one statement fetches.

The knob `resolving` decides for whom: for it alone, or, where a GraphQL query is executed in batches, for all that ask
for the same meanwhile.
"""

from typing import cast

from django.db.models import Model, QuerySet, Window
from django.db.models.functions import RowNumber
from django.db.models.lookups import LessThanOrEqual

from targets.accounts.models import User
from targets.catalog.models import Brand, Category, Product, ProductTag, Review, Tag
from targets.catalog.selectors import (
    DETAILED_REVIEWS,
    LISTED_REVIEWS,
    NEWEST,
    detailed_reviews,
    ids_above,
    listed_reviews,
    tags_in_order,
)
from targets.web.batches import Deferred, deferred
from targets.web.query_cache import cached_rows

Ids = tuple[int, ...]


def brand_of(product: Product) -> Brand | Deferred[Brand]:
    """The brand of a product."""
    if _came_along(product, "brand"):
        return product.brand
    if later := deferred(_brands_by_id, product.brand_id):
        return later
    [product.brand] = _brand(brand_id=product.brand_id)
    return product.brand


def category_of(product: Product) -> Category | Deferred[Category]:
    """The category of a product."""
    if _came_along(product, "category"):
        return product.category
    if later := deferred(_categories_by_id, product.category_id):
        return later
    [product.category] = _category(category_id=product.category_id)
    return product.category


def ancestors_of(category: Category) -> list[Category] | Deferred[list[Category]]:
    """The categories above a category, from the root down."""
    ids = ids_above(category.path)
    if not ids:
        return []
    return deferred(_categories_by_ids, ids) or _categories_by_ids((ids,))[ids]


def tags_of(product: Product) -> list[Tag] | Deferred[list[Tag]]:
    """The tags of a product by name."""
    loaded = getattr(product, "tags_in_order", None)
    if loaded is not None:
        return cast(list[Tag], loaded)
    return deferred(_tags_by_product, product.pk) or _tags(product_id=product.pk)


def listed_reviews_of(product: Product) -> list[Review] | Deferred[list[Review]]:
    """The few newest reviews of a product, without their bodies."""
    loaded = getattr(product, "listed_reviews", None)
    if loaded is not None:
        return cast(list[Review], loaded)
    return deferred(_listed_by_product, product.pk) or _listed_reviews(product_id=product.pk)


def detailed_reviews_of(product: Product) -> list[Review] | Deferred[list[Review]]:
    """The newest reviews of a product."""
    loaded = getattr(product, "detailed_reviews", None)
    if loaded is not None:
        return cast(list[Review], loaded)
    return deferred(_detailed_by_product, product.pk) or _detailed_reviews(product_id=product.pk)


def author_of(review: Review) -> User | Deferred[User]:
    """Who wrote a review; of the author only the name is read."""
    if _came_along(review, "author"):
        return review.author
    if later := deferred(_authors_by_id, review.author_id):
        return later
    [review.author] = _author(user_id=review.author_id)
    return review.author


def _came_along(row: Model, name: str) -> bool:
    return name in row._state.fields_cache


# Row by row


@cached_rows("catalog")
def _brand(*, brand_id: int) -> list[Brand]:
    return list(Brand.objects.filter(id=brand_id))


@cached_rows("catalog")
def _category(*, category_id: int) -> list[Category]:
    return list(Category.objects.filter(id=category_id))


@cached_rows("catalog")
def _tags(*, product_id: int) -> list[Tag]:
    return list(tags_in_order().filter(products=product_id))


@cached_rows("catalog", "accounts")
def _listed_reviews(*, product_id: int) -> list[Review]:
    return list(listed_reviews().filter(product=product_id)[:LISTED_REVIEWS])


@cached_rows("catalog", "accounts")
def _detailed_reviews(*, product_id: int) -> list[Review]:
    return list(detailed_reviews().filter(product=product_id)[:DETAILED_REVIEWS])


@cached_rows("accounts")
def _author(*, user_id: int) -> list[User]:
    return list(User.objects.only("name").filter(id=user_id))


# In batches


def _brands_by_id(ids: Ids) -> dict[int, Brand]:
    return {brand.pk: brand for brand in _brands(ids=ids)}


def _categories_by_id(ids: Ids) -> dict[int, Category]:
    return {category.pk: category for category in _categories(ids=ids)}


def _categories_by_ids(keys: tuple[Ids, ...]) -> dict[Ids, list[Category]]:
    found = _categories_by_id(tuple(sorted({pk for ids in keys for pk in ids})))
    return {ids: [found[pk] for pk in ids] for ids in keys}


def _tags_by_product(ids: Ids) -> dict[int, list[Tag]]:
    found: dict[int, list[Tag]] = {pk: [] for pk in ids}
    for pair in _product_tags(product_ids=ids):
        found[pair.product_id].append(pair.tag)
    return found


def _listed_by_product(ids: Ids) -> dict[int, list[Review]]:
    return _by_product(_listed_of_many(product_ids=ids), ids=ids)


def _detailed_by_product(ids: Ids) -> dict[int, list[Review]]:
    return _by_product(_detailed_of_many(product_ids=ids), ids=ids)


def _by_product(reviews: list[Review], *, ids: Ids) -> dict[int, list[Review]]:
    found: dict[int, list[Review]] = {pk: [] for pk in ids}
    for review in reviews:
        found[review.product_id].append(review)
    return found


def _authors_by_id(ids: Ids) -> dict[int, User]:
    return {user.pk: user for user in _authors(ids=ids)}


@cached_rows("catalog")
def _brands(*, ids: Ids) -> list[Brand]:
    return list(Brand.objects.filter(id__in=ids))


@cached_rows("catalog")
def _categories(*, ids: Ids) -> list[Category]:
    return list(Category.objects.filter(id__in=ids))


@cached_rows("catalog")
def _product_tags(*, product_ids: Ids) -> list[ProductTag]:
    pairs = ProductTag.objects.filter(product__in=product_ids).select_related("tag")
    return list(pairs.order_by("tag__name", "tag__id"))


@cached_rows("catalog", "accounts")
def _listed_of_many(*, product_ids: Ids) -> list[Review]:
    return list(_newest_of_each(listed_reviews(), count=LISTED_REVIEWS).filter(product__in=product_ids))


@cached_rows("catalog", "accounts")
def _detailed_of_many(*, product_ids: Ids) -> list[Review]:
    return list(_newest_of_each(detailed_reviews(), count=DETAILED_REVIEWS).filter(product__in=product_ids))


def _newest_of_each(reviews: QuerySet[Review], *, count: int) -> QuerySet[Review]:
    """The first `count` reviews of each product, as a sliced prefetch asks for them."""
    return reviews.filter(LessThanOrEqual(Window(RowNumber(), partition_by="product_id", order_by=NEWEST), count))


@cached_rows("accounts")
def _authors(*, ids: Ids) -> list[User]:
    return list(User.objects.only("name").filter(id__in=ids))
