"""Yields model instances as bytes and back, with the relations that were loaded with them.

Deferred fields stay deferred, joined relations stay joined, and lists set by `Prefetch(to_attr=...)` stay lists.
Anything else on an instance is refused rather than lost.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgpack
from django.apps import apps
from django.db.models import Model

_DECIMAL = 1
M = TypeVar("M", bound=Model)


def pack_rows(rows: Sequence[Model]) -> bytes:
    """The bytes of `rows`. Raises TypeError for a value that cannot be told exactly."""
    packer = _Packer()
    tree = [packer.branch(row, parents=()) for row in rows]
    packed: bytes = msgpack.packb([packer.shapes, tree], default=_pack_special, datetime=True)
    return packed


def unpack_rows(packed: bytes, *, database: str) -> list[Any]:
    """The instances in `packed`, as though they had been read from `database`."""
    shapes, tree = msgpack.unpackb(packed, ext_hook=_unpack_special, timestamp=3)
    classes = [(apps.get_model(label), names) for label, names in shapes]

    def instance(branch: list[Any]) -> Model:
        shape, values, joined, lists = branch
        model, names = classes[shape]
        row = model.from_db(database, names, values)
        for name, related in joined.items():
            row._state.fields_cache[name] = None if related is None else instance(related)
        for name, members in lists.items():
            setattr(row, name, [instance(member) for member in members])
        return row

    return [instance(branch) for branch in tree]


class _Packer:
    """Turns instances into nested lists; `shapes` holds each (model, field names) once."""

    def __init__(self) -> None:
        self.shapes: list[tuple[str, list[str]]] = []
        self._numbers: dict[tuple[type[Model], tuple[str, ...]], int] = {}

    def branch(self, row: Model, *, parents: tuple[Model, ...]) -> list[Any]:
        state = row.__dict__
        names = tuple(field.attname for field in row._meta.concrete_fields if field.attname in state)
        parents = (*parents, row)
        joined = {
            name: None if related is None else self.branch(related, parents=parents)
            for name, related in row._state.fields_cache.items()
            # A prefetched review knows its product: the way back up is not packed again.
            if not any(related is parent for parent in parents)
        }
        lists = {
            name: [self.branch(member, parents=parents) for member in members]
            for name, members in state.items()
            if name not in names and not name.startswith("_") and _is_rows(name, members)
        }
        return [self._number(type(row), names), [state[name] for name in names], joined, lists]

    def _number(self, model: type[Model], names: tuple[str, ...]) -> int:
        number = self._numbers.get((model, names))
        if number is None:
            number = self._numbers[model, names] = len(self.shapes)
            self.shapes.append((model._meta.label, list(names)))
        return number


def _is_rows(name: str, members: object) -> bool:
    if not isinstance(members, list) or not all(isinstance(member, Model) for member in members):
        raise TypeError(f"attribute {name!r} is neither a field nor a list of rows")
    return True


def _pack_special(value: object) -> msgpack.ExtType:
    if isinstance(value, Decimal):
        return msgpack.ExtType(_DECIMAL, str(value).encode("ascii"))
    raise TypeError(f"a value of type {type(value).__name__} cannot be packed")


def _unpack_special(code: int, data: bytes) -> Decimal:
    if code != _DECIMAL:
        raise ValueError(f"unknown extension type {code}")
    return Decimal(data.decode("ascii"))
