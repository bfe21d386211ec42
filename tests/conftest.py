"""Shared by all tests: where the real corpora are, and inks to test with."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import BROWSER, FLAGS
from hypothesis import settings

# The same examples at every run, so that a clone, a colleague and CI get one answer; HYPOTHESIS_PROFILE=explore looks
# for new ones, and what it finds becomes an @example.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the wheel, which takes a minute, then the files of many tests: so that no worker is late."""
    count = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.name != "test_wheel.py", -count[item.path]))


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of the real corpora, or skip where there are none."""
    folder = os.environ.get("KALAMOS_CORPORA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("the environment variable KALAMOS_CORPORA names no folder with the real corpora")
    return Path(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a Chromium that playwright drives, or skip where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if BROWSER is None:
        pytest.skip("no Chromium on this machine; install it to run the tests of pages")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()
