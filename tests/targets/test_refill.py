"""What the cache lacks is computed by one of all who ask, and nobody waits for who is too old, dead or done."""

import asyncio
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction

from targets.catalog import selectors
from targets.variants import Variant
from targets.web import cache_breaker, cache_store, refill
from targets.web.cache_store import Lookup, computing
from targets.web.pagination import Window
from tests.targets.subject import redis_client, served_by
from tests.targets.test_delivery import until
from tests.targets.test_tokens import at_once

pytestmark = pytest.mark.given_servers

DOMAIN = "tested"
MANY = 8


@pytest.fixture
def question(project: None) -> str:
    """A key that nobody has looked up yet."""
    cache_breaker.wake()
    return cache_store.entry_key(secrets.token_hex(8))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One for each wait for somebody's turn, as soon as it begins."""
    begun: list[str] = []
    really = refill._is_over

    def noted(client: Any, turn: refill.Turn, *, ends: float) -> bool:
        begun.append(turn.key)
        return really(client, turn, ends=ends)

    monkeypatch.setattr(refill, "_is_over", noted)
    return begun


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """A thread for somebody else who asks meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def ask(key: str, *, level: str = "one") -> Lookup:
    """A look-up, as the knob `refill` says."""
    with served_by(Variant(cache="query", refill=level)):
        return cache_store.look_up(key, level="query", domains=(DOMAIN,))


def test_one_of_many_computes_and_the_others_wait(question: str, waits: list[str]):
    """Of eight who ask at once one computes, however long it takes; the others are given its answer."""
    computed: list[int] = []

    def answer() -> bytes:
        lookup = ask(question)
        if lookup.payload is not None:
            return lookup.payload
        with computing(lookup) as keep:
            computed.append(threading.get_ident())
            until(lambda: len(waits) == MANY - 1)
            keep(b"the answer")
        return b"computed"

    assert sorted(at_once(MANY, answer)) == sorted([b"computed", *[b"the answer"] * (MANY - 1)])
    assert len(computed) == 1
    assert ask(question).payload == b"the answer"


def test_without_it_all_compute(question: str, waits: list[str]):
    """At the level `all` each of eight computes what none of them found, and nobody waits."""
    together = threading.Barrier(MANY)

    def answer() -> bool:
        lookup = ask(question, level="all")
        together.wait(timeout=60)
        return lookup.payload is None and lookup.turn is None

    assert at_once(MANY, answer) == [True] * MANY
    assert waits == []


def test_nobody_waits_for_who_began_before_a_write(question: str, waits: list[str], aside: ThreadPoolExecutor):
    """Who asks after a commit has a turn of their own at once; the older answer counts for who asked before alone."""
    older = ask(question)
    before = aside.submit(ask, question)
    until(lambda: len(waits) == 1)
    cache_store.changed(DOMAIN, using="default")
    newer = ask(question)
    assert older.turn
    assert newer.turn
    assert len(waits) == 1
    with computing(older) as keep:
        keep(b"of old rows")
    assert before.result().payload == b"of old rows"
    after = aside.submit(ask, question)
    until(lambda: len(waits) == 2)
    with computing(newer) as keep:
        keep(b"of new rows")
    assert after.result().payload == ask(question).payload == b"of new rows"


def test_who_waited_past_a_write_keeps_nothing_too_new(question: str, waits: list[str], aside: ThreadPoolExecutor):
    """Who computes after all, since the owner died, keeps it under what was true when they began to compute."""
    first = ask(question)
    waiting = aside.submit(ask, question)
    until(lambda: len(waits) == 1)
    cache_store.changed(DOMAIN, using="default")
    assert first.turn
    redis_client().delete(first.turn.key)
    late = waiting.result()
    assert (late.payload, late.stamp == first.stamp) == (None, False)
    with computing(late) as keep:
        keep(b"new")
    assert ask(question).payload == b"new"


def test_who_waited_past_a_write_waits_for_who_computes_since(
    question: str, waits: list[str], aside: ThreadPoolExecutor
):
    """The turn of an owner who died was to compute what is no longer true: it is not taken beside the turn of now."""
    first = ask(question)
    waiting = aside.submit(ask, question)
    until(lambda: len(waits) == 1)
    cache_store.changed(DOMAIN, using="default")
    newer = ask(question)
    assert first.turn
    assert newer.turn
    redis_client().delete(first.turn.key)
    until(lambda: len(waits) == 2)
    assert waits == [first.turn.key, newer.turn.key]
    with computing(newer) as keep:
        keep(b"new")
    assert (waiting.result().payload, waiting.result().turn) == (b"new", None)
    assert not redis_client().exists(first.turn.key)


def test_a_dead_owner_holds_up_nobody_for_long(question: str, waits: list[str], settings: Any):
    """The turn of who never gave it back is over in time; should they come back, they take nobody else's."""
    settings.CACHE_REFILL_SECONDS = 0.2
    dead = ask(question)
    settings.CACHE_REFILL_SECONDS = 60.0
    heir = ask(question)
    assert dead.turn
    assert heir.turn
    assert len(waits) == 1
    assert not dead.turn.give_back()
    assert redis_client().mget(heir.turn.key, heir.turn.sign) == [heir.turn.secret, None]
    assert not heir.turn.give_back()
    assert redis_client().mget(heir.turn.key, heir.turn.sign) == [None, b""]


