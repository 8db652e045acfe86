"""Yields the catalog's answers as JSON that PostgreSQL itself writes, by one statement each.

All that an answer shows is read at once: the knobs `select_related` and `prefetch_related` have nothing to decide here,
and the cache level `query`, which keeps rows of models, has nothing to keep.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connections

from targets.catalog.filters import ProductFilter
from targets.catalog.selectors import DETAILED_REVIEWS, LISTED_REVIEWS, found_product, matching_products
from targets.web.cursors import Place, cursor_of
from targets.web.json_bytes import as_rendered
from targets.web.pagination import Window
from targets.web.planned import planned_once
from targets.web.routing import current_database

# Of a subquery's row: its keys are the names of its columns, in their order. Other functions put spaces between.
_ARRAY: Final = "array_to_json(array(SELECT row_to_json(shown) FROM ({rows}) shown))"
_OBJECT: Final = "(SELECT row_to_json(shown) FROM (SELECT {columns}) shown)"

# A colon stands before a quote and not before a letter: programs that run scripts take `:MI` for a variable.
_UTC: Final = """to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"')"""

# What an outer statement reads of a product, and what orders its rows as the inner one did.
_COLUMNS: Final = (
    "id", "sku", "name", "price", "rating", "review_count", "created_at", "brand_id", "category_id",
)  # fmt: skip
_NO_CURSOR: Final = b"null}"
_LAST: Final = """
LEFT JOIN (SELECT created_at, id FROM found ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET %s) last ON answer.has_next
"""

_ORDERINGS: Final = {
    "newest": "created_at DESC, id DESC",
    "price": "price, id",
    "-price": "price DESC, id DESC",
    "-rating": "rating DESC NULLS LAST, id DESC",
}

_TAGS: Final = _ARRAY.format(
    rows="""
        SELECT tag.id, tag.name, tag.slug
        FROM catalog_producttag carried JOIN catalog_tag tag ON tag.id = carried.tag_id
        WHERE carried.product_id = product.id
        ORDER BY tag.name, tag.id"""
)


def _reviews(*, count: int, body: str = "") -> str:
    author = _OBJECT.format(columns="author.id, author.name")
    return _ARRAY.format(
        rows=f"""
        SELECT review.id, review.rating, review.title, {_UTC.format(moment="review.created_at")} AS created_at,
            {author} AS author{body}
        FROM catalog_review review JOIN accounts_user author ON author.id = review.author_id
        WHERE review.product_id = product.id
        ORDER BY review.created_at DESC, review.id DESC
        LIMIT {count}"""
    )


_ANCESTORS: Final = _ARRAY.format(
    rows="""
        SELECT above.id, above.name
        FROM unnest(string_to_array(trim(both '/' from category.path), '/')::bigint[]) WITH ORDINALITY step (id, place)
        JOIN catalog_category above ON above.id = step.id
        WHERE above.id <> category.id
        ORDER BY step.place"""
)


def _item(*, brand: str, category: str, reviews: str, more: str = "") -> str:
    """The columns of an answer's product, in REST's order."""
    return f"""
        product.id, product.sku, product.name, product.price::text AS price, product.rating::text AS rating,
        product.review_count, {_UTC.format(moment="product.created_at")} AS created_at,
        {_OBJECT.format(columns=brand)} AS brand, {_OBJECT.format(columns=category)} AS category,
        {_TAGS} AS tags, {reviews} AS newest_reviews{more}"""


_BRAND: Final = "brand.id, brand.name, brand.slug"
_CATEGORY: Final = "category.id, category.name, category.slug"
_JOINS: Final = """
    JOIN catalog_brand brand ON brand.id = product.brand_id
    JOIN catalog_category category ON category.id = product.category_id"""

_LISTED: Final = _item(brand=_BRAND, category=_CATEGORY, reviews=_reviews(count=LISTED_REVIEWS))
_DETAIL: Final = f"""
SELECT row_to_json(answer)::text FROM (
    SELECT {_item(
        brand=f"{_BRAND}, brand.country", category=f"{_CATEGORY}, {_ANCESTORS} AS ancestors",
        reviews=_reviews(count=DETAILED_REVIEWS, body=", review.body"),
        more=", product.description, product.weight_grams, product.stock, product.version",
    )}
    FROM catalog_product product {_JOINS}
    WHERE product.id = %s
) answer"""  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """SQL whose first value is an answer's JSON, as text, and what it is executed with. Without a row there is none.

    Two more values are the place of a page's last row, where a page behind it is told by a cursor: that is sealed with
    a key that the database does not have, so the JSON says null in its place. With `is_planned_once` the best plan is
    the same for all values, so that it need not be planned for each.
    """

    sql: str
    parameters: tuple[Any, ...]
    is_planned_once: bool = False


