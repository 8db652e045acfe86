"""Yields bounded waits for what other processes do. It never sleeps for a guessed time: it asks again and again."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

STEP = 0.01


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(STEP)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not reaped yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_gone(pids: Iterable[int], *, seconds: float = 5.0) -> None:
    """Return when none of the processes runs; five seconds is what the lab promises."""
    pids = tuple(pids)
    wait_until(lambda: not any(map(is_alive, pids)), what=f"the end of {pids}", seconds=seconds)


def family(pid: int) -> tuple[int, ...]:
    """A process and all that descend from it."""
    process = psutil.Process(pid)
    return (pid, *(child.pid for child in process.children(recursive=True)))


def read_when_there(path: Path, *, lines: int = 1) -> list[str]:
    """The lines of a file that another process writes, once there are enough."""

    def written() -> list[str]:
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    wait_until(lambda: len(written()) >= lines, what=f"{lines} lines in {path}", seconds=60)
    return written()
