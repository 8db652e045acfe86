"""Nobody is ever shown what a write that was answered before had changed: many clients, four processes, every level."""

import json
import os
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.client import HTTPConnection
from itertools import product as combined
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from lab.experiment import Server
from lab.processes import Supervisor
from lab.server import boot
from targets.accounts.models import User
from targets.accounts.tokens import pair_for
from targets.catalog.models import Brand, Category, Review
from targets.variants import KNOBS
from tests.targets.doors import DOORS, Door, Thing, address_of, answer_of, code_of, person, product_of
from tests.targets.subject import ServiceUrls
from tests.targets.test_delivery import surroundings
from tests.targets.test_write_paths import PRODUCT

pytestmark = pytest.mark.usefixtures("people")

REQUESTS: Final = int(os.environ.get("STALE_READS", "600"))
"""How many reads and writes there are; `STALE_READS=10000 ./noxw -s tests -- -k stale_reads` has more, each night."""

SEED: Final = int(os.environ.get("STALE_SEED", "7"))
CLIENTS: Final = 8
WRITES: Final = 0.08
"""The share of requests that write."""

HOT: Final = 40
"""So many requests in a row ask, most of them, for one thing: what a write unmakes must have been kept."""

A_CONNECTION: Final = 20
"""Requests before a client connects anew, to whichever process takes it."""

HELD: Final = ("indexes", "resolving", "refill")
SERIALIZERS: Final = ("drf", "drf", "values", "database")

FACES: Final = ("rest", "graphql")
LEVELS: Final = ("off", "query", "view", "both")
STOCK: Final = 1_000_000

LISTED: Final = Door(
    method="GET", path="/api/products/?size=3", kind="query", call="productList(size: 3) { items { name } }"
)  # fmt: skip
PRICED: Final = Door(
    method="PATCH", path="/api/products/{id}/", kind="mutation", has_id=True,
    call="productUpdate(id: $id, version: $version, price: $price) { id version }",
    variables="$id: ID!, $version: WholeNumber!, $price: DecimalText",
)  # fmt: skip
NEWEST_ORDER: Final = Door(
    method="GET", path="/api/orders/?size=1", kind="query", call="orderList(size: 1) { items { id } }"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Read:
    """A question whose answer holds numbers that only grow, by name."""

    door: Door
    values: Mapping[str, Callable[[Any], int]]
    thing: Thing = field(default_factory=Thing)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Subject:
    """Something that is written by one client at a time, and asked about by all.

    `write` sends the next change by a face and gives the numbers that it committed; `newest` are those of writes that
    were answered.
    """

    reads: Sequence[Read]
    write: "Callable[[Client, str], dict[str, int]]"
    newest: dict[str, int] = field(default_factory=dict)
    writing: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, kw_only=True)
class Stale:
    """An answer that was too old: what it showed, and what had been answered before it was asked for."""

    name: str
    face: str
    variant: str
    shown: int
    known: int


class Client:
    """Asks the server, from time to time by a new connection; a `mark` has evidence told."""

    def __init__(self, url: str, token: str, *, number: int) -> None:
        self.random = Random(f"{SEED}/{number}")
        self._place, self._token = url.removeprefix("http://"), token
        self._connection = HTTPConnection(self._place, timeout=60)
        self._sent = 0
        self.held = ""

    def ask(
        self, door: Door, face: str, thing: Thing, *, variant: str, headers: Mapping[str, str], mark: str = ""
    ) -> Any:
        """The answer, as REST names things. Raises AssertionError for a refusal."""
        self._sent += 1
        if self._sent % A_CONNECTION == 0:
            self._connection.close()
        request = door.request(face, thing)
        sent = {"Lab-Token": self._token, "Lab-Variant": variant, **headers}
        if request.content_type:
            sent["Content-Type"] = request.content_type
        if mark:
            sent["Lab-Request"] = mark
        self._connection.request(request.method, request.path, body=request.body, headers=sent)
        answer = self._connection.getresponse()
        body = answer.read()
        assert code_of(answer.status, body) == "ok", (door.call, face, variant, body[:300])
        return answer_of("", face, body) if body else None

    def variant(self) -> str:
        """A level of the cache, and a way to load, beside what is held."""
        loading = self.random.choice(("on", "on", "on", "on", "off"))
        level = self.random.choice(LEVELS)
        return f"cache={level}; select_related={loading}; prefetch_related={loading}{self.held}"

    def close(self) -> None:
        """Have the connection closed."""
        self._connection.close()


