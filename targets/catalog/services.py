"""Yields what the catalog writes. Each service keeps the summaries and the cached answers true."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from django.db import router, transaction
from django.db.models import Count, Sum

from targets.accounts.models import User
from targets.catalog.models import Product, Review
from targets.web.cache_store import changed
from targets.web.errors import NotFoundError

_WRITABLE: Final = frozenset({"name", "description", "price", "weight_grams", "stock"})


def review_create(*, product_id: int, author: User, rating: int, title: str, body: str = "") -> Review:
    """A new review, counted in its product's rating. Raises NotFoundError, or Django's ValidationError."""
    database = router.db_for_write(Review)
    with transaction.atomic(using=database):
        product = _locked(product_id, database=database)
        review = Review(product=product, author=author, rating=rating, title=title, body=body)
        review.full_clean(validate_unique=True, validate_constraints=True)
        review.save(using=database)
        _summarise_reviews(product, database=database)
        changed("catalog", using=database)
    return review


def review_delete(*, review: Review) -> None:
    """Remove a review, and what it counted for in its product's rating."""
    database = router.db_for_write(Review)
    with transaction.atomic(using=database):
        product = _locked(review.product_id, database=database)
        review.delete(using=database)
        _summarise_reviews(product, database=database)
        changed("catalog", using=database)


def product_update(*, product_id: int, **fields: Any) -> Product:
    """The product with new values for some of its own fields. Raises NotFoundError, or Django's ValidationError."""
    if unknown := fields.keys() - _WRITABLE:
        raise TypeError(f"fields that cannot be set: {', '.join(sorted(unknown))}")
    database = router.db_for_write(Product)
    with transaction.atomic(using=database):
        product = _locked(product_id, database=database)
        for name, value in fields.items():
            setattr(product, name, value)
        product.full_clean(exclude={"brand", "category", "merchant", "sku"})
        product.save(using=database, update_fields=sorted(fields))
        changed("catalog", using=database)
    return product


def _locked(product_id: int, *, database: str) -> Product:
    """The product, locked until the transaction ends, so that concurrent summaries do not overwrite each other."""
    try:
        return Product.objects.using(database).select_for_update().get(id=product_id)
    except Product.DoesNotExist:
        raise NotFoundError("There is no such product.") from None


def _summarise_reviews(product: Product, *, database: str) -> None:
    summary = product.reviews.using(database).aggregate(count=Count("id"), total=Sum("rating"))
    product.review_count = summary["count"]
    product.rating = None
    if product.review_count:
        # Exact, and half up, as PostgreSQL rounds numeric; Avg would be a float.
        mean = Decimal(summary["total"]) / product.review_count
        product.rating = mean.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    product.save(using=database, update_fields=["rating", "review_count"])
