"""Carriers are asked in turn, by threads or in an event loop: the answer is the same, and those who fail are named."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from lab.carriers import CARRIERS, price
from lab.experiment import Server
from lab.processes import Supervisor
from lab.server import boot, free_port, listens, plain_environment
from scenarios.operations.catalog import PRODUCT_DETAIL, PRODUCT_LIST, DetailParameters, ListParameters
from scenarios.operations.operation import Request
from scenarios.operations.quotes import QUOTE_LIST, Missing, ParcelParameters, Quotes
from targets.orders.models import Mail
from tests.targets.doors import DOORS, Thing, bearer, code_of, forget_everyone, person, product_of, wish_of
from tests.targets.subject import ServiceUrls
from tests.targets.test_delivery import surroundings

PARCEL = ParcelParameters(country="GB", grams=1200)
FACES = ("rest", "graphql")
Servers = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where servers log, and write their evidence."""
    return tmp_path_factory.mktemp("quotes")


@pytest.fixture(scope="module")
def servers(service_urls: ServiceUrls, project: None, logs: Path) -> Iterator[Servers]:
    """A WSGI and two ASGI servers, and carriers that they all ask; URLs and tokens by name."""
    with Supervisor() as supervisor:
        port = free_port()
        supervisor.spawn(
            name="carriers", argv=[sys.executable, "-m", "lab.carriers", port, *CARRIERS], env=plain_environment(),
            log=logs / "carriers.log",
        )  # fmt: skip
        supervisor.wait_ready("carriers", ready=partial(listens, port), seconds=30)
        names = [each.partition("=")[0] for each in CARRIERS]
        carriers = ",".join(f"{name}=http://127.0.0.1:{port}/{name}" for name in names)
        around = replace(
            surroundings(service_urls, logs=logs), settings=(("CARRIERS", carriers), ("CARRIER_SECONDS", "1"))
        )
        running = boot(
            (
                Server(name="wsgi", threads=4), Server(name="asgi", interface="asgi"),
                Server(name="uvicorn", program="uvicorn", interface="asgi"),
                Server(name="gunicorn", program="gunicorn"),
            ),
            surroundings=around, supervisor=supervisor,
            evidence={name: logs / f"{name}.jsonl" for name in ("wsgi", "asgi", "uvicorn")},
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


def recorded(path: Path) -> dict[str, list[str]]:
    """The statements of each marked request, with their values, in the order in which they were issued."""
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {each["request"]: [statement["literal"] for statement in each["statements"]] for each in found}


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
@pytest.mark.parametrize("face", FACES)
def test_evidence_of_requests_at_once_is_kept_apart(servers: Servers, logs: Path, server: str, face: str):
    """Under ASGI each of eight requests at once has its own statements on record: those of the same one under WSGI."""
    variant = "select_related=off; prefetch_related=off"
    requests = [PRODUCT_DETAIL.request(face, DetailParameters(id=1 + place)) for place in range(8)]

    def marked(place: int, *, name: str) -> None:
        headers = {"Lab-Variant": variant, "Lab-Request": f"{name}-{face}-{place}"}
        assert ask(servers[name], requests[place], **headers)[0] == 200

    for place in range(8):
        marked(place, name="wsgi")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(marked, name=server), range(8)))
    alone, together = recorded(logs / "wsgi.jsonl"), recorded(logs / f"{server}.jsonl")
    for place in range(8):
        assert together[f"{server}-{face}-{place}"] == alone[f"wsgi-{face}-{place}"]
    assert len(alone[f"wsgi-{face}-0"]) > 3


@pytest.mark.parametrize("server", ["asgi", "uvicorn"])
@pytest.mark.parametrize("face", FACES)
def test_orders_are_made_under_asgi(servers: Servers, server: str, face: str):
    """What needs a transaction is done in a thread: stock is less by what was ordered, and a mail is due."""
    customer, merchant = person("customer"), person("merchant")
    try:
        product = product_of(merchant, stock=5)
        request = DOORS["order_create"].request(face, Thing(told=wish_of(customer, product=product, quantity=2)))
        status, body = ask(servers[server], request, **bearer(customer))
        assert code_of(status, body) == "ok"
        product.refresh_from_db()
        assert product.stock == 3
        assert Mail.objects.filter(order__customer=customer, state="pending").count() == 1
    finally:
        forget_everyone(customer.id - 1)


@pytest.mark.parametrize("server", ["asgi", "uvicorn"])
@pytest.mark.parametrize(
    "document",
    [
        '{ quoteList(country: "GB", grams: 1200) { missing { carrier } } __typename }',
        '{ ...F } fragment F on Query { quoteList(country: "GB", grams: 1200) { missing { carrier } } }',
        '{ product(id: 1) { id } quoteList(country: "GB", grams: 1200) { missing { carrier } } }',
    ],
)
def test_what_cannot_be_awaited_is_answered_all_the_same(servers: Servers, server: str, document: str):
    """Beside other fields, or in a fragment, carriers are asked by threads."""
    body = json.dumps({"query": document}).encode()
    request = Request(method="POST", path="/graphql", body=body, content_type="application/json")
    status, answer = ask(servers[server], request, **{"Lab-Variant": "fanout=async"})
    assert (status, "errors" in json.loads(answer)) == (200, False), answer
    assert json.loads(answer)["data"]["quoteList"]["missing"] == [{"carrier": "broken"}, {"carrier": "sleepy"}]


@pytest.mark.parametrize("body", [b"x" * 200_000, None], ids=["announced", "not announced"])
@pytest.mark.parametrize("path", ["/graphql", "/api/tokens/"])
@pytest.mark.parametrize("server", ["asgi", "uvicorn"])
def test_a_body_ends_at_the_limit(servers: Servers, server: str, path: str, body: bytes | None):
    """Of what is too long no more is read than may come, announced or not: 413, in the words of the face."""
    url, _ = servers[server]
    connection = HTTPConnection(url.removeprefix("http://"), timeout=30)
    headers = {"Content-Type": "application/json"}
    if body is None:
        headers["Transfer-Encoding"] = "chunked"
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request(
            "POST", path, body=body or iter([b"x" * 50_000] * 4), encode_chunked=body is None, headers=headers
        )
    answer = connection.getresponse()
    assert (answer.status, code_of(answer.status, answer.read())) == (413, "too_large")
    connection.close()
