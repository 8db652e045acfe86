"""Yields `Supervisor`, by which the lab starts and stops every process it needs. It never starts one itself.

Of these processes none outlives the `with` block, nor the lab's own end of whatever kind: `lab.supervisor` sees to it.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil

from lab import supervisor
from lab.errors import LabError

STEP: Final = 0.02
LOG_TAIL: Final = 64 * 1024
ERROR: Final = re.compile(r"FATAL|PANIC|\berror:|Error:|ERROR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process that the supervisor started."""

    name: str
    pid: int


class Supervisor:
    """A connection to a supervisor process of its own. To be used from one thread at a time."""

    def __init__(self) -> None:
        self._logs: dict[str, Path] = {}
        self._buffer = b""
        self._orders = 0
        self._pinned: tuple[int, set[int]] | None = None
        # -I -S: neither the environment nor site-packages nor a file of lab/ can get in its way.
        self._popen = subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The pid of the supervisor process."""
        return self._popen.pid

    def close(self) -> None:
        """Stop all processes, the last started first, and the supervisor. It may be called twice."""
        if self._popen.stdin is not None and not self._popen.stdin.closed:
            self._popen.stdin.close()
        self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def spawn(
        self,
        *,
        name: str,
        argv: Sequence[str | Path | float],
        env: Mapping[str, str],
        log: Path,
        cwd: Path | None = None,
        uid: int | None = None,
        gid: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace: float = 5.0,
        settle: float = 0.03,
    ) -> Process:
        """Start a process under `name`; its output replaces `log`, whose mode is 0600.

        `grace` is the seconds between `stop_signal` and SIGKILL; `settle` the seconds in which a death is noticed
        here. Raises LabError if it cannot be started or ends at once with another code than 0.
        """
        order = {
            "do": "spawn",
            "name": name,
            "argv": [str(part) for part in argv],
            "env": dict(env),
            "log": str(log),
            "cwd": None if cwd is None else str(cwd),
            "uid": uid,
            "gid": gid,
            "stop_signal": int(stop_signal),
            "grace": grace,
            "settle": settle,
        }
        self._logs[name] = log
        answer = self._ask(order)
        if "error" in answer:
            raise LabError(f"{name} could not be started: {answer['error']}", hint=f"its command was {argv[0]}")
        if answer["code"]:
            raise self.death(name, code=answer["code"])
        return Process(name=name, pid=answer["pid"])

    def pin(self, cpu: int) -> None:
        """Keep the supervisor, all that it started and all that it will start on one CPU (Linux; else nothing)."""
        if not hasattr(os, "sched_setaffinity"):
            return
        supervisor = psutil.Process(self._popen.pid)
        self._pinned = self._pinned or (cpu, os.sched_getaffinity(supervisor.pid))
        for process in (supervisor, *supervisor.children(recursive=True)):
            with suppress(psutil.Error, ProcessLookupError, PermissionError):
                for thread in process.threads():
                    os.sched_setaffinity(thread.id, {cpu})

    @contextmanager
    def unpinned(self) -> Iterator[None]:
        """What is started inside may boot on every CPU; where it was to be on one, all is there again afterwards."""
        if self._pinned is None:
            yield
            return
        cpu, cpus = self._pinned
        os.sched_setaffinity(self._popen.pid, cpus)
        try:
            yield
        finally:
            with suppress(psutil.Error, ProcessLookupError):
                self.pin(cpu)

    def give_way(self, nice: int = 10) -> None:
        """Lower the priority of all that it started until now: what is started later goes first where CPUs are few."""
        for process in psutil.Process(self._popen.pid).children(recursive=True):
            with suppress(psutil.Error, ProcessLookupError, PermissionError):
                # On Linux a priority belongs to a thread; threads and processes made later inherit it.
                for thread in process.threads():
                    os.setpriority(os.PRIO_PROCESS, thread.id, nice)

    def child(self, program: str) -> int | None:
        """The pid of the first process that runs `program`; None where there is none."""
        for process in psutil.Process(self._popen.pid).children():
            with suppress(psutil.Error):
                if process.name() == program:
                    return process.pid
        return None

    def stop(self, name: str) -> int | None:
        """Stop one process and return its exit code, negative for a signal; None if there was none of that name."""
        code: int | None = self._ask({"do": "stop", "name": name}).get("code")
        return code

    def end(self, name: str, *, seconds: float) -> None:
        """Let a process end by itself for so long, then stop it."""
        deadline = time.monotonic() + seconds
        while self.poll(name) is None and time.monotonic() < deadline:
            time.sleep(STEP)
        self.stop(name)

    def poll(self, name: str) -> int | None:
        """The exit code of a process, or None while it runs."""
        code: int | None = self._ask({"do": "status"})["codes"].get(name)
        return code

    def check(self) -> None:
        """Raise LabError for a process that failed by itself, with its last words."""
        for name, code in self._ask({"do": "status"})["codes"].items():
            if code:
                raise self.death(name, code=code)

    def wait_exit(self, name: str, *, seconds: float) -> int:
        """Wait for a process to end by itself and return its exit code. Raises LabError after `seconds`."""
        deadline = time.monotonic() + seconds
        while (code := self.poll(name)) is None:
            if time.monotonic() > deadline:
                self.stop(name)
                raise LabError(
                    f"{name} did not end within {seconds:g} s{self._said(name)}", hint=f"see {self._logs[name]}"
                )
            time.sleep(STEP)
        return code

    def wait_ready(self, name: str, *, ready: Callable[[], bool], seconds: float) -> None:
        """Ask `ready` every 20 ms until it says True. Raises LabError when the process ends or `seconds` are over."""
        deadline = time.monotonic() + seconds
        while not ready():
            if (code := self.poll(name)) is not None:
                raise self.death(name, code=code)
            if time.monotonic() > deadline:
                raise LabError(
                    f"{name} was not ready within {seconds:g} s{self._said(name)}", hint=f"see {self._logs[name]}"
                )
            time.sleep(STEP)

    def log_tail(self, name: str, *, lines: int = 1) -> str:
        """The last non-empty lines that a process wrote, as one text; empty if it wrote none."""
        try:
            with self._logs[name].open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
                written = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(deque((line for line in written if line.strip()), maxlen=lines))

    def death(self, name: str, *, code: int) -> LabError:
        """The error that tells of a process that ended by itself."""
        said = self._said(name)
        hint = "free some disk space" if "No space left" in said else f"see {self._logs[name]}"
        return LabError(f"{name} ended with code {code}{said}", hint=hint)

    def _said(self, name: str) -> str:
        """The last line that tells of an error, else the last line: servers report how they clean up after one."""
        lines = self.log_tail(name, lines=30).splitlines()
        errors = [line for line in lines if ERROR.search(line)]
        return f": {(errors or lines)[-1].strip()}" if lines else ""

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Send an order and return its answer. An answer that an interrupt left unread is skipped by its number."""
        self._orders += 1
        stdin, stdout = self._popen.stdin, self._popen.stdout
        if stdin is None or stdout is None or stdin.closed:
            raise LabError("the supervisor is closed", hint="start processes inside its `with` block")
        try:
            remaining = memoryview(json.dumps({"id": self._orders, **order}).encode() + b"\n")
            while remaining:
                remaining = remaining[stdin.write(remaining) or 0 :]
            while True:
                while b"\n" not in self._buffer:
                    chunk = os.read(stdout.fileno(), 1 << 16)
                    if not chunk:
                        raise BrokenPipeError  # noqa: TRY301 - the same as when the writing fails
                    self._buffer += chunk
                line, self._buffer = self._buffer.split(b"\n", 1)
                answer: dict[str, Any] = json.loads(line)
                if answer["id"] == self._orders:
                    return answer
        except BrokenPipeError:
            raise LabError(
                "the supervisor was killed, and with it every process of this run", hint="start the run again"
            ) from None
