"""Yields numbers as people read them: seconds, bytes, ratios and counts. It rounds nothing that is computed with."""


def seconds(value: float) -> str:
    """A duration with three significant digits, as in `1.24 s`, `12.4 ms` or `124 µs`."""
    if value == 0:
        return "0 s"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(value) >= size or unit == "µs":
            return f"{_three(value / size)} {unit}"
    raise AssertionError


def size(value: float) -> str:
    """A number of bytes, as in `812 B`, `12.4 kB` or `3.10 MB` (powers of ten)."""
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= step:
            return f"{_three(value / step)} {unit}"
    return f"{value:.0f} B"


def ratio(value: float) -> str:
    """A ratio candidate / reference with three significant digits; what is beyond a million times is 0 or ∞."""
    if value < 1e-6 or value > 1e6:
        return "0" if value < 1 else "∞"
    return f"{value:.3f}" if 0.1 <= value < 10 else f"{value:.3g}" if value < 1 else _three(value)


def times(value: float) -> str:
    """A ratio of times in words, as in `12.4x faster`, `1.31x slower`, or `4.5 % faster` for 0.955."""
    word = "slower" if value > 1 else "faster"
    return f"{share(value)} {word}" if is_near_one(value) else f"{factor(value)} {word}"


def is_near_one(value: float) -> bool:
    """Whether a ratio reads better as a percentage."""
    return 1 / 1.1 < value < 1.1


def factor(value: float) -> str:
    """How many times, whichever way round, as in `12.4x`; `∞` beyond a million."""
    many = value if value > 1 else 1 / value if value else float("inf")
    return "∞" if many > 1e6 else f"{_three(many)}x"


def share(value: float) -> str:
    """How far a ratio is from one, as in `4.5 %` for 0.955."""
    return f"{abs(value - 1) * 100:.1f} %"


def count(value: float) -> str:
    """A whole number with thousands apart, as in `1,210,200`."""
    return f"{value:,.0f}"


def rate(value: float) -> str:
    """A rate per second with three significant digits, as in `1,210` or `12.4`."""
    return _three(value)


def _three(value: float) -> str:
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}"
