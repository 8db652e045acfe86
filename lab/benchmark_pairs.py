"""Yields the times of benchmarks in the processes of two commits, call by call in turn. It judges nothing.

The benchmarks are the base's; `lab/paired_pytest.py` runs them in each commit's tree.
"""

import json
import random
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from lab.errors import LabError
from lab.processes import Supervisor
from lab.progress import Advance
from lab.server import TREE, Build, plain_environment
from lab.services import Services

LEAST_SECONDS: Final = 0.002
"""What is timed at once: as many calls as take so long."""

WARM_PAIRS: Final = 5
LEAST_PAIRS: Final = 6
MOST_PAIRS: Final = 200
BOOT_LIMIT: Final = 90.0
"""Seconds in which a process has its data and answers."""

CLEAN_UP_SECONDS: Final = 10.0
"""Seconds in which a process ends by itself once nobody gives it orders."""

ALL: Final = "all"
"""In place of names: every benchmark."""

SUBJECT: Final = "windtunnel_pair"
"""What the names of the benchmarks' databases begin with, so that those of a killed run are found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTimes:
    """One benchmark in one block: seconds a call, pair by pair, of `loops` calls each."""

    name: str
    block: int
    loops: int
    base: tuple[float, ...]
    head: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Two builds by side, base first, and what their benchmarks run on; `names` are those to run, or none for all."""

    builds: Mapping[str, Build]
    names: tuple[str, ...]
    services: Services
    supervisor: Supervisor
    logs: Path
    seed: int

    def check(self, side: str) -> None:
        """Raises LabError where the side cannot run a benchmark, or there is none of a name; nothing is timed."""
        with self._sides(0, only=side) as sides:
            self._common(sides, is_dry=True)

    def blocks(self, indices: Sequence[int], *, seconds: float, advance: Advance) -> Iterator[PairedTimes]:
        """The times of every block, each in fresh processes, in about so many seconds a block.

        Raises LabError when a benchmark fails, or there is none of a name.
        """
        for number, index in enumerate(indices):
            with self._sides(index) as sides:
                names = self._common(sides)
                for name in names:
                    advance(note=f"block {number + 1} of {len(indices)}, {name}")
                    yield self._one(name, index, sides=sides, seconds=seconds / len(names))
            advance(done=number + 1)

    @contextmanager
    def _sides(self, index: int, *, only: str = "") -> Iterator[dict[str, "_Side"]]:
        """A process of each build, the one first and the other first in turn; or of one alone."""
        order = [each for each in self.builds.items() if only in {"", each[0]}][:: 1 if index % 2 == 0 else -1]
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="windtunnel-")))
            sides: dict[str, _Side] = {}
            with self.supervisor.unpinned():
                for side, build in order:
                    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
                    listener.bind(str(folder / side))
                    listener.listen(1)
                    name = f"benchmarks-{side}"
                    # It makes databases, and has the time to drop them.
                    stack.callback(self.supervisor.end, name, seconds=CLEAN_UP_SECONDS)
                    self._spawn(name, build, address=folder / side)
                    sides[side] = _Side(name=name, listener=listener, supervisor=self.supervisor)
                for each in sides.values():
                    each.connect()
                    stack.callback(each.close)
            yield {side: sides[side] for side in self.builds if side in sides}

    def _spawn(self, name: str, build: Build, *, address: Path) -> None:
        tree = next(iter(self.builds.values())).tree
        self.supervisor.spawn(
            name=name,
            argv=[build.python, TREE / "lab" / "paired_pytest.py", address, tree, *self.names],
            env={
                **plain_environment(build.tree), "DATABASE_URL": self.services.postgres_url,
                "CACHE_URL": self.services.cache_url, "WINDTUNNEL_SUBJECT": f"{SUBJECT}_{name.replace('-', '_')}",
                # A new order of sets and dicts in each block, as servers have it.
                "PYTHONHASHSEED": str(random.SystemRandom().randrange(2**32)),
            },
            cwd=build.tree, log=self.logs / f"{name}.log", grace=10.0,
        )  # fmt: skip

    def _common(self, sides: Mapping[str, "_Side"], *, is_dry: bool = False) -> list[str]:
        """The benchmarks to run, once all processes have been told; a dry run has none run."""
        found = [set(side.hear("collected")) for side in sides.values()]
        common = sorted(set.intersection(*found))
        if not common and not self.names:
            raise LabError("there is no benchmark", hint="leave --benchmarks out")
        known = {*common, *(each.partition("[")[0] for each in common)}
        if missing := [name for name in self.names if name not in known]:
            names = ", ".join(sorted(known)) or "none of them"
            raise LabError(f"there is no benchmark {missing[0]!r}", hint=f"choose from {names}")
        for side in sides.values():
            side.say([] if is_dry else common)
        return common

    def _one(self, name: str, block: int, *, sides: Mapping[str, "_Side"], seconds: float) -> PairedTimes:
        for side in sides.values():
            side.hear("at")
        first, second = sides
        usual = min(sides[first].time(1) for _ in range(3))
        loops = max(1, ceil(LEAST_SECONDS / max(usual, 1e-9)))
        draw = random.Random(f"{self.seed}/{block}/{name}")
        times: dict[str, list[float]] = {side: [] for side in sides}
        deadline = time.monotonic() + seconds
        count, order = 0, [first, second]
        while count < WARM_PAIRS + LEAST_PAIRS or (time.monotonic() < deadline and count < WARM_PAIRS + MOST_PAIRS):
            # There and back, so that each is first as often.
            order = draw.sample(order, 2) if count % 2 == 0 else order[::-1]
            for name_of_side in order:
                taken = sides[name_of_side].time(loops)
                if count >= WARM_PAIRS:
                    times[name_of_side].append(taken)
            count += 1
        for side in sides.values():
            side.say({"next": True})
        return PairedTimes(
            name=name, block=block, loops=loops, base=tuple(times[first]), head=tuple(times[second])
        )  # fmt: skip


class _Side:
    """One process: what it says is one JSON value a line, and so is what it is told."""

    def __init__(self, *, name: str, listener: socket.socket, supervisor: Supervisor) -> None:
        self._name, self._listener, self._supervisor = name, listener, supervisor

    def connect(self) -> None:
        """Waits until it is there."""
        self._supervisor.wait_ready(self._name, ready=self._is_there, seconds=BOOT_LIMIT)
        self._connection.settimeout(BOOT_LIMIT)
        self._file = self._connection.makefile("rw", encoding="utf-8")

    def _is_there(self) -> bool:
        self._listener.settimeout(0.0)
        try:
            self._connection, _ = self._listener.accept()
        except BlockingIOError:
            return False
        return True

    def hear(self, what: str) -> Any:
        """The value that it says under that name. Raises LabError when it says another, or nothing."""
        try:
            line = self._file.readline()
        except TimeoutError:
            line = ""
        said = json.loads(line) if line else {}
        if what not in said:
            why = said.get("failed") or self._supervisor.log_tail(self._name) or "it said nothing"
            raise LabError(f"{self._name} failed: {why}", hint="run them alone: ./noxw -s benchmarks")
        return said[what]

    def say(self, value: object) -> None:
        """Tells it something."""
        self._file.write(f"{json.dumps(value)}\n")
        self._file.flush()

    def time(self, loops: int) -> float:
        """Seconds that one call takes, by so many."""
        self.say({"loops": loops})
        return float(self.hear("ns")) / loops / 1e9

    def close(self) -> None:
        """Lets go of it."""
        self._file.close()
        self._connection.close()
