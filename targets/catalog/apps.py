"""Yields the catalog app's configuration."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """The catalog app."""

    name = "targets.catalog"
    label = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
