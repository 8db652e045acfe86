"""Yields what the catalog reads: pages of products, and one product.

The knobs `select_related` and `prefetch_related` decide what comes along; what did not, the loaders fetch. Whoever
looks ahead says what of it is `selected`, of a page or of one product; None is all that a face may show.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from django.db.models import F, OrderBy, Prefetch, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan

from targets.catalog.filters import ProductFilter
from targets.catalog.models import Category, Product, Review, Tag
from targets.catalog.selected import only_selected
from targets.web.current import current_variant
from targets.web.cursors import Place
from targets.web.errors import NotFoundError
from targets.web.pagination import Page, Window, page_of
from targets.web.parameters import read_id
from targets.web.query_cache import cached_rows
from targets.web.selection import Selection

LISTED_REVIEWS: Final = 3
DETAILED_REVIEWS: Final = 10

NEWEST: Final = ("-created_at", "-id")
_ORDERINGS: Final[dict[str, tuple[str | OrderBy, ...]]] = {
    "newest": NEWEST,
    "price": ("price", "id"),
    "-price": ("-price", "-id"),
    "-rating": (F("rating").desc(nulls_last=True), "-id"),
}

Row = TypeVar("Row")


def product_list(*, window: Window, selected: Selection | None = None) -> Page[Product]:
    """A page of all products, newest first."""
    rows = _listed_products(wanted=ProductFilter(), window=window, parts=_of_items(selected))
    return page_of(rows, window=window, place=_place)


def product_search(*, wanted: ProductFilter, window: Window, selected: Selection | None = None) -> Page[Product]:
    """A page of the products that the filter lets through; none for a category that does not exist."""
    rows = _listed_products(wanted=wanted, window=window, parts=_of_items(selected))
    return page_of(rows, window=window, place=_place if wanted.ordering == "newest" else None)


def product_detail(*, product_id: str, selected: Selection | None = None) -> Product:
    """One product with its description. Raises NotFoundError."""
    return found_product(product_id, read=lambda number: _detailed_product(product_id=number, parts=selected))


def found_product(product_id: str, *, read: Callable[[int], Sequence[Row]]) -> Row:
    """What `read` finds first of the product that a client named. Raises NotFoundError where that is nothing."""
    number = read_id(product_id)
    found = () if number == 0 else read(number)
    if not found:
        raise NotFoundError("There is no such product.")
    return found[0]


def matching_products(wanted: ProductFilter, *, window: Window) -> QuerySet[Product]:
    """The products that the filter lets through, in its order, from the window's cursor on; no page is cut yet."""
    products = Product.objects.order_by(*_ORDERINGS[wanted.ordering])
    if wanted.category is not None:
        path = Category.objects.filter(id=wanted.category).values_list("path", flat=True).first()
        if path is None:
            return products.none()
        products = products.filter(category__path__startswith=path)
    if wanted.min_price is not None:
        products = products.filter(price__gte=wanted.min_price)
    if wanted.max_price is not None:
        products = products.filter(price__lte=wanted.max_price)
    if wanted.min_rating is not None:
        products = products.filter(rating__gte=wanted.min_rating)
    if window.after is not None:
        # As one comparison of rows: the index in which they stand begins there.
        products = products.filter(TupleLessThan(Tuple("created_at", "id"), (window.after.moment, window.after.id)))
    return products


def ids_above(path: str) -> tuple[int, ...]:
    """The ids in a category's path, from the root down, without its own."""
    return tuple(int(pk) for pk in path.strip("/").split("/")[:-1])


def tags_in_order() -> QuerySet[Tag]:
    """Tags as products show them."""
    return Tag.objects.order_by("name", "id")


def listed_reviews() -> QuerySet[Review]:
    """Reviews as lists show them, newest first."""
    return _reviews().only("rating", "title", "created_at", "product", *_AUTHOR)


def detailed_reviews() -> QuerySet[Review]:
    """Reviews as a product's own page shows them, newest first."""
    return _reviews().only("rating", "title", "body", "created_at", "product", *_AUTHOR)


# Of authors the name alone is read: nothing else about a person belongs in an answer, or in the cache.
_AUTHOR: Final = ("author", "author__name")


def _reviews() -> QuerySet[Review]:
    reviews = Review.objects.order_by(*NEWEST)
    return reviews.select_related("author") if current_variant().select_related == "on" else reviews


def _place(product: Product) -> Place:
    return Place(moment=product.created_at, id=product.pk)


def _of_items(selected: Selection | None) -> Selection | None:
    """What is selected of a page's products; where its cursor is, that takes their time."""
    if selected is None:
        return None
    items = selected.below("items")
    return items.with_field("created_at") if "next" in selected else items


@cached_rows("catalog", "accounts")
def _listed_products(*, wanted: ProductFilter, window: Window, parts: Selection | None) -> list[Product]:
    products = matching_products(wanted, window=window).defer("description")
    related = _with_related(products, parts=parts, reviews=listed_reviews()[:LISTED_REVIEWS], to="listed_reviews")
    return list(related[window.offset : window.offset + window.limit])


@cached_rows("catalog", "accounts")
def _detailed_product(*, product_id: int, parts: Selection | None) -> list[Product]:
    products, reviews = Product.objects.filter(id=product_id), detailed_reviews()[:DETAILED_REVIEWS]
    return list(_with_related(products, parts=parts, reviews=reviews, to="detailed_reviews"))


def _with_related(
    products: QuerySet[Product], *, parts: Selection | None, reviews: QuerySet[Review], to: str
) -> QuerySet[Product]:
    if parts is not None:
        return only_selected(products, parts=parts, tags=tags_in_order(), reviews=reviews, to=to)
    variant = current_variant()
    if variant.select_related == "on":
        products = products.select_related("brand", "category")
    if variant.prefetch_related == "on":
        products = products.prefetch_related(
            Prefetch("tags", tags_in_order(), to_attr="tags_in_order"), Prefetch("reviews", reviews, to_attr=to)
        )
    return products
