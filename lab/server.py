"""Yields running API servers, each asked who it is before anything is asked of it. It measures nothing."""

import hashlib
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from lab.errors import LabError
from lab.experiment import Server
from lab.http import Client
from lab.processes import Supervisor

TREE: Final = Path(__file__).resolve().parent.parent
FOLDER_VARIABLE: Final = "WINDTUNNEL_FOLDER"
"""The environment variable by which a gate has another commit's lab work in this one's folder."""

BOOT_LIMIT: Final = 30.0
NO_LIMIT: Final = "1000000000/1"
CACHE_SECONDS: Final = 6 * 3600
"""How long a primed answer lives: no run lasts as long, so none goes cold between its blocks."""

PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What servers are booted from: a source tree with its commit, a Python that has its requirements, its databases.

    The databases hold the run's dataset, under the tree's own migrations. Builds with different `cache_space` share no
    cached answer.
    """

    commit: str
    database_url: str
    bare_url: str
    tree: Path = TREE
    python: str = sys.executable
    cache_space: str = ""

    @property
    def databases(self) -> dict[str, str]:
        """The URLs by the aliases that the target gives them."""
        return {"default": self.database_url, "bare": self.bare_url}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the servers of a run share: cache, token, dataset, where logs go, and the build of those not in `builds`.

    `credentials` are the headers by which requests say who asks, by their kind; `secret` signs them. Mails go to
    `email_url`, by way of a `queue` of the broker, which is the cache's server where `broker_url` is empty. `settings`
    are further environment variables of the target.
    """

    build: Build
    cache_url: str
    cache_prefix: str
    token: str
    dataset: str
    logs: Path
    builds: Mapping[str, Build] = field(default_factory=dict)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    credentials: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    broker_url: str = field(default="", repr=False)
    queue: str = "windtunnel"
    email_url: str = "dummymail://"
    settings: tuple[tuple[str, str], ...] = ()

    def of(self, server: str) -> Build:
        """The build of the server of that name."""
        return self.builds.get(server, self.build)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answered for itself."""

    name: str
    url: str
    process: str
    pid: int


def new_token() -> str:
    """A token for one run: 43 random characters."""
    return secrets.token_urlsafe(32)


def source_hash(tree: Path = TREE) -> str:
    """`sha256:` over the paths and bytes of every Python file of the target, as its `/identity` gives it."""
    digest = hashlib.sha256()
    root = tree / "targets"
    for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix()):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"


def boot(
    servers: Sequence[Server],
    *,
    surroundings: Surroundings,
    supervisor: Supervisor,
    evidence: Mapping[str, Path] | None = None,
) -> dict[str, Running]:
    """Boots `servers` in this order, each from its build, waits for them, and checks that each is what was asked for.

    With `evidence`, a file by server name, requests that carry a `Lab-Request` header are written there; leave it
    out while timing. Raises LabError when a server dies, does not answer in 30 s, or is another build or dataset.
    """
    ports: dict[str, int] = {}
    pids: dict[str, int] = {}
    for server in servers:
        build = surroundings.of(server.name)
        ports[server.name] = free_port()
        pids[server.name] = supervisor.spawn(
            name=_process(server.name),
            argv=_command(server, port=ports[server.name], python=build.python),
            env=target_environment(
                surroundings, build=build, tasks=server.tasks, evidence=(evidence or {}).get(server.name)
            ),
            cwd=build.tree,
            log=surroundings.logs / f"{_process(server.name)}.log",
        ).pid
    running: dict[str, Running] = {}
    for name, port in ports.items():
        supervisor.wait_ready(_process(name), ready=partial(listens, port), seconds=BOOT_LIMIT)
        running[name] = Running(name=name, url=f"http://127.0.0.1:{port}", process=_process(name), pid=pids[name])
        _check_identity(running[name], surroundings=surroundings)
    return running


def _process(name: str) -> str:
    return f"server-{name}"


def _command(server: Server, *, port: int, python: str) -> list[str]:
    application = f"targets.config.{server.interface}:application"
    kind = (server.program, server.interface)
    if kind in {("granian", "wsgi"), ("granian", "asgi")}:
        # Under ASGI an event loop runs the views, and threads of its own run what blocks.
        threads = server.threads if server.interface == "wsgi" else 1
        return [
            python, "-m", "granian", "--interface", server.interface, "--host", "127.0.0.1", "--port", str(port),
            "--workers", str(server.workers), "--blocking-threads", str(threads), "--no-ws",
            "--log-level", "warning", application,
        ]  # fmt: skip
    if kind == ("gunicorn", "wsgi"):
        return [
            python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(server.workers),
            "--worker-class", "gthread", "--threads", str(server.threads), "--keep-alive", "75",
            "--log-level", "warning", application,
        ]  # fmt: skip
    if kind == ("uvicorn", "asgi"):
        return [
            python, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--workers", str(server.workers),
            "--timeout-keep-alive", "75", "--log-level", "warning", "--no-access-log", application,
        ]  # fmt: skip
    raise LabError(
        f"there is no server program {server.program} for {server.interface.upper()}",
        hint="give granian (wsgi, asgi), gunicorn (wsgi) or uvicorn (asgi)",
    )


def plain_environment(tree: Path = TREE) -> dict[str, str]:
    """What every child process gets of the lab's own environment, and no more: no secret, no proxy, no URL."""
    return {**{name: os.environ[name] for name in PASSED_ON if name in os.environ}, "PYTHONPATH": str(tree)}


