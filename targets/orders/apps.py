"""Yields the orders app's configuration."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """The orders app."""

    name = "targets.orders"
    label = "orders"
    default_auto_field = "django.db.models.BigAutoField"
