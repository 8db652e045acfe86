"""Yields sample files: append-only frames of samples, each with its checksum, and their valid prefix again.

It derives nothing from a sample. Layout: the magic, then frames of (row count, CRC-32, columns): within a frame each
field of SAMPLE stands as one column, so that a reader takes those that it needs.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = b"WTSAMPLE\x03"
"""File kind and version. Version 3: columns of SAMPLE, little-endian. Version 2 had no `cache`, and is read as though
nothing was told; version 1 had rows, and `ok` for `fault`."""

SAMPLE: Final = np.dtype(
    [
        ("cell", "<u2"),
        ("key", "<u2"),
        ("round", "<u4"),
        ("status", "<u2"),
        ("fault", "<u1"),
        ("warm", "<u1"),
        ("bytes", "<u4"),
        ("due", "<i8"),
        ("sent", "<i8"),
        ("done", "<i8"),
        ("cache", "<u1"),
    ]
)
"""One request: times in nanoseconds of a monotonic clock; `round` is the pass, or the trial, that it belongs to."""

_BEFORE: Final = np.dtype([(name, SAMPLE[name]) for name in SAMPLE.names or () if name != "cache"])
_KINDS: Final = {MAGIC: SAMPLE, b"WTSAMPLE\x02": _BEFORE}

_FRAME = struct.Struct("<II")


class Fault(IntEnum):
    """What is wrong with an answer; 0 is nothing. An arrival that was never sent has `sent` and `done` -1."""

    NONE = 0
    STATUS = 1
    SIZE = 2
    CONTENT = 3
    GRAPHQL_ERRORS = 4
    REFUSED = 5
    RESET = 6
    TIME_OUT = 7
    TRUNCATED = 8
    PROTOCOL = 9
    UNSENT = 10


class Told(IntEnum):
    """What an answer says that the cache had for its request: nothing where it was not asked, or looked nothing up.

    PART is a hit of what was asked for and a miss of something that belongs to it; WAITED a miss that another computed;
    AWAY a cache that did not answer.
    """

    NOTHING = 0
    HIT = 1
    PART = 2
    WAITED = 3
    MISS = 4
    AWAY = 5


class Recorder:
    """Takes samples and gives them away a frame at a time, to a file or to a function; what is flushed survives."""

    def __init__(self, target: Path | Callable[[bytes], object], *, every: int = 256) -> None:
        """Frames of at most `every` samples, to a new file at `target` or to `target`. Raises FileExistsError."""
        self._file = target.open("xb", buffering=0) if isinstance(target, Path) else None
        self._write: Callable[[bytes], object] = self._file.write if self._file else target  # type: ignore[assignment]
        self._write(MAGIC)
        self._every = every
        self._rows: list[tuple[int, ...]] = []
        self.written = 0

    def add(self, row: tuple[int, ...]) -> None:
        """Takes one sample in the order of SAMPLE's fields."""
        self._rows.append(row)
        if len(self._rows) == self._every:
            self.flush()

    def flush(self) -> NDArray[np.void]:
        """Writes what was taken since the last flush as one frame, and returns it."""
        rows = np.array(self._rows, dtype=SAMPLE)
        if len(rows):
            self._rows = []
            self._write(frame(rows))
            self.written += len(rows)
        return rows

    def close(self) -> None:
        """Flushes and closes."""
        self.flush()
        if self._file:
            self._file.close()


def frame(rows: NDArray[np.void]) -> bytes:
    """`rows` of SAMPLE as one frame."""
    payload = b"".join(rows[name].tobytes() for name in SAMPLE.names or ())
    return _FRAME.pack(len(rows), zlib.crc32(payload)) + payload


def frames(path: Path) -> Iterator[NDArray[np.void] | str]:
    """The frames of the file's valid prefix (rows of SAMPLE), and at last, where there is damage, what it is.

    Holds one frame in memory. Never raises for damage: a file that is no sample file at all gives its damage alone.
    """
    try:
        opened = path.open("rb")
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        yield f"{path.name} is missing" if missing else f"{path.name} cannot be read: {error.strerror}"
        return
    with opened as file:
        kind = _KINDS.get(file.read(len(MAGIC)))
        if kind is None:
            yield f"{path.name} is not a sample file of version {MAGIC[-1]}"
            return
        read, left = 0, path.stat().st_size - len(MAGIC)
        while header := file.read(_FRAME.size):
            damage = "ends inside a frame"
            if len(header) == _FRAME.size:
                count, checksum = _FRAME.unpack(header)
                left -= _FRAME.size + count * kind.itemsize
                # A damaged count may ask for more than any memory holds.
                if left >= 0:
                    payload = file.read(count * kind.itemsize)
                    damage = "" if zlib.crc32(payload) == checksum else "has a damaged frame"
            if damage:
                yield f"{path.name} {damage}; {read} samples before it are used"
                return
            yield _columns(payload, count=count, kind=kind)
            read += count


def read_samples(path: Path) -> tuple[NDArray[np.void], str]:
    """All samples of the file's valid prefix (rows of SAMPLE), and what is wrong with the rest, or ""."""
    found: list[NDArray[np.void]] = []
    damage = ""
    for each in frames(path):
        if isinstance(each, str):
            damage = each
        else:
            found.append(each)
    return np.concatenate(found) if found else np.zeros(0, dtype=SAMPLE), damage


def samples_in(path: Path) -> int:
    """How many samples a file holds so far, by its size; frames are few beside samples. 0 where there is none."""
    return max(path.stat().st_size - len(MAGIC), 0) // SAMPLE.itemsize if path.exists() else 0


def _columns(payload: bytes, *, count: int, kind: np.dtype[np.void]) -> NDArray[np.void]:
    rows = np.zeros(count, dtype=SAMPLE)
    at = 0
    for name in kind.names or ():
        rows[name] = np.frombuffer(payload, dtype=kind[name], count=count, offset=at)
        at += count * kind[name].itemsize
    return rows