def floor_path(size: int) -> str:
    """The path of the bare view that answers `size` bytes: what every other answer pays too."""
    return f"/bare?bytes={size}"


def target_environment(
    surroundings: Surroundings, *, build: Build, tasks: str = "celery", evidence: Path | None = None
) -> Mapping[str, str]:
    """What a process of the target gets to know: nothing but what is said here."""
    return {
        **plain_environment(build.tree),
        # Every boot draws a new order of sets and dicts, so that it is averaged over and not compared.
        "PYTHONHASHSEED": str(secrets.randbelow(2**32)),
        "SECRET_KEY": surroundings.secret,
        "DEBUG": "off",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": build.database_url,
        "DATABASE_BARE_URL": build.bare_url,
        "CACHE_URL": surroundings.cache_url,
        "CACHE_PREFIX": surroundings.cache_prefix + build.cache_space,
        "TARGET_LAB_TOKEN": surroundings.token,
        "TARGET_COMMIT": build.commit,
        # Said here, so that a checkout's .env has no part in what is measured.
        "TARGET_VARIANT": "",
        "CACHE_SECONDS": str(CACHE_SECONDS),
        "TASKS": tasks,
        "BROKER_URL": surroundings.broker_url,
        "BROKER_QUEUE": surroundings.queue,
        "BROKER_PREFIX": surroundings.cache_prefix,
        "EMAIL_URL": surroundings.email_url,
        **dict(surroundings.settings),
        # A load by stock Locust carries no token of the lab, and is no attack either.
        "RATE_ADDRESS": NO_LIMIT,
        "RATE_USER": NO_LIMIT,
        "RATE_LOGIN_ADDRESS": NO_LIMIT,
        "RATE_REGISTER": NO_LIMIT,
        **({"TARGET_EVIDENCE": str(evidence)} if evidence else {}),
    }


def _check_identity(running: Running, *, surroundings: Surroundings) -> None:
    build = surroundings.of(running.name)
    client = Client(running.url)
    answer = client.send("GET", "/identity", headers={"Lab-Token": surroundings.token})
    client.close()
    if answer.status != 200:
        raise LabError(f"{running.process} does not say who it is (status {answer.status})", hint="see its log")
    identity: dict[str, Any] = json.loads(answer.body)
    expected: dict[str, Any] = {"commit": build.commit, "source": source_hash(build.tree)}
    for name, value in expected.items():
        if identity.get(name) != value:
            raise LabError(
                f"{running.process} runs {name} {identity.get(name)}, not {value}",
                hint="do not edit the target while a run goes on; start again",
            )
    for database, comment in identity["databases"].items():
        if comment != surroundings.dataset:
            raise LabError(
                f"{running.process}'s database {database} holds {comment}, not {surroundings.dataset}",
                hint="start again",
            )


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody listens on a port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
