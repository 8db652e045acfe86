"""Yields the project in a server of its own, as the lab boots it: what only a process and its port can show."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from fixtures.identity import read_identity
from lab.experiment import Server
from lab.processes import Supervisor
from lab.server import Build, Surroundings, boot, new_token
from tests.targets.subject import ServiceUrls


@contextmanager
def live(service_urls: ServiceUrls, *, name: str, logs: Path, server: Server | None = None) -> Iterator[str]:
    """The URL of the API on the session's dataset; `logs` is a folder for what it writes. It takes tests' tokens."""
    identity = read_identity(service_urls.database)
    assert identity is not None
    surroundings = Surroundings(
        build=Build(commit="none", database_url=service_urls.database, bare_url=service_urls.bare),
        cache_url=service_urls.cache, cache_prefix=f"windtunnel_{name}_{os.getpid()}", token=new_token(),
        dataset=identity.text, logs=logs, secret=settings.SECRET_KEY,
    )  # fmt: skip
    server = server or Server()
    with Supervisor() as supervisor:
        yield boot((server,), surroundings=surroundings, supervisor=supervisor)[server.name].url
