"""Yields `Chart`, a drawing with its title, its words and its numbers, and the log ticks that charts share.

It draws nothing.
"""

import math
from dataclasses import dataclass

from markupsafe import Markup

_STEPS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
_FINE_STEPS = (0.25, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One drawing: `title` states its finding, `alternative` says it in words alone, `rows` are its data.

    `at` is where each row's numbers stand: a JSON pointer into findings.json, or "file#pointer"; empty where many do.
    """

    identifier: str
    title: str
    alternative: str
    svg: Markup
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    operation: str = ""
    face: str = ""
    at: tuple[str, ...] = ()


def log_ticks(low: float, high: float, *, most: int = 6) -> list[float]:
    """Round values for a log axis from `low` to `high`, both above zero: the finest set of at most `most`."""
    best: list[float] = []
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in _STEPS:
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= most and len(inside) > len(best):
            best = inside
    if len(best) >= 3:
        return best
    scale = 10.0 ** math.floor(math.log10(high))
    for step in _FINE_STEPS:
        width = step * scale
        inside = [round(i * width, 12) for i in range(math.ceil(low / width), math.floor(high / width) + 1)]
        if len(inside) > most:
            break
        if len(inside) > len(best):
            best = inside
    return best


def padded(values: list[float], *, by: float = 0.06, at_least: float = 1.06) -> tuple[float, float]:
    """Ends of a log axis around positive values: `by` of their span to spare, at the least `at_least` to each side."""
    positive = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
    low, high = math.log(min(positive)), math.log(max(positive))
    spare = max((high - low) * by, 0.0)
    middle, reach = (low + high) / 2, max((high - low) / 2 + spare, math.log(at_least))
    return math.exp(middle - reach), math.exp(middle + reach)


def apart(places: list[float], *, gap: float) -> list[float]:
    """The places moved as little as needed so that no two are closer than `gap`; order and meaning of indices stay."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    groups: list[tuple[float, int]] = []
    for index in order:
        groups.append((places[index], 1))
        while len(groups) > 1:
            (upper, m), (lower, n) = groups[-1], groups[-2]
            if upper - (m - 1) * gap / 2 - (lower + (n - 1) * gap / 2) >= gap:
                break
            groups[-2:] = [((upper * m + lower * n) / (m + n), m + n)]
    moved = [centre + (i - (n - 1) / 2) * gap for centre, n in groups for i in range(n)]
    result = [0.0] * len(places)
    for index, place in zip(order, moved, strict=True):
        result[index] = place
    return result
