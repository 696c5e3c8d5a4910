"""A browser for tests that look at pages: Debian's chromium, skipped by name where it is not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

# Playwright's own loop runs in this thread; the ORM here is called between its steps only.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
CHROMIUM = os.environ.get("TANGGAP_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), ""
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


# For a file, not for the session: Playwright's loop ends with it and is in nobody's way after.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM or "/snap/" in os.path.realpath(CHROMIUM):
        pytest.skip("Browser tests need chromium: sudo apt-get install -y chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()
