"""Connections are counted by the database, and a trial takes the readings around it."""

from contextlib import closing
from uuid import uuid4

import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn

from fixtures.databases import create_database, drop_database, with_database
from lab.connections import ConnectionWatch, Reading, Taken, taken
from tests.lab.waiting import wait_until


def test_the_database_tells_what_was_opened_and_what_is_held(postgres_url: str) -> None:
    """Three connections one after the other and two that stay: five opened, two held, and none of the watch's own."""
    name = f"windtunnel_test_{uuid4().hex[:12]}"
    create_database(postgres_url, name)
    try:
        url = with_database(postgres_url, name)
        watch = ConnectionWatch(postgres_url, [name])
        watch.look()
        for _ in range(3):
            with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        with closing(psycopg2.connect(url)) as first, closing(psycopg2.connect(url)) as second:
            for each in (first, second):
                each.autocommit = True
                with each.cursor() as cursor:
                    cursor.execute("SELECT 1")

            def are_counted() -> bool:
                """A backend that ends tells of itself a moment later."""
                watch.look(at_once=True)
                return watch.readings[-1].opened - watch.readings[0].opened >= 5

            wait_until(are_counted, what="five sessions counted")
            readings = watch.found().readings
        assert parse_dsn(url)["dbname"] == name
        assert readings[-1].opened - readings[0].opened == 5
        assert (readings[0].held, readings[-1].held) == (0, 2)
    finally:
        drop_database(postgres_url, name)


def test_a_watch_looks_no_oftener_than_it_is_worth(postgres_url: str) -> None:
    """Two looks at once are one reading, but the last look is always taken."""
    watch = ConnectionWatch(postgres_url, [parse_dsn(postgres_url)["dbname"]])
    watch.look()
    watch.look()
    assert len(watch.readings) == 1
    assert len(watch.found().readings) == 2


def test_a_trial_takes_the_readings_around_it() -> None:
    """What was opened from the last reading before it to the first one after it, and the most that was held in it."""
    readings = [Reading(at=at, opened=opened, held=held) for at, opened, held in
                ((1.0, 5, 0), (2.0, 6, 1), (3.0, 9, 4), (4.0, 9, 2), (5.0, 30, 7))]  # fmt: skip
    assert taken(readings, began=2.5, seconds=1.0) == Taken(opened=3, held=4)
    assert taken(readings, began=2.1, seconds=0.2) == Taken(opened=3, held=4)


@pytest.mark.parametrize(("began", "seconds"), [(0.5, 1.0), (1.5, 2.0), (0.0, 1.0)])
def test_a_trial_without_readings_around_it_is_not_known(began: float, seconds: float) -> None:
    """Before the first reading, beyond the last, or without a moment at which it began, nothing is told."""
    readings = [Reading(at=1.0, opened=5, held=0), Reading(at=3.0, opened=9, held=4)]
    assert taken(readings, began=began, seconds=seconds) is None


@given(st.lists(st.integers(0, 20), min_size=3, max_size=30), st.data())
def test_trials_one_after_the_other_miss_no_connection(steps: list[int], data: st.DataObject) -> None:
    """However the readings fall, neighbouring trials together take at least what was opened while they ran."""
    total, readings = 0, []
    for place, step in enumerate(steps):
        total += step
        readings.append(Reading(at=1.0 + place, opened=total, held=step))
    middle = data.draw(st.floats(1.0, float(len(steps))))
    first = taken(readings, began=1.0, seconds=middle - 1.0)
    second = taken(readings, began=middle, seconds=len(steps) - middle)
    assert first is not None
    assert second is not None
    assert first.opened + second.opened >= total - steps[0]
