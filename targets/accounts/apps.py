"""Yields the accounts app's configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The accounts app."""

    name = "targets.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
