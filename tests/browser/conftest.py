"""Yields pages as files, and a headless Chromium that opens them with the network off."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.drawn import DRAWN, FOLDER

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's own Chromium; without one these tests are skipped, and say what to install.

    It ends with its module: while it is there an event loop counts as running, and Django refuses its database.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on PATH; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of a page by its name, drawn when it is asked for first."""
    folder = tmp_path_factory.mktemp("pages")

    def page(name: str) -> Path:
        if name.startswith("published/"):
            return FOLDER.parent / name / "report.html"
        path = folder / f"{name}.html"
        if not path.exists():
            path.write_text(DRAWN[name](), encoding="utf-8")
        return path

    return page


@pytest.fixture
def opened(browser: Browser, pages: Callable[[str], Path]) -> Callable[..., Any]:
    """A page opened from its file in a context of its own, with no network."""

    @contextmanager
    def open_page(name: str, *, fragment: str = "", width: int = 1440, **options: Any) -> Iterator[Page]:
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        try:
            page = context.new_page()
            page.goto(pages(name).as_uri() + fragment)
            yield page
        finally:
            context.close()

    return open_page
