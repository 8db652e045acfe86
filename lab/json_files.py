"""Yields frozen dataclasses as JSON files and back, with their types and versions checked. It knows no file by name."""

import os
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from lab.errors import LabError

T = TypeVar("T")

VERSION_FIELD = "schema_version"
"""The field whose default is the version that a kind of value has now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Versioned:
    """What a file says of its own shape; 0 where it says nothing."""

    schema_version: int = 0


def write(value: object, path: Path) -> None:
    """Writes `value` (a dataclass, or a tuple of them) to `path`: whole and on disk, or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=1))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read(path: Path, kind: type[T]) -> T:
    """The value in `path`, of type `kind`. Raises LabError when the file is missing, damaged or of another version."""
    try:
        data = path.read_bytes()
        _check_version(path, data, known=version_of(kind))
        return msgspec.json.decode(data, type=kind)
    except FileNotFoundError as error:
        raise LabError(f"{path} is missing", hint="name the folder of a run, as in results/toggles/<run>") from error
    # A flipped bit may leave no text at all, or brackets without end.
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise LabError(f"{path} cannot be read: {error}", hint="measure again, or name another run") from error


def read_if_there(path: Path, kind: type[T]) -> T | None:
    """As `read`, and None where there is no such file."""
    return read(path, kind) if path.exists() else None


def version_of(kind: object) -> int | None:
    """The version that values of `kind` have now; None for a kind without one."""
    if not (isinstance(kind, type) and is_dataclass(kind)):
        return None
    found = next((field.default for field in fields(kind) if field.name == VERSION_FIELD), None)
    return found if isinstance(found, int) else None


def _check_version(path: Path, data: bytes, *, known: int | None) -> None:
    """Raises LabError before a file of another version is taken for one of this."""
    if known is None:
        return
    found = msgspec.json.decode(data, type=_Versioned).schema_version
    if found != known:
        told = f"is of version {found}" if found else "says no version"
        raise LabError(
            f"{path} {told}, this Windtunnel reads version {known}",
            hint="read it with the Windtunnel that wrote it" if found > known else "derive it again, or measure again",
        )
