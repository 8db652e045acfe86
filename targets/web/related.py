"""Yields `Related`, the REST field that shows what a loader finds for an object."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers


class Related(serializers.Field[Any, Any, Any, Any]):
    """The object, or with a `many` serializer the list, that `loader` finds for the parent object."""

    def __init__(self, serializer: serializers.BaseSerializer[Any], *, loader: Callable[[Any], Any]) -> None:
        super().__init__(read_only=True)
        self.serializer = serializer
        self.loader = loader

    def get_attribute(self, instance: Any) -> Any:
        return self.loader(instance)

    def to_representation(self, value: Any) -> Any:
        return self.serializer.to_representation(value)
