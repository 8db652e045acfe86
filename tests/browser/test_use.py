"""A reader at work: filter, sort, flip, point, link, keyboard, no script, no network; and no text of a run is live."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.reports.test_page import PAYLOADS

Opened = Callable[..., Any]

pytestmark = pytest.mark.slow

ROWS = "#cells tbody tr"
VISIBLE = "rows => rows.filter(row => !row.hidden).length"


def _keep(into: list[str], event: Any, *, name: str) -> None:
    """Write down what happened; a dialog is let go, or the page would wait for ever."""
    into.append(getattr(event, name))
    if isinstance(event, Dialog):
        event.dismiss()


def focused(page: Page) -> str:
    """What has the focus, by its text."""
    said: str = page.evaluate("document.activeElement.innerText ?? document.activeElement.tagName")
    return said


def test_opening_asks_nobody_for_anything(browser: Browser, pages: Callable[[str], Path]) -> None:
    """From a file, with the network off: one request, for the file itself, and not a word of complaint."""
    for name in ("toggles", "load", "compare", "site", "trend"):
        context = browser.new_context(offline=True)
        page = context.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", partial(_keep, asked, name="url"))
        page.on("console", partial(_keep, said, name="text"))
        page.on("pageerror", partial(_keep, said, name="message"))
        page.goto(pages(name).as_uri())
        page.wait_for_load_state("networkidle")
        assert (asked, said) == ([pages(name).as_uri()], [])
        context.close()


def test_filter_hides_what_was_not_asked_for(opened: Opened) -> None:
    """An operation and a face leave a sixth of the cells; the address keeps the choice, and opens with it again."""
    with opened("toggles") as page:
        assert page.locator(ROWS).evaluate_all(VISIBLE) == 96
        page.locator("#filter select[name=operation]").select_option("product_search")
        page.locator("#filter select[name=face]").select_option("graphql")
        assert page.locator(ROWS).evaluate_all(VISIBLE) == 16
        assert page.locator("figure:visible").count() < 12
        expect(page.locator("#filter output")).to_contain_text("rows and charts hidden")
        kept = page.url.partition("#")[2]
    with opened("toggles", fragment=f"#{kept}") as page:
        assert page.locator(ROWS).evaluate_all(VISIBLE) == 16


def test_filter_hides_rows_of_a_study_and_marks_lead_to_its_numbers(opened: Opened) -> None:
    """A face leaves its own rows and those of all faces; a mark that is tapped names its place in study.json."""
    with opened("study") as page:
        rows = "#numbers tbody tr"
        before = page.locator(rows).evaluate_all(VISIBLE)
        page.locator("#filter select[name=face]").select_option("rest")
        assert 0 < page.locator(rows).evaluate_all(VISIBLE) < before
        assert page.locator("#numbers td:visible", has_text="GraphQL").count() == 0
        page.locator("figure:visible [data-row]").first.dispatch_event("click")
        expect(page.locator(".tip")).to_contain_text("study.json /curves/")
    with opened("mails") as page:
        assert page.locator("#filter").count() == 0


def test_tables_sort_by_number(opened: Opened) -> None:
    """A click on a column's name sorts by its numbers, another turns it round; void cells are last."""
    with opened("toggles") as page:
        header = page.locator("#cells thead button", has_text="Mean service time")
        for direction in (1, -1):
            header.click()
            shown = page.locator("#cells tbody td[data-sort].n:nth-child(4)").evaluate_all(
                "cells => cells.map(cell => parseFloat(cell.dataset.sort))"
            )
            assert len(shown) == 93
            assert shown == sorted(shown, reverse=direction < 0)
        assert header.locator("xpath=..").get_attribute("aria-sort") == "descending"


def test_runs_sort_by_when_they_began(opened: Opened) -> None:
    """A run's name begins with a year and is no number: one click sorts the runs, another turns them round."""
    with opened("site") as page:
        table = page.locator("table.sortable").first
        seen = []
        for _ in range(2):
            table.locator("thead button").first.click()
            seen.append(table.locator("tbody tr th").all_inner_texts())
        assert seen[0] == sorted(seen[0])
        assert seen[1] == sorted(seen[0], reverse=True)
        assert len(set(seen[0])) > 1


