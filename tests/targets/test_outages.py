"""What is away, slow or full costs answers at most their speed: they stay right, and nothing is left half done."""

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psycopg2
import pytest
import redis

from fixtures.sizes import SIZES
from fixtures.template import prepare
from lab.binaries import servers_binaries
from lab.experiment import Server
from lab.folder import locked, server_folder
from lab.postgres import embedded_postgres
from lab.processes import Supervisor
from lab.server import Build, Surroundings, boot, free_port, listens, new_token
from lab.valkey import embedded_valkey
from lab.writes import writes_of
from scenarios.operations.catalog import PRODUCT_LIST, ListParameters
from targets.orders.management.commands.writes import STOCK
from tests.targets.cut import Cut, cuttable
from tests.targets.subject import ServiceUrls
from tests.targets.test_delivery import surroundings, until
from tests.targets.test_stampede import held

pytestmark = pytest.mark.usefixtures("people")

FACES = ("rest", "graphql")
CLIENTS = 4


@dataclass(frozen=True, kw_only=True)
class Cached:
    """A server whose cache can be cut, slowed and filled, and the file of its evidence."""

    url: str
    token: str
    cut: Cut
    cache: "redis.Redis"
    evidence: Path

    def ask(self, face: str, *, variant: str, mark: str) -> bytes:
        """The answer to a list by a variant, with evidence under `mark`. Raises AssertionError where it is none."""
        request = PRODUCT_LIST.request(face, ListParameters(page=1))
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        headers = {"Lab-Token": self.token, "Lab-Variant": variant, "Lab-Request": mark}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        connection.request(request.method, request.path, body=request.body, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200, body
        return body

    def outcomes(self, mark: str) -> set[str]:
        """What became of the look-ups of a request."""
        lines = map(json.loads, self.evidence.read_text().splitlines())
        return {event["outcome"] for line in lines if line["request"] == mark for event in line["cache"]}


@pytest.fixture(scope="module")
def cached(service_urls: ServiceUrls, project: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cached]:
    """A Valkey of 3 MB behind a relay, and a server that caches in it."""
    folder = tmp_path_factory.mktemp("cached")
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor())
        home = stack.enter_context(server_folder(stack.enter_context(locked(folder / ".lab"))))
        port = free_port()
        supervisor.spawn(
            name="small", argv=[
                servers_binaries(home).valkey, "--port", port, "--bind", "127.0.0.1", "--save", "",
                "--maxmemory", "3mb", "--maxmemory-policy", "noeviction",
            ],
            env={"LANG": "C"}, log=folder / "small.log", cwd=home.home, uid=home.account.uid, gid=home.account.gid,
        )  # fmt: skip
        supervisor.wait_ready("small", ready=lambda: listens(port), seconds=30)
        cut = stack.enter_context(cuttable("127.0.0.1", port))
        around = replace(surroundings(service_urls, logs=folder), cache_url=f"redis://127.0.0.1:{cut.port}/0")
        evidence = folder / "evidence.jsonl"
        [running] = boot(
            (Server(threads=4),), surroundings=around, supervisor=supervisor, evidence={"target": evidence}
        ).values()  # fmt: skip
        cache = redis.Redis(port=port)
        yield Cached(url=running.url, token=around.token, cut=cut, cache=cache, evidence=evidence)
        cache.close()


@contextmanager
def trouble(cached: Cached, kind: str) -> Iterator[None]:
    """A cache that is down, or slow, or full, until the end of the block."""
    if kind == "down":
        cached.cut.cut()
    elif kind == "slow":
        cached.cut.delay = 1.0
    else:
        for size in (100_000, 100):
            with pytest.raises(redis.exceptions.ResponseError, match="maxmemory"):
                for number in range(30_000):
                    cached.cache.set(f"full:{size}:{number}", b"x" * size)
    try:
        yield
    finally:
        cached.cut.delay = 0.0
        if kind == "down":
            cached.cut.mend()
        cached.cache.flushdb()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("kind", ["down", "slow", "full"])
def test_answers_stay_right_whatever_the_cache_does(cached: Cached, face: str, kind: str):
    """Each answer is that of the database; of a cache that does not answer the evidence says so."""
    right = cached.ask(face, variant="cache=off", mark="right")
    marks = [f"{kind}-{face}-{number}" for number in range(4)]
    with trouble(cached, kind):
        assert [cached.ask(face, variant="cache=both", mark=mark) for mark in marks] == [right] * 4
    seen = set().union(*map(cached.outcomes, marks))
    if kind == "full":
        assert "miss" in seen
    else:
        assert seen == {"away"}
        until(lambda: _asked_again(cached, face, right) != {"away"}, seconds=30)


