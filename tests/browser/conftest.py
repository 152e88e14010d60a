"""Chromium for the browser tests. Without it they are left out, with a message."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from tests.browser.rig import Visit
from tests.cast import Cast

CHROMIUM = Path(os.environ.get("EVERKEEP_CHROMIUM", "/usr/bin/chromium"))
# Playwright keeps an event loop in this thread, so Django takes the tests for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
# Five seconds are not much on a machine that does much else; who waits for what comes loses no time by it.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skip(reason=f"no Chromium at {CHROMIUM} (apt-get install chromium)")
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        if not CHROMIUM.exists():
            item.add_marker(missing)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
    return {**browser_type_launch_args, "executable_path": str(CHROMIUM), "args": quiet}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 900}, "locale": "en-GB"}


@pytest.fixture
def visit(page: Page, live_server: Any) -> Iterator[Visit]:
    """A browser page on a running portal."""
    yield Visit(page, live_server.url)


@pytest.fixture
def olivia(cast: Cast, transactional_db: None, visit: Visit) -> Visit:
    """The owner of the account, signed in."""
    client = Client()
    client.force_login(cast.owner)
    visit.sign_in_as(client)
    return visit
