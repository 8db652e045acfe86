"""Yields sample files: append-only frames of samples, each with its checksum, and their valid prefix again.

It derives nothing from a sample. Layout: the magic, then frames of (row count, CRC-32, rows).
"""

import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = b"WTSAMPLE\x01"
"""File kind and version. Version 1: the rows of SAMPLE, little-endian."""

SAMPLE: Final = np.dtype(
    [
        ("cell", "<u2"),
        ("key", "<u2"),
        ("round", "<u4"),
        ("status", "<u2"),
        ("ok", "<u1"),
        ("warm", "<u1"),
        ("bytes", "<u4"),
        ("due", "<i8"),
        ("sent", "<i8"),
        ("done", "<i8"),
    ]
)
"""One request: times in nanoseconds of a monotonic clock; `round` is the pass it belongs to."""

_FRAME = struct.Struct("<II")


class Recorder:
    """Appends samples to a file, a frame at a time; what is flushed survives the process."""

    def __init__(self, path: Path, *, every: int = 256) -> None:
        """A new file at `path` with frames of at most `every` samples. Raises FileExistsError."""
        self._file = path.open("xb", buffering=0)
        self._file.write(MAGIC)
        self._rows = np.zeros(every, dtype=SAMPLE)
        self._count = 0
        self.written = 0

    def add(self, row: tuple[int, ...]) -> None:
        """Takes one sample in the order of SAMPLE's fields."""
        self._rows[self._count] = row
        self._count += 1
        if self._count == len(self._rows):
            self.flush()

    def flush(self) -> None:
        """Writes what was taken since the last flush as one frame."""
        if self._count:
            payload = self._rows[: self._count].tobytes()
            self._file.write(_FRAME.pack(self._count, zlib.crc32(payload)) + payload)
            self.written += self._count
            self._count = 0

    def close(self) -> None:
        """Flushes and closes."""
        self.flush()
        self._file.close()


def read_samples(path: Path) -> tuple[NDArray[np.void], str]:
    """The samples of the file's valid prefix (rows of SAMPLE), and what is wrong with the rest, or "".

    Never raises for damage: a file that is no sample file at all gives no rows and says so.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        return np.zeros(0, dtype=SAMPLE), f"{path.name} is not a sample file of version 1"
    at, frames, damage = len(MAGIC), [], ""
    while at < len(data):
        if at + _FRAME.size > len(data):
            damage = "ends inside a frame"
            break
        count, checksum = _FRAME.unpack_from(data, at)
        payload = data[at + _FRAME.size : at + _FRAME.size + count * SAMPLE.itemsize]
        if len(payload) < count * SAMPLE.itemsize:
            damage = "ends inside a frame"
            break
        if zlib.crc32(payload) != checksum:
            damage = "has a damaged frame"
            break
        frames.append(np.frombuffer(payload, dtype=SAMPLE))
        at += _FRAME.size + len(payload)
    rows = np.concatenate(frames) if frames else np.zeros(0, dtype=SAMPLE)
    return rows, f"{path.name} {damage}; {len(rows)} samples before it are used" if damage else ""
