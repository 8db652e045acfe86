"""Yields what the catalog writes. Each service knows who may, and keeps the summaries and the cached answers true."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import IntegrityError, router, transaction
from django.db.models import Count, Sum

from targets.accounts.models import BUYS, SELLS
from targets.catalog.inputs import ProductChange
from targets.catalog.models import Product, Review
from targets.web.actor import Actor
from targets.web.cache_store import changed
from targets.web.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from targets.web.parameters import read_id


def product_create(*, actor: Actor, fields: dict[str, Any]) -> Product:
    """A new product of the actor's. Raises ForbiddenError, InvalidError, Django's ValidationError."""
    if actor.role not in SELLS:
        raise ForbiddenError
    database = router.db_for_write(Product)
    product = Product(merchant_id=actor.id, **fields)
    try:
        with transaction.atomic(using=database):
            product.full_clean(exclude={"merchant"})
            product.save(using=database, force_insert=True)
            changed("catalog", using=database)
    except IntegrityError:
        # Another took the stock-keeping unit between the check and the insert.
        raise InvalidError({"sku": "Product with this Sku already exists."}) from None
    return product


def product_update(*, actor: Actor, product_id: str, change: ProductChange) -> Product:
    """The product with new values. Raises NotFoundError, ForbiddenError, and ConflictError for another version."""
    database = router.db_for_write(Product)
    with transaction.atomic(using=database):
        product = _locked(read_id(product_id), database=database)
        if not product.is_editable_by(actor):
            raise ForbiddenError
        if product.version != change.version:
            raise ConflictError({"version": f"is {product.version} now"})
        for name, value in change.fields.items():
            setattr(product, name, value)
        product.version += 1
        product.full_clean(exclude={"brand", "category", "merchant", "sku"})
        product.save(using=database, update_fields=[*sorted(change.fields), "version"])
        changed("catalog", using=database)
    return product


def review_create(*, actor: Actor, product_id: str, fields: dict[str, Any]) -> Review:
    """A new review, counted in its product's rating. Raises NotFoundError, ForbiddenError, Django's ValidationError."""
    if actor.role not in BUYS:
        raise ForbiddenError
    database = router.db_for_write(Review)
    try:
        with transaction.atomic(using=database):
            product = _locked(read_id(product_id), database=database)
            review = Review(product=product, author_id=actor.id, **fields)
            # The author exists; that there is one review of each the database alone can tell.
            review.full_clean(exclude={"author"}, validate_constraints=False)
            review.save(using=database, force_insert=True)
            _summarise_reviews(product, database=database)
            changed("catalog", using=database)
    except IntegrityError:
        raise InvalidError({"input": "There is a review of this product by this author already."}) from None
    return review


def review_delete(*, actor: Actor, review_id: str) -> None:
    """Remove a review, and what it counted for in its product's rating. Raises NotFoundError, ForbiddenError."""
    database = router.db_for_write(Review)
    with transaction.atomic(using=database):
        review = Review.objects.using(database).filter(id=read_id(review_id)).first()
        if review is None:
            raise NotFoundError("There is no such review.")
        if not review.is_removable_by(actor):
            raise ForbiddenError
        product = _locked(review.product_id, database=database)
        review.delete(using=database)
        _summarise_reviews(product, database=database)
        changed("catalog", using=database)


def _locked(product_id: int, *, database: str) -> Product:
    """The product, locked until the transaction ends, so that concurrent summaries do not overwrite each other."""
    product = Product.objects.using(database).select_for_update().filter(id=product_id).first()
    if product is None:
        raise NotFoundError("There is no such product.")
    return product


def _summarise_reviews(product: Product, *, database: str) -> None:
    summary = product.reviews.using(database).aggregate(count=Count("id"), total=Sum("rating"))
    product.review_count = summary["count"]
    product.rating = None
    if product.review_count:
        # Exact, and half up, as PostgreSQL rounds numeric; Avg would be a float.
        mean = Decimal(summary["total"]) / product.review_count
        product.rating = mean.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    product.save(using=database, update_fields=["rating", "review_count"])