def held_in(stretch: int) -> str:
    """The levels of all other knobs, the same for all who ask in a stretch, so that what they keep is found again."""
    random = Random(f"{SEED}/stretch/{stretch}")
    # Nothing is kept at the level `query` of what REST writes from plain rows.
    drawn = {knob: random.choice(KNOBS[knob]) for knob in HELD} | {"serializer": random.choice(SERIALIZERS)}
    return "".join(f"; {knob}={level}" for knob, level in drawn.items())


def bearing(user: User) -> dict[str, str]:
    """The header of a login that outlives the test."""
    return {"Authorization": f"Bearer {pair_for(user, lifetime=timedelta(hours=2)).access}"}


def number_in(text: str) -> int:
    """The number that a name ends with."""
    return int(re.findall(r"\d+", text)[-1])


def sold_product() -> Subject:
    """A product whose price grows, that is ordered, and whose reviews come and go; its version tells of two of them."""
    merchant, buyer = person("merchant"), person("customer")
    reviewers = [person("customer") for _ in range(4)]
    product = product_of(merchant, stock=STOCK)
    kept = [Review.objects.create(author=reviewers[0], product=product, rating=3, title="Review 0").id]
    by_merchant, by_buyer = bearing(merchant), bearing(buyer)
    by_reviewers = [bearing(reviewer) for reviewer in reviewers]
    address = address_of(buyer).id
    done = Counter[str]()
    version = 1

    def write(client: Client, face: str) -> dict[str, int]:
        nonlocal version
        kind = ("price", "order", "review")[done.total() % 3]
        number = done[kind] + 1
        variant = client.variant()
        made: Any = None
        if kind == "price":
            told = {"version": version, "price": f"{1 + number // 100}.{number % 100:02d}"}
            thing = Thing(id=product.id, told=told)
            client.ask(PRICED, face, thing, variant=variant, headers=by_merchant)
        elif kind == "order":
            told = {"address": address, "lines": [{"product": product.id, "quantity": 1}]}
            made = client.ask(DOORS["order_create"], face, Thing(told=told), variant=variant, headers=by_buyer)
        elif number % 2:
            thing = Thing(id=product.id, told={"rating": 4, "title": f"Review {number}"})
            headers = by_reviewers[(number + 1) // 2 % len(reviewers)]
            kept.append(client.ask(DOORS["review_create"], face, thing, variant=variant, headers=headers)["id"])
        else:
            headers = by_reviewers[(number // 2 - 1) % len(reviewers)]
            client.ask(DOORS["review_delete"], face, Thing(id=kept.pop(0)), variant=variant, headers=headers)
        done[kind] = number
        if kind == "review":
            return {"review": number}
        version += 1
        return {kind: number, "version": version} | ({"order id": int(made["id"])} if kind == "order" else {})

    def reviewed(answer: Any) -> int:
        """Of every two changes the first adds a review, and the second takes the oldest away."""
        newest = (answer.get("newest_reviews") or answer.get("newestReviews"))[0]["title"]
        count = answer.get("review_count", answer.get("reviewCount"))
        return number_in(newest) + (count < 2 and number_in(newest) > 0)

    values: dict[str, Callable[[Any], int]] = {
        "price": lambda answer: round(float(answer["price"]) * 100) - 100,
        "order": lambda answer: STOCK - answer["stock"],
        "version": lambda answer: answer["version"],
        "review": reviewed,
    }
    orders: dict[str, Callable[[Any], int]] = {
        "order id": lambda answer: int(answer["items"][0]["id"]) if answer["items"] else 0
    }
    reads = (
        Read(door=PRODUCT, thing=Thing(id=product.id), values=values),
        Read(door=NEWEST_ORDER, headers=by_buyer, values=orders),
    )
    return Subject(reads=reads, write=write)


def renamed_author() -> Subject:
    """A user whose name changes: it stands beside a review, and in what the user is told of themselves."""
    author = person("customer")
    review = Review.objects.create(author=author, product=product_of(person("merchant")), rating=3, title="Fine")
    headers, done = bearing(author), 0

    def write(client: Client, face: str) -> dict[str, int]:
        nonlocal done
        thing = Thing(id=author.id, told={"name": f"Author {done + 1}"})
        client.ask(DOORS["user_update"], face, thing, variant=client.variant(), headers=headers)
        done += 1
        return {"author": done, "me": done}

    def named(answer: Any) -> int:
        reviews = answer.get("newest_reviews") or answer.get("newestReviews")
        return _numbered(reviews[0]["author"]["name"])

    reads = (
        Read(door=PRODUCT, thing=Thing(id=review.product_id), values={"author": named}),
        Read(door=DOORS["me"], headers=headers, values={"me": lambda answer: _numbered(answer["name"])}),
    )
    return Subject(reads=reads, write=write)


def _numbered(name: str) -> int:
    return number_in(name) if name != "Somebody" else 0


def moving_customer() -> Subject:
    """A customer whose address changes, and whose cart grows."""
    customer, product = person("customer"), product_of(person("merchant"))
    address, headers, done = address_of(customer), bearing(customer), Counter[str]()

    def write(client: Client, face: str) -> dict[str, int]:
        kind = ("address", "cart")[done.total() % 2]
        number = done[kind] + 1
        if kind == "address":
            door, thing = DOORS["address_update"], Thing(id=address.id, told={"city": f"City {number}"})
        else:
            door, thing = DOORS["cart_set"], Thing(id=product.id, told={"quantity": number})
        client.ask(door, face, thing, variant=client.variant(), headers=headers)
        done[kind] = number
        return {kind: number}

    def in_city(answer: Any) -> int:
        return number_in(f"0 {answer['items'][0]['city']}")

    def in_cart(answer: Any) -> int:
        return answer["lines"][0]["quantity"] if answer["lines"] else 0

    reads = (
        Read(door=DOORS["address_list"], headers=headers, values={"address": in_city}),
        Read(door=DOORS["cart"], headers=headers, values={"cart": in_cart}),
    )
    return Subject(reads=reads, write=write)


def offered_products() -> Subject:
    """Products that come new, and so stand first in the list."""
    headers, done = bearing(person("merchant")), 0
    brand, category = Brand.objects.order_by("id")[0].id, Category.objects.order_by("id")[0].id

    def write(client: Client, face: str) -> dict[str, int]:
        nonlocal done
        told = {"sku": f"S-{secrets.token_hex(6).upper()}", "name": f"Offer {done + 1}", "price": "2.50",
                "brand": brand, "category": category}  # fmt: skip
        client.ask(DOORS["product_create"], face, Thing(told=told), variant=client.variant(), headers=headers)
        done += 1
        return {"offer": done}

    def newest(answer: Any) -> int:
        name = answer["items"][0]["name"]
        return number_in(name) if name.startswith("Offer ") else 0

    return Subject(reads=(Read(door=LISTED, values={"offer": newest}),), write=write)


@dataclass(kw_only=True)
class Crowd:
    """Clients who read and write, and what they saw."""

    url: str
    token: str
    subjects: tuple[Subject, ...]
    stale: list[Stale] = field(default_factory=list)
    reads: int = 0
    changes: int = 0
    writes: Counter[str] = field(default_factory=Counter)
    _sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Have all requests sent."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self._client, range(CLIENTS)))

    def _client(self, number: int) -> None:
        client = Client(self.url, self.token, number=number)
        try:
            while (place := self._next()) is not None:
                subject, read = self._asked(client, place)
                if client.random.random() >= WRITES or not self._written(client, subject):
                    self.read(client, subject, read, face=client.random.choice(FACES), variant=client.variant())
        finally:
            client.close()

    def _next(self) -> int | None:
        with self._lock:
            self._sent += 1
            return self._sent if self._sent <= REQUESTS else None

    def _asked(self, client: Client, place: int) -> tuple[Subject, Read]:
        """What is hot now, as a rule, or anything."""
        client.held = held_in(place // HOT)
        round_, number = divmod(place // HOT, len(self.subjects))
        subject = self.subjects[number]
        if client.random.random() < 0.2:
            subject, round_ = client.random.choice(self.subjects), client.random.randrange(60)
        return subject, subject.reads[round_ % len(subject.reads)]

    def _written(self, client: Client, subject: Subject) -> bool:
        """Write, unless somebody is writing."""
        if not subject.writing.acquire(blocking=False):
            return False
        try:
            self.write(client, subject, face=client.random.choice(FACES))
        finally:
            subject.writing.release()
        return True

    def write(self, client: Client, subject: Subject, *, face: str) -> None:
        """One change. From here on nobody may be shown what was before it."""
        committed = subject.write(client, face)
        subject.newest |= committed
        with self._lock:
            self.changes += 1
            self.writes.update(committed.keys())

    def read(self, client: Client, subject: Subject, read: Read, *, face: str, variant: str) -> dict[str, int]:
        """One answer, held against what had been written when it was asked for."""
        known = dict(subject.newest)
        answer = client.ask(read.door, face, read.thing, variant=variant, headers=read.headers, mark="read")
        shown = {name: value(answer) for name, value in read.values.items()}
        with self._lock:
            self.reads += 1
            self.stale += [
                Stale(name=name, face=face, variant=variant, shown=number, known=known[name])
                for name, number in shown.items()
                if number < known.get(name, 0)
            ]
        return shown


@pytest.fixture(scope="module")
def served(
    service_urls: ServiceUrls, project: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, Path]]:
    """Four processes with threads, on one cache: their URL, the token, and the file of their evidence.

    Both aliases, between which the knob `indexes` chooses, are one database: what is written by one is read by both.
    """
    logs = tmp_path_factory.mktemp("stale")
    evidence = logs / "evidence.jsonl"
    around = replace(surroundings(service_urls, logs=logs), cache_prefix=f"windtunnel_stale_{os.getpid()}")
    around = replace(around, build=replace(around.build, bare_url=around.build.database_url))
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor())
        [running] = boot(
            (Server(workers=4, threads=4),), surroundings=around, supervisor=supervisor, evidence={"target": evidence}
        ).values()  # fmt: skip
        yield running.url, around.token, evidence


@pytest.mark.slow
def test_no_read_is_stale(served: tuple[str, str, Path]):
    """Of all reads beside writes none shows less than what was answered before it was asked for; in the end all agree.

    Both levels of the cache had what was asked for, or there was nothing to be shown.
    """
    url, token, evidence = served
    subjects = (sold_product(), renamed_author(), moving_customer(), offered_products())
    crowd = Crowd(url=url, token=token, subjects=subjects)
    crowd.run()
    assert crowd.stale == [], "\n".join(map(str, crowd.stale))
    assert crowd.reads + crowd.changes == REQUESTS
    assert crowd.writes.keys() == {name for subject in subjects for read in subject.reads for name in read.values}
    client = Client(url, token, number=CLIENTS)
    for subject in subjects:
        for read, face, level in combined(subject.reads, FACES, LEVELS):
            shown = crowd.read(client, subject, read, face=face, variant=f"cache={level}")
            assert shown == {name: subject.newest[name] for name in read.values}
    client.close()
    hits = Counter(
        event["level"]
        for line in evidence.read_text(encoding="utf-8").splitlines()
        for event in json.loads(line)["cache"]
        if event["outcome"] == "hit"
    )
    assert min(hits["query"], hits["view"]) > REQUESTS / 50
