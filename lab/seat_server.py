"""Yields the API server of a developer's seat, started again when a file of it changes. It opens no service."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

from lab.errors import LabError
from lab.http import Client
from lab.processes import Supervisor
from lab.server import TREE, listens

NAME: Final = "api"
READY_SECONDS: Final = 60.0
STEP: Final = 0.4
"""Seconds between two looks for what the server wrote and for changed files."""

WATCHED: Final = (".py", ".html", ".js")


class SeatServer:
    """Django's own server under a supervisor.

    Its reloader is not used: that loads the whole project twice at each start, and ends where the code has an error.
    """

    def __init__(self, supervisor: Supervisor, *, environment: Mapping[str, str], port: int, log: Path) -> None:
        self._supervisor = supervisor
        self._environment = environment
        self._port = port
        self._log = log
        self._files: dict[str, int] = {}

    def start(self) -> None:
        """Start it, of the files as they are now."""
        self._files = _files()
        address = f"127.0.0.1:{self._port}"
        self._supervisor.spawn(
            name=NAME, argv=[sys.executable, "-m", "targets", "runserver", "--noreload", address],
            env=self._environment, cwd=TREE, log=self._log,
        )  # fmt: skip

    def wait_ready(self) -> None:
        """Wait until it answers. Raises LabError when it ends, or takes too long."""
        self._supervisor.wait_ready(NAME, ready=self._is_well, seconds=READY_SECONDS)

    def follow(self) -> NoReturn:
        """Show what it writes, and start it again after each change. Raises LabError when a service ends by itself."""
        while True:
            with self._log.open(encoding="utf-8", errors="replace") as file:
                is_running = True
                while _files() == self._files:
                    _show(file.read())
                    if is_running and self._supervisor.poll(NAME) is not None:
                        is_running = False
                        # From here on it is no process that must run.
                        self._supervisor.stop(NAME)
                        _show(f"{file.read()}the server ended; it starts again when a file of targets/ changes\n")
                    self._supervisor.check()
                    time.sleep(STEP)
            _show("targets/ changed: the server starts again\n")
            self._supervisor.stop(NAME)
            self.start()

    def _is_well(self) -> bool:
        """Whether the API answers, and its database."""
        if not listens(self._port):
            return False
        client = Client(f"http://127.0.0.1:{self._port}", timeout=5.0)
        try:
            return client.send("GET", "/healthz", headers={}).status == 200
        except LabError:
            return False
        finally:
            client.close()


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _files() -> dict[str, int]:
    """When each file that the server is made of was last written."""
    found: dict[str, int] = {}
    for folder, folders, names in os.walk(TREE / "targets"):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            if name.endswith(WATCHED):
                path = os.path.join(folder, name)  # noqa: PTH118 - twice a second for all of them
                try:
                    found[path] = os.stat(path).st_mtime_ns  # noqa: PTH116 - as above
                except FileNotFoundError:
                    continue
    return found
