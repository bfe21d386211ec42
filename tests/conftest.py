"""Shared by all tests: where the real corpora are, and inks to test with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of the real corpora, or skip where there are none."""
    folder = os.environ.get("KALAMOS_CORPORA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("the environment variable KALAMOS_CORPORA names no folder with the real corpora")
    return Path(folder)
