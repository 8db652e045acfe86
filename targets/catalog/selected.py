"""Yields products that hold what was selected of them: those columns, those joins, those lists, and nothing else.

The knobs `select_related` and `prefetch_related` still decide whether what was selected comes along.
"""

from django.db.models import Model, Prefetch, QuerySet

from targets.accounts.models import User
from targets.catalog.models import Brand, Category, Product, Review, Tag
from targets.web.current import current_variant
from targets.web.selection import Selection


def only_selected(
    products: QuerySet[Product],
    *,
    parts: Selection,
    tags: QuerySet[Tag],
    reviews: QuerySet[Review],
    to: str,
) -> QuerySet[Product]:
    """The products with `parts`: `tags` and `reviews` are what they may have of these, and `to` names the reviews."""
    variant = current_variant()
    columns = parts.columns(Product)
    if "alike" in parts:
        columns.append("category")
    joined = []
    for name, model in (("brand", Brand), ("category", Category)):
        if name in parts:
            columns.append(name)
            if variant.select_related == "on":
                joined.append(name)
                columns += _joined(name, model, parts.below(name))
    if variant.prefetch_related == "on":
        lists: list[Prefetch[str, QuerySet[Model], str]] = []
        if "tags" in parts:
            below = parts.below("tags")
            lists.append(Prefetch("tags", tags.only(*below.columns(Tag)), to_attr="tags_in_order"))
        if "newest_reviews" in parts:
            lists.append(Prefetch("reviews", _reviews(reviews, parts.below("newest_reviews")), to_attr=to))
        products = products.prefetch_related(*lists)
    if joined:
        products = products.select_related(*joined)
    return products.only(*columns)


def _reviews(reviews: QuerySet[Review], parts: Selection) -> QuerySet[Review]:
    columns = ["product", *parts.columns(Review)]
    reviews = reviews.select_related(None)
    if "author" in parts:
        columns.append("author")
        if current_variant().select_related == "on":
            reviews = reviews.select_related("author")
            columns += _joined("author", User, parts.below("author"))
    return reviews.only(*columns)


def _joined(name: str, model: type[Model], parts: Selection) -> list[str]:
    """The columns of a joined row; a category's ancestors are in its path."""
    columns = [*parts.columns(model), *(["path"] if "ancestors" in parts else [])]
    return [f"{name}__{column}" for column in columns]
