"""Compile every kernel once and keep it: numba caches what it compiles, so that later commands start at once."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from kalamos.benchmark.recognised import columns, questions
from kalamos.benchmark.statistics.estimates import difference
from kalamos.datasets.synthetic import CORPUS
from kalamos.errors import KalamosError
from kalamos.formats import read_samples
from kalamos.formats.export import WRITERS
from kalamos.formats.mending import mend_flat
from kalamos.formats.report import UnitReport
from kalamos.geometry import simplify
from kalamos.ink import Ink, Sample
from kalamos.machinery.kernels import compile_at_once
from kalamos.metrics import Pair, score
from kalamos.recoverer import load_recoverer, loadable_models
from kalamos.renderers import PRESETS, Style, preset, render_batch

# what no preset does
_ALL_ELSE = Style(
    bleed_px=1.0,
    ruling="lines",
    show_through=0.1,
    stains=0.5,
    light=0.1,
    perspective=0.05,
    thickness_px=0.5,
    motion_px=1.0,
    salt=0.01,
)


def warm_up(say: Callable[[str], None] = lambda line: None) -> float:
    """Write, render, recover and score a few letters with everything that is installed; return the seconds it took."""
    start = time.perf_counter()
    compile_at_once()
    units = CORPUS.units(Path(), scripts="Latn", writers="1")
    samples = [sample for unit in units for sample in CORPUS.read(Path(), unit, UnitReport())][:12]
    say("formats")
    warm_formats(samples)
    say("renderer")
    warm_renderer([sample.ink for sample in samples])
    rendered = render_batch([sample.ink for sample in samples], preset("clean"))
    pictures = [*rendered, *render_batch([many_strokes()], preset("clean"))]
    for name in loadable_models():
        say(name)
        try:
            recovered = load_recoverer(name).recover([item.image for item in pictures])
        except KalamosError as error:
            say(f"{name} left out: {error}")
            continue
        for ink, item in zip(recovered, pictures, strict=True):
            score(Pair(ink, item.truth, item.image))
    say("recognisers and statistics")
    truths, images = [item.truth for item in rendered], [item.image for item in rendered]
    columns(questions(samples, truths, images), truths)
    writers = [str(k) for k in range(len(samples))]
    for aggregate in ("mean", "median"):
        difference(range(len(samples)), range(len(samples)), writers, aggregate=aggregate)
    return time.perf_counter() - start


def many_strokes() -> Ink:
    """Return an ink of more strokes than tracers order by trying every order: what they do then is compiled too."""
    columns, rows = 6, 4
    return Ink.from_strokes([[(8 * k, 9 * n), (8 * k + 5, 9 * n + 3)] for n in range(rows) for k in range(columns)])


def warm_formats(samples: Sequence[Sample]) -> None:
    """Write samples in the formats that are read by kernels, and read them back."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("inkml", "unipen"):
            file = Path(folder) / f"letters.{name}"
            WRITERS[name](samples, file)
            list(read_samples(file))
    for sample in samples:
        mend_flat(sample.ink.xy, sample.ink.offsets, sample.ink.t, counts=Counter())


def warm_renderer(inks: Sequence[Ink]) -> None:
    """Draw inks in every preset and all that no preset does, in both tiers; thin one as its replay does."""
    for style in (*PRESETS.values(), _ALL_ELSE, Style(tier="fast")):
        render_batch(inks, style)
    simplify(inks[0], 0.1)
