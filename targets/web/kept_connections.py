"""Yields the check of kept connections, before each request: one whose server has left is closed, and made anew.

Asking the database would tell too, and cost a statement. A server that leaves says so, or closes: there is something
to read on a connection on which nothing was asked.
"""

import select
from typing import Any

from django.core.signals import request_started
from django.db import connections


def watch() -> None:
    """Check this process's connections from now on. It may be called twice."""
    request_started.connect(_close_left, dispatch_uid="kept_connections")


def _close_left(**_: Any) -> None:
    for connection in connections.all(initialized_only=True):
        kept: Any = connection.connection
        if kept is not None and not connection.in_atomic_block and (kept.closed or _has_word(kept.fileno())):
            connection.close()


def _has_word(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