def test_nobody_waits_for_ever(question: str, settings: Any):
    """Where a turn does not end, who waits computes after a while, and without a turn."""
    stuck = ask(question)
    assert stuck.turn
    redis_client().persist(stuck.turn.key)
    settings.CACHE_REFILL_SECONDS = 0.2
    try:
        tired = ask(question)
        assert (tired.payload, tired.turn) == (None, None)
        assert tired.stamp == stuck.stamp
    finally:
        redis_client().delete(stuck.turn.key)


def test_what_is_not_kept_is_waited_for_once(question: str, waits: list[str], aside: ThreadPoolExecutor):
    """When an answer fails or is not to be kept, those who waited compute at once, and so do all for a while."""
    owner = ask(question)
    waiting = aside.submit(ask, question)
    until(lambda: len(waits) == 1)
    with suppress(ZeroDivisionError), computing(owner):
        raise ZeroDivisionError
    assert (waiting.result().payload, waiting.result().turn) == (None, None)
    another = ask(question)
    assert another.turn
    assert ask(question).turn is None
    with computing(another) as keep:
        keep(b"after all")
    assert ask(question).payload == b"after all"


def test_an_event_loop_is_never_held_up(question: str, waits: list[str]):
    """In an event loop nobody waits: all others that it serves would wait too."""
    owner = ask(question)

    async def in_loop() -> Lookup:
        return ask(question)

    found = asyncio.run(in_loop())
    assert owner.turn
    assert (found.payload, found.turn, waits) == (None, None, [])
    owner.turn.give_back()


def test_nobody_waits_inside_a_transaction(
    project: None, monkeypatch: pytest.MonkeyPatch, waits: list[str], aside: ThreadPoolExecutor
):
    """Who holds rows locked reads at once: who computes may be waiting for just these rows."""
    looked: list[str] = []
    monkeypatch.setattr(cache_store, "note_cache", lambda **look_up: looked.append(look_up["key"]))
    with served_by(Variant(cache="query")), transaction.atomic(using="default"):
        assert selectors.product_list(window=Window(size=1)).items
    assert (looked, waits) == ([], [])


def test_a_turn_is_taken_by_a_miss_alone(question: str):
    """What is there costs nobody a lock, and none is left behind by who kept it."""
    with computing(ask(question)) as keep:
        keep(b"x")
    hit = ask(question)
    assert (hit.payload, hit.turn) == (b"x", None)
    assert list(redis_client().scan_iter(match=f"*refill:{question}*")) == []