@pytest.mark.parametrize(
    "chosen",
    [
        {"operation": "product_list", "face": "rest"},
        {"operation": "product_detail", "face": "graphql", "indexes": "on", "cache": "on"},
        {"operation": "product_search", "face": "rest", "select_related": "on", "cache": "on"},
    ],
)
def test_flipping_knobs_shows_the_measured_cell(opened: Opened, chosen: dict[str, str]) -> None:
    """Whatever is chosen, the panel says what the row of that setting says, and leads to its evidence."""
    with opened("toggles") as page:
        panel = page.locator("#knobs")
        for name, value in chosen.items():
            if name in {"operation", "face"}:
                panel.locator(f"select[name={name}]").select_option(value)
            else:
                panel.locator(f'input[name="knob:{name}"][value="{value}"]').check()
        row = page.locator(ROWS).filter(has=page.locator(f'xpath=self::*[@data-operation="{chosen["operation"]}"]'))
        row = row.filter(has=page.locator(f'xpath=self::*[@data-face="{chosen["face"]}"]'))
        for knob in ("select_related", "prefetch_related", "indexes", "cache"):
            row = row.filter(has=page.locator(f'.variant[title*="{knob} {chosen.get(knob, "off")}"]'))
        assert row.count() == 1
        cells = row.locator("> *").all_text_contents()[3:]
        assert panel.locator("dd").all_text_contents() == cells
        address = panel.locator("a").get_attribute("href")
        assert address == row.locator("a").first.get_attribute("href")
        panel.locator("a").click()
        expect(page.locator(f"details{address}")).to_have_attribute("open", "")


def test_a_link_keeps_a_setting(opened: Opened) -> None:
    """The address names operation, face and knobs, and opens with them."""
    with opened("toggles") as page:
        page.locator("#knobs select[name=operation]").select_option("product_detail")
        page.locator('#knobs input[name="knob:indexes"][value=on]').check()
        said = page.locator("#knobs dd").all_text_contents()
        kept = page.url.partition("#")[2]
        assert kept.startswith("knobs&operation=product_detail&")
    with opened("toggles", fragment=f"#{kept}") as page:
        assert page.locator("#knobs dd").all_text_contents() == said
        assert page.locator('#knobs input[name="knob:indexes"][value=on]').is_checked()


@pytest.mark.parametrize("fragment", ["#%E0%A4%A", "#knobs&operation=nothing&knob:indexes=maybe", "#&&=&", "#nowhere"])
def test_a_senseless_link_opens_the_page(opened: Opened, fragment: str) -> None:
    """Whatever a link says, the page is there and its panel works."""
    with opened("toggles", fragment=fragment) as page:
        assert page.locator("#knobs dd").count() > 10


def test_a_link_to_a_folded_cell_unfolds_it(opened: Opened) -> None:
    """Evidence and plans are folded; a link from a table opens what it leads to, with all around it."""
    with opened("toggles") as page:
        link = page.locator(f"{ROWS} a").nth(40)
        link.click()
        target = page.locator(f"details{link.get_attribute('href')}")
        expect(target).to_have_attribute("open", "")
        expect(target).to_be_in_viewport()
        target.locator("td a").first.click()
        expect(page.locator(page.url[page.url.index("#") :])).to_be_in_viewport()


def test_a_mark_tells_its_numbers(opened: Opened) -> None:
    """Pointed at, a mark tells its row of the data; clicked it stays, with links to the file; Escape lets it go."""
    with opened("toggles") as page:
        figure = page.locator("#waterfall-0")
        data = figure.locator("tbody tr").nth(2)
        values = data.locator("> *").all_text_contents()
        mark = figure.locator('[data-row="2"]')
        mark.scroll_into_view_if_needed()
        tip = page.locator(".tip")
        expect(tip).to_be_hidden()
        mark.hover()
        expect(tip).to_be_visible()
        said = tip.inner_text()
        assert all(value in said for value in values)
        assert "findings.json /waterfalls/0" in said
        page.mouse.move(5, 5)
        expect(tip).to_be_hidden()
        mark.click()
        page.mouse.move(5, 5)
        expect(tip).to_be_visible()
        assert tip.locator("a").get_attribute("href") == "findings.json"
        box, room = tip.bounding_box(), page.viewport_size
        assert box
        assert room
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= room["width"]
        page.keyboard.press("Escape")
        expect(tip).to_be_hidden()


KINDS = {
    "toggles": ("waterfall", "effect", "interaction", "face", "distribution", "drift"),
    "load": ("growth", "waiting"),
    "loaded": ("percentiles", "costs"),
    "trend": ("trend",),
    "compare": ("effect", "cell"),
}


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kinds in KINDS.items() for kind in kinds])
def test_every_kind_of_drawing_has_marks(opened: Opened, name: str, kind: str) -> None:
    """Each row of a drawing's data has a mark that can be met, but for what gave no time."""
    with opened(name) as page:
        figure = page.locator(f"#{kind}-0")
        rows = figure.locator("tbody tr").all_text_contents()
        marked = figure.locator("[data-row]").evaluate_all("marks => marks.map(mark => Number(mark.dataset.row))")
        timed = {number for number, row in enumerate(rows) if "void" not in row}
        assert timed <= set(marked) <= set(range(len(rows)))
        assert len(timed) > 1


