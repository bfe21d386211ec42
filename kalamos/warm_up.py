"""Compile every kernel once and keep it: numba caches what it compiles, so that later commands start at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from kalamos.benchmark.metrics import Pair, score
from kalamos.datasets.corpus import UnitReport
from kalamos.datasets.synthetic import CORPUS
from kalamos.errors import KalamosError
from kalamos.recoverer import load_recoverer, loadable_models
from kalamos.renderers import preset, render_batch


def warm_up(say: Callable[[str], None] = lambda line: None) -> float:
    """Write, render, recover and score a few letters with everything that is installed; return the seconds it took."""
    start = time.perf_counter()
    units = CORPUS.units(Path(), scripts="Latn", writers="1")
    samples = [sample for unit in units for sample in CORPUS.read(Path(), unit, UnitReport())][:12]
    say("renderer")
    inks = [sample.ink for sample in samples]
    render_batch(inks, preset("scan"))
    rendered = render_batch(inks, preset("clean"))
    for name in loadable_models():
        say(name)
        try:
            recovered = load_recoverer(name).recover([item.image for item in rendered])
        except KalamosError as error:
            say(f"{name} left out: {error}")
            continue
        for ink, item in zip(recovered, rendered, strict=True):
            score(Pair(ink, item.truth, item.image))
    return time.perf_counter() - start
