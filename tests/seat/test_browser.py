"""The seat's pages in a real browser: nothing comes from elsewhere, GraphiQL works, a click switches a knob."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.seat.seats import Seated

pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser: Browser, seat: Seated) -> Iterator[Page]:
    """A page of the seat that asks no other host, and in which no script fails."""
    context = browser.new_context(base_url=seat.url, viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    asked: set[str] = set()
    failed: list[str] = []
    page.on("request", lambda request: asked.add(f"{urlsplit(request.url).scheme}:{urlsplit(request.url).netloc}"))
    page.on("pageerror", lambda error: failed.append(str(error)))
    yield page
    context.close()
    own = f"http:{urlsplit(seat.url).netloc}"
    assert {each for each in asked if not each.startswith(("data:", "blob:"))} == {own}
    assert failed == []


def unfold(page: Page) -> None:
    """The toolbar, which a page has folded until somebody asks for it."""
    if page.locator("#djDebugToolbar").is_hidden():
        page.locator("#djShowToolBarButton").click()
    expect(page.locator("#djDebugToolbar")).to_be_visible()


def opened(page: Page, name: str) -> str:
    """The text of one of the toolbar's panels, which it is told to show."""
    unfold(page)
    page.locator(f"#djdt-{name} a").click()
    content = page.locator(f"#{name} .djDebugPanelContent")
    expect(content).not_to_have_text("", timeout=10_000)
    page.wait_for_function("name => document.querySelector('#djDebugRoot').shadowRoot"
                           ".querySelector('#' + name + ' .djdt-scroll').children.length > 0", arg=name)  # fmt: skip
    return content.inner_text()


def statements(page: Page) -> int:
    """What our panel counted."""
    opened(page, "KnobsPanel")
    return int(page.locator("#seat-statements").inner_text().split(",")[0])


@pytest.mark.parametrize("path", ["/", "/swagger", "/admin/", "/api/products/1/", "/graphiql"])
def test_nothing_comes_from_elsewhere(page: Page, path: str):
    """Every page has the toolbar, and all that it loads is this server's."""
    page.goto(path, wait_until="networkidle")
    unfold(page)


def test_graphiql_asks_and_the_toolbar_tells(page: Page):
    """It knows the schema, gets an answer, and the panels show the statements of that request."""
    page.goto("/graphiql", wait_until="networkidle")
    shown = page.locator("#djDebug").get_attribute("data-request-id")
    assert shown
    page.get_by_role("button", name="Execute query").click()
    expect(page.locator(".result-window")).to_contain_text('"productList"', timeout=10_000)
    # The toolbar is replaced by that of the request that GraphiQL sent.
    expect(page.locator("#djDebug")).not_to_have_attribute("data-request-id", shown, timeout=10_000)
    expect(page.locator("#djdt-KnobsPanel small")).to_contain_text("statement")
    unfold(page)
    page.locator("#djdt-SQLPanel a").click()
    expect(page.locator("#SQLPanel .djDebugPanelContent")).to_contain_text("catalog_product", timeout=10_000)
    page.locator("#djdt-HistoryPanel a").click()
    expect(page.locator("#HistoryPanel .djDebugPanelContent")).to_contain_text("/graphql", timeout=10_000)


def test_a_click_on_a_knob(page: Page):
    """In the toolbar of a REST page; it is back on the same page, which took more statements."""
    page.goto("/api/products/?size=5")
    before = statements(page)
    with page.expect_navigation():
        page.locator('#KnobsPanel button[value="prefetch_related=off"]').click()
    assert page.url.endswith("/api/products/?size=5")
    assert statements(page) > before + 3
    with page.expect_navigation():
        page.locator('#KnobsPanel button[name="reset"]').click()
    assert statements(page) == before


def test_who_is_in_the_admin_site_is_known_to_the_api(page: Page, seat: Seated):
    """Logged in there, one's orders can be looked at, in whichever database."""
    refused = page.goto("/api/users/me/")
    assert refused is not None
    assert refused.status == 401
    page.goto("/admin/login/?next=/admin/catalog/product/")
    page.fill("[name=username]", "admin@windtunnel.example")
    page.fill("[name=password]", seat.password)
    page.locator("[type=submit]").click()
    expect(page.locator("#result_list")).to_be_visible()
    allowed = page.goto("/api/users/me/")
    assert allowed is not None
    assert allowed.status == 200
