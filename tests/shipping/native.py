"""Yields the stack of docker-compose.yml without an engine: each service's own command, with its own environment.

A service's name becomes the loopback, its port a free one, and each path that it may write to a folder. PostgreSQL and
Valkey are real ones with the file's own options; mails go to a real SMTP server; where no BROKER_URL names a RabbitMQ,
messages go by way of the Valkey.
"""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Final

from lab.account import Account
from lab.binaries import servers_binaries, wheel_binaries
from lab.folder import ServerFolder
from lab.mail_room import MailSink, open_sink
from lab.processes import Supervisor
from lab.server import free_port
from tests.shipping.built import Image
from tests.shipping.compose import Service, services, some_variables
from tests.shipping.dockerfile import chain, stages

READY_SECONDS: Final = 90.0
NUMBERS: Final = {
    "postgres": ("5432",), "valkey": ("6379",), "rabbitmq": ("5672",), "mailpit": ("1025",), "web": ("8000",),
    "web-lab": ("8000",), "locust-master": ("5557", "8089"),
}  # fmt: skip
"""The ports that services have in their containers."""


@dataclass(kw_only=True)
class Stack:
    """The services, started and stopped by their names; what they keep is below `folder`."""

    supervisor: Supervisor
    home: ServerFolder
    folder: Path
    images: Mapping[str, Image]
    variables: Mapping[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    @cached_property
    def services(self) -> dict[str, Service]:
        """As Compose reads them."""
        return services({**some_variables(), **self.variables})

    @cached_property
    def ports(self) -> dict[tuple[str, str], str]:
        """The port of this machine for each that a service has."""
        return {(name, number): str(free_port()) for name, numbers in NUMBERS.items() for number in numbers}

    @cached_property
    def sink(self) -> MailSink:
        """Where mails go."""
        return open_sink(self.supervisor, python=sys.executable, folder=self.folder)

    def url(self, name: str, number: str = "8000") -> str:
        """The address of a service."""
        return f"http://127.0.0.1:{self.ports[name, number]}"

    def environment(self, name: str) -> dict[str, str]:
        """What a service's processes get to know."""
        service = self.services[name]
        told = dict(service.environment)
        path = [str(wheel_binaries().postgres.parent)] if not service.stage else []
        if service.stage:
            told = {**self.images[service.stage].environment, **self._of_chain(service.stage), **told}
            path = [str(self._programs(service.stage))]
        found = {key: self._placed(value, name=name, key=key) for key, value in told.items()}
        found["PATH"] = os.pathsep.join([*path, "/usr/bin", "/bin"])
        found["HOSTNAME"] = self.host(name)
        found["LANG"] = "C.UTF-8"
        found.setdefault("PGPORT", self.ports["postgres", "5432"])  # or pg_isready asks whoever has the usual one
        for key in ("HOME", "TMPDIR"):
            found[key] = str(self._folder(name, "/tmp"))  # noqa: S108 - a path of the container
        if "BROKER_URL" in found:
            found["BROKER_URL"] = os.environ.get("BROKER_URL") or re.sub(r"/\d$", "/1", found["CACHE_URL"])
            found["BROKER_QUEUE"] = f"windtunnel_stack_{self.mark}"
            found["EMAIL_URL"] = self.sink.url
        return found

    def host(self, name: str) -> str:
        """A container has a name of its own."""
        return f"{name}-{self.mark}"

    def argv(self, name: str, command: tuple[str, ...] = ()) -> list[str]:
        """A service's command, or another one that is run beside it."""
        service = self.services[name]
        words = command or service.command or stages()[service.stage].argv("CMD")
        return [self._placed(word, name=name).replace("%h", self.host(name)) for word in words]

    def start(self, *names: str) -> None:
        """Start services at once, and return when each is well; one that ends, when it has ended well."""
        for name in names:
            self._spawn(name)
        for name in names:
            if self.services[name].is_once:
                assert self.supervisor.wait_exit(name, seconds=READY_SECONDS) == 0, self.said(name)
            else:
                self.supervisor.wait_ready(name, ready=partial(self.is_well, name), seconds=READY_SECONDS)

    def _spawn(self, name: str) -> None:
        service = self.services[name]
        work = self.images[service.stage].work if service.stage else self.folder
        argv, account = self.argv(name), Account(name="")
        if name in {"postgres", "valkey"}:
            argv, work, account = self._server(name, argv), self.home.home, self.home.account
        self.supervisor.spawn(
            name=name, argv=argv, env=self.environment(name), cwd=work, log=self.folder / f"{name}.log", grace=20,
            uid=account.uid, gid=account.gid,
        )  # fmt: skip

    def is_well(self, name: str) -> bool:
        """What its health check says."""
        service = self.services[name]
        if name == "valkey":  # its client is in its image, and not in the wheel
            return self._answers(name)
        health = service.health or stages()[service.stage].argv("HEALTHCHECK")
        work = self.images[service.stage].work if service.stage else self.folder
        done = subprocess.run(
            self.argv(name, health), env=self.environment(name), cwd=work, capture_output=True, check=False
        )
        return done.returncode == 0

    def run(self, name: str, *command: str) -> str:
        """What a command says that runs in a service's place."""
        service = self.services[name]
        done = subprocess.run(
            self.argv(name, command), env=self.environment(name), cwd=self.images[service.stage].work,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def said(self, name: str) -> str:
        """The last words of a service."""
        return self.supervisor.log_tail(name, lines=30)

    def kept(self, name: str, path: str) -> Path:
        """Where a file is that a service writes by a path of its container."""
        return Path(self._placed(path, name=name))

    def _server(self, name: str, argv: list[str]) -> list[str]:
        """A server's command, with the folders and the port that its container would give it."""
        binaries, port = servers_binaries(self.home), self.ports[name, NUMBERS[name][0]]
        if name == "valkey":
            return [str(binaries.valkey), *argv[1:], "--port", port, "--bind", "127.0.0.1"]
        data = self.home.home / "stack"
        if not data.exists():
            self.home.make("stack")
            password = self.home.write_private("stack.password", self.environment(name)["POSTGRES_PASSWORD"])
            self.supervisor.spawn(
                name="initdb", env={"LANG": "C"}, log=self.folder / "initdb.log", cwd=self.home.home,
                uid=self.home.account.uid, gid=self.home.account.gid,
                argv=[
                    binaries.initdb, "-D", data, "--username", "postgres", "--pwfile", password, "--no-sync",
                    *self.environment(name)["POSTGRES_INITDB_ARGS"].split(),
                ],
            )  # fmt: skip
            assert self.supervisor.wait_exit("initdb", seconds=READY_SECONDS) == 0, self.said("initdb")
        place = ["-D", str(data), "-p", port, "-h", "127.0.0.1", "-k", str(self.home.sockets)]
        return [str(binaries.postgres), *argv[1:], *place]

    def _answers(self, name: str) -> bool:
        import redis

        url = self.environment("web")["CACHE_URL"]
        client = redis.Redis.from_url(url, socket_connect_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def _programs(self, stage: str) -> Path:
        own = self.images[stage].inside("/opt/venv/bin")
        return own if own.is_dir() else Path(sys.executable).parent

    @staticmethod
    def _of_chain(stage: str) -> dict[str, str]:
        found = {key: value for part in chain(stage) for key, value in part.environment.items()}
        return {key: value for key, value in found.items() if key != "PATH"} | {"GRANIAN_HOST": "127.0.0.1"}

    def _placed(self, text: str, *, name: str, key: str = "") -> str:
        """The text with names, ports and paths as they are on this machine."""
        for (other, number), port in self.ports.items():
            text = re.sub(rf"\b{other}:{number}\b", f"127.0.0.1:{port}", text)
            shared = other == name or number != "8000"
            if key.endswith("PORT") and text == number and shared:
                text = port
        if key.endswith("HOST") and text in NUMBERS:
            text = "127.0.0.1"
        for path in self.services[name].kept:
            text = re.sub(rf"(?<![\w.]){re.escape(path)}(?=/)", str(self._folder(name, path)), text)
        return text

    def _folder(self, name: str, path: str) -> Path:
        """What is in memory there is each start's own; here it is each service's, which is enough."""
        volume = self.services[name].kept.get(path)
        place = self.folder / "kept" / (volume or name + path.replace("/", "-"))
        place.mkdir(parents=True, exist_ok=True)
        return place
