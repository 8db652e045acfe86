"""Verdicts follow their table in its order, and come out as often as they promise."""

from dataclasses import replace
from math import log, nextafter
from typing import Any

import numpy as np
import pytest

from lab.effect import Estimate, estimate
from lab.script import Report
from lab.verdict import FEW, FEW_LIMIT, MUST_CATCH, TOLERANCE, Verdict, judge, kernel_ratios, void_reasons

LIMIT, WIDE = log(1 + TOLERANCE), log(1 + MUST_CATCH)
ABOVE, BELOW = nextafter(LIMIT, 1.0), nextafter(LIMIT, 0.0)
REPORT = Report(
    requests=100, failures=0, seconds=3.0, passes_done=10, passes_planned=10, kernels=(1_000_000,) * 20,
    generator_share=0.2, steal=0.0, pressure=0.0,
)  # fmt: skip


def bounds(low: float, high: float, mean: float | None = None) -> Estimate:
    """An estimate with these bounds, its mean in the middle unless it is given."""
    middle = (low + high) / 2 if mean is None else mean
    return Estimate(mean=middle, low=low, high=high, blocks=8, simultaneous=1, p=0.5)


QUIET = bounds(-0.001, 0.001)
SLOWER = bounds(0.1, 0.2)
FASTER = bounds(-0.2, -0.1)


@pytest.mark.parametrize(
    ("typical", "word"),
    [
        (bounds(ABOVE, 0.3), "slower"),
        (bounds(LIMIT, 0.3), "unclear"),
        (bounds(-0.3, -ABOVE), "faster"),
        (bounds(-0.3, -LIMIT), "unclear"),
        (bounds(-0.01, 0.01), "same"),
        # Both ends are inside 5 %, and the estimate is at 2 %, or just beyond it.
        (bounds(0.0, nextafter(WIDE, 0.0), mean=LIMIT), "same"),
        (bounds(0.0, nextafter(WIDE, 0.0), mean=ABOVE), "unclear"),
        (bounds(nextafter(-WIDE, 0.0), 0.0, mean=-LIMIT), "same"),
        # An end at 5 % is not inside it.
        (bounds(-0.01, WIDE, mean=0.0), "unclear"),
        (bounds(-WIDE, 0.01, mean=0.0), "unclear"),
        (bounds(-0.5, 0.5), "unclear"),
    ],
)
def test_typical_request_decides_by_the_table(typical: Estimate, word: str) -> None:
    """Slower and faster want a bound strictly beyond 2 %; same wants bounds within 5 % and the estimate within 2 %."""
    assert judge(typical) == Verdict(word=word)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # The typical request gives the verdict its name, else the first of those with as strong evidence.
        ((SLOWER, SLOWER, SLOWER), Verdict(word="slower")),
        ((QUIET, SLOWER, SLOWER), Verdict(word="slower", detail="in total", part=1)),
        ((QUIET, QUIET, SLOWER), Verdict(word="slower", detail="for some requests", part=2)),
        # Slower comes before faster, whichever number says it.
        ((FASTER, SLOWER, QUIET), Verdict(word="slower", detail="in total", part=1)),
        ((FASTER, FASTER, SLOWER), Verdict(word="slower", detail="for some requests", part=2)),
        ((FASTER, QUIET, QUIET), Verdict(word="faster")),
        ((QUIET, FASTER, QUIET), Verdict(word="faster", detail="in total", part=1)),
        # The same must be seen in all three.
        ((QUIET, QUIET, QUIET), Verdict(word="same")),
        ((QUIET, bounds(-0.1, 0.1), QUIET), Verdict(word="unclear")),
        ((QUIET, QUIET, bounds(-0.1, 0.1)), Verdict(word="unclear")),
    ],
)
def test_any_of_three_numbers_decides(parts: tuple[Estimate, Estimate, Estimate], expected: Verdict) -> None:
    """Between servers a change in the typical request, in the total or in the few is a change."""
    assert judge(parts[0], total=parts[1], few=parts[2]) == expected


