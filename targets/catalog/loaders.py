"""Yields what belongs to one object: what came along with it, or else what one statement fetches for it."""

from typing import cast

from django.db.models import Model

from targets.accounts.models import User
from targets.catalog.models import Brand, Category, Product, Review, Tag
from targets.catalog.selectors import (
    DETAILED_REVIEWS,
    LISTED_REVIEWS,
    detailed_reviews,
    listed_reviews,
    tags_in_order,
)
from targets.web.query_cache import cached_rows


def brand_of(product: Product) -> Brand:
    """The brand of a product."""
    if not _came_along(product, "brand"):
        [product.brand] = _brand(brand_id=product.brand_id)
    return product.brand


def category_of(product: Product) -> Category:
    """The category of a product."""
    if not _came_along(product, "category"):
        [product.category] = _category(category_id=product.category_id)
    return product.category


def ancestors_of(category: Category) -> list[Category]:
    """The categories above a category, from the root down."""
    ids = category_ids_above(category)
    if not ids:
        return []
    found = {ancestor.pk: ancestor for ancestor in _categories(ids=ids)}
    return [found[pk] for pk in ids]


def category_ids_above(category: Category) -> tuple[int, ...]:
    """The ids in the category's path, without its own."""
    return tuple(int(pk) for pk in category.path.strip("/").split("/")[:-1])


def tags_of(product: Product) -> list[Tag]:
    """The tags of a product by name."""
    loaded = getattr(product, "tags_in_order", None)
    return _tags(product_id=product.pk) if loaded is None else cast(list[Tag], loaded)


def listed_reviews_of(product: Product) -> list[Review]:
    """The few newest reviews of a product, without their bodies."""
    loaded = getattr(product, "listed_reviews", None)
    return _listed_reviews(product_id=product.pk) if loaded is None else cast(list[Review], loaded)


def detailed_reviews_of(product: Product) -> list[Review]:
    """The newest reviews of a product."""
    loaded = getattr(product, "detailed_reviews", None)
    return _detailed_reviews(product_id=product.pk) if loaded is None else cast(list[Review], loaded)


def author_of(review: Review) -> User:
    """Who wrote a review; of the author only the name is read."""
    if not _came_along(review, "author"):
        [review.author] = _author(user_id=review.author_id)
    return review.author


def _came_along(row: Model, name: str) -> bool:
    return name in row._state.fields_cache


@cached_rows("catalog")
def _brand(*, brand_id: int) -> list[Brand]:
    return list(Brand.objects.filter(id=brand_id))


@cached_rows("catalog")
def _category(*, category_id: int) -> list[Category]:
    return list(Category.objects.filter(id=category_id))


@cached_rows("catalog")
def _categories(*, ids: tuple[int, ...]) -> list[Category]:
    return list(Category.objects.filter(id__in=ids))


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
