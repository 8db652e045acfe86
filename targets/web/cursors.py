"""Yields cursors: a row's place in a list that is ordered newest first, as text that this API alone can write.

Clients hand them back as they got them: what one holds may change, and one that was changed or made up is none.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from struct import Struct
from typing import Final

from django.conf import settings
from django.utils.crypto import salted_hmac

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LAYOUT: Final = Struct(">qq")
_SEAL_BYTES: Final = 8
# 24 bytes: base64 of them has no padding, so one cursor has one spelling.
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Behind which row a page begins: the row's time, and its id where several have that time."""

    moment: datetime
    id: int


def cursor_of(place: Place) -> str:
    """The cursor of a place, URL-safe."""
    told = _LAYOUT.pack((place.moment - _EPOCH) // _MICROSECOND, place.id)
    return urlsafe_b64encode(told + _seal(told, settings.SECRET_KEY)).decode("ascii")


def read_cursor(text: str) -> Place | None:
    """The place that a cursor names; None for text that is no cursor of ours."""
    if not _SHAPE.fullmatch(text):
        return None
    raw = urlsafe_b64decode(text)
    told, seal = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(compare_digest(seal, _seal(told, key)) for key in keys):
        return None
    microseconds, id_ = _LAYOUT.unpack(told)
    return Place(moment=_EPOCH + microseconds * _MICROSECOND, id=id_)


def _seal(told: bytes, key: str) -> bytes:
    return salted_hmac("targets.web.cursors", told, secret=key, algorithm="sha256").digest()[:_SEAL_BYTES]
