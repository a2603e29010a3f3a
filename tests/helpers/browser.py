"""Types of the browser tests, whose fixtures are in tests/e2e/conftest.py."""

from collections.abc import Callable

from playwright.sync_api import Page

Visit = Callable[..., Page]  # as the fixture `visit`: open a server's page with a locale and a size
