"""Yields the breaker: a Redis that did not answer is left alone for a while, by all that the process asks it for.

Each look at a server that hangs takes a time-out: one request pays it, and no other until the rest is over.
"""

import logging
import time
from typing import Final

SECONDS_OF_REST: Final = 5.0

_log = logging.getLogger(__name__)
_resting_until = 0.0


def is_resting() -> bool:
    """Whether nobody should ask now."""
    return time.monotonic() < _resting_until


def rest() -> None:
    """Ask nothing for a while: it did not answer."""
    global _resting_until  # noqa: PLW0603 - one breaker per process is the point
    _resting_until = time.monotonic() + SECONDS_OF_REST
    _log.warning("the cache does not answer; the next try is in %s s", SECONDS_OF_REST)


def wake() -> None:
    """Ask again at once."""
    global _resting_until  # noqa: PLW0603 - as above
    _resting_until = 0.0
