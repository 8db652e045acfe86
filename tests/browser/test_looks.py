"""Pages in a browser, at three widths, dark and light: nothing is cut off, covered or faint, and axe finds nothing."""

import re
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.drawn import FOLDER

WIDTHS = (375, 768, 1440)
SCHEMES = ("dark", "light")
PAGES = (
    "toggles", "null", "interrupted", "load", "loaded", "mails", "study", "gate", "power", "url", "compare",
    "compare-loads", "site", "trend",
)  # fmt: skip
PUBLISHED = tuple(f"published/{path.parent.name}" for path in sorted(FOLDER.glob("*/report.html")))
DRAWN_TOO = ("long-names", "url-void", "benchmarks", *PUBLISHED)
FIRST = ("toggles", "load", "site")
"""Pages that the suite looks at in every way. At others it looks in the narrowest, and each night in all."""

Opened = Callable[..., Any]


def ways(pages: Iterable[str], *how: Iterable[Any]) -> list[Any]:
    """Every page in every way, those for the night marked."""
    narrowest = tuple(next(iter(each)) for each in how)
    return [
        pytest.param(name, *way, marks=() if name in FIRST or way == narrowest else pytest.mark.nightly)
        for name, *rest in product(pages, *how) if (way := tuple(rest))
    ]  # fmt: skip


pytestmark = pytest.mark.slow

TEXTS = """() => [...document.querySelectorAll("svg.drawing")].map(svg => {
  const figure = svg.closest("figure");
  if (figure.hidden || !svg.getClientRects().length) return [];
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].map(text => {
    const box = text.getBoundingClientRect();
    return {figure: figure.id, said: text.textContent, left: box.left - frame.left, right: box.right - frame.left,
            top: box.top - frame.top, bottom: box.bottom - frame.top, width: frame.width, height: frame.height,
            page: document.documentElement.clientWidth, at: box.right + scrollX, size: box.height,
            tint: getComputedStyle(text).fill};
  });
})"""
WIDE = """() => [...document.querySelectorAll("body *")].filter(each => {
  const style = getComputedStyle(each);
  if (each.closest("svg, .scroll, pre, .sr, .skip, [hidden], thead") || style.display === "inline") return false;
  return each.getClientRects().length && each.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
}).map(each => each.outerHTML.slice(0, 120))"""
CUT = """() => [...document.querySelectorAll("body *")].filter(each => {
  if (each.closest("svg, .sr, .skip, [hidden]") || each.matches(".scroll, pre, select, .verdicts thead")) return false;
  const style = getComputedStyle(each);
  return style.overflow !== "visible" && style.display !== "inline" && each.scrollWidth > each.clientWidth + 1;
}).map(each => each.outerHTML.slice(0, 120))"""
PAPER = "() => getComputedStyle(document.documentElement).backgroundColor"


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """The contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def covered(texts: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Pairs of labels of one drawing of which one lies on the other; boxes are higher than what is drawn in them."""
    found = []
    for number, first in enumerate(texts):
        for second in texts[number + 1 :]:
            across = min(first["right"], second["right"]) - max(first["left"], second["left"])
            down = min(first["bottom"], second["bottom"]) - max(first["top"], second["top"])
            if across > 1 and down > 0.3 * min(first["size"], second["size"]):
                found.append((first["figure"], first["said"], second["said"]))
    return found


def outside(texts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Labels that leave their drawing, or the page."""
    return [
        (text["figure"], text["said"])
        for text in texts
        if min(text["left"], text["top"]) < -3
        or text["right"] > text["width"] + 3
        or text["bottom"] > text["height"] + 3
        or text["at"] > text["page"]
    ]


@pytest.mark.parametrize(("name", "width"), ways((*PAGES, *DRAWN_TOO), WIDTHS))
def test_nothing_is_cut_off_or_covered(opened: Opened, name: str, width: int) -> None:
    """The page does not scroll sideways, no box leaves it, and no label of a drawing is cut or lies on another."""
    with opened(name, width=width) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert page.evaluate(WIDE) == []
        assert page.evaluate(CUT) == []
        drawings: list[list[dict[str, Any]]] = page.evaluate(TEXTS)
        assert drawings or name in {"site", "published/indexes"}
        for texts in drawings:
            assert len(texts) > 3
            assert outside(texts) == []
            assert covered(texts) == []


@pytest.mark.parametrize(("name", "scheme"), ways(PAGES, SCHEMES))
def test_labels_of_drawings_have_contrast(opened: Opened, name: str, scheme: str) -> None:
    """Each label's colour against the paper is at least 4.5, as WCAG's AA asks of small text; and dark is dark."""
    with opened(name, color_scheme=scheme) as page:
        paper = page.evaluate(PAPER)
        assert (luminance(paper) < 0.1) is (scheme == "dark")
        faint = {
            (text["figure"], text["said"], text["tint"])
            for texts in page.evaluate(TEXTS)
            for text in texts
            if contrast(text["tint"], paper) < 4.5
        }
        assert faint == set()


@pytest.mark.parametrize(("name", "width", "scheme"), ways(PAGES, (WIDTHS[0], WIDTHS[-1]), SCHEMES))
def test_axe_finds_nothing_serious(opened: Opened, name: str, width: int, scheme: str) -> None:
    """With everything unfolded: no violation that axe-core calls serious or critical."""
    with opened(name, width=width, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('.group, .cell:nth-of-type(9n)').forEach(e => e.open = true)")
        assert serious(page) == []


def serious(page: Page) -> list[tuple[str, str, str]]:
    """What axe-core calls serious or critical: rule, element, and what it says of it."""
    found = Axe().run(page).response["violations"]
    return [
        (rule["id"], node["html"][:160], node["failureSummary"][:200])
        for rule in found
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]


def test_printed_it_is_paper(opened: Opened) -> None:
    """In print: light even in the dark, without navigation, filter, panel and folded data; all sections are there."""
    with opened("toggles", color_scheme="dark") as page:
        page.emulate_media(media="print")
        assert luminance(page.evaluate(PAPER)) > 0.9
        for gone in ("nav", "#filter", "#knobs", "details.data"):
            assert not page.locator(gone).first.is_visible(), gone
        hidden = page.evaluate("[...document.querySelectorAll('main section')].filter(s => !s.offsetHeight).length")
        assert hidden == 0
        assert page.locator("#cells tbody tr").last.is_visible()
