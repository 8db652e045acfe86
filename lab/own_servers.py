"""Yields the running servers of a user's own target: booted by their commands, or found where they run already."""

import http.client
import os
import secrets
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.load_url import check_url
from lab.own_target import OwnServer
from lab.processes import Supervisor
from lab.server import BOOT_LIMIT, PASSED_ON, Running, free_port

PREPARE_LIMIT: Final = 120.0
TAIL: Final = 4
"""Lines of a server's log that its error repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnServers:
    """Boots the `processes` of a target, as often as it is asked to, and keeps what they write in `logs`."""

    processes: Sequence[OwnServer]
    supervisor: Supervisor
    logs: Path

    def prepare(self) -> None:
        """Runs what is to be run before the first boot, once in each folder and environment. Raises LabError."""
        wanted = {(each.prepare, each.folder, each.environment): each for each in self.processes if each.prepare}
        for (command, folder, _), like in wanted.items():
            name = "prepare"
            try:
                self._spawn(like, name=name, argv=_argv(command, port=0))
                code = self.supervisor.wait_exit(name, seconds=PREPARE_LIMIT)
            except LabError as error:
                raise self._failed(like, name=name, what=error.what, command=command) from error
            if code:
                what = f"prepare ended with code {code}"
                raise self._failed(like, name=name, what=what, command=f"cd {folder}; {command}")

    def booted(self, *, is_reversed: bool = False) -> dict[str, Running]:
        """All servers by name, ready. Raises LabError for one that dies, is not ready in 30 s or cannot be reached."""
        order = self.processes[:: -1 if is_reversed else 1]
        ports = {each.name: free_port() for each in order if each.command}
        pids = {}
        for each in order:
            if each.command:
                argv = _argv(each.command, port=ports[each.name])
                try:
                    pids[each.name] = self._spawn(each, name=_process(each), argv=argv)
                except LabError as error:
                    raise self._failed(each, name=_process(each), what=error.what, command=each.command) from error
        return {each.name: self._ready(each, port=ports.get(each.name), pid=pids.get(each.name, 0)) for each in order}

    def _spawn(self, server: OwnServer, *, name: str, argv: Sequence[str]) -> int:
        return self.supervisor.spawn(
            name=name, argv=argv, env=_environment(server.environment), cwd=Path(server.folder),
            log=self.logs / f"{name}.log",
        ).pid  # fmt: skip

    def _ready(self, server: OwnServer, *, port: int | None, pid: int) -> Running:
        if port is None:
            check_url(server.url)
            return Running(name=server.name, url=server.url, process="", pid=0)
        name = _process(server)
        try:
            self.supervisor.wait_ready(name, ready=partial(_answers, port, server.ready), seconds=BOOT_LIMIT)
        except LabError as error:
            raise self._failed(server, name=name, what=error.what, command=server.command) from error
        return Running(name=server.name, url=f"http://127.0.0.1:{port}", process=name, pid=pid)

    def _failed(self, server: OwnServer, *, name: str, what: str, command: str) -> LabError:
        """What became of a command: how it ended, and the last lines that it wrote, in one."""
        said = " | ".join(line.strip() for line in self.supervisor.log_tail(name, lines=TAIL).splitlines())
        how = what.partition(": ")[0] if said else what
        return LabError(
            f"{how}{f'; it wrote: {said}' if said else ''}",
            hint=f"in {server.folder} its command is: {command}; all that it wrote is in {self.logs / f'{name}.log'}",
        )


def _process(server: OwnServer) -> str:
    return f"server-{server.name}"


def _argv(command: str, *, port: int) -> list[str]:
    """The words of a command; `{python}` and `{port}` are put in afterwards, so that no path is split."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise LabError(f"the command {command!r} cannot be read: {error}", hint="close its quotes") from error
    return [word.replace("{python}", sys.executable).replace("{port}", str(port)) for word in words]


def _environment(own: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """What a server gets to know: where programs are, a new order of sets and dicts, and what the file says."""
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "PYTHONHASHSEED": str(secrets.randbelow(2**32)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **dict(own),
    }


def _answers(port: int, path: str) -> bool:
    """Whether a server of this machine answers to a path, and not with a fault of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
