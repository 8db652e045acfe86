"""Yields what the shop sells: brands, a tree of categories, tags, products and their reviews.

Unique constraints lead with the column that reads do *not* filter by (tag before product, author
before product), and take the other one as an expression: PostgreSQL would else read the whole unique index, or
since 18 skip through it, so that a database without secondary indexes would not really lack the path.
"""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from targets.accounts.models import RUNS_THE_SHOP, User
from targets.web.actor import Actor


class Brand(models.Model):
    """Who makes a product."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=100, unique=True)
    country = models.CharField(max_length=2)

    def __str__(self) -> str:
        return self.name


class Category(models.Model):
    """A node of the category tree; `path` holds the ids from the root down, as in `/1/14/92/`."""

    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=120, unique=True)
    path = models.CharField(max_length=100)

    class Meta:
        verbose_name_plural = "categories"
        indexes: ClassVar = [models.Index(fields=["path"], name="category_path", opclasses=["varchar_pattern_ops"])]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word that products share."""

    name = models.CharField(max_length=50)
    slug = models.SlugField(max_length=60, unique=True)

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something for sale. `rating` and `review_count` summarise its reviews; services keep them so.

    `version` counts the changes that its merchant made and the orders that took of its stock, so that nobody overwrites
    what they have not seen.
    """

    sku = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="products")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products", db_index=False)
    merchant = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="products")
    tags = models.ManyToManyField(Tag, through="ProductTag", related_name="products")
    price = models.DecimalField(max_digits=10, decimal_places=2)
    weight_grams = models.PositiveIntegerField(null=True, blank=True)
    stock = models.PositiveIntegerField(default=0)
    rating = models.DecimalField(max_digits=3, decimal_places=2, null=True, blank=True)
    review_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["created_at", "id"], name="product_newest"),
            models.Index(fields=["category", "price", "id"], name="product_category_price"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(price__gte=0), name="product_price_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_editable_by(self, actor: Actor) -> bool:
        """Whether it is the actor's own to sell, or the actor is an admin."""
        is_own = actor.role == User.Role.MERCHANT and self.merchant_id == actor.id
        return is_own or actor.role == User.Role.ADMIN


class ProductTag(models.Model):
    """That a product carries a tag."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="product_tags")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="product_tags")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(models.F("tag"), models.F("product") + 0, name="product_tag_once"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.tag_id}"


class Review(models.Model):
    """What one author thinks of one product."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reviews")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="reviews", db_index=False)
    rating = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    title = models.CharField(max_length=120)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["product", "created_at", "id"], name="review_product_newest")]
        constraints: ClassVar = [
            models.UniqueConstraint(models.F("author"), models.F("product") + 0, name="review_once"),
            models.CheckConstraint(condition=models.Q(rating__range=(1, 5)), name="review_rating_1_to_5"),
        ]

    def __str__(self) -> str:
        return self.title

    def is_removable_by(self, actor: Actor) -> bool:
        """Whether the actor wrote it, or runs the shop."""
        return self.author_id == actor.id or actor.role in RUNS_THE_SHOP
