"""Yields the variant of the request that is being served, and the face that serves it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings

from targets.variants import Variant

requested: ContextVar[Variant | None] = ContextVar("requested", default=None)
_face: ContextVar[str] = ContextVar("face", default="")


def current_variant() -> Variant:
    """The variant of this request; outside lab mode that of the process."""
    variant: Variant = requested.get() or settings.TARGET_VARIANT
    return variant


def current_face() -> str:
    """The face that serves this request; empty where none does."""
    return _face.get()


@contextmanager
def serving(face: str) -> Iterator[None]:
    """Let `face` be the current one inside the block, or inside the function that it decorates."""
    token = _face.set(face)
    try:
        yield
    finally:
        _face.reset(token)
