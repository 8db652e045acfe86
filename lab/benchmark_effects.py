"""Yields what benchmarks' times of two commits say: effects, with verdicts as of any comparison. It runs nothing."""

from collections.abc import Sequence
from math import exp
from typing import Final

import numpy as np

from lab import effect as statistics
from lab.benchmark_pairs import PairedTimes
from lab.comparisons import CONFIRMED, NOT_CONFIRMED, ratio
from lab.effect import Array
from lab.findings import UNCONFIRMED, Effect
from lab.verdict import Verdict, judge

NUMBERS: Final = (statistics.typical, statistics.total)


def benchmark_effects(
    times: Sequence[PairedTimes], *, confirming: Sequence[PairedTimes], subject: str, tolerance: float,
    must_catch: float, seed: int,
) -> tuple[Effect, ...]:  # fmt: skip
    """One effect a benchmark, in the order of `times`; their bounds hold at once.

    An alarm that the blocks of `confirming` do not confirm is unclear, and so is one that has none.
    """
    names = list(dict.fromkeys(each.name for each in times))
    values = np.concatenate([_numbers(times, name=name) for name in names], axis=1) if names else np.empty((0, 0))
    estimates = statistics.estimate(values, seed=seed) if names else []
    found = []
    for place, name in enumerate(names):
        typical, total = estimates[2 * place : 2 * place + 2]
        if typical is None:
            continue
        verdict = judge(typical, total=total, tolerance=tolerance, must_catch=must_catch)
        verdict = _confirmed(verdict, _numbers(confirming, name=name))
        found.append(
            Effect(
                operation=name, face="", kind="benchmark", subject=subject, given="", typical=ratio(typical),
                total=ratio(total) if total else None, p=typical.p, verdict=verdict.word, detail=verdict.detail,
                dots=tuple(exp(value) for value in values[:, 2 * place]),
            )
        )  # fmt: skip
    return tuple(found)


def _numbers(times: Sequence[PairedTimes], *, name: str) -> Array:
    """Typical and total of a benchmark, block by block: (blocks, 2)."""
    pairs = [(np.array(each.head), np.array(each.base)) for each in times if each.name == name]
    return np.array([[number(*pair) for number in NUMBERS] for pair in pairs]).reshape(-1, len(NUMBERS))


def _confirmed(verdict: Verdict, fresh: Array) -> Verdict:
    if not verdict.is_alarm:
        return verdict
    if not len(fresh):
        return Verdict(word="unclear", detail=UNCONFIRMED)
    values = fresh[:, verdict.part]
    p = statistics.one_sided_p(values if verdict.word == "slower" else -values)
    return verdict if p < CONFIRMED else Verdict(word="unclear", detail=NOT_CONFIRMED)
