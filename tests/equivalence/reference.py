"""Yields the answers that the catalog should give, worked out in plain Python from all of its rows.

It shares no code with the project but the database, so a mistake made in every variant alike still shows.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import psycopg2
from psycopg2.extras import RealDictCursor

from scenarios.operations.catalog import DetailParameters, ListParameters, SearchParameters
from scenarios.operations.catalog_answers import (
    BrandDetail,
    CategoryDetail,
    IdAndName,
    Named,
    Product,
    ProductDetail,
    ProductPage,
    Review,
)
from scenarios.operations.operation import Refusal

Row = dict[str, Any]


class Reference:
    """All rows of the catalog at the time that it was made."""

    def __init__(self, url: str, *, secret: str) -> None:
        self.secret = secret
        with psycopg2.connect(url, cursor_factory=RealDictCursor) as connection, connection.cursor() as cursor:

            def table(name: str) -> dict[int, Row]:
                cursor.execute(f"SELECT * FROM {name}")
                return {row["id"]: row for row in map(dict, cursor.fetchall())}

            self.brands, self.categories = table("catalog_brand"), table("catalog_category")
            self.tags, self.users = table("catalog_tag"), table("accounts_user")
            self.products = table("catalog_product")
            pairs, reviews = table("catalog_producttag"), table("catalog_review")
        connection.close()
        self.product_tags: dict[int, list[Row]] = {key: [] for key in self.products}
        for pair in pairs.values():
            self.product_tags[pair["product_id"]].append(self.tags[pair["tag_id"]])
        self.product_reviews: dict[int, list[Row]] = {key: [] for key in self.products}
        for review in reviews.values():
            self.product_reviews[review["product_id"]].append(review)

    def answer(self, parameters: Any) -> Any:
        """The right answer to an operation's parameters."""
        if isinstance(parameters, ListParameters):
            faults = _window_faults(parameters)
            return Refusal("invalid", faults) if faults else self._page(list(self.products.values()), parameters)
        if isinstance(parameters, SearchParameters):
            return self._search(parameters)
        if isinstance(parameters, DetailParameters) and parameters.id in self.products:
            return self._detail(self.products[parameters.id])
        return Refusal("not_found")

    def _search(self, wanted: SearchParameters) -> ProductPage | Refusal:
        if faults := _search_faults(wanted):
            return Refusal("invalid", faults)
        found = list(self.products.values())
        if wanted.category is not None:
            found = [row for row in found if self._is_under(row["category_id"], wanted.category)]
        if wanted.min_price is not None:
            found = [row for row in found if row["price"] >= Decimal(wanted.min_price)]
        if wanted.max_price is not None:
            found = [row for row in found if row["price"] <= Decimal(wanted.max_price)]
        if wanted.min_rating is not None:
            found = [row for row in found if row["rating"] is not None and row["rating"] >= Decimal(wanted.min_rating)]
        return self._page(found, wanted)

    def _is_under(self, category: int | None, top: int) -> bool:
        while category is not None and category != top:
            category = self.categories[category]["parent_id"]
        return category == top

    def _page(self, found: list[Row], wanted: ListParameters | SearchParameters) -> ProductPage:
        ordering = getattr(wanted, "ordering", None) or "newest"
        page, size = wanted.page or 1, wanted.size or 20
        keys = {
            "newest": lambda row: (-row["created_at"].timestamp(), -row["id"]),
            "price": lambda row: (row["price"], row["id"]),
            "-price": lambda row: (-row["price"], -row["id"]),
            "-rating": lambda row: (row["rating"] is None, -(row["rating"] or 0), -row["id"]),
        }
        rows = sorted(found, key=keys[ordering])
        shown = rows[(page - 1) * size : page * size]
        has_next = len(rows) > page * size
        return ProductPage(
            items=tuple(self._item(row) for row in shown), page=page, size=size, has_next=has_next,
            next=self._cursor(shown[-1]) if has_next and ordering == "newest" else None,
        )  # fmt: skip

    def _cursor(self, row: Row) -> str:
        """What names the place behind a row: its time in microseconds and its id, sealed."""
        moment = (row["created_at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        told = moment.to_bytes(8, "big", signed=True) + row["id"].to_bytes(8, "big", signed=True)
        key = sha256(b"targets.web.cursors" + self.secret.encode()).digest()
        return urlsafe_b64encode(told + hmac.digest(key, told, "sha256")[:8]).decode()

    def _item(self, row: Row) -> Product:
        return Product(
            **_own(row, "id", "sku", "name", "review_count"),
            price=_text(row["price"]),
            rating=None if row["rating"] is None else _text(row["rating"]),
            created_at=row["created_at"].astimezone(UTC),
            brand=_named(self.brands[row["brand_id"]]),
            category=_named(self.categories[row["category_id"]]),
            tags=self._tags(row),
            newest_reviews=self._reviews(row, count=3, with_body=False),
        )

    def _detail(self, row: Row) -> ProductDetail:
        category = self.categories[row["category_id"]]
        above: list[Row] = []
        parent = category["parent_id"]
        while parent is not None:
            above.insert(0, self.categories[parent])
            parent = self.categories[parent]["parent_id"]
        return ProductDetail(
            **_own(row, "id", "sku", "name", "review_count", "description", "weight_grams", "stock", "version"),
            price=_text(row["price"]),
            rating=None if row["rating"] is None else _text(row["rating"]),
            created_at=row["created_at"].astimezone(UTC),
            brand=BrandDetail(**_own(self.brands[row["brand_id"]], "id", "name", "slug", "country")),
            category=CategoryDetail(
                **_own(category, "id", "name", "slug"),
                ancestors=tuple(IdAndName(id=ancestor["id"], name=ancestor["name"]) for ancestor in above),
            ),
            tags=self._tags(row),
            newest_reviews=self._reviews(row, count=10, with_body=True),
        )

    def _tags(self, row: Row) -> tuple[Named, ...]:
        # By the name's bytes: the databases are made with the locale C.UTF-8, or compare ASCII names alike.
        tags = sorted(self.product_tags[row["id"]], key=lambda tag: (tag["name"], tag["id"]))
        return tuple(map(_named, tags))

    def _reviews(self, row: Row, *, count: int, with_body: bool) -> tuple[Review, ...]:
        newest = sorted(self.product_reviews[row["id"]], key=lambda review: (review["created_at"], review["id"]))[::-1]
        return tuple(
            Review(
                **_own(review, "id", "rating", "title"),
                body=review["body"] if with_body else None,
                created_at=review["created_at"].astimezone(UTC),
                author=IdAndName(id=review["author_id"], name=self.users[review["author_id"]]["name"]),
            )
            for review in newest[:count]
        )


def _own(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names}


def _named(row: Row) -> Named:
    return Named(**_own(row, "id", "name", "slug"))


def _text(value: Decimal) -> str:
    return format(value, ".2f")


def _window_faults(wanted: ListParameters | SearchParameters) -> tuple[str, ...]:
    page = 1 if wanted.page is None else wanted.page
    size = 20 if wanted.size is None else wanted.size
    faults = set()
    if not 1 <= size <= 100:
        faults.add("size")
        size = 20
    if not 1 <= page <= 10_000_000 // size:
        faults.add("page")
    return tuple(sorted(faults))


def _search_faults(wanted: SearchParameters) -> tuple[str, ...]:
    faults = set(_window_faults(wanted))
    for name, most in (("min_price", "99999999.99"), ("max_price", "99999999.99"), ("min_rating", "5")):
        text = getattr(wanted, name)
        if text is not None and not (_is_decimal(text) and Decimal(text) <= Decimal(most)):
            faults.add(name)
    low, high = wanted.min_price, wanted.max_price
    if low and high and not faults & {"min_price", "max_price"} and Decimal(low) > Decimal(high):
        faults |= {"min_price", "max_price"}
    if wanted.category is not None and not 1 <= wanted.category < 2**63:
        faults.add("category")
    if wanted.ordering not in {None, "newest", "price", "-price", "-rating"}:
        faults.add("ordering")
    return tuple(sorted(faults))


def _is_decimal(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,2})?", text) is not None