def test_of_total_and_few_the_stronger_evidence_is_named() -> None:
    """Fresh blocks have to confirm what is named: a rare slow request shows better as one of the few."""
    weak, strong = replace(SLOWER, p=0.01), replace(SLOWER, p=1e-6)
    assert judge(QUIET, total=weak, few=strong) == Verdict(word="slower", detail="for some requests", part=FEW)
    assert judge(QUIET, total=strong, few=weak) == Verdict(word="slower", detail="in total", part=1)
    assert judge(weak, total=strong, few=strong) == Verdict(word="slower")


@pytest.mark.parametrize(
    ("few", "word"),
    [
        (bounds(FEW_LIMIT, 0.04, mean=0.01), "same"),
        (bounds(nextafter(FEW_LIMIT, 1.0), 0.04, mean=0.01), "slower"),
        (bounds(-0.04, nextafter(-FEW_LIMIT, -1.0), mean=-0.01), "faster"),
        # More than a tolerance's worth of the few was seen, and yet it may be chance.
        (bounds(0.0, 0.04, mean=0.03), "unclear"),
    ],
)
def test_of_the_few_one_in_a_thousand_is_nobodys_concern(few: Estimate, word: str) -> None:
    """A bound strictly beyond it is a change; they are called the same by the limits of the others."""
    assert judge(QUIET, few=few).word == word


@pytest.mark.parametrize(("word", "alarm"), [("faster", True), ("slower", True), ("same", False), ("unclear", False)])
def test_a_change_is_an_alarm(word: str, *, alarm: bool) -> None:
    """Faster and slower say that something changed; unclear does not, and is no pass either."""
    assert Verdict(word=word).is_alarm is alarm


def judged(random: np.random.Generator, *, seed: int, shift: float) -> list[Verdict]:
    """Verdicts on six typical requests from eight blocks of standard deviation 1 %."""
    blocks = random.normal(shift, 0.01, (8, 6))
    return [judge(each) for each in estimate(blocks, seed=seed) if each is not None]


def test_identical_code_is_never_called_changed() -> None:
    """In 300 runs on nothing no verdict of six is an alarm, and nine in ten verdicts are `same`."""
    random = np.random.default_rng(20)
    words = [verdict.word for trial in range(300) for verdict in judged(random, seed=trial, shift=0.0)]
    assert len(words) == 1800
    assert {"faster", "slower"}.isdisjoint(words)
    assert words.count("same") >= 0.9 * 1800


@pytest.mark.parametrize(("percent", "word"), [(10, "slower"), (-10, "faster")])
def test_ten_percent_are_found(percent: int, word: str) -> None:
    """A true change of 10 % is called so in 95 % of 100 runs, at all of six effects."""
    random = np.random.default_rng(21)
    shift = log(1 + percent / 100)
    found = sum({v.word for v in judged(random, seed=trial, shift=shift)} == {word} for trial in range(100))
    assert found >= 95


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"steal": 0.05}, ""),
        ({"steal": 0.051}, "the host took 5.1% of the CPU (limit 5%)"),
        ({"steal": None, "pressure": None}, ""),
        ({"pressure": 0.9}, ""),
        ({"generator_share": 0.60}, ""),
        ({"generator_share": 0.61}, "the generator used 61% of a core (limit 60%)"),
        ({"kernels": (1_140_000,) * 20}, ""),
        ({"kernels": (1_160_000,) * 20}, "the reference kernel was off by +16% (limit 15%)"),
        ({"kernels": (840_000,) * 20}, "the reference kernel was off by -16% (limit 15%)"),
        # Too few readings to judge by, and hiccups beside a machine that is at its usual best.
        ({"kernels": (5_000_000,) * 9}, ""),
        ({"kernels": (1_000_000,) * 5 + (9_000_000,) * 15}, ""),
    ],
)
def test_sensors_void_a_block_beyond_their_limits(change: dict[str, Any], reason: str) -> None:
    """Steal, kernel and generator have limits; pressure and what a machine lacks void nothing."""
    reports = dict.fromkeys(range(7), REPORT) | {7: replace(REPORT, **change)}
    assert void_reasons(reports) == dict.fromkeys(range(7), "") | {7: reason}


def test_a_lone_block_is_its_own_usual() -> None:
    """One block's kernel is off from nothing; no block at all is judged by nothing."""
    assert kernel_ratios({0: REPORT.kernels}) == {0: 1.0}
    assert void_reasons({}) == {}
