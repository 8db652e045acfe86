"""Yields `Selection`, what of an object is wanted, by the names of its fields. It reads nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Model


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields that are wanted, in order of their names, each with what is wanted below it.

    What wants the same is equal and has the same repr, so it may be part of a key.
    """

    fields: tuple[tuple[str, "Selection"], ...] = ()

    @classmethod
    def of(cls, fields: "Mapping[str, Selection]") -> "Selection":
        """The selection of these fields."""
        return cls(tuple(sorted(fields.items())))

    def __contains__(self, name: object) -> bool:
        return any(name == own for own, _ in self.fields)

    def below(self, name: str) -> "Selection":
        """What is wanted below a field: nothing where that is not wanted itself."""
        return next((below for own, below in self.fields if name == own), Selection())

    def with_field(self, name: str) -> "Selection":
        """This, and a field that may have been wanted before."""
        return self if name in self else Selection.of({**dict(self.fields), name: Selection()})

    def columns(self, model: type[Model]) -> list[str]:
        """The columns of a model's own that are wanted, and its primary key; foreign keys are relations."""
        own = [field for field in model._meta.concrete_fields if not field.is_relation]
        return [field.name for field in own if field.primary_key or field.name in self]
