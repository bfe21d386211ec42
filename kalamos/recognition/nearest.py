"""A recogniser without training: the label of the nearest of a few mean trajectories, by DTW.

Each class has at most :data:`MOST` prototypes: means of groups of true inks of training writers (k-means on
trajectories at equal arc lengths; groups of at least :data:`LEAST` inks, so that a prototype is nobody's ink).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Floats32
from kalamos.machinery.seeding import rng_for
from kalamos.metrics.wavefront import dtw_matrix
from kalamos.recognition.alphabets import candidates
from kalamos.recognition.inputs import shapes
from kalamos.recognition.tensors import SHIPPED
from kalamos.storage.weights import Weights, load_weights

MOST = 6
LEAST = 4
_ROUNDS = 12
_MOST_INKS = 600


class NearestRecogniser:
    """The prototypes, and the question which is nearest."""

    def __init__(self, weights: Weights) -> None:
        self.alphabets: dict[str, list[str]] = weights.config["alphabets"]
        self._points = weights.tensors["points"].astype(np.float64)
        self._classes = weights.tensors["classes"].astype(np.int64)

    @classmethod
    def load(cls, folder: Path = SHIPPED / "nearest") -> NearestRecogniser:
        """Load prototypes.

        Raises:
            ModelError: where the folder holds none, or others than its config says.
        """
        return cls(load_weights(folder, "recogniser-nearest"))

    def recognise(self, inks: Sequence[Ink], categories: Sequence[str]) -> list[str]:
        """Return the label of each ink among those of its category; empty for an empty ink."""
        found = self.nearest(shapes(inks), categories)
        return [label if ink.n_points else "" for label, ink in zip(found, inks, strict=True)]

    def nearest(self, seen: Floats, categories: Sequence[str]) -> list[str]:
        """Return the label of the nearest prototype of each trajectory ``(n, 32, 2)``; the first of equals."""
        found = [""] * len(seen)
        for name in sorted(set(categories)):
            members = [k for k, other in enumerate(categories) if other == name]
            labels, places = candidates(name, self.alphabets)
            held = np.flatnonzero(np.isin(self._classes, places))
            nearest = held[dtw_matrix(seen[members], self._points[held]).argmin(axis=1)]
            for k, place in zip(members, self._classes[nearest], strict=True):
                found[k] = labels[places.index(place)]
        return found


def prototypes(
    seen: Floats, labels: Sequence[str], categories: Sequence[str], seed: int
) -> tuple[dict[str, Floats32], dict[str, Any]]:
    """Return tensors and config of the prototypes of labelled trajectories ``(n, 32, 2)``."""
    pairs = sorted(set(zip(categories, labels, strict=True)))
    place = {pair: k for k, pair in enumerate(pairs)}
    which = np.array([place[pair] for pair in zip(categories, labels, strict=True)])
    points, classes = [], []
    for k, pair in enumerate(pairs):
        rng = rng_for(seed, "prototypes", *pair)
        means = _means(rng.permutation(seen[which == k])[:_MOST_INKS], rng)
        points.append(means)
        classes += [k] * len(means)
    known: dict[str, list[str]] = {}
    for name, label in pairs:
        known.setdefault(name, []).append(label)
    tensors = {"points": np.concatenate(points).astype(np.float32), "classes": np.array(classes, np.float32)}
    config = {"model": "recogniser-nearest", "alphabets": known, "trained": {"seed": seed, "most": MOST}}
    return tensors, config


def _means(inks: Floats, rng: np.random.Generator) -> Floats:
    """Return means ``(k, 32, 2)`` of groups of like inks ``(n, 32, 2)``; small groups are left out."""
    flat = inks.reshape(len(inks), -1)
    k = max(1, min(MOST, len(flat) // (2 * LEAST)))
    means = flat[rng.choice(len(flat), k, replace=False)]
    for _ in range(_ROUNDS):
        group = ((flat[:, None] - means[None]) ** 2).sum(axis=2).argmin(axis=1)
        means = np.stack([flat[group == j].mean(axis=0) if (group == j).any() else means[j] for j in range(k)])
    sizes = np.bincount(group, minlength=k)
    kept = means[sizes >= LEAST] if (sizes >= LEAST).any() else flat.mean(axis=0, keepdims=True)
    return kept.reshape(-1, *inks.shape[1:])
