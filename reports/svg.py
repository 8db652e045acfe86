"""Yields figures as SVG that can stand in an HTML page: no ids that collide, no outside address, colours of the page.

It does not decide what a chart shows.
"""

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from reports.style import MATPLOTLIB, PALETTE

_POINTS_PER_INCH: Final = 72
_LONGEST_LABEL: Final = 60
_CHARACTER: Final = 0.57
"""Mean width of a character over the font size, in DejaVu Sans."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
_FAMILY = re.compile(r" ?font-family: [^;\"]*;?")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_USED = re.compile(r"(?:url\(#|xlink:href=\"#)([^\")]+)")
_IDENTIFIER = re.compile(r' id="([^"]+)"')
_ABOVE: Final = 9
HIT: Final = 12.0
"""Width of an unseen line over a drawn one, in points: what a finger can meet."""
_POINTED = re.compile(r"mark-(\d+)")
_NO_TURN = re.compile(r' transform="rotate\(-0 [^)]*\)"')
_TEXT = re.compile(r"(<text[^>]*>)([^<]*)(</text>)")
_COLOURS = {light: f"var(--{name})" for name, (light, _) in PALETTE.items()}
_COLOUR = re.compile("|".join(_COLOURS))
_GROUP = re.compile(r"(<g(?: [^>]*[^/])?>|</g>)")
_STYLE = re.compile(r' style="[^"]*"')


@contextmanager
def styled() -> Iterator[None]:
    """The house style for the figures that are made and drawn inside."""
    # Settings are typed as a closed list of keys in Matplotlib's stubs, while rc_context takes any mapping.
    settings: Any = MATPLOTLIB
    with mpl.rc_context(settings), warnings.catch_warnings():
        # Text stays text: the reader's own fonts draw it, so a glyph that Matplotlib's font lacks is no loss.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def new_figure(*, width: float, height: float) -> Figure:
    """A figure without background, in pixels of the page."""
    figure = Figure(figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH), dpi=_POINTS_PER_INCH)
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    return figure


def place_axes(figure: Figure, *, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place given in pixels from the upper left corner."""
    full_width, full_height = figure.get_size_inches() * _POINTS_PER_INCH
    axes = figure.add_axes(
        (left / full_width, 1 - (top + height) / full_height, width / full_width, height / full_height)
    )
    axes.patch.set_visible(False)
    return axes


def label(text: str) -> str:
    """Text that is safe to lay out: one line, no control characters, not longer than a panel is wide."""
    clean = " ".join(_CONTROL.sub(" ", text).split())
    return clean if len(clean) <= _LONGEST_LABEL else clean[: _LONGEST_LABEL - 1] + "…"


def width_of(text: str, *, size: float) -> float:
    """Pixels that a text takes at a font size, about: by the mean width of a wide sans serif."""
    return len(text) * size * _CHARACTER


def fitted(text: str, *, pixels: float, size: float) -> str:
    """A label cut to what fits into so many pixels at a font size, by the widths of a wide sans serif."""
    clean, most = label(text), max(int(pixels / (size * _CHARACTER)), 2)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def squeezed(text: str, *, pixels: float, size: float) -> str:
    """A label cut in its middle to what fits: names of arms that begin alike end unlike, and the other way round."""
    clean, most = label(text), max(int(pixels / (size * _CHARACTER)), 3)
    return clean if len(clean) <= most else f"{clean[: most // 2]}…{clean[most // 2 + 1 - most :]}"


def inline(figure: Figure, *, identifier: str, alternative: str) -> Markup:
    """The figure as an <svg> element for a page; ids start with `identifier`, `alternative` says it in words."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    width, height = (round(inches * _POINTS_PER_INCH) for inches in figure.get_size_inches())
    source = stream.getvalue()
    body = source[source.index("<g ") : source.rindex("</svg>")]
    body = _outside_text(body, identifier)
    return Markup(
        f'<svg class="drawing" role="img" aria-label="{escape(alternative)}" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" preserveAspectRatio="xMinYMin meet">{body}</svg>'
    )


def pointed(artist: Artist, *, row: int) -> None:
    """Tie what is drawn to a row of the chart's data: whoever points at it is told that row."""
    artist.set_gid(f"mark-{row}")
    artist.set_zorder(_ABOVE)


def _identified(name: str, *, short: Mapping[str, str]) -> str:
    if match := _POINTED.fullmatch(name):
        return f' data-row="{match[1]}"'
    return f' id="{short[name]}"' if name in short else ""


def _unwrapped(body: str) -> str:
    """Without the groups that say nothing of what is in them."""
    kept: list[bool] = []
    parts = []
    for part in _GROUP.split(body.replace("<g/>", "")):
        if part == "</g>":
            parts.append(part * kept.pop())
        elif _GROUP.fullmatch(part):
            kept.append(part != "<g>")
            parts.append(part * kept[-1])
        else:
            parts.append(part)
    return "".join(parts)


def _outside_text(body: str, identifier: str) -> str:
    """Rewrite attributes but not the text of labels, which may look like a number, a colour or an id."""
    texts: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        texts.append(match[2])
        return f"{match[1]}\x00{match[3]}"

    body = _TEXT.sub(put_aside, body)
    used = set(_USED.findall(body))
    # Matplotlib names what is used again by a hash; a number in order of appearance says as much.
    short = {name: f"{identifier}-{place}" for place, name in enumerate(sorted(used, key=body.index))}
    body = _IDENTIFIER.sub(lambda m: _identified(m[1], short=short), body)
    body = _USED.sub(lambda m: m[0].removeprefix("xlink:").replace(m[1], short[m[1]]), body)
    body = _NO_TURN.sub("", _FAMILY.sub("", body))
    body = _NUMBER.sub(lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), body)
    body = _COLOUR.sub(lambda m: _COLOURS[m[0]], body)
    body = re.sub(r"\s*\n\s*", " ", body).replace("> <", "><")
    body = _unwrapped(_STYLE.sub(lambda m: m[0].replace(": ", ":").replace("; ", ";"), body))
    remaining = iter(texts)
    return re.sub("\x00", lambda _: next(remaining), body)
