"""Yields the sentences of a run that followed growth. It computes nothing beyond what a sentence needs."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from lab.findings import Interval
from lab.growth_fit import GROWN, Growth
from lab.growth_series import Series
from lab.units import count, factor, seconds
from lab.wording import compared, paragraphs, place

READING: Final = (
    "Each line is an arm, from the smallest dataset to the largest; both axes are logarithmic, so that a straight line "
    "is a power of the rows: flat is O(1), as steep as the axes' decades is O(n). The dashed line is the curve "
    "a + b n^c that was fitted to what was measured; its c is the exponent. What a limit ended has no point."
)

_METHOD: Final = """
All datasets were on one server at the same time. A block has each of them once, in drawn order, with server processes
of its own, in which all arms answered the same requests, one at a time, in random order. A block's time is the 20 %
trimmed mean of a key's requests, and the mean over keys.

The keys are comparable: pages with as many reviews and tags, shelves with the same part of all products, products
with as many reviews, whatever the size. So what grows is the way to the answer, and not the answer; the bytes of the
answers are among the counts.

The curve a + b n^c is fitted by least squares on logarithms of the sizes' means over blocks, and the interval of c is
a profile interval: what is left of blocks, when the means of blocks and of sizes are taken off, is the noise, and
where the sizes lie further from the curve than it explains (F test at 5 %) it is the misfit. At c = 0 the curve is a
logarithm. Four sizes are the least.

O(1): from the smallest size to the largest the time grows by at most 10 %, by the upper end of its interval, and the
largest has a time.
Otherwise the interval of c decides, 0.05 being near enough: O(log n) where it holds 0 and not 1, O(n) where it holds
1 and not 0, between them where it holds both or neither, and more than O(n) above 1; an interval wider than 0.5
decides nothing. Where growth is not told from none, no exponent is given.

A statement that takes more than {limit} is cut by the database, and a request of more than 5 s is not asked again:
such a size is told as more than what it had taken, and is left out of the curve.

Statements, rows, buffers and bytes are counted in a pass of their own with the same keys, and statements held against
PostgreSQL's own count. Counts have no noise: the interval of their exponent is the misfit.
"""


def method(*, limit: float) -> tuple[str, ...]:
    """How it was measured, by paragraphs; `limit` are the seconds that a statement may take."""
    return paragraphs(_METHOD.format(limit=seconds(limit)))


def answer(series: Sequence[Series], *, blocks: tuple[int, int], answers: int) -> tuple[str, ...]:
    """The answer: arm by arm, then each operation and face, then what was counted, and how far to trust it.

    `blocks` are those that count, and all; `answers` were compared before anything was timed.
    """
    told = [each for each in series if each.growth.word]
    if not told:
        reasons = dict.fromkeys(each.growth.reason for each in series)
        return (f"How it grows cannot be told: {'; '.join(reasons) or 'nothing was measured'}.",)
    places = dict.fromkeys((each.operation, each.face) for each in series)
    return (
        _by_arm(series),
        *(_at([each for each in series if (each.operation, each.face) == where]) for where in places),
        _statements(series),
        f"{blocks[0]} of {blocks[1]} blocks count; {compared(answers)}.",
    )


def _by_arm(series: Sequence[Series]) -> str:
    parts = []
    for arm in dict.fromkeys(each.arm for each in series):
        words = Counter(each.growth.short for each in series if each.arm == arm)
        parts.append(f"{arm}: {', '.join(f'{number} {word}' for word, number in words.most_common())}")
    return f"How time grows with rows, by operation and face: {'; '.join(parts)}."


def _at(series: Sequence[Series]) -> str:
    rows = series[0].rows
    where = place(series[0].operation, series[0].face)
    told = (
        f"{each.arm} {time_at(each, 0)} to {time_at(each, -1)}, {growth_phrase(each.growth)}{_up_to(each)}"
        for each in series
    )
    return f"{where}, from {count(rows[0])} to {count(rows[-1])} rows: {'; '.join(told)}."


def _up_to(series: Series) -> str:
    """How far the curve goes, where it ends before the sizes do."""
    first, last = series.growth.ends
    is_cut = series.growth.word and (first, last) != (series.rows[0], series.rows[-1])
    return f" (from {count(first)} to {count(last)} rows)" if is_cut else ""


def time_at(series: Series, size: int) -> str:
    """What a request takes at a size, in words."""
    number = size % len(series.rows)
    if number in series.more_than:
        return f"more than {seconds(series.more_than[number])}"
    taken = series.time(number)
    return seconds(taken.estimate) if taken else "not measured"


def growth_phrase(growth: Growth) -> str:
    """How something grows, with the numbers that say so."""
    if growth.exponent and growth.word:
        return f"{growth.word}, exponent {_interval(growth.exponent)}"
    if growth.exponent and growth.factor:
        low, high = growth.exponent.low, growth.exponent.high
        return f"{_factor(growth.factor)}, {growth.reason} of {low:.2f} to {high:.2f}"
    if not growth.word:
        return growth.reason
    return f"{growth.word}, {_factor(growth.factor)}" if growth.factor else growth.word


def _factor(interval: Interval) -> str:
    if interval.low == interval.high == 1:
        return "the same at all sizes"
    return f"{interval.estimate:.2f} times as much [{interval.low:.2f}, {interval.high:.2f}]"


def _interval(interval: Interval) -> str:
    return f"{interval.estimate:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _statements(series: Sequence[Series]) -> str:
    """Whether statements grow: what more rows must never do to a page of the same length."""
    grown, apart = [], 0.0
    for each in series:
        counts = each.counts["statements"]
        known = counts[np.isfinite(counts)]
        known = known[known > 0]
        if len(known):
            most = float(known.max() / known.min())
            apart = max(apart, most - 1)
            if most > 1 + GROWN:
                grown.append(f"{place(each.operation, each.face)}, {each.arm} {factor(most)}")
    if grown:
        return f"Statements differ between sizes: {'; '.join(grown)}."
    alike = f"differ by at most {apart:.1%} between sizes, as their pages do" if apart else "are as many at every size"
    return f"Statements {alike}, in every arm: what grows is what a statement reads."
