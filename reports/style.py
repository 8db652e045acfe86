"""Yields the look of page and charts: a palette in a light and a dark form, and Matplotlib settings. It draws nothing.

The light colours double as marks: `svg.inline` replaces each of them by the CSS variable of its name, so a chart
follows the page into the dark. Therefore no two names may share a light colour. Hues follow Okabe and Ito, darkened
(or, in the dark, lightened) until text in them passes a contrast of 4.5.
"""

from typing import Final

PALETTE: Final[dict[str, tuple[str, str]]] = {
    "ink": ("#1c2127", "#e4e7eb"),
    "quiet": ("#5a636e", "#a3adb8"),
    "line": ("#d5dae0", "#39414b"),
    "band": ("#e6e9ed", "#2a313a"),
    "paper": ("#fefefe", "#15191e"),
    "panel": ("#f6f7f9", "#1c2229"),
    "faster": ("#0063a0", "#62b5f2"),
    "slower": ("#b14600", "#ff9a66"),
    "same": ("#4f5a66", "#aeb8c3"),
    "unclear": ("#7a6300", "#dcbc4e"),
    "alarm": ("#b3261e", "#ff9087"),
    "series1": ("#5b6570", "#a9b3be"),
    "series2": ("#0064a1", "#63b6f3"),
    "series3": ("#00735a", "#45cda4"),
    "series4": ("#98487c", "#e79fca"),
    "series5": ("#7b6400", "#ddbd4f"),
    "series6": ("#b24700", "#ff9b67"),
}
SERIES: Final = ("series1", "series2", "series3", "series4", "series5", "series6")
VERDICT_COLOURS: Final = {"faster": "faster", "slower": "slower", "same": "same", "unclear": "unclear", "void": "quiet"}

WIDTH: Final = 360
TEXT: Final = 11.3
SMALL: Final = 10.4

MATPLOTLIB: Final[dict[str, object]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "windtunnel",
    "font.family": ["DejaVu Sans"],
    "font.size": TEXT,
    # Names come from data: a dollar sign in one must not start a formula.
    "text.parse_math": False,
    "text.color": PALETTE["ink"][0],
    "axes.edgecolor": PALETTE["quiet"][0],
    "axes.labelcolor": PALETTE["quiet"][0],
    "axes.labelsize": SMALL,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": PALETTE["quiet"][0],
    "ytick.color": PALETTE["quiet"][0],
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "path.simplify": False,
}


def colour(name: str) -> str:
    """The mark that stands for a palette colour while Matplotlib draws."""
    return PALETTE[name][0]


def verdict_colour(verdict: str) -> str:
    """The mark of a verdict; a verdict that the page does not know is drawn like unclear."""
    return colour(VERDICT_COLOURS.get(verdict, "unclear"))


def variables(*, dark: bool) -> str:
    """The palette as CSS declarations."""
    return "".join(f"--{name}:{pair[1 if dark else 0]};" for name, pair in PALETTE.items())
