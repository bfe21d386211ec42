"""What the recognisers learn from: true ink of training writers, and images of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kalamos.datasets import CORPORA
from kalamos.formats.report import UnitReport
from kalamos.image import OfflineImage
from kalamos.ink import Ink, Sample, Split
from kalamos.machinery.arrays import Bytes
from kalamos.machinery.files import replacing
from kalamos.machinery.seeding import rng_for
from kalamos.recognition.alphabets import category
from kalamos.recognition.inputs import sequences, shapes, small_images
from kalamos.renderers import Style, preset, render_batch

SOURCES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("unipen", "unipen-train_r01_v07", {"categories": "1a,1b,1c"}),
    ("synthetic", ".", {"writers": "80"}),
    ("omniglot", "omniglot", {"alphabets": "Sanskrit"}),
)
"""Corpus, its folder below that of all corpora, its options."""
RANGES = {
    "width_px": (1.4, 3.6),
    "slant_deg": (-12.0, 12.0),
    "rotation_deg": (-8.0, 8.0),
    "aspect": (0.8, 1.25),
    "scale": (0.75, 1.0),
}
STYLES = (("clean", 0.6), ("scan", 0.2), ("photo", 0.2))
"""Presets that images are rendered with, and their shares; the first one varied over :data:`RANGES`."""
_GROUP = 32


@dataclass(frozen=True)
class Labelled:
    """Characters of one split as arrays.

    Attributes:
        labels: of each.
        categories: of each.
        corpora: of each.
        writers: of each.
        sequences: float16 ``(n, 48, 5)``.
        shapes: float16 ``(n, 32, 2)``.
        images: uint8 ``(n, 32, 32)``, ink 255.
    """

    labels: list[str]
    categories: list[str]
    corpora: list[str]
    writers: list[str]
    sequences: NDArray[np.float16]
    shapes: NDArray[np.float16]
    images: Bytes


def gather(root: Path, split: Split, cache: Path, seed: int = 0) -> Labelled:
    """Return the labelled characters of a split; read once and kept as ``cache/<split>.npz``.

    Training takes the splits of training and validation writers; the test writers are for ``evaluate`` alone.
    """
    path = cache / f"{split}.npz"
    if not path.exists():
        samples = list(_samples(root, split))
        inks = [sample.ink for sample in samples]
        with replacing(path) as part, part.open("wb") as file:
            np.savez(
                file,
                labels=[sample.label for sample in samples],
                categories=[category(sample) or "" for sample in samples],
                corpora=[sample.corpus for sample in samples],
                writers=[f"{sample.corpus}/{sample.writer}" for sample in samples],
                sequences=sequences(inks).astype(np.float16),
                shapes=shapes(inks).astype(np.float16),
                images=np.concatenate(list(_pictures(samples, seed))),
            )
    with np.load(path, allow_pickle=False) as held:
        labels, categories, corpora, writers = (
            held[name].tolist() for name in ("labels", "categories", "corpora", "writers")
        )
        return Labelled(labels, categories, corpora, writers, held["sequences"], held["shapes"], held["images"])


def alphabets(labelled: Labelled) -> dict[str, list[str]]:
    """Return category -> its labels, sorted."""
    pairs = sorted(set(zip(labelled.categories, labelled.labels, strict=True)))
    return {name: [label for other, label in pairs if other == name] for name in sorted({a for a, _ in pairs})}


def _samples(root: Path, split: Split) -> Iterator[Sample]:
    for corpus, folder, options in SOURCES:
        reader = CORPORA.load(corpus)
        for unit in reader.units(root / folder, **options):
            for sample in reader.read(root / folder, unit, UnitReport()):
                if sample.split == split and sample.ink.n_points and category(sample):
                    yield sample


def _pictures(samples: Sequence[Sample], seed: int) -> Iterator[Bytes]:
    names, shares = [name for name, _ in STYLES], [share for _, share in STYLES]
    for first in range(0, len(samples), _GROUP):
        group = samples[first : first + _GROUP]
        rng = rng_for(seed, "recognition-style", group[0].key)
        name = str(rng.choice(names, p=shares))
        style = Style.sample(rng, RANGES, preset("clean")) if name == "clean" else preset(name)
        made = _rendered([sample.ink for sample in group], style, seed, [sample.key for sample in group])
        yield (small_images(made)[:, 0] * 255).round().astype(np.uint8)


def _rendered(inks: Sequence[Ink], style: Style, seed: int, keys: Sequence[str]) -> list[OfflineImage]:
    return [one.image for one in render_batch(inks, style, seed=seed, keys=list(keys))]