def test_a_tap_does_what_a_click_does(opened: Opened) -> None:
    """On a phone: a tap on a mark tells its numbers within the screen, a tap elsewhere lets go."""
    with opened("toggles", width=375, has_touch=True, is_mobile=True) as page:
        mark = page.locator('#effect-0 [data-row="1"]')
        mark.scroll_into_view_if_needed()
        mark.tap()
        box = page.locator(".tip").bounding_box()
        assert box
        assert box["x"] + box["width"] <= 375
        page.locator("#effects h2").tap()
        expect(page.locator(".tip")).to_be_hidden()


def test_keyboard_alone_is_enough(opened: Opened) -> None:
    """The skip link comes first and works; filter, radio, sort and fold are reached and used without a mouse."""
    with opened("toggles") as page:
        page.keyboard.press("Tab")
        assert focused(page) == "Skip to the answer"
        assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
        page.keyboard.press("Enter")
        assert page.url.endswith("#answer")
        page.locator("#knobs input").first.focus()
        page.keyboard.press("ArrowRight")
        assert page.locator('#knobs input[name="knob:select_related"][value=on]').is_checked()
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert float(outline.removesuffix("px")) >= 1
        page.locator("#filter select[name=operation]").focus()
        page.keyboard.press("p")
        assert page.locator("#filter select[name=operation]").input_value() == "product_list"
        page.locator("#cells thead button", has_text="p95").focus()
        page.keyboard.press("Enter")
        assert page.locator("#cells th[aria-sort]").inner_text().startswith("p95")
        page.locator("#every-effect summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("#every-effect table").is_visible()


def test_everything_that_scrolls_can_be_scrolled_by_keyboard(opened: Opened) -> None:
    """Each box with more in it than it shows takes the focus, or holds something that does."""
    with opened("toggles", width=375) as page:
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate(
            "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth && e.tabIndex < 0)"
            ".length"
        ) == 0  # fmt: skip


def test_without_javascript_all_content_is_there(opened: Opened) -> None:
    """What needs a script is not shown, and says where its numbers are; all rows and drawings are there."""
    with opened("toggles", java_script_enabled=False) as page:
        for form in ("#filter", "#knobs"):
            assert page.locator(form).is_hidden()
        expect(page.locator("[data-plain]")).to_contain_text("needs JavaScript")
        assert page.locator(ROWS).count() == 96
        assert page.locator(ROWS).last.is_visible()
        assert page.locator("figure svg:visible").count() == 33
        fold = page.locator("#every-effect summary")
        fold.click()
        assert page.locator("#every-effect table").is_visible()
        assert page.locator("#cells thead button").count() == 0


@pytest.mark.parametrize("name", [*(f"hostile-{n}" for n in range(len(PAYLOADS))), "hostile-compare",
                                  "hostile-compare-loads", "hostile-site", "hostile-trend"])  # fmt: skip
def test_no_text_of_a_run_is_live(browser: Browser, pages: Callable[[str], Path], name: str) -> None:
    """Thirty payloads in names and error texts: no dialog, no request, no script but ours, no handler, no address."""
    context = browser.new_context()
    page = context.new_page()
    seen: list[str] = []
    page.on("dialog", partial(_keep, seen, name="message"))
    page.on("request", partial(_keep, seen, name="url"))
    page.on("pageerror", partial(_keep, seen, name="message"))
    page.goto(pages(name).as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for button in page.locator("thead button").all()[:3]:
        button.click()
    for mark in page.locator("svg [data-row]").all()[:3]:
        mark.dispatch_event("click")
    live: Any = page.evaluate(
        """() => ({
          scripts: document.scripts.length,
          odd: [...document.querySelectorAll("body *")].filter(each =>
            each.matches("iframe, object, embed, base, link, img, video, audio, animate") ||
            [...each.attributes].some(a => a.name.startsWith("on") || /^\\s*(javascript|data):/i.test(a.value)))
            .map(each => each.outerHTML.slice(0, 200)),
        })"""
    )
    assert live == {"scripts": 1, "odd": []}
    assert seen == [pages(name).as_uri()]
    context.close()


def test_a_script_that_was_planted_would_not_run(
    browser: Browser, pages: Callable[[str], Path], tmp_path: Path
) -> None:
    """The policy of the page stands behind all of that: a script and a handler that are put into it do nothing."""
    planted = tmp_path / "planted.html"
    source = pages("null").read_text(encoding="utf-8")
    evil = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    planted.write_text(source.replace("<main>", f"<main>{evil}", 1), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(planted.as_uri())
    page.wait_for_load_state("networkidle")
    assert page.title() != "run"
    assert page.locator("#filter").is_visible()
    context.close()
