"""Yields a copy of the checkout where the lab may run for a test: its own `.lab`, its own `results`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

import psutil

from lab.folder import home_of
from lab.results import RunFolder
from tests.lab.waiting import wait_until

CHECKOUT = Path(__file__).parents[2]

Door = Callable[..., subprocess.CompletedProcess[str]]

# What would point a copy back at the checkout, or at servers that another test meets.
LEFT_OUT = ("DATABASE_URL", "CACHE_URL", "PYTHONPATH", "WINDTUNNEL_INSTALL_SECONDS", "DJANGO_SETTINGS_MODULE")

# Importing NumPy, SciPy and the rest takes a second or two. This does it once, and gives each order a process.
FORKING = """
import json, os, sys
from lab.__main__ import main
for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        for number, path in enumerate(order["files"]):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
        os.environ.update(order["environment"])
        sys.argv[1:] = order["words"]
        sys.exit(main())
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Tree:
    """A copy of the source tree at `path`."""

    path: Path

    @property
    def lab_folder(self) -> Path:
        """Where its services live."""
        return self.path / ".lab"

    def environment(self, **changes: str) -> dict[str, str]:
        """What a shell in the copy would have, with `changes`."""
        return {name: value for name, value in os.environ.items() if name not in LEFT_OUT} | changes

    def lab(self, *words: str, seconds: float = 120.0, **changes: str) -> subprocess.CompletedProcess[str]:
        """`python -m lab` with these words, to its end, in so many seconds at most."""
        command = [sys.executable, "-m", "lab", *words]
        return subprocess.run(
            command, cwd=self.path, env=self.environment(**changes), capture_output=True, text=True, check=False,
            timeout=seconds,
        )  # fmt: skip

    @contextmanager
    def doors(self, folder: Path) -> Iterator[Door]:
        """What `lab` does, for many short orders: each is a process forked from one that has imported the lab."""
        command = [sys.executable, "-c", FORKING]
        with subprocess.Popen(
            command, cwd=self.path, env=self.environment(), stdin=PIPE, stdout=PIPE, text=True
        ) as forking:
            assert forking.stdin is not None
            assert forking.stdout is not None
            orders, codes, number = forking.stdin, forking.stdout, 0

            def door(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
                nonlocal number
                number += 1
                out, err = folder / f"{number}.out", folder / f"{number}.err"
                files = [os.devnull, str(out), str(err)]
                print(json.dumps({"words": words, "environment": changes, "files": files}), file=orders, flush=True)
                code = int(codes.readline())
                return subprocess.CompletedProcess(words, code, stdout=out.read_text(), stderr=err.read_text())

            yield door

    @contextmanager
    def starting(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """`python -m lab` with these words, in a process group of its own as a terminal would start it."""
        command = [sys.executable, "-m", "lab", *words]
        started = subprocess.Popen(
            command, cwd=self.path, env=self.environment(), stdin=DEVNULL, stdout=PIPE, stderr=PIPE, text=True,
            process_group=0,
        )  # fmt: skip
        with started:
            try:
                yield started
            finally:
                started.kill()

    def runs(self, experiment: str = "toggles") -> list[RunFolder]:
        """The runs of an experiment, the oldest first."""
        return [RunFolder(path) for path in sorted((self.path / "results" / experiment).glob("*"))]

    def wait_measuring(self, *, after: int) -> RunFolder:
        """The run after the first `after` ones, once its first samples are on disk."""

        def sampled() -> bool:
            runs = self.runs()
            return len(runs) > after and any(path.stat().st_size > 100 for path in runs[-1].samples.iterdir())

        wait_until(sampled, what="samples of a new run", seconds=60)
        return self.runs()[-1]

    def processes(self) -> list[str]:
        """What runs in the copy, or in the folder that its services have elsewhere; by working folder and words."""
        folders = (str(self.path), *((str(home_of(self.lab_folder).parent),) if self.lab_folder.exists() else ()))
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.status() != psutil.STATUS_ZOMBIE and any(
                    folder in text for folder in folders for text in (process.cwd(), *process.cmdline())
                ):
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
        return found


def copy_tree(to: Path) -> Tree:
    """A copy of what git tracks and of what is new and not ignored; it is no repository."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(words, cwd=CHECKOUT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, dict.fromkeys(names)):
        if (CHECKOUT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, to / name)
    return Tree(to)
