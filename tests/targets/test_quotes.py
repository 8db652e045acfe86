"""Carriers are asked in turn, by threads or in an event loop: the answer is the same, and those who fail are named."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection

import pytest

from lab.carriers import CARRIERS, price
from lab.experiment import Server
from lab.processes import Supervisor
from lab.server import boot, free_port, listens, plain_environment
from scenarios.operations.catalog import PRODUCT_DETAIL, PRODUCT_LIST, DetailParameters, ListParameters
from scenarios.operations.operation import Request
from scenarios.operations.quotes import QUOTE_LIST, Missing, ParcelParameters, Quotes
from targets.accounts.tokens import pair_for
from tests.targets.doors import address_of, forget_everyone, person
from tests.targets.subject import ServiceUrls
from tests.targets.test_delivery import surroundings

PARCEL = ParcelParameters(country="GB", grams=1200)
FACES = ("rest", "graphql")
Servers = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def servers(service_urls: ServiceUrls, project: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A WSGI and two ASGI servers, and carriers that they all ask; URLs and tokens by name."""
    logs = tmp_path_factory.mktemp("quotes")
    with Supervisor() as supervisor:
        port = free_port()
        supervisor.spawn(
            name="carriers", argv=[sys.executable, "-m", "lab.carriers", port, *CARRIERS], env=plain_environment(),
            log=logs / "carriers.log",
        )  # fmt: skip
        supervisor.wait_ready("carriers", ready=partial(listens, port), seconds=30)
        names = [each.partition("=")[0] for each in CARRIERS]
        carriers = ",".join(f"{name}=http://127.0.0.1:{port}/{name}" for name in names)
        around = replace(surroundings(service_urls, logs=logs), settings=(("CARRIERS", carriers),))
        running = boot(
            (
                Server(name="wsgi", threads=4), Server(name="asgi", interface="asgi"),
                Server(name="uvicorn", program="uvicorn", interface="asgi"),
                Server(name="gunicorn", program="gunicorn"),
            ),
            surroundings=around, supervisor=supervisor,
        )  # fmt: skip
        yield {name: (each.url, around.token) for name, each in running.items()}


def ask(server: tuple[str, str], request: Request, **headers: str) -> tuple[int, bytes]:
    """The answer of a server to a request."""
    url, token = server
    connection = HTTPConnection(url.removeprefix("http://"), timeout=30)
    sent = {"Lab-Token": token, **headers}
    if request.content_type:
        sent["Content-Type"] = request.content_type
    connection.request(request.method, request.path, body=request.body, headers=sent)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("server", "fanout"),
    [
        ("wsgi", "sync"), ("wsgi", "threads"), ("asgi", "sync"), ("asgi", "threads"), ("asgi", "async"),
        ("uvicorn", "async"), ("gunicorn", "threads"),
    ],
)  # fmt: skip
def test_every_way_gives_the_same_partial_answer(servers: Servers, server: str, fanout: str, face: str):
    """Three quotes, the cheapest first; one carrier is too slow, and one gives no answer."""
    request = QUOTE_LIST.request(face, PARCEL)
    found = QUOTE_LIST.read(face, *ask(servers[server], request, **{"Lab-Variant": f"fanout={fanout}"}))
    assert isinstance(found, Quotes)
    expected = sorted((price(name, country="GB", grams=1200)["price"], name) for name in ("swift", "steady", "thrifty"))
    assert sorted((each.price, each.carrier) for each in found.quotes) == expected
    assert [float(each.price) for each in found.quotes] == sorted(float(each.price) for each in found.quotes)
    assert found.missing == (
        Missing(carrier="broken", reason="no answer"), Missing(carrier="sleepy", reason="too slow"),
    )  # fmt: skip


@pytest.mark.parametrize("face", FACES)
def test_nothing_is_awaited_where_no_loop_is(servers: Servers, face: str):
    """A WSGI server refuses to be asked for it: to ignore a knob would be a lie."""
    status, body = ask(servers["wsgi"], QUOTE_LIST.request(face, PARCEL), **{"Lab-Variant": "fanout=async"})
    assert status == 400
    assert b"needs an ASGI server" in body


@pytest.mark.parametrize("fanout", ["threads", "async"])
def test_a_parcel_that_is_none_is_refused_alike(servers: Servers, fanout: str):
    """What is at fault is named, awaited or not; a broken token is refused first."""
    request = Request(method="GET", path="/api/quotes/?country=gb&grams=x")
    status, body = ask(servers["asgi"], request, **{"Lab-Variant": f"fanout={fanout}"})
    assert (status, b'"country"' in body, b'"grams"' in body) == (400, True, True)
    broken = {"Authorization": "Bearer x", "Lab-Variant": f"fanout={fanout}"}
    assert ask(servers["asgi"], QUOTE_LIST.request("rest", PARCEL), **broken)[0] == 401


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("server", ["asgi", "uvicorn", "gunicorn"])
def test_every_server_program_serves_the_same(servers: Servers, server: str, face: str):
    """Lists, details and refusals are those of granian by WSGI."""
    for request in (
        PRODUCT_LIST.request(face, ListParameters(page=2)),
        PRODUCT_DETAIL.request(face, DetailParameters(id=7)),
        PRODUCT_DETAIL.request(face, DetailParameters(id=10**9)),
        PRODUCT_LIST.request(face, ListParameters(page=0)),
    ):
        assert ask(servers[server], request) == ask(servers["wsgi"], request)


@pytest.mark.parametrize("server", ["asgi", "uvicorn"])
def test_writes_work_under_asgi(servers: Servers, server: str):
    """What needs a transaction is done in a thread: an address is made and read."""
    customer = person("customer")
    try:
        address = address_of(customer)
        who = {"Authorization": f"Bearer {pair_for(customer).access}"}
        request = Request(method="GET", path=f"/api/addresses/{address.id}/")
        assert ask(servers[server], request, **who)[0] == 200
    finally:
        forget_everyone(customer.id - 1)


@pytest.mark.parametrize("server", ["asgi", "uvicorn"])
def test_a_body_of_no_announced_length_ends_at_the_limit(servers: Servers, server: str):
    """Of a body that does not say how long it is, no more is read than may come: 413."""
    url, _ = servers[server]
    connection = HTTPConnection(url.removeprefix("http://"), timeout=30)
    chunks = iter([b"x" * 50_000] * 4)
    connection.request(
        "POST", "/graphql", body=chunks, encode_chunked=True,
        headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
    )  # fmt: skip
    answer = connection.getresponse()
    assert (answer.status, b'"too_large"' in answer.read()) == (413, True)
    connection.close()
