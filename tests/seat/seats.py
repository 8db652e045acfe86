"""Yields a developer's seat as a user starts it, by its door and in a folder of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.folder import erase, home_of
from lab.server import TREE

LEFT_OUT = ("DATABASE_URL", "DATABASE_BARE_URL", "CACHE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "PYTEST_VERSION")
LAST_WORDS = "Ctrl-C ends it all."


@dataclass(frozen=True, slots=True, kw_only=True)
class Seated:
    """A seat that said it is ready, and all that it said until then."""

    url: str
    said: str
    process: "subprocess.Popen[str]"
    folder: Path

    @property
    def password(self) -> str:
        """The admin's."""
        return re.findall(r"password (\S+)", self.said)[0]

    def wait_for(self, words: str) -> None:
        """Read what it says until these words."""
        assert self.process.stdout is not None
        assert any(words in line for line in self.process.stdout), words


def kept(folder: Path) -> Path:
    """Where a seat of that folder keeps what it has."""
    return folder / ".lab-serve"


def environment(folder: Path) -> dict[str, str]:
    """That of a user who set nothing."""
    own = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return {**own, "WINDTUNNEL_FOLDER": str(folder / ".lab")}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def door(folder: Path, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m lab WORDS`, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=TREE, env=environment(folder), input=text, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip


@contextmanager
def seated(folder: Path, *words: str, tree: Path = TREE) -> Iterator[Seated]:
    """`serve` of a tree, ready, until the end of the block."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", "serve", "--port", str(port), *words], cwd=tree, env=environment(folder),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if LAST_WORDS in line:
                break
        assert LAST_WORDS in said, said
        yield Seated(url=f"http://127.0.0.1:{port}", said=said, process=process, folder=folder)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def servers(folder: Path) -> list[psutil.Process]:
    """The servers that work in the folder of a seat."""
    home, found = home_of(kept(folder)), []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(home):
                found.append(process)
    return found


def erased(folder: Path) -> None:
    """Remove what a seat kept."""
    erase(kept(folder))
