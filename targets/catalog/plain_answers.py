"""Yields the catalog's answers as JSON put together in Python, from plain rows that no model was made of.

All that an answer shows is read at once: the knobs `select_related` and `prefetch_related` have nothing to decide here,
and the cache level `query`, which keeps rows of models, has nothing to keep.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db.models import Window as Over
from django.db.models.functions import RowNumber

from targets.catalog.filters import ProductFilter
from targets.catalog.models import Category, Product, ProductTag, Review
from targets.catalog.selectors import (
    DETAILED_REVIEWS,
    LISTED_REVIEWS,
    NEWEST,
    found_product,
    ids_above,
    matching_products,
)
from targets.web.cursors import Place
from targets.web.json_bytes import json_of
from targets.web.pagination import Window, page_of
from targets.web.texts import decimal_text, utc_text

Plain = dict[str, Any]

_LISTED: Final = (
    "id", "sku", "name", "price", "rating", "review_count", "created_at",
    "brand_id", "brand__name", "brand__slug", "category_id", "category__name", "category__slug",
)  # fmt: skip
_OWN_DETAILS: Final = ("description", "weight_grams", "stock", "version")
_DETAILED: Final = (*_LISTED, *_OWN_DETAILS, "brand__country", "category__path")


def product_list(*, window: Window) -> bytes:
    """A page of all products, newest first."""
    return product_search(wanted=ProductFilter(), window=window)


def product_search(*, wanted: ProductFilter, window: Window) -> bytes:
    """A page of the products that the filter lets through."""
    rows = matching_products(wanted, window=window).values(*_LISTED)[window.offset : window.offset + window.limit]
    page = page_of(list(rows), window=window, place=_place if wanted.ordering == "newest" else None)
    keys = [row["id"] for row in page.items]
    tags, reviews = _tags(keys), _reviews(keys, count=LISTED_REVIEWS, has_body=False)
    return json_of(
        {
            "items": [_item(row, tags=tags, reviews=reviews) for row in page.items],
            "page": page.page,
            "size": page.size,
            "has_next": page.has_next,
            "next": page.next,
        }
    )


def product_detail(*, product_id: str) -> bytes:
    """One product with its description. Raises NotFoundError."""
    row = found_product(product_id, read=lambda number: list(Product.objects.filter(id=number).values(*_DETAILED)))
    keys = [row["id"]]
    item = _item(row, tags=_tags(keys), reviews=_reviews(keys, count=DETAILED_REVIEWS, has_body=True))
    item["brand"]["country"] = row["brand__country"]
    item["category"]["ancestors"] = _ancestors(row["category__path"])
    return json_of(item | {name: row[name] for name in _OWN_DETAILS})


def _place(row: Mapping[str, Any]) -> Place:
    return Place(moment=row["created_at"], id=row["id"])


def _item(
    row: Mapping[str, Any], *, tags: Mapping[int, Sequence[Plain]], reviews: Mapping[int, Sequence[Plain]]
) -> Plain:
    """What lists show of a product; a product's own page shows more."""
    return {
        "id": row["id"],
        "sku": row["sku"],
        "name": row["name"],
        "price": decimal_text(row["price"]),
        "rating": None if row["rating"] is None else decimal_text(row["rating"]),
        "review_count": row["review_count"],
        "created_at": utc_text(row["created_at"]),
        "brand": {"id": row["brand_id"], "name": row["brand__name"], "slug": row["brand__slug"]},
        "category": {"id": row["category_id"], "name": row["category__name"], "slug": row["category__slug"]},
        "tags": tags.get(row["id"], ()),
        "newest_reviews": reviews.get(row["id"], ()),
    }


def _tags(products: Iterable[int]) -> Mapping[int, Sequence[Plain]]:
    """The tags of each product by name."""
    rows = ProductTag.objects.filter(product__in=products).order_by("tag__name", "tag_id")
    found: dict[int, list[Plain]] = defaultdict(list)
    for product, key, name, slug in rows.values_list("product_id", "tag_id", "tag__name", "tag__slug"):
        found[product].append({"id": key, "name": name, "slug": slug})
    return found


def _reviews(products: Iterable[int], *, count: int, has_body: bool) -> Mapping[int, Sequence[Plain]]:
    """The `count` newest reviews of each product, newest first."""
    place = Over(RowNumber(), partition_by="product_id", order_by=NEWEST)
    rows = Review.objects.filter(product__in=products).annotate(place=place).filter(place__lte=count)
    names = ("product_id", "id", "rating", "title", "created_at", "author_id", "author__name")
    found: dict[int, list[Plain]] = defaultdict(list)
    for row in rows.order_by(*NEWEST).values(*names, *(("body",) if has_body else ())):
        review = {
            "id": row["id"],
            "rating": row["rating"],
            "title": row["title"],
            "created_at": utc_text(row["created_at"]),
            "author": {"id": row["author_id"], "name": row["author__name"]},
        }
        found[row["product_id"]].append(review | {"body": row["body"]} if has_body else review)
    return found


def _ancestors(path: str) -> list[Plain]:
    """The categories above the one at `path`, from the root down."""
    ids = ids_above(path)
    found = dict(Category.objects.filter(id__in=ids).values_list("id", "name")) if ids else {}
    return [{"id": pk, "name": found[pk]} for pk in ids]