def product_list(*, window: Window) -> bytes:
    """A page of all products, newest first."""
    return product_search(wanted=ProductFilter(), window=window)


def product_search(*, wanted: ProductFilter, window: Window) -> bytes:
    """A page of the products that the filter lets through."""
    [(answer, place)] = _written(_page_statement(wanted=wanted, window=window))
    return answer if place is None else answer.removesuffix(_NO_CURSOR) + f'"{cursor_of(place)}"}}'.encode()


def product_detail(*, product_id: str) -> bytes:
    """One product with its description. Raises NotFoundError."""
    return found_product(
        product_id, read=lambda number: [answer for answer, _ in _written(detail_statement(product_id=number))]
    )


def search_statement(*, wanted: ProductFilter, window: Window) -> Statement:
    """The statement that writes a page with its cursor in it; it is asked for once to learn that."""
    [(_, place)] = _written(_page_statement(wanted=wanted, window=window))
    return _page_statement(wanted=wanted, window=window, following=cursor_of(place) if place else "")


def detail_statement(*, product_id: int) -> Statement:
    """The statement that writes one product."""
    return Statement(sql=_DETAIL, parameters=(product_id,), is_planned_once=True)


def _page_statement(*, wanted: ProductFilter, window: Window, following: str | None = None) -> Statement:
    """The statement that writes a page; where a category is wanted, its path is read first.

    `following` is the cursor of the page behind, or "" for none; where it is not known, the statement tells its place.
    """
    is_plain = wanted == ProductFilter() and window.after is None
    pages = _all_products() if is_plain else _pages(wanted, window=window)
    page = None if window.after else window.page
    cut = (window.limit, window.offset, window.size)
    values = (*pages.parameters, *cut, page, window.size, window.size, following or None)
    if following is not None or wanted.ordering != "newest":
        return Statement(sql=pages.sql, parameters=values, is_planned_once=is_plain)
    sql = pages.sql.replace("::text FROM (", "::text, last.created_at, last.id FROM (", 1) + _LAST
    return Statement(sql=sql, parameters=(*values, window.size - 1), is_planned_once=is_plain)


@cache
def _all_products() -> Statement:
    # Django takes longer to put it together than PostgreSQL to find the rows, and it is always the same.
    return _pages(ProductFilter(), window=Window())


def _pages(wanted: ProductFilter, *, window: Window) -> Statement:
    """What writes any page of the products that the filter lets through, without what names the page."""
    try:
        found, parameters = matching_products(wanted, window=window).values(*_COLUMNS).query.sql_with_params()
    except EmptyResultSet:
        found, parameters = f"SELECT {', '.join(_COLUMNS)} FROM catalog_product WHERE false", ()
    order = _ORDERINGS[wanted.ordering]
    items = _ARRAY.format(
        rows=f"""
        SELECT {_LISTED}
        FROM (SELECT * FROM found ORDER BY {order} LIMIT %s) product {_JOINS}
        ORDER BY {", ".join(f"product.{each}" for each in order.split(", "))}"""
    )
    sql = f"""
WITH found AS ({found} LIMIT %s OFFSET %s)
SELECT row_to_json(answer)::text FROM (
    SELECT {items} AS items, %s::int AS page, %s::int AS size, (SELECT count(*) FROM found) > %s AS has_next,
        %s::text AS next
) answer"""
    return Statement(sql=sql, parameters=tuple(parameters))


def _written(statement: Statement) -> list[tuple[bytes, Place | None]]:
    """The answers that the statement writes: one, or none; each with the place of its last row, where that is told."""
    connection = connections[current_database()]
    way = connection.execute_wrapper(planned_once) if statement.is_planned_once else nullcontext()
    with way, connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.parameters)
        return [
            (as_rendered(text.encode()), Place(moment=place[0], id=place[1]) if place and place[0] else None)
            for text, *place in cursor.fetchall()
        ]
