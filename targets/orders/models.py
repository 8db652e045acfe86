"""Yields what customers buy: carts, orders with their lines, and the mail that tells of them."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from targets.accounts.models import RUNS_THE_SHOP, Address
from targets.catalog.models import Product
from targets.web.actor import Actor


class OrderQuerySet(models.QuerySet["Order"]):
    """Orders, as somebody may see them."""

    def visible_to(self, actor: Actor) -> "OrderQuerySet":
        """All for those who run the shop, their own for all others."""
        return self if actor.role in RUNS_THE_SHOP else self.filter(customer_id=actor.id)


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

    objects = OrderQuerySet.as_manager()

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


class CartLine(models.Model):
    """A product that a customer means to buy."""

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="cart_lines")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", db_index=False)
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(models.F("product"), models.F("customer") + 0, name="cart_line_product_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="cart_line_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of product {self.product_id}"


class OrderKey(models.Model):
    """The key by which a customer may ask for one order many times: who adds it first makes the order.

    `fingerprint` is that of what was asked for: the same key with another wish is a mistake.
    """

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="+", null=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["customer", "key"], name="order_key_once")]

    def __str__(self) -> str:
        return self.key


class Mail(models.Model):
    """A message that must be sent, written in the transaction that it tells of: the outbox.

    It is pending until it is sent, or until nobody tries any more. `due_at` is when the relay is to publish it next,
    `published_at` when it first took it up; `fault` is why it was not sent last time.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        DEAD = "dead"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="mail")
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    made_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    published = models.PositiveIntegerField(default=0)
    published_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(state__in=["pending", "sent", "dead"]), name="mail_state_known")
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=models.Q(state="pending"), name="mail_due"),
            models.Index(fields=["made_at", "id"], condition=models.Q(state="dead"), name="mail_dead"),
        ]

    def __str__(self) -> str:
        return f"mail of order {self.order_id}, {self.state}"

    @property
    def message_id(self) -> str:
        """The Message-ID, the same however often it is sent."""
        return f"<{self.id}@windtunnel.example>"
