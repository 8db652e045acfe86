"""A request that the database's time limit ends voids its cell, with what it had taken: on the project in a server."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from fixtures.identity import read_identity
from lab.asker import Asker, Subject
from lab.evidence import EvidenceFile, Witness
from lab.experiment import Arm, Server
from lab.http import Client
from lab.operations import Keyed
from lab.processes import Supervisor
from lab.prover import Prover
from lab.server import Build, Surroundings, boot, new_token
from scenarios.operations.catalog import PRODUCT_DETAIL, DetailParameters
from tests.targets.subject import ServiceUrls

ARMS = tuple(Arm(server="target", face=face, variant=(("cache", "off"),)) for face in ("rest", "graphql"))
SECONDS = 1.0


@contextmanager
def held(url: str, table: str) -> Iterator[None]:
    """A table that nobody can read until the end of the block: what a statement for it takes is known."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


@pytest.fixture
def prover(service_urls: ServiceUrls, tmp_path: Path) -> Iterator[Prover]:
    """What proves cells of a server whose statements may take a second."""
    identity, token = read_identity(service_urls.database), new_token()
    assert identity is not None
    around = Surroundings(
        build=Build(commit="none", database_url=service_urls.database, bare_url=service_urls.bare),
        cache_url=service_urls.cache, cache_prefix=f"windtunnel_cut_{os.getpid()}", token=token,
        dataset=identity.text, logs=tmp_path, settings=(("DATABASE_TIMEOUT_SECONDS", f"{SECONDS:g}"),),
    )  # fmt: skip
    path = tmp_path / "evidence.jsonl"
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor())
        [running] = boot(
            (Server(),), surroundings=around, supervisor=supervisor, evidence={"target": path}
        ).values()  # fmt: skip
        client = stack.enter_context(closing(Client(running.url)))
        witness = Witness(databases=around.build.databases, server_url=service_urls.database, has_counter=False)
        yield Prover(
            asker=Asker(clients={"target": client}, token=token, credentials={}), files={"target": EvidenceFile(path)},
            witnesses={"target": stack.enter_context(closing(witness))},
        )  # fmt: skip


def test_a_statement_that_is_cut_voids_its_cell_and_no_other(prover: Prover, service_urls: ServiceUrls) -> None:
    """Both faces refuse it; the proof goes on, says what it took at the least, and proves what can be read again."""
    keyed = Keyed(operation=PRODUCT_DETAIL, keys=(DetailParameters(id=1), DetailParameters(id=2)))
    subjects = [Subject(index=number, keyed=keyed, arm=arm) for number, arm in enumerate(ARMS)]
    with held(service_urls.database, "catalog_review"):
        cut = prover.prove(subjects, advance=lambda **_: None)
    for cell in cut.cells:
        assert "a statement met the time limit of the database" in cell.void
        assert cell.more_than is not None
        assert cell.more_than >= SECONDS
        assert cell.answers == ()
    right = prover.prove(subjects, advance=lambda **_: None)
    assert [(cell.void, len(cell.answers)) for cell in right.cells] == [("", 2), ("", 2)]
