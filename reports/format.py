"""Yields intervals, ratios and gaps as people read them, on top of `lab.units`.

It rounds for display alone, never for a sum.
"""

import math
from typing import Protocol

from lab import units
from lab.findings import Interval

RULE = (
    "Times and sizes carry three significant digits. A ratio is the time of the candidate divided by the time of the "
    "reference: 0.433 means that it takes 43.3 % of the time, which is also written 2.31x faster. Brackets hold the "
    "95 % interval; a dash says that there is no such number."
)
LOAD_RULE = (
    "Times carry three significant digits, rates are requests per second. Brackets hold the 95 % interval; a dash says "
    "that there is no such number."
)
MINUS = "\u2212"
ABSENT = "\u2013"


class Bounds(Protocol):
    """An estimate between its ends, whatever it was taken over."""

    @property
    def estimate(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...


def unit_of(seconds: float) -> tuple[float, str]:
    """How many of the unit make a second, and the unit that suits a duration."""
    magnitude = abs(seconds)
    if magnitude >= 1 or magnitude == 0:
        return 1.0, "s"
    return (1e3, "ms") if magnitude >= 1e-3 else (1e6, "µs")


def duration(seconds: float | None) -> str:
    """Seconds as "1.23 ms"."""
    if seconds is None:
        return ABSENT
    return units.seconds(seconds).replace("-", MINUS) if seconds else "0 s"


def duration_interval(interval: Interval | None) -> str:
    """An interval of seconds as "43.2 ms [42.1, 44.3]", in one unit."""
    if interval is None:
        return ABSENT
    scale, unit = unit_of(interval.estimate)
    low, high = _plain(interval.low * scale), _plain(interval.high * scale)
    return f"{_plain(interval.estimate * scale)} {unit} [{low}, {high}]"


def ratio(value: float | None) -> str:
    """A ratio as "0.433"."""
    if value is None:
        return ABSENT
    return units.ratio(value)


def ratio_interval(interval: Interval | None) -> str:
    """A ratio with its interval as "0.433 [0.421, 0.444]"."""
    if interval is None:
        return ABSENT
    return f"{ratio(interval.estimate)} [{ratio(interval.low)}, {ratio(interval.high)}]"


def speed(value: float) -> str:
    """A ratio in words: "2.31x faster", "1.2 % slower"."""
    if value <= 0:
        return ABSENT
    return "no change" if abs(value - 1) < 0.0005 else units.times(value)


def points_interval(interval: Interval | None) -> str:
    """A difference of shares in percentage points as "0.40 [0.10, 0.70]"."""
    if interval is None:
        return ABSENT
    low, high = _plain(interval.low * 100), _plain(interval.high * 100)
    return f"{_plain(interval.estimate * 100)} [{low}, {high}]"


def rate(value: float | None) -> str:
    """Requests per second as "412/s"."""
    return ABSENT if value is None else f"{_plain(value) if value else 0}/s"


def rate_interval(bounds: Bounds | None) -> str:
    """A rate with its interval as "412/s [398, 426]"."""
    if bounds is None:
        return ABSENT
    return f"{rate(bounds.estimate)} [{_plain(bounds.low)}, {_plain(bounds.high)}]"


def number(value: float | None) -> str:
    """A number with three significant digits at the least: "0.00213", "8.42", "1,024"."""
    if value is None:
        return ABSENT
    if value == 0 or not math.isfinite(value) or abs(value) >= 1:
        return _plain(value) if value else "0"
    digits = min(2 - math.floor(math.log10(abs(value))), 9)
    return f"{value:.{digits}f}".replace("-", MINUS)


def number_interval(bounds: Bounds | None) -> str:
    """A number with its interval as "8.42 [7.91, 8.93]"."""
    if bounds is None:
        return ABSENT
    return f"{number(bounds.estimate)} [{number(bounds.low)}, {number(bounds.high)}]"


def level(value: float) -> str:
    """A whole number of users as "8", another level as it is."""
    return f"{value:,.0f}" if value == round(value) else number(value)


def more(value: float) -> str:
    """A ratio of capacities in words: "2.31x as much", "1.2 % less"."""
    if value <= 0:
        return ABSENT
    if abs(value - 1) < 0.0005:
        return "the same"
    if units.is_near_one(value):
        return f"{units.share(value)} {'more' if value > 1 else 'less'}"
    return f"{units.factor(value)} as much" if value > 1 else f"{units.factor(value)} less"


def milliseconds_interval(bounds: Bounds | None) -> str:
    """An interval of seconds in milliseconds whatever its size, so that columns compare: "0.412 ms [0.398, 0.426]"."""
    if bounds is None:
        return ABSENT
    low, high = _plain(bounds.low * 1e3), _plain(bounds.high * 1e3)
    return f"{_plain(bounds.estimate * 1e3)} ms [{low}, {high}]"


def axis_duration(seconds: float) -> str:
    """A round duration for an axis: "20 ms"."""
    scale, unit = unit_of(seconds * 1.0000001)
    return f"{seconds * scale:g} {unit}"


def durations(values: tuple[float, ...]) -> str:
    """Some durations in the unit that suits the first: "12.4 / 45.1 / 78.2 ms"."""
    scale, unit = unit_of(values[0])
    return f"{' / '.join(_plain(value * scale) for value in values)} {unit}"


def percent(value: float | None) -> str:
    """A share as "4.2 %"."""
    return ABSENT if value is None else f"{value * 100:.1f} %"


def count(value: int | None) -> str:
    """A whole number as "1,234"."""
    return ABSENT if value is None else units.count(value)


def size(byte_count: int | None) -> str:
    """Bytes as "12.3 kB", in powers of ten."""
    return ABSENT if byte_count is None else units.size(byte_count)


def probability(value: float | None) -> str:
    """A p-value as "0.008"; the smallest as "< 0.001"."""
    if value is None:
        return ABSENT
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _plain(value: float) -> str:
    magnitude = abs(value)
    if magnitude > 1e6:
        return f"{MINUS if value < 0 else ''}\u221e"
    digits = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2 if magnitude >= 1 else 3
    return f"{value:,.{digits}f}".replace("-", MINUS)
