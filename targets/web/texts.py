"""Yields the text that both faces give for money, ratings and times, and the fields that give it in REST."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


def decimal_text(value: Decimal) -> str:
    """The number with two decimal places."""
    return f"{value:.2f}"


def utc_text(moment: datetime) -> str:
    """The moment in UTC, ISO 8601 with microseconds, as in `2026-01-31T12:00:00.000000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@extend_schema_field(OpenApiTypes.DECIMAL)
class DecimalTextField(serializers.Field[Any, Any, Any, Any]):
    """A decimal as text."""

    def to_representation(self, value: Decimal) -> str:
        return decimal_text(value)


@extend_schema_field(OpenApiTypes.DATETIME)
class UtcField(serializers.Field[Any, Any, Any, Any]):
    """A moment as text."""

    def to_representation(self, value: datetime) -> str:
        return utc_text(value)
