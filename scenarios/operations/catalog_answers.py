"""Yields the catalog's answers as plain values, the same for both faces, and their strict readers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from scenarios.operations.operation import Refusal
from scenarios.operations.reading import AnswerReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A brand, a category or a tag."""

    id: int
    name: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandDetail:
    """A brand on a product's own page."""

    id: int
    name: str
    slug: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdAndName:
    """An author, or a category that is named in passing."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryDetail:
    """A category with the ids and names above it, from the root down."""

    id: int
    name: str
    slug: str
    ancestors: tuple[IdAndName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review; without its body in lists."""

    id: int
    rating: int
    title: str
    body: str | None
    created_at: datetime
    author: IdAndName


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product in a list."""

    id: int
    sku: str
    name: str
    price: str
    rating: str | None
    review_count: int
    created_at: datetime
    brand: Named
    category: Named
    tags: tuple[Named, ...]
    newest_reviews: tuple[Review, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPage:
    """A page of products; `next` is a cursor, which only the API can read."""

    items: tuple[Product, ...]
    page: int | None
    size: int
    has_next: bool
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDetail:
    """A product on its own page."""

    id: int
    sku: str
    name: str
    description: str
    price: str
    weight_grams: int | None
    stock: int
    version: int
    rating: str | None
    review_count: int
    created_at: datetime
    brand: BrandDetail
    category: CategoryDetail
    tags: tuple[Named, ...]
    newest_reviews: tuple[Review, ...]


def read_list(face: str, status: int, body: bytes) -> ProductPage | Refusal:
    """The page in an answer to `product_list`."""
    return _read(face, status, body, query="productList", read=page_of)


def read_search(face: str, status: int, body: bytes) -> ProductPage | Refusal:
    """The page in an answer to `product_search`."""
    return _read(face, status, body, query="productSearch", read=page_of)


def read_detail(face: str, status: int, body: bytes) -> ProductDetail | Refusal:
    """The product in an answer to `product_detail`."""
    return _read(face, status, body, query="product", read=detail_of)


def _read(face: str, status: int, body: bytes, *, query: str, read: Callable[[AnswerReader, Any], Any]) -> Any:
    reader = AnswerReader(face)
    found = reader.answer(status, body, query=query)
    return found if isinstance(found, Refusal) else read(reader, found)


def page_of(reader: AnswerReader, value: Any) -> ProductPage:
    """The page of products that `value` holds."""
    items, page, size, has_next, cursor = reader.keys(value, "items", "page", "size", "has_next", "next")
    return ProductPage(
        items=reader.many(items, partial(_product, reader)),
        page=reader.optional(page, reader.whole),
        size=reader.whole(size),
        has_next=reader.flag(has_next),
        next=reader.optional(cursor, reader.text),
    )


def _product(reader: AnswerReader, value: Any) -> Product:
    names = (
        *("id", "sku", "name", "price", "rating", "review_count", "created_at"),
        *("brand", "category", "tags", "newest_reviews"),
    )
    found = dict(zip(names, reader.keys(value, *names), strict=True))
    return Product(
        id=reader.id(found["id"]),
        sku=reader.text(found["sku"]),
        name=reader.text(found["name"]),
        price=reader.decimal(found["price"]),
        rating=reader.optional(found["rating"], reader.decimal),
        review_count=reader.whole(found["review_count"]),
        created_at=reader.moment(found["created_at"]),
        brand=_named(reader, found["brand"]),
        category=_named(reader, found["category"]),
        tags=reader.many(found["tags"], partial(_named, reader)),
        newest_reviews=reader.many(found["newest_reviews"], partial(_review, reader, with_body=False)),
    )


def detail_of(reader: AnswerReader, value: Any) -> ProductDetail:
    """The product that `value` holds."""
    names = (
        *("id", "sku", "name", "description", "price", "weight_grams", "stock", "version", "rating", "review_count"),
        *("created_at", "brand", "category", "tags", "newest_reviews"),
    )
    found = dict(zip(names, reader.keys(value, *names), strict=True))
    return ProductDetail(
        id=reader.id(found["id"]),
        sku=reader.text(found["sku"]),
        name=reader.text(found["name"]),
        description=reader.text(found["description"]),
        price=reader.decimal(found["price"]),
        weight_grams=reader.optional(found["weight_grams"], reader.whole),
        stock=reader.whole(found["stock"]),
        version=reader.whole(found["version"]),
        rating=reader.optional(found["rating"], reader.decimal),
        review_count=reader.whole(found["review_count"]),
        created_at=reader.moment(found["created_at"]),
        brand=_brand(reader, found["brand"]),
        category=_category(reader, found["category"]),
        tags=reader.many(found["tags"], partial(_named, reader)),
        newest_reviews=reader.many(found["newest_reviews"], partial(_review, reader, with_body=True)),
    )


def _named(reader: AnswerReader, value: Any) -> Named:
    id_, name, slug = reader.keys(value, "id", "name", "slug")
    return Named(id=reader.id(id_), name=reader.text(name), slug=reader.text(slug))


def _id_and_name(reader: AnswerReader, value: Any) -> IdAndName:
    id_, name = reader.keys(value, "id", "name")
    return IdAndName(id=reader.id(id_), name=reader.text(name))


def _brand(reader: AnswerReader, value: Any) -> BrandDetail:
    id_, name, slug, country = reader.keys(value, "id", "name", "slug", "country")
    return BrandDetail(id=reader.id(id_), name=reader.text(name), slug=reader.text(slug), country=reader.text(country))


def _category(reader: AnswerReader, value: Any) -> CategoryDetail:
    id_, name, slug, ancestors = reader.keys(value, "id", "name", "slug", "ancestors")
    return CategoryDetail(
        id=reader.id(id_),
        name=reader.text(name),
        slug=reader.text(slug),
        ancestors=reader.many(ancestors, partial(_id_and_name, reader)),
    )


def _review(reader: AnswerReader, value: Any, *, with_body: bool) -> Review:
    names = ("id", "rating", "title", "created_at", "author", *(("body",) if with_body else ()))
    id_, rating, title, created_at, author, *body = reader.keys(value, *names)
    return Review(
        id=reader.id(id_),
        rating=reader.whole(rating),
        title=reader.text(title),
        body=reader.text(body[0]) if body else None,
        created_at=reader.moment(created_at),
        author=_id_and_name(reader, author),
    )
