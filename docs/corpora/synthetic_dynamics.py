"""Compare how fast synthetic and real writers write: ``python docs/corpora/synthetic_dynamics.py UNIPEN_FOLDER``."""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from kalamos.datasets import CORPORA
from kalamos.formats.report import UnitReport
from kalamos.geometry import bounds
from kalamos.ink import Ink, Sample
from kalamos.machinery.seeding import rng_for

GRID_S = 0.01


def samples(name: str, folder: Path, units: int, **options: str) -> Iterator[Sample]:
    """Read some units of a corpus, drawn at random."""
    corpus = CORPORA.load(name)
    every = list(corpus.units(folder, **options))
    rng_for(0, name).shuffle(every)
    return itertools.chain.from_iterable(corpus.read(folder, unit, UnitReport()) for unit in every[:units])


def stroke_facts(ink: Ink, a: int, b: int, height: float) -> Iterator[tuple[str, float]]:
    """Yield duration, pace and speed peaks of the stroke from point a to point b, if it is long enough to have some."""
    xy, t = ink.xy[a:b].astype(np.float64), np.asarray(ink.t)[a:b]
    if b - a < 6 or t[-1] <= t[0]:
        return
    steps = np.hypot(*np.diff(xy, axis=0).T)
    if steps.sum() < 0.4 * height:
        return
    yield "stroke, s", t[-1] - t[0]
    yield "letter heights a second", steps.sum() / height / (t[-1] - t[0])
    speed = np.interp(np.arange(t[0], t[-1], GRID_S), (t[1:] + t[:-1]) / 2, steps / np.maximum(np.diff(t), 1e-4))
    if len(speed) > 6:
        v = np.convolve(speed, np.ones(3) / 3, "valid")
        peaks = (v[1:-1] > v[:-2]) & (v[1:-1] >= v[2:]) & (v[1:-1] > 0.3 * v.max())
        yield "speed peaks a second", peaks.sum() / (t[-1] - t[0])


def facts(every: Iterable[Sample]) -> dict[str, list[float]]:
    """Return every measured value by name."""
    values: dict[str, list[float]] = defaultdict(list)
    for sample in every:
        ink = sample.ink
        if ink.t is None or ink.n_points < 8 or not (height := bounds(ink).height):
            continue
        values["letter, s"].append(ink.t[-1] - ink.t[0])
        for a, b in itertools.pairwise(ink.offsets.tolist()):
            for name, value in stroke_facts(ink, a, b, height):
                values[name].append(value)
    return values


def main(folder: Path) -> None:
    """Print 10th, 50th and 90th percentile of each."""
    tables = {
        "synthetic": facts(samples("synthetic", folder, 6, scripts="Latn")),
        "unipen": facts(samples("unipen", folder, 60)),
    }
    for name, table in tables.items():
        print(name, len(table["letter, s"]), "letters")  # noqa: T201
        for fact, values in table.items():
            print(f"  {fact}: {' / '.join(f'{q:.2f}' for q in np.percentile(values, [10, 50, 90]))}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
