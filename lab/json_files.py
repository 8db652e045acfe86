"""Yields frozen dataclasses as JSON files and back, with their types checked. It knows no file by name."""

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from lab.errors import LabError

T = TypeVar("T")


def write(value: object, path: Path) -> None:
    """Writes `value` (a dataclass, or a tuple of them) to `path`: whole and on disk, or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=1))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read(path: Path, kind: type[T]) -> T:
    """The value in `path`, of type `kind`. Raises LabError when the file is missing, damaged or of another shape."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError as error:
        raise LabError(f"{path} is missing", hint="name the folder of a run, as in results/toggles/<run>") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise LabError(f"{path} cannot be read: {error}", hint="measure again, or name another run") from error
