"""What a generator takes of its core: the busiest second counts, and an answer that hangs thins nothing."""

import time

import pytest

from lab.sensors import Meter


def at(monkeypatch: pytest.MonkeyPatch, now: float, spent: float) -> None:
    """The clocks of this process stand so."""
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "process_time", lambda: spent)


def test_a_rush_is_not_averaged_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine calm seconds and one at 90 % of a core are 90 %."""
    at(monkeypatch, 0.0, 0.0)
    meter, spent = Meter(), 0.0
    for step in range(1, 51):
        spent += 0.2 * (0.9 if 20 < step <= 25 else 0.1)
        at(monkeypatch, 0.2 * step, spent)
        meter.read()
    assert meter.busiest == pytest.approx(0.9, abs=0.01)


def test_waiting_for_a_last_answer_thins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two busy seconds before a wait of nine are as busy as without it."""
    at(monkeypatch, 0.0, 0.0)
    meter = Meter()
    for step in range(1, 11):
        at(monkeypatch, 0.2 * step, 0.14 * step)
        meter.read()
    meter.sent()
    for step in range(1, 46):
        at(monkeypatch, 2.0 + 0.2 * step, 1.4)
        meter.read()
    assert meter.busiest == pytest.approx(0.7)


def test_a_load_shorter_than_a_second_counts_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until all was sent: there is no second to take."""
    at(monkeypatch, 0.0, 0.0)
    meter = Meter()
    at(monkeypatch, 0.5, 0.4)
    meter.sent()
    at(monkeypatch, 0.9, 0.4)
    meter.read()
    assert meter.busiest == pytest.approx(0.8)
