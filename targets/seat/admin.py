"""Yields the admin site of the seat: every model of the shop. A change there ends what the cache has of its app."""

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from targets.web.cache_store import changed
from targets.web.routing import current_database


class ShopAdmin(admin.ModelAdmin):
    """Rows of a large table: no count of all of them, and no list of all that one may point to."""

    show_full_result_count = False
    list_per_page = 50
    readonly_fields: ClassVar[list[str]] = []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        self._changed()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        self._changed()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        self._changed()

    def _changed(self) -> None:
        changed(self.opts.app_label, using=current_database())


admin.site.site_header = admin.site.site_title = "Windtunnel's shop"
for label in ("accounts", "catalog", "orders"):
    for shown in apps.get_app_config(label).get_models():
        to_one = [field.name for field in shown._meta.fields if isinstance(field, models.ForeignKey)]
        admin.site.register(
            shown, ShopAdmin, raw_id_fields=to_one, list_select_related=to_one or False,
            # A hash is nothing to be typed.
            exclude=[field.name for field in shown._meta.fields if field.name == "password"],
        )  # fmt: skip
