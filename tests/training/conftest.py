"""Tiny training runs and images for the tests of the models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_corpus
import torch

torch.set_num_threads(1)

TINY = f"{Path(tiny_corpus.__file__)}:CORPUS"


@pytest.fixture
def recipe() -> dict[str, Any]:
    """Return a recipe that trains in a second."""
    return {
        "network": {"channels": 32, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "motion_channels": 16},
        "samples": 192,
        "chunk": 64,
        "budget": 400,
        "warm_up": 32,
        "average": 0.9,
        "validate_every": 2,
        "validation_inks": 8,
        "ranges": {"tier": ["fast"], "width_px": [2.0, 3.0]},
        "source": [{"corpus": TINY}],
    }
