"""Yields what can be told of the few requests that take far longer than the others: exact bounds from counts.

Such requests are too rare for a variance between blocks. But which arm of a pass meets a hiccup from outside is drawn
by lot, as the order of the arms is: where nothing changed, it is a fair coin (McNemar 1947).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special  # Not scipy.stats: every start of the lab would take a third of a second longer.

from lab.effect import Array, Estimate

FEW_TIMES: Final = 3.0
"""Times the reference's median above which a request is one of the few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discordant:
    """Of so many pairs, those in which the candidate alone, or the reference alone, was one of the few."""

    candidate: int
    reference: int
    pairs: int


def discordant(blocks: Sequence[tuple[Array, Array]]) -> Discordant:
    """The discordant pairs of all blocks, each (candidate, reference) of seconds (n,), (n,); the median is its own."""
    candidate = reference = pairs = 0
    for first, second in blocks:
        if len(second):
            limit = FEW_TIMES * float(np.median(second))
            candidate += int(np.sum((first > limit) & (second <= limit)))
            reference += int(np.sum((second > limit) & (first <= limit)))
            pairs += len(first)
    return Discordant(candidate=candidate, reference=reference, pairs=pairs)


def few(found: Discordant, *, alpha: float, blocks: int, simultaneous: int) -> Estimate | None:
    """The difference of the shares of the few, with bounds at 1 - alpha; None without a pair.

    The share of the candidate's among the discordant pairs has Clopper and Pearson's interval; an end on its own side
    of a half is scaled with the discordant pairs that were seen, the other with as many as there may be (Poisson's
    upper bound). So an end above or below 0 is the exact conditional test, and no discordant pair bounds the
    difference by -ln(alpha / 2) / pairs.
    """
    if not found.pairs:
        return None
    count, share = found.candidate + found.reference, (found.candidate - found.reference) / found.pairs
    most = float(special.gammaincinv(count + 1, 1 - alpha / 2))
    low = float(special.betaincinv(found.candidate, found.reference + 1, alpha / 2)) if found.candidate else 0.0
    high = float(special.betaincinv(found.candidate + 1, found.reference, 1 - alpha / 2)) if found.reference else 1.0
    ends = [
        (2 * end - 1) * (count if seen else most) / found.pairs for end, seen in ((low, low > 0.5), (high, high < 0.5))
    ]
    return Estimate(
        mean=share, low=max(ends[0], -1.0), high=min(ends[1], 1.0), blocks=blocks, simultaneous=simultaneous,
        p=two_sided_p(found),
    )  # fmt: skip


def two_sided_p(found: Discordant) -> float:
    """The exact p that a discordant pair is as likely the candidate's as the reference's; 1 without one."""
    count = found.candidate + found.reference
    return min(1.0, 2 * float(special.bdtr(min(found.candidate, found.reference), count, 0.5)))


def one_sided_p(found: Discordant) -> float:
    """The exact p that a discordant pair is not more likely the candidate's; 1 without one."""
    count = found.candidate + found.reference
    return float(special.bdtrc(found.candidate - 1, count, 0.5)) if found.candidate else 1.0


def swapped(found: Discordant) -> Discordant:
    """The same with candidate and reference in each other's place."""
    return Discordant(candidate=found.reference, reference=found.candidate, pairs=found.pairs)
