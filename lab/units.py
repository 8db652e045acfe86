"""Yields numbers as people read them: seconds, bytes, ratios and counts. It rounds nothing that is computed with."""


def seconds(value: float) -> str:
    """A duration with three significant digits, as in `1.24 s`, `12.4 ms` or `124 µs`."""
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
    """A ratio of times in words, as in `12.4x faster`, `1.31x slower` or `0.4 % slower`."""
    word = "slower" if value > 1 else "faster"
    factor = value if value > 1 else 1 / value
    if factor < 1.1:
        return f"{(factor - 1) * 100:.1f} % {word}"
    return f"{_three(factor)}x {word}"


def count(value: float) -> str:
    """A whole number with thousands apart, as in `1,210,200`."""
    return f"{value:,.0f}"


def _three(value: float) -> str:
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}"
