"""Yields intervals, ratios and gaps as people read them, on top of `lab.units`.

It rounds for display alone, never for a sum.
"""

from lab import units
from lab.findings import Interval

RULE = (
    "Times and sizes carry three significant digits. A ratio is the time of the candidate divided by the time of the "
    "reference: 0.433 means that it takes 43.3 % of the time, which is also written 2.31x faster. Brackets hold the "
    "95 % interval; a dash says that there is no such number."
)
MINUS = "\u2212"
ABSENT = "\u2013"


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
