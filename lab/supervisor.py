"""Yields a process that starts and stops the lab's processes. It knows no PostgreSQL and no Locust.

`python -m lab.supervisor` reads one JSON command a line from its standard input and answers each with one JSON line.
When that pipe ends, because the lab left, crashed or was killed with -9, it stops all it started, the last first.
Standard library only and no import from the lab: it starts in some 40 ms, as a script in Python's isolated mode.
"""

import contextlib
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

POLL: Final = 0.005
# All of the orderly end must fit into the five seconds after which nothing of a dead lab may be left.
END_BUDGET: Final = 4.0
PR_SET_PDEATHSIG: Final = 1

LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass
class Child:
    """A started process, the leader of a session and process group of its own."""

    name: str
    popen: subprocess.Popen[bytes]
    stop_signal: int
    grace: float

    def has_ended(self) -> bool:
        """Whether the leader ended; it is left unreaped, so that its group's number cannot be given to another."""
        if self.popen.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def poll(self) -> int | None:
        """The exit code, or None while it runs. What its group left behind is killed before the leader is reaped."""
        if self.popen.returncode is None and self.has_ended():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()
        return self.popen.returncode

    def stop(self, *, grace: float) -> int:
        """Stop the leader by its signal, and the whole group by SIGKILL once the grace is over."""
        if self.has_ended():
            return self.poll() or 0
        os.kill(self.popen.pid, self.stop_signal)
        deadline = time.monotonic() + grace
        while not self.has_ended() and time.monotonic() < deadline:
            time.sleep(POLL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        return self.popen.wait()


@dataclass
class Children:
    """The started processes by name, in the order of their start, and the undertaker that knows them too."""

    undertaker: BinaryIO
    by_name: dict[str, Child] = field(default_factory=dict)

    def spawn(self, order: dict[str, Any]) -> dict[str, Any]:
        """Start a process; answer its pid, and its exit code if it ended within `settle` seconds."""
        name = order["name"]
        if name in self.by_name and self.by_name[name].poll() is None:
            return {"error": f"{name} is running already"}
        stop_signal = order["stop_signal"]
        # A new file each time: what an earlier run, perhaps root's, left there may not be ours to write.
        Path(order["log"]).unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        log = os.open(order["log"], flags, 0o600)
        try:
            popen = subprocess.Popen(
                order["argv"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=order["env"],
                cwd=order["cwd"],
                start_new_session=True,
                user=order["uid"],
                group=order["gid"],
                extra_groups=None if order["uid"] is None else [],
                preexec_fn=follow(os.getpid(), stop_signal),  # noqa: PLW1509 - there are no threads here
            )
        finally:
            os.close(log)
        child = Child(name=name, popen=popen, stop_signal=stop_signal, grace=order["grace"])
        self.by_name.pop(name, None)
        self.by_name[name] = child
        self.tell(popen.pid)
        deadline = time.monotonic() + order["settle"]
        while not child.has_ended() and time.monotonic() < deadline:
            time.sleep(POLL)
        return {"pid": popen.pid, "code": child.poll()}

    def stop(self, name: str) -> dict[str, Any]:
        """Stop one process by name and answer its exit code; one that was never started has none."""
        child = self.by_name.pop(name, None)
        if child is None:
            return {"code": None}
        code = child.stop(grace=child.grace)
        self.tell(-child.popen.pid)
        return {"code": code}

    def status(self) -> dict[str, Any]:
        """The exit code of each process, None for one that runs."""
        return {"codes": {name: child.poll() for name, child in self.by_name.items()}}

    def stop_all(self) -> None:
        """Stop everything, the last first, in END_BUDGET seconds altogether."""
        deadline = time.monotonic() + END_BUDGET
        for child in reversed(self.by_name.values()):
            child.stop(grace=max(0.0, min(child.grace, deadline - time.monotonic())))
            self.tell(-child.popen.pid)
        self.by_name.clear()

    def tell(self, group: int) -> None:
        """Tell the undertaker of a group that lives, or by its negative of one that does not."""
        with contextlib.suppress(BrokenPipeError):
            self.undertaker.write(b"%d\n" % group)

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """The answer to one command; what goes wrong is an answer too, never the supervisor's end."""
        try:
            if order["do"] == "spawn":
                return self.spawn(order)
            if order["do"] == "stop":
                return self.stop(order["name"])
            return self.status()
        except (OSError, subprocess.SubprocessError, KeyError, TypeError, ValueError) as error:
            return {"error": str(error) or type(error).__name__}


def follow(parent: int, stop_signal: int) -> Any:
    """What a child does between fork and exec: unblock signals, and ask the kernel to stop it when `parent` dies.

    It runs after setuid, which would clear the request.
    """

    def before_exec() -> None:
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return before_exec


def bury(pipe: int) -> None:
    """Read from the supervisor which groups live; at the end of that pipe kill those left. SIGTERM first, 2 s, SIGKILL.

    It works only when the supervisor itself was killed: servers that fork their workers (granian, Locust) pass the
    kernel's death signal on to nobody, and a hung one ignores it.
    """
    groups: set[int] = set()
    with os.fdopen(pipe, encoding="ascii") as lines:
        for line in lines:
            number = int(line)
            if number > 0:
                groups.add(number)
            else:
                groups.discard(-number)
    deadline = time.monotonic() + 2
    for number in (signal.SIGTERM, 0, signal.SIGKILL):
        while groups:
            for group in tuple(groups):
                try:
                    os.killpg(group, number)
                except (ProcessLookupError, PermissionError):
                    groups.discard(group)
            if number != 0 or time.monotonic() > deadline:
                break
            time.sleep(POLL)


def undertaker() -> BinaryIO:
    """Fork the undertaker, in a session of its own, and return the pipe that feeds it."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.close(write)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        bury(read)
        os._exit(0)
    os.close(read)
    return os.fdopen(write, "wb", buffering=0)


def serve() -> None:
    """Obey until the pipe ends, the lab's process ends, or SIGTERM comes; then stop everything."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    children = Children(undertaker=undertaker())
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGTERM, lambda *_: os.write(wake_write, b"."))
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(wake_read, selectors.EVENT_READ)
    # A fork of the lab may hold the pipe open after the lab's death; its process descriptor tells the truth.
    with contextlib.suppress(AttributeError, OSError):
        selector.register(os.pidfd_open(os.getppid()), selectors.EVENT_READ)
    buffer = b""
    try:
        while [key.fd for key, _ in selector.select()] == [0]:
            chunk = os.read(0, 1 << 16)
            if not chunk:
                break
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                order = json.loads(line)
                answer = {"id": order["id"], **children.obey(order)}
                os.write(1, json.dumps(answer).encode() + b"\n")
    except BrokenPipeError:
        pass
    finally:
        children.stop_all()


if __name__ == "__main__":
    serve()
