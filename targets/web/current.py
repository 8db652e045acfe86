"""Yields the variant of the request that is being served."""

from contextvars import ContextVar

from django.conf import settings

from targets.variants import Variant

requested: ContextVar[Variant | None] = ContextVar("requested", default=None)


def current_variant() -> Variant:
    """The variant of this request; outside lab mode that of the process."""
    variant: Variant = requested.get() or settings.TARGET_VARIANT
    return variant
