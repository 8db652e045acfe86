"""Yields verdicts from intervals: faster, slower, same or unclear, and whether a block counts. It estimates nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import median, quantiles
from typing import Final

from lab.effect import Estimate
from lab.findings import GENERATOR_LIMIT, KERNEL_LIMIT, STEAL_LIMIT
from lab.script import Report

TOLERANCE: Final = 0.02
"""A difference up to this share is nobody's concern."""

MUST_CATCH: Final = 0.05
"""A difference from this share on must not be overlooked."""

FEW: Final = 2
"""The number of the part that tells of the few."""

FEW_LIMIT: Final = 0.001
"""A change of the share of the few up to this is nobody's concern: one request in a thousand."""

VOID_LIMIT: Final = 0.30
"""Share of void blocks above which nothing is concluded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A word of `faster`, `slower`, `same`, `unclear`, and which part of the requests it speaks of.

    `part` is the number that decided: 0 the typical request, 1 the total, 2 the few.
    """

    word: str
    detail: str = ""
    part: int = 0

    @property
    def is_alarm(self) -> bool:
        """Whether it says that something changed."""
        return self.word in {"faster", "slower"}


def judge(
    typical: Estimate, *, total: Estimate | None = None, few: Estimate | None = None, tolerance: float = TOLERANCE,
    must_catch: float = MUST_CATCH,
) -> Verdict:  # fmt: skip
    """The verdict on log-ratios with simultaneous bounds (`few` is a difference of shares).

    In this order: slower, when a lower bound is above the tolerance, or that of the few above one in a thousand;
    faster, when an upper bound is below it and nothing is slower; same, when all bounds are inside must_catch and all
    estimates inside the tolerance; else unclear. It speaks of the typical request where that tells it, else of the part
    with the stronger evidence: fresh blocks will have to confirm it.
    """
    near, wide = log(1 + tolerance), log(1 + must_catch)
    found = [(0, "", typical, near), (1, "in total", total, near), (FEW, "for some requests", few, FEW_LIMIT)]
    parts = [(part, name, estimate, limit) for part, name, estimate, limit in found if estimate]
    slower = [(part != 0, estimate.p, part, name) for part, name, estimate, limit in parts if estimate.low > limit]
    faster = [(part != 0, estimate.p, part, name) for part, name, estimate, limit in parts if estimate.high < -limit]
    for word, alarms in (("slower", slower), ("faster", faster)):
        if alarms:
            *_, part, name = min(alarms)
            return Verdict(word=word, detail=name, part=part)
    if all(-wide < estimate.low and estimate.high < wide and abs(estimate.mean) <= near for _, _, estimate, _ in parts):
        return Verdict(word="same")
    return Verdict(word="unclear")


def kernel_ratios(kernels: Mapping[int, Sequence[int]]) -> dict[int, float]:
    """Each block's reference kernel over that of the run's median block.

    A block's kernel is the lower decile of its readings: the machine at its best. A hiccup is not a slow machine.
    """
    least = 10
    best = {index: quantiles(each, n=10)[0] for index, each in kernels.items() if len(each) >= least}
    usual = median(best.values()) if best else 1.0
    return {index: value / usual for index, value in best.items()}


def void_reasons(reports: dict[int, Report]) -> dict[int, str]:
    """Why each block is void, or "", by its sensors alone: blind to what was compared."""
    kernels = kernel_ratios({index: report.kernels for index, report in reports.items()})
    reasons: dict[int, str] = {}
    for index, report in reports.items():
        off = kernels.get(index, 1.0) - 1
        if report.steal is not None and report.steal > STEAL_LIMIT:
            reasons[index] = f"the host took {report.steal:.1%} of the CPU (limit {STEAL_LIMIT:.0%})"
        elif abs(off) > KERNEL_LIMIT:
            reasons[index] = f"the reference kernel was off by {off:+.0%} (limit {KERNEL_LIMIT:.0%})"
        elif report.generator_share > GENERATOR_LIMIT:
            reasons[index] = f"the generator used {report.generator_share:.0%} of a core (limit {GENERATOR_LIMIT:.0%})"
        else:
            reasons[index] = ""
    return reasons
