"""Yields what customers bought: orders and their lines."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from targets.accounts.models import Address
from targets.catalog.models import Product


class Order(models.Model):
    """A purchase by one customer, sent to one address."""

    class Status(models.TextChoices):
        PLACED = "placed"
        PAID = "paid"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELLED = "cancelled"

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    address = models.ForeignKey(Address, on_delete=models.PROTECT, related_name="orders")
    status = models.CharField(max_length=10, choices=Status, default=Status.PLACED)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    placed_at = models.DateTimeField(default=timezone.now)
    shipped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["customer", "placed_at", "id"], name="order_customer_newest")]

    def __str__(self) -> str:
        return f"order {self.pk}"


class OrderLine(models.Model):
    """One product of an order, at the price that was paid for it."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="order_lines")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(models.F("product"), models.F("order") + 0, name="order_line_product_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="order_line_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of product {self.product_id}"
