"""Yields the seals of a run: checksums of its files, as `sha256sum -c` reads them.

The first is of its raw files, made once, when the run has ended. What is derived from them may be made again at any
time: the second is of all files as they were when that was done last.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.results import SEAL_DERIVED, RunFolder

SEAL: Final = "SHA256SUMS"
DERIVED: Final = frozenset(
    {"findings.json", "load.json", "mail.json", "study.json", "report.html", "cells.csv", "loads.csv", "mails.csv",
     "summary.md"}
)  # fmt: skip
"""What is made of the rest, in the folder of the run or of a part of it."""
ENDED: Final = "ended"

_LASTING = re.compile(r"(?!stages\.json)(blocks/)?[^/]+\.json")
"""The files of a run without a seal that do not change once they are there."""
_READ: Final = frozenset({".json", ".jsonl", ".samples"})
"""What a derivation reads."""

_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def seal(folder: RunFolder) -> None:
    """Writes the checksums of all that was not derived. To be done once, when the run has ended and was derived."""
    _write(folder.path / SEAL, [path for path in _files(folder.path) if path.name not in DERIVED])
    seal_derived(folder)


def seal_derived(folder: RunFolder) -> None:
    """Writes the checksums of all files, raw and derived. To be done whenever the run was derived and drawn."""
    _write(folder.path / SEAL_DERIVED, [*_files(folder.path), *folder.path.glob(SEAL)])


def is_as_derived(folder: RunFolder) -> bool:
    """Whether all files are as they were when the run was derived last: then what was derived still holds."""
    try:
        sealed = dict(_sealed(folder.path / SEAL_DERIVED))
    except LabError:
        return False
    files = {path.relative_to(folder.path).as_posix() for path in [*_files(folder.path), *folder.path.glob(SEAL)]}
    return files == sealed.keys() and all(_now(folder.path / name) == checksum for name, checksum in sealed.items())


def check_seal(folder: RunFolder) -> tuple[str, ...]:
    """The raw files that are gone or changed since the run was sealed, in order; none where it never was.

    A part of a run has the seal of the whole. Of a run without one, JSON is held against what it was when the run was
    derived last. Raises LabError where what says how to read them changed: JSON has no checksum of its own, and a
    flipped bit in a digit would be a wrong number. Samples have one per frame: what is left of them can be used.
    """
    sealed, when = _raw(folder)
    for name in _strangers(folder, known={name for name, _ in sealed}) if when == ENDED else ():
        raise LabError(
            f"{folder.path / name} came after the run {when}: it is none of its files", hint="put it elsewhere"
        )
    changed = [name for name, checksum in sealed if _now(folder.path / name) != checksum]
    for name in changed:
        if name.endswith(".json"):
            raise LabError(
                f"{folder.path / name} {what_became(folder, name)} since the run {when}",
                hint=f"put the file back; without {SEAL} and {SEAL_DERIVED} the run is read as it is",
            )
    return tuple(changed)


def what_became(folder: RunFolder, name: str) -> str:
    """Of a sealed file that is not as it was: what is the matter."""
    return "has changed" if (folder.path / name).is_file() else "is gone"


def _strangers(folder: RunFolder, *, known: set[str]) -> list[str]:
    """Files that a derivation would read, and that a run did not have when it was sealed."""
    names = (path.relative_to(folder.path) for path in _files(folder.path) if path.name not in DERIVED)
    return sorted(name.as_posix() for name in names if name.as_posix() not in known and name.suffix in _READ)


def _raw(folder: RunFolder) -> tuple[list[tuple[str, str]], str]:
    """The raw files with their checksums, and when those were made."""
    whole, start = folder.path.parent / SEAL, f"{folder.path.name}/"
    if (folder.path / SEAL).exists():
        found, when = _sealed(folder.path / SEAL), ENDED
    elif whole.exists():
        found = [(name.removeprefix(start), checksum) for name, checksum in _sealed(whole) if name.startswith(start)]
        when = ENDED
    else:
        # It may be going on: then stages are added, and parts have files of their own.
        found = [(name, checksum) for name, checksum in _sealed(folder.path / SEAL_DERIVED) if _LASTING.fullmatch(name)]
        when = "was derived last"
    return [(name, checksum) for name, checksum in found if Path(name).name not in DERIVED], when


def _files(folder: Path) -> list[Path]:
    """The files of a run and of its parts, without seals."""
    seals = {SEAL, SEAL_DERIVED}
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path.name not in seals]


def _write(target: Path, files: Iterable[Path]) -> None:
    named = sorted((path.relative_to(target.parent).as_posix(), path) for path in files)
    target.write_text("".join(f"{_checksum(path)}  {name}\n" for name, path in named), encoding="utf-8")


def _sealed(path: Path) -> list[tuple[str, str]]:
    """The sealed names, each with its checksum."""
    found = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if not match:
            raise LabError(f"{path} line {number} is no checksum", hint="put the file back, or remove it")
        found.append((match[2], match[1]))
    return found


def _now(path: Path) -> str:
    return _checksum(path) if path.is_file() else ""


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
