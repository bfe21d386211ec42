"""Fit how much a hand's habits weigh (:mod:`kalamos.models.kalamos.habit`), and say what they bring.

    KALAMOS_CORPORA=/path/to/corpora python -m kalamos.training.habit FOLDER_OF_WEIGHTS

Characters and words of the recipe's writers are drawn clean; of each the network lists its likely paths, which are held
against the truth. The weights of greatest likelihood on training writers go into the ``config.json`` of the weights.
What is printed is of validation writers, none of whom the fit has seen.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from kalamos.errors import ModelError
from kalamos.ink import Sample, Split
from kalamos.machinery.arrays import Bools, Floats
from kalamos.machinery.crash import told_in_a_line
from kalamos.machinery.seeding import stable_hash
from kalamos.metrics import METRICS, Pair
from kalamos.models.kalamos.habit import FEATURES, Marks, agreement, marks_of, reranked
from kalamos.models.kalamos.kalamos import Kalamos, assemble
from kalamos.models.kalamos.writer import LISTED
from kalamos.renderers import preset, render_batch
from kalamos.storage.weights import CONFIG, save_config
from kalamos.training.calibrate import asked
from kalamos.training.mixture import Source, samples_of
from kalamos.training.recipe import Recipe

GROUP = 24
"""Samples of one writer that are taken together, at most."""
LEVELS = {"character", "word"}
RIDGE = 20.0
"""Draws the weights towards 0; of sums brought to a standard deviation of 1."""
SCORES = ("complete_trajectory", "lcss", "start_point", "stroke_count")


class Listed(NamedTuple):
    """The paths that the network lists for one sample.

    Attributes:
        writer: whose it is.
        log_p: natural log-probabilities, likeliest first, ``(k,)``.
        scores: of each path, ``(k, 4)``, see :data:`SCORES`.
        agreeing: how well each goes with the writer's others, ``(k, 3)``.
    """

    writer: str
    log_p: Floats
    scores: Floats
    agreeing: Floats

    @property
    def right(self) -> Bools:
        """Return which paths are right."""
        return np.asarray(self.scores[:, 0] == 1.0)


def of_writers(source: Source, count: int) -> dict[Split, list[list[Sample]]]:
    """Return samples of a source's training and validation writers, of as many as have ``count`` together.

    Of each writer ``GROUP`` samples at most are taken.
    """
    by_writer: dict[tuple[Split | None, str], list[Sample]] = defaultdict(list)
    for sample in samples_of(source):
        if sample.level in LEVELS:
            by_writer[sample.split, sample.writer].append(sample)
    chosen: dict[Split, list[list[Sample]]] = {"train": [], "validation": []}
    for split, writer in sorted(by_writer, key=lambda one: stable_hash(one[1])):
        some = chosen.get(split) if split else None
        if some is not None and sum(map(len, some)) < count:
            ranked = sorted(by_writer[split, writer], key=lambda sample: stable_hash(sample.key))
            some.append(ranked[:GROUP])
    return chosen


def listed(recoverer: Kalamos, samples: Sequence[Sample], frame: str) -> list[Listed]:
    """Return the paths listed for samples of one writer, of those that are read in one block."""
    style = replace(preset("clean"), frame=frame)
    made = render_batch(
        [one.ink for one in samples],
        style,
        seed=0,
        keys=[one.key for one in samples],
        scripts=[one.script for one in samples],
    )
    marks: list[list[Marks]] = []
    log_p: list[Floats] = []
    scores: list[Floats] = []
    for one, scene in zip(made, recoverer.scenes([one.image for one in made], LISTED), strict=True):
        if len(scene.found) != 1:
            continue
        paths = scene.found[0]
        pairs = [Pair(scene.ink([path], leftwards=False), one.truth, one.image) for path in paths]
        scores.append(np.array([[METRICS[name].value(pair) for name in SCORES] for pair in pairs]))
        marks.append([marks_of(assemble(scene.pieces[0], path), scene.heights[0]) for path in paths])
        log_p.append(scene.worth[0])
    writer = samples[0].writer
    return [Listed(writer, *some) for some in zip(log_p, scores, agreement(marks, log_p), strict=True)]


def fit(lists: Sequence[Listed]) -> Floats:
    """Return the weights ``(3,)`` by which right paths are likeliest among those listed.

    Raises:
        ModelError: where no list holds a right path and a wrong one.
    """
    telling = [one for one in lists if one.right.any() and not one.right.all()]
    if not telling:
        raise ModelError("no sample has a right path and a wrong one: there is nothing to fit a habit on")
    scale = np.sqrt(np.mean(np.concatenate([one.agreeing - one.agreeing[0] for one in telling]) ** 2, axis=0)) + 1e-9

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = 0.5 * RIDGE * float((weights**2).sum()), RIDGE * weights
        for one in telling:
            seen = one.agreeing / scale
            score = one.log_p + seen @ weights
            among, all_ = np.logaddexp.reduce(score[one.right]), np.logaddexp.reduce(score)
            value -= among - all_
            slope = slope - np.where(one.right, np.exp(score - among), 0.0) @ seen + np.exp(score - all_) @ seen
        return value, slope

    found = minimize(loss, np.zeros(FEATURES), jac=True, method="BFGS")
    weights: Floats = (np.asarray(found.x, np.float64) / scale).round(4)
    return weights


class Brought(NamedTuple):
    """What a hand's habits bring.

    Attributes:
        first: mean scores of the likeliest path, ``(4,)``.
        best: of the best path listed, by the first score alone.
        gain: mean scores of the path chosen with the hand less those of the likeliest, ``(4,)``.
        error: standard errors of the gain, by writers, ``(4,)``.
        samples: how many there are.
        writers: of how many hands.
    """

    first: Floats
    best: float
    gain: Floats
    error: Floats
    samples: int
    writers: int


def brought(lists: Sequence[Listed], weights: Floats) -> Brought:
    """Return what weights bring on samples."""
    chosen = [int(np.argmax(reranked(one.log_p, one.agreeing, weights))) for one in lists]
    gains = np.array([one.scores[k] - one.scores[0] for one, k in zip(lists, chosen, strict=True)])
    names, of = np.unique([one.writer for one in lists], return_inverse=True)
    gain = gains.mean(axis=0)
    away = np.zeros((len(names), len(SCORES)))
    np.add.at(away, of, gains - gain)
    return Brought(
        np.mean([one.scores[0] for one in lists], axis=0),
        float(np.mean([one.right.any() for one in lists])),
        gain,
        np.sqrt((away**2).sum(axis=0)) / len(lists),
        len(lists),
        len(names),
    )


def fit_habit(folder: Path, recipe: Recipe, count: int) -> dict[str, Brought]:
    """Fit the weights, write them into the config, and return what they bring on each source's validation writers.

    Raises:
        ModelError: where there is nothing to fit them on.
    """
    recoverer = Kalamos(folder)
    sources = [source for source in recipe.source if LEVELS & set(source.levels)]
    training: list[Listed] = []
    judging: list[list[Listed]] = []
    for source in sources:
        of = of_writers(source, count)
        training += [one for some in of["train"] for one in listed(recoverer, some, source.frame)]
        judging.append([one for some in of["validation"] for one in listed(recoverer, some, source.frame)])
    weights = fit(training)
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    save_config(folder, {**config, "habit": weights.tolist()})
    return {
        f"{source.corpus} {', '.join(sorted(LEVELS & set(source.levels)))}": brought(lists, weights)
        for source, lists in zip(sources, judging, strict=True)
        if lists
    }


def table(found: dict[str, Brought]) -> str:
    """Return what habits bring in Markdown."""
    lines = [
        "| validation writers | first | gain (standard error) | best of the list | " + " | ".join(SCORES[1:]) + " |"
    ]
    lines.append("|---|--:|--:|--:|" + "--:|" * len(SCORES[1:]))
    for name, one in found.items():
        gains = [f"{gain:+.4f} ({error:.4f})" for gain, error in zip(one.gain, one.error, strict=True)]
        cells = [
            f"{name} ({one.samples}; {one.writers})",
            f"{one.first[0]:.3f}",
            gains[0],
            f"{one.best:.3f}",
            *gains[1:],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Run the program."""
    with told_in_a_line():
        print(table(fit_habit(*asked(__doc__, 1200, "inks a source and split"))))  # noqa: T201


if __name__ == "__main__":
    main()
