"""A headless Chromium, and pages of it in a visitor's language."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.helpers.browser import Visit
from tests.helpers.server import Server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WAIT_MS = 30_000


def _chromium(own: str) -> str:
    """Find a Chromium: the system's, else the one that playwright has downloaded (`own`)."""
    installed = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    found = next((path for path in installed if path), own if Path(own).exists() else None)
    if found is None:
        message = "no Chromium found: install it, or run `python -m playwright install chromium`"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


# Not for the whole session: while playwright runs, asyncio.run cannot be used in the tests of other packages.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        executable = _chromium(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open the page of a server as a visitor with a locale; at the end nothing may have gone wrong in the browser.

    After a failure, `tmp_path` has pictures of the pages.
    """
    failed_before = request.session.testsfailed
    faults: list[str] = []
    pages: list[Page] = []

    def open_page(server: Server, locale: str = "es-ES", width: int = 1100, height: int = 900) -> Page:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": height})
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((server.url, "data:", "blob:"))
                else faults.append(f"a request to {request.url}")
            ),
        )
        page.goto(server.url)
        page.get_by_role("heading", name="Vistazo").wait_for()
        pages.append(page)
        return page

    yield open_page
    for number, page in enumerate(pages):
        if faults or request.session.testsfailed > failed_before:
            page.screenshot(path=tmp_path / f"page-{number}.png", full_page=True)
        page.context.close()
    assert faults == []
