"""Yields what an experiment's servers need beyond what all runs have: databases of their own, credentials, services."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final

from lab.carriers import CARRIERS
from lab.clones import cloned, dropped, told
from lab.experiment import Experiment
from lab.processes import Supervisor
from lab.server import Build, Surroundings, free_port, listens, plain_environment

PREFIX: Final = "windtunnel_own_"
READY_SECONDS: Final = 10.0
CARRIER_SECONDS: Final = "0.3"
"""How long a carrier is waited for: one never comes in time. All in turn take less than what counts as slow."""

HOLDS_FOR: Final = "86400"
"""Seconds that credentials count: longer than any run lasts."""


@contextmanager
def equipped(
    surroundings: Surroundings, experiment: Experiment, *, server_url: str, supervisor: Supervisor
) -> Iterator[Surroundings]:
    """The surroundings of an experiment until the end of the block, when the databases made for it are dropped.

    Raises LabError when the target cannot make what is asked of it.
    """
    shared = surroundings.build
    kinds = {arm.credentials for arm in experiment.arms} - {""}
    credentials: dict[str, tuple[str, str]] = {}
    if kinds:
        # Before any clone is made: a session is a row.
        text = told(
            shared, "credentials", "--seconds", HOLDS_FOR, url=shared.database_url, secret=surroundings.secret,
            what="no credentials could be made", hint="try it alone: python -m targets credentials",
        )  # fmt: skip
        made = json.loads(text)
        credentials = {kind: (made[kind][0], made[kind][1]) for kind in kinds}
    dropped(server_url, (), prefix=PREFIX)
    try:
        builds = {
            server.name: _own(surroundings, server.prepare, number=number, server_url=server_url)
            for number, server in enumerate(experiment.servers)
            if server.prepare
        }
        settings = _carriers(surroundings, supervisor=supervisor) if "carriers" in experiment.beside else ()
        yield replace(surroundings, builds=builds, credentials=credentials, settings=settings)
    finally:
        dropped(server_url, (), prefix=PREFIX)


def _carriers(surroundings: Surroundings, *, supervisor: Supervisor) -> tuple[tuple[str, str], ...]:
    """The settings by which the target finds carriers that were started."""
    port = free_port()
    supervisor.spawn(
        name="carriers", argv=[sys.executable, "-m", "lab.carriers", port, *CARRIERS], env=plain_environment(),
        log=surroundings.logs / "carriers.log",
    )  # fmt: skip
    supervisor.wait_ready("carriers", ready=partial(listens, port), seconds=READY_SECONDS)
    names = [each.partition("=")[0] for each in CARRIERS]
    carriers = ",".join(f"{name}=http://127.0.0.1:{port}/{name}" for name in names)
    return (("CARRIERS", carriers), ("CARRIER_SECONDS", CARRIER_SECONDS))


def _own(surroundings: Surroundings, words: tuple[str, ...], *, number: int, server_url: str) -> Build:
    """The build of a server with databases of its own, on which the target's command was run."""
    build = surroundings.build
    urls = [
        cloned(server_url, url, name=f"{PREFIX}{number}_{alias}")
        for alias, url in zip(("indexed", "bare"), build.databases.values(), strict=True)
    ]
    for url in urls:
        told(
            build, *words, url=url, secret=surroundings.secret, what=f"{' '.join(words)} failed",
            hint=f"try it alone: python -m targets {' '.join(words)}",
        )  # fmt: skip
    return replace(build, database_url=urls[0], bare_url=urls[1], cache_space=f":own{number}")
