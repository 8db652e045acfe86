"""Yields what a client may ask of the catalog, read from the parameters of either face."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from targets.web.pagination import Window, read_leaf
from targets.web.parameters import MAX_ID, ParameterReader

ORDERINGS = ("newest", "price", "-price", "-rating")
_MAX_PRICE = Decimal("99999999.99")
_MAX_RATING = Decimal("5.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilter:
    """Which products, in which order; a category stands for its whole subtree."""

    category: int | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_rating: Decimal | None = None
    ordering: str = "newest"


def read_search(parameters: Mapping[str, object]) -> tuple[ProductFilter, Window]:
    """The filter and the window of a search. Raises InvalidError."""
    reader = ParameterReader(parameters)
    window = read_leaf(reader)
    low = reader.optional_decimal("min_price", high=_MAX_PRICE)
    high = reader.optional_decimal("max_price", high=_MAX_PRICE)
    if low is not None and high is not None and low > high:
        reader.refuse("min_price", "must not be above max_price")
        reader.refuse("max_price", "must not be below min_price")
    wanted = ProductFilter(
        category=reader.optional_whole("category", low=1, high=MAX_ID),
        min_price=low,
        max_price=high,
        min_rating=reader.optional_decimal("min_rating", high=_MAX_RATING),
        ordering=reader.choice("ordering", default="newest", choices=ORDERINGS),
    )
    if window.after is not None and wanted.ordering != "newest":
        reader.refuse("after", "goes with the ordering newest alone")
    reader.finish()
    return wanted, window
