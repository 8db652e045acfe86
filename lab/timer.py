"""Yields `Timer`, by which a greenlet sleeps until a moment. It knows no request.

The event loop's own timers are those of epoll: whole milliseconds, and so late by half of one on the average. A
timer of the kernel's that is read like a file (Linux: timerfd) wakes the loop when it is due.
"""

import contextlib
import ctypes
import os
import sys
import time
from typing import Final

import gevent
from gevent import hub

_MONOTONIC: Final = 1
_ABSOLUTE: Final = 1
_FLAGS: Final = os.O_NONBLOCK | os.O_CLOEXEC if sys.platform == "linux" else 0
_SECOND: Final = 1_000_000_000

EARLY: Final = 500_000
"""Nanoseconds before its moment at which a greenlet wakes: so long may it take to make a request ready."""

RARELY: Final = 2_500_000
"""Nanoseconds of sleep from which it wakes early: what it then spends awake is a fifth of a core at most."""


class _Setting(ctypes.Structure):
    """`struct itimerspec`: an interval, which stays zero, and the moment."""

    _fields_ = (
        ("interval_seconds", ctypes.c_long), ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long),
    )  # fmt: skip


def wait_until(at: int) -> None:
    """Returns at `at`, and lets other greenlets run until then; for moments that are close."""
    while time.monotonic_ns() < at:
        gevent.sleep(0)


class Timer:
    """A timer for one greenlet at a time; without timerfd it is `gevent.sleep`."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._file = self._libc.timerfd_create(_MONOTONIC, _FLAGS) if self._libc else -1
        self._watcher = hub.get_hub().loop.io(self._file, 1) if self._file >= 0 else None

    def sleep_until(self, at: int) -> None:
        """Returns at `at`, nanoseconds of the monotonic clock; where that is over, after the other greenlets' turn.

        After a long sleep it returns up to `EARLY` before, for what is to be ready at `at` and then calls `wait_until`.
        """
        if self._watcher is None or self._libc is None:
            gevent.sleep(max(at - time.monotonic_ns(), 0) / _SECOND)
            return
        left = at - time.monotonic_ns()
        if left <= 0:
            gevent.sleep(0)
            return
        wake = at - EARLY if left > RARELY else at
        setting = _Setting(0, 0, wake // _SECOND, wake % _SECOND)
        if self._libc.timerfd_settime(self._file, _ABSOLUTE, ctypes.byref(setting), None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        hub.get_hub().wait(self._watcher)
        with contextlib.suppress(BlockingIOError):
            os.read(self._file, 8)

    def close(self) -> None:
        """Gives the file back."""
        if self._file >= 0:
            os.close(self._file)
            self._file, self._watcher = -1, None
