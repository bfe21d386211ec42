"""Shared by all tests: where the real corpora are, and inks to test with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples at every run, so that a clone, a colleague and CI get one answer; HYPOTHESIS_PROFILE=explore looks
# for new ones, and what it finds becomes an @example.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of the real corpora, or skip where there are none."""
    folder = os.environ.get("KALAMOS_CORPORA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("the environment variable KALAMOS_CORPORA names no folder with the real corpora")
    return Path(folder)
