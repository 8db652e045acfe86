"""Yields what a client sends to change the catalog, read from the body of either face."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from targets.web.parameters import MAX_ID, ParameterReader

MAX_PRICE: Final = Decimal("99999999.99")
_MAX_WHOLE: Final = 2**31 - 1
_SKU: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{2,19}")
_CHANGEABLE: Final = ("name", "description", "price", "weight_grams", "stock")
_REQUIRED: Final = ("sku", "name", "brand", "category", "price")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChange:
    """New values for some fields of a product, and the version that was seen of it."""

    version: int
    fields: dict[str, Any]


def read_product(body: Mapping[str, object]) -> dict[str, Any]:
    """The fields of a new product. Raises InvalidError."""
    reader = ParameterReader(body, names=("sku", "brand", "category", *_CHANGEABLE))
    reader.required(*_REQUIRED)
    fields = _fields(reader)
    fields["sku"] = reader.text("sku", high=20)
    if fields["sku"] and not _SKU.fullmatch(fields["sku"]):
        reader.refuse("sku", "must be 3 to 20 capital letters, digits and hyphens")
    fields["brand_id"] = reader.optional_whole("brand", low=1, high=MAX_ID)
    fields["category_id"] = reader.optional_whole("category", low=1, high=MAX_ID)
    reader.finish()
    return fields


def read_product_change(body: Mapping[str, object]) -> ProductChange:
    """What shall be otherwise about a product. Raises InvalidError."""
    reader = ParameterReader(body, names=("version", *_CHANGEABLE))
    reader.required("version", *(name for name in ("name", "price", "stock") if reader.has(name)))
    version = reader.optional_whole("version", low=1, high=_MAX_WHOLE)
    fields = _fields(reader)
    reader.finish()
    return ProductChange(version=version or 0, fields=fields)


def read_review(body: Mapping[str, object]) -> dict[str, Any]:
    """The fields of a new review. Raises InvalidError."""
    reader = ParameterReader(body, names=("rating", "title", "body"))
    reader.required("rating", "title")
    fields = {
        "rating": reader.optional_whole("rating", low=1, high=5),
        "title": reader.text("title", high=120),
        "body": reader.text("body", low=0, high=5_000, has_lines=True),
    }
    reader.finish()
    return fields


def _fields(reader: ParameterReader) -> dict[str, Any]:
    """Those of a product's own fields that are there."""
    fields: dict[str, Any] = {}
    if reader.has("name"):
        fields["name"] = reader.text("name", high=200)
    if reader.has("description"):
        fields["description"] = reader.text("description", low=0, high=20_000, has_lines=True)
    if reader.has("price"):
        fields["price"] = reader.optional_decimal("price", high=MAX_PRICE)
    if reader.has("weight_grams"):
        fields["weight_grams"] = reader.optional_whole("weight_grams", low=0, high=_MAX_WHOLE)
    if reader.has("stock"):
        reader.required("stock")
        fields["stock"] = reader.optional_whole("stock", low=0, high=_MAX_WHOLE)
    return fields
