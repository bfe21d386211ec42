"""A small conversion with all three splits, for the tests of what is exported."""

from __future__ import annotations

from pathlib import Path

from kalamos.datasets.convert import Conversion, convert
from kalamos.renderers import preset

SAMPLES = 310


def convert_tiny(folder: Path, *, images: bool = True, workers: int = 1, writers: int = 5, shards: int = 2) -> Path:
    """Convert some made-up writers (of the first five: three in train, one in test, one in validation)."""
    options = (("scripts", "Latn"), ("seed", "2"), ("writers", str(writers)))
    style = preset("clean") if images else None
    convert(Conversion("synthetic", Path(), options, style, shards=shards), folder, workers=workers)
    return folder
