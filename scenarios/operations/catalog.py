"""Yields the catalog's operations: `product_list`, `product_search` and `product_detail`."""

from dataclasses import dataclass, replace
from random import Random
from typing import Final
from urllib.parse import quote

from fixtures.sizes import Size
from scenarios.operations.catalog_answers import read_detail, read_list, read_search
from scenarios.operations.operation import Operation, Request, by_document, by_query
from scenarios.operations.popularity import USUAL, rank

_PAGES_BROWSED: Final = 50
"""How far customers leaf: nobody reads page 2,000, and its OFFSET would drown every other cost."""

PAGE_FIELDS: Final = """
  page size hasNext next items {
    id sku name price rating reviewCount createdAt
    brand { id name slug }
    category { id name slug }
    tags { id name slug }
    newestReviews { id rating title createdAt author { id name } }
  }
"""

DETAIL_FIELDS: Final = """
    id sku name description price weightGrams stock version rating reviewCount createdAt
    brand { id name slug country }
    category { id name slug ancestors { id name } }
    tags { id name slug }
    newestReviews { id rating title body createdAt author { id name } }
"""

LIST_DOCUMENT: Final = f"""
query ProductList($page: WholeNumber, $after: String, $size: WholeNumber) {{
  productList(page: $page, after: $after, size: $size) {{ {PAGE_FIELDS} }}
}}
"""

SEARCH_DOCUMENT: Final = f"""
query ProductSearch(
  $category: WholeNumber, $minPrice: DecimalText, $maxPrice: DecimalText, $minRating: DecimalText,
  $ordering: String, $page: WholeNumber, $after: String, $size: WholeNumber
) {{
  productSearch(
    category: $category, minPrice: $minPrice, maxPrice: $maxPrice, minRating: $minRating,
    ordering: $ordering, page: $page, after: $after, size: $size
  ) {{ {PAGE_FIELDS} }}
}}
"""

DETAIL_DOCUMENT: Final = f"""
query ProductDetail($id: ID!) {{
  product(id: $id) {{ {DETAIL_FIELDS} }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListParameters:
    """Which page of all products, by its number or by a cursor; None leaves a parameter out."""

    page: int | None = None
    size: int | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParameters:
    """What to search for; None leaves a parameter out. Decimals are text, as they travel."""

    category: int | None = None
    min_price: str | None = None
    max_price: str | None = None
    min_rating: str | None = None
    ordering: str | None = None
    page: int | None = None
    size: int | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailParameters:
    """Which product."""

    id: int


def _sample_list(rng: Random, size: Size, *, exponent: float = USUAL) -> ListParameters:
    return ListParameters(page=rank(rng, min(_PAGES_BROWSED, -(-size.products // 20)), exponent=exponent))


def _sample_search(rng: Random, size: Size, *, exponent: float = USUAL) -> SearchParameters:
    # A shelf, and one thing more at the most: customers narrow down until little is left, not nothing. The first
    # categories are the tree's upper shelves: a search begins there, not in its last corner.
    narrowed = rng.choice(("", "", "min_price", "max_price", "min_rating"))
    return SearchParameters(
        category=rank(rng, size.categories // 4, exponent=exponent) if rng.random() < 0.85 else None,
        min_price=rng.choice(("5.00", "10.00", "20.00")) if narrowed == "min_price" else None,
        max_price=rng.choice(("150.99", "300.99", "999.99")) if narrowed == "max_price" else None,
        min_rating=rng.choice(("3.00", "3.50", "4.00")) if narrowed == "min_rating" else None,
        ordering=rng.choice((None, "newest", "price", "-price", "-rating")),
        page=1 if rng.random() < 0.9 else 2,
    )


def _sample_detail(rng: Random, size: Size, *, exponent: float = USUAL) -> DetailParameters:
    return DetailParameters(id=rank(rng, size.products, exponent=exponent))


def _search_by_graphql(wanted: SearchParameters) -> Request:
    return by_document(
        SEARCH_DOCUMENT,
        category=wanted.category,
        minPrice=wanted.min_price,
        maxPrice=wanted.max_price,
        minRating=wanted.min_rating,
        ordering=wanted.ordering,
        page=wanted.page,
        after=wanted.after,
        size=wanted.size,
    )


def _search_by_rest(wanted: SearchParameters) -> Request:
    return by_query(
        "/api/products/search/",
        category=wanted.category,
        min_price=wanted.min_price,
        max_price=wanted.max_price,
        min_rating=wanted.min_rating,
        ordering=wanted.ordering,
        page=wanted.page,
        after=wanted.after,
        size=wanted.size,
    )


def _list_by_rest(wanted: ListParameters) -> Request:
    return by_query("/api/products/", page=wanted.page, after=wanted.after, size=wanted.size)


def _list_by_graphql(wanted: ListParameters) -> Request:
    return by_document(LIST_DOCUMENT, page=wanted.page, after=wanted.after, size=wanted.size)


def _detail_by_rest(wanted: DetailParameters) -> Request:
    return by_query(f"/api/products/{quote(str(wanted.id))}/")


def _detail_by_graphql(wanted: DetailParameters) -> Request:
    return by_document(DETAIL_DOCUMENT, id=str(wanted.id))


def _paged_list(wanted: ListParameters, size: int) -> ListParameters:
    return replace(wanted, page=1, size=size)


def _paged_search(_: SearchParameters, size: int) -> SearchParameters:
    # Of all products: a shelf may have too few to fill a page.
    return SearchParameters(page=1, size=size)


def _comparable_lists(size: Size, seed: int, count: int) -> list[ListParameters]:
    # The population is no part of a load: whoever draws requests has no use for it.
    from scenarios.operations.comparable import pages_alike

    return [ListParameters(page=page) for page in pages_alike(size, seed=seed, count=count)]


def _comparable_searches(size: Size, seed: int, count: int) -> list[SearchParameters]:
    from scenarios.operations.comparable import shelves_alike

    shelves = shelves_alike(size, seed=seed, count=count)
    return [SearchParameters(category=category, ordering=ordering, page=1) for category, ordering in shelves]


def _comparable_details(size: Size, seed: int, count: int) -> list[DetailParameters]:
    from scenarios.operations.comparable import products_alike

    return [DetailParameters(id=product) for product in products_alike(size, seed=seed, count=count)]


PRODUCT_LIST: Final = Operation(
    name="product_list", sample=_sample_list, rest=_list_by_rest, graphql=_list_by_graphql, read=read_list,
    paged=_paged_list, comparable=_comparable_lists,
)  # fmt: skip
PRODUCT_SEARCH: Final = Operation(
    name="product_search", sample=_sample_search, rest=_search_by_rest, graphql=_search_by_graphql, read=read_search,
    paged=_paged_search, comparable=_comparable_searches,
)  # fmt: skip
PRODUCT_DETAIL: Final = Operation(
    name="product_detail", sample=_sample_detail, rest=_detail_by_rest, graphql=_detail_by_graphql, read=read_detail,
    comparable=_comparable_details,
)  # fmt: skip
