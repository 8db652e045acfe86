"""Yields what drf-spectacular cannot see by itself: the one shape of refusals, and what `Related` fields show."""

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from targets.web.related import Related

Direction = Literal["request", "response"]


class FaultSerializer(serializers.Serializer[Any]):
    """What a refusal tells."""

    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(child=serializers.CharField())  # type: ignore[assignment]


class RefusalSerializer(serializers.Serializer[Any]):
    """A refusal."""

    error = FaultSerializer()


class ContractSchema(AutoSchema):
    """Says of each operation that all it gives besides its answer is a refusal."""

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        return {**bodies, "default": self._get_response_for_code(RefusalSerializer, "default", direction=direction)}


class RelatedExtension(OpenApiSerializerFieldExtension):
    """Shows a `Related` field as what its serializer shows."""

    target_class = Related

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Any:
        return auto_schema._map_serializer_field(self.target.serializer, direction)  # noqa: SLF001 - no other way in
