"""Many who ask at once for what nobody has kept, in several processes: one computes, if the variant says so."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from lab.experiment import Server
from lab.processes import Supervisor
from lab.server import boot
from scenarios.operations.catalog import PRODUCT_DETAIL, DetailParameters
from tests.targets.subject import ServiceUrls, get
from tests.targets.test_delivery import surroundings, until
from tests.targets.test_quotes import ask

FACES = ("rest", "graphql")
UNASKED = itertools.count(100)
"""Products that nobody has asked for yet: levels share what they keep."""

MANY = 4
"""As many as one process of a server with threads serves at once: they may all come to the same one."""


@dataclass(frozen=True, kw_only=True)
class Crowded:
    """Two servers of two processes each, by their interface, on one cache; and how their requests are told apart."""

    places: dict[str, tuple[str, str]]
    evidence: dict[str, Path]
    database: str

    def look_ups(self, server: str, mark: str) -> list[dict[str, Any]]:
        """What the requests of a mark looked up."""
        lines = map(json.loads, self.evidence[server].read_text().splitlines())
        return [event for line in lines if line["request"] == mark for event in line["cache"]]


@contextmanager
def held(database: str) -> Iterator[Callable[[], int]]:
    """Have nobody read products until the end of the block; the value counts who tries."""
    with closing(psycopg2.connect(database)) as holder, closing(psycopg2.connect(database)) as watcher:
        watcher.autocommit = True
        with holder.cursor() as cursor, watcher.cursor() as watching:
            cursor.execute("LOCK TABLE catalog_product IN ACCESS EXCLUSIVE MODE")

            def blocked() -> int:
                watching.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                [count] = watching.fetchone() or (0,)
                return int(count)

            yield blocked
        holder.rollback()


@pytest.fixture(scope="module")
def crowded(service_urls: ServiceUrls, project: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowded]:
    """A WSGI server with threads, and an ASGI server."""
    logs = tmp_path_factory.mktemp("stampede")
    servers = (Server(name="wsgi", workers=2, threads=MANY), Server(name="asgi", interface="asgi", workers=2))
    files = {server.name: logs / f"{server.name}.jsonl" for server in servers}
    # However long this machine takes, nobody's time is over: all who wait do so until they need not.
    around = replace(surroundings(service_urls, logs=logs), settings=(("CACHE_REFILL_SECONDS", "60"),))
    with Supervisor() as supervisor:
        running = boot(servers, surroundings=around, supervisor=supervisor, evidence=files)
        places = {name: (each.url, around.token) for name, each in running.items()}
        yield Crowded(places=places, evidence=files, database=service_urls.database)


@pytest.mark.parametrize("cache", ["query", "view", "both"])
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_one_of_all_processes_computes(crowded: Crowded, server: str, face: str, cache: str):
    """While one cannot go on, the others wait for it; then all have the same answer, which was computed once a level.

    Meanwhile an event loop serves others.
    """
    mark, place = f"one-{server}-{face}-{cache}", crowded.places[server]
    request = PRODUCT_DETAIL.request(face, DetailParameters(id=next(UNASKED)))
    headers = {"Lab-Variant": f"cache={cache}; refill=one", "Lab-Request": mark}
    with ThreadPoolExecutor(MANY) as pool:
        with held(crowded.database) as blocked:
            answers = [pool.submit(ask, place, request, **headers) for _ in range(MANY)]
            until(lambda: blocked() > 0, seconds=30)
            if server == "asgi":
                assert [ask(place, get("/bare?bytes=10"))[0] for _ in range(8)] == [200] * 8
            assert blocked() == 1
        assert len({answer.result() for answer in answers}) == 1
        assert answers[0].result()[0] == 200
    computed = Counter((event["level"], event["key"]) for event in crowded.look_ups(server, mark) if event["computed"])
    assert set(computed.values()) == {1}
    assert {level for level, _ in computed} == ({"query", "view"} if cache == "both" else {cache})


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("cache", ["query", "view"])
def test_without_it_every_thread_computes(crowded: Crowded, face: str, cache: str):
    """At the level `all` each of those who are served at once computes the same answer."""
    mark, place = f"all-{face}-{cache}", crowded.places["wsgi"]
    request = PRODUCT_DETAIL.request(face, DetailParameters(id=next(UNASKED)))
    headers = {"Lab-Variant": f"cache={cache}; refill=all", "Lab-Request": mark}
    with ThreadPoolExecutor(MANY) as pool:
        with held(crowded.database) as blocked:
            answers = [pool.submit(ask, place, request, **headers) for _ in range(MANY)]
            until(lambda: blocked() == MANY, seconds=30)
        assert len({answer.result() for answer in answers}) == 1
    computed = Counter((event["level"], event["key"]) for event in crowded.look_ups("wsgi", mark) if event["computed"])
    assert max(computed.values()) == MANY