@pytest.mark.parametrize("face", FACES)
def test_nobody_waits_for_a_cache_that_left(cached: Cached, service_urls: ServiceUrls, face: str):
    """Who waits for another's answer computes it as soon as the cache leaves, however long the other takes."""
    variant = "cache=both; refill=one"
    right = cached.ask(face, variant="cache=off", mark="right")
    until(lambda: _asked_again(cached, face, right) != {"away"}, seconds=30)
    cached.cache.flushdb()
    with ThreadPoolExecutor(2) as pool, held(service_urls.database) as blocked:
        answers = [pool.submit(cached.ask, face, variant=variant, mark=f"left-{face}-{number}") for number in range(2)]
        until(lambda: blocked() == 1)
        cached.cut.cut()
        until(lambda: blocked() == 2)
    cached.cut.mend()
    assert [answer.result() for answer in answers] == [right] * 2


def _asked_again(cached: Cached, face: str, right: bytes) -> set[str]:
    """What becomes of look-ups once the cache is back."""
    mark = f"again-{face}-{time.monotonic_ns()}"
    assert cached.ask(face, variant="cache=both", mark=mark) == right
    return cached.outcomes(mark)


class Load:
    """Orders by several clients, one after the other, until it is told to end: how each of them ended."""

    def __init__(self, url: str, writes: list[tuple[str, dict[str, str], str]]) -> None:
        self.made = 0
        self.failed: list[int] = []
        self.ended = threading.Event()
        self._place, self._writes = url.removeprefix("http://"), writes
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._clients = [self._pool.submit(self._ask, number) for number in range(CLIENTS)]

    def end(self) -> None:
        """Have the clients finish."""
        self.ended.set()
        for client in self._clients:
            client.result()
        self._pool.shutdown()

    def _ask(self, number: int) -> None:
        connection = HTTPConnection(self._place, timeout=30)
        while not self.ended.is_set():
            path, headers, body = self._writes[number]
            try:
                connection.request("POST", path, body=body, headers=headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, HTTPException):
                connection.close()
                status = 0
            if status == 201:
                self.made += 1
            else:
                self.failed.append(status)
        connection.close()


@pytest.mark.slow
def test_a_database_that_restarts_costs_errors_while_it_is_away_and_nothing_else(tmp_path: Path):
    """Orders fail while it is away, are made again as soon as it is back, and none is there by half."""
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor())
        home = stack.enter_context(server_folder(stack.enter_context(locked(tmp_path / ".lab"))))
        binaries = servers_binaries(home)
        cache = stack.enter_context(embedded_valkey(home, binaries=binaries, supervisor=supervisor))
        first = stack.enter_context(ExitStack())
        postgres = first.enter_context(embedded_postgres(home, binaries=binaries, supervisor=supervisor))
        made = prepare(postgres.url, size=SIZES["small"], seed=7, prefix=f"windtunnel_restart_{os.getpid()}")
        around = Surroundings(
            build=Build(commit="none", database_url=made.indexed_url, bare_url=made.bare_url), cache_url=cache.url,
            cache_prefix="restart", token=new_token(), dataset=made.identity.text, logs=tmp_path,
        )  # fmt: skip
        writes = writes_of(around, words=("orders", "rest"), count=CLIENTS, url=made.indexed_url)
        [running] = boot((Server(threads=4),), surroundings=around, supervisor=supervisor).values()
        load = Load(running.url, [(each.path, dict(each.headers), each.body) for each in writes])
        until(lambda: load.made > 100)
        first.close()
        until(lambda: len(load.failed) > 20)
        stack.enter_context(embedded_postgres(home, binaries=binaries, supervisor=supervisor))
        back = load.made
        until(lambda: load.made > back + CLIENTS * 20, seconds=5)
        failed = len(load.failed)
        until(lambda: load.made > back + CLIENTS * 60)
        load.end()
        assert len(load.failed) == failed
        assert set(load.failed) <= {503, 0}
        with psycopg2.connect(made.indexed_url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), count(m.id), count(*) FILTER (WHERE o.total <> l.total OR l.total IS NULL),"
                " sum(l.quantity), (SELECT sum(%s - stock) FROM catalog_product WHERE id <= %s)"
                " FROM orders_order o LEFT JOIN orders_mail m ON m.order_id = o.id LEFT JOIN LATERAL"
                " (SELECT sum(quantity * unit_price) AS total, sum(quantity) AS quantity FROM orders_orderline"
                " WHERE order_id = o.id) l ON true"
                " WHERE o.id > %s",
                [STOCK, CLIENTS, SIZES["small"].orders],
            )
            orders, mails, half, sold, taken = cursor.fetchone() or (0, 0, 1, 0, 1)
        connection.close()
    assert orders == mails >= load.made
    assert half == 0
    assert sold == taken
