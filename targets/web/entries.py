"""Yields what is stored of an answer: the stamp that it counts under, how it is written, and the answer itself.

A large one is compressed: the memory of a cache is what its hit rate is made of. A small one is not: unpacking takes a
microsecond for each kilobyte, of a hit that takes some hundreds of them.
"""

import zlib
from typing import Final

COMPRESSED_ABOVE: Final = 16_384
"""Bytes up to which an answer is stored as it is."""

_PLAIN: Final = b"\0"
_COMPRESSED: Final = b"\1"
_LEVEL: Final = 1
"""Of pages of 30 to 100 products it was seen to leave 25 to 30 %, where level 6 left 20 to 25 % in thrice the time."""


def pack(payload: bytes, *, stamp: bytes) -> bytes:
    """The entry of a payload; it is compressed where that makes a large one smaller."""
    if len(payload) > COMPRESSED_ABOVE:
        compressed = zlib.compress(payload, level=_LEVEL)
        if len(compressed) < len(payload):
            return b"".join((stamp, _COMPRESSED, compressed))
    return b"".join((stamp, _PLAIN, payload))


def unpack(entry: bytes | None, *, stamps: tuple[bytes, ...]) -> bytes | None:
    """The payload of an entry that counts under one of the stamps; None for any other, and for one that is damaged."""
    if entry is None:
        return None
    for stamp in stamps:
        if entry.startswith(stamp):
            start = len(stamp)
            if entry[start : start + 1] == _PLAIN:
                return entry[start + 1 :]
            try:
                return zlib.decompress(memoryview(entry)[start + 1 :])
            except zlib.error:
                return None
    return None
