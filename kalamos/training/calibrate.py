"""Fit what a set of weights says of its own certainty, on validation writers alone.

    KALAMOS_CORPORA=/path/to/corpora python -m kalamos.training.calibrate FOLDER_OF_WEIGHTS

Samples of the recipe's validation writers are rendered as clean pictures, scans and photos, recovered, and each path
and stroke is held against the truth. The two calibrations (:mod:`kalamos.models.kalamos.confidence`) go into the
``config.json`` of the weights. The errors that are printed are cross-validated: what judges a writer was fitted on
others.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from kalamos.errors import ModelError
from kalamos.ink import Sample
from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.machinery.crash import told_in_a_line
from kalamos.machinery.seeding import stable_hash
from kalamos.metrics import METRICS, Pair
from kalamos.metrics.structure import directed
from kalamos.models.kalamos.confidence import path_features, probability
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.renderers import preset, render_batch
from kalamos.storage.weights import CONFIG, save_config
from kalamos.training.mixture import Source, samples_of
from kalamos.training.recipe import Recipe

RECIPE = Path(__file__).parent / "recipes" / "kalamos.toml"
LOOKS = {"clean": 0.5, "scan": 0.3, "photo": 0.2}
FOLDS, BINS, RIDGE = 5, 10, 1e-5


class Judged(NamedTuple):
    """Answers held against the truth.

    Attributes:
        features: what is weighed of each, ``(n, f)``.
        right: whether it is, ``(n,)``.
        fold: of its writer, ``(n,)``.
    """

    features: Floats
    right: Bools
    fold: Ints


def held_out(source: Source, count: int) -> list[Sample]:
    """Return validation samples of a source, each writer's share alike, the same whatever their order."""
    by_writer: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples_of(source):
        if sample.split == "validation":
            by_writer[sample.writer].append(sample)
    ranked = [sorted(some, key=lambda sample: stable_hash(sample.key)) for some in by_writer.values()]
    turns = [(k, stable_hash(sample.key), sample) for some in ranked for k, sample in enumerate(some)]
    return [sample for _, _, sample in sorted(turns, key=lambda turn: turn[:2])[:count]]


def judged(recoverer: Kalamos, samples: Sequence[Sample], frame: str) -> tuple[Judged, Judged]:
    """Recover samples, shared out over the looks, and return paths and strokes with whether they are right."""
    paths: list[tuple[Floats, bool, int]] = []
    strokes: list[tuple[Floats, bool, int]] = []
    for look, some in _shared_out(samples):
        style = replace(preset(look), frame=frame)
        made = render_batch(
            [one.ink for one in some],
            style,
            seed=0,
            keys=[one.key for one in some],
            scripts=[one.script for one in some],
        )
        for sample, one, said in zip(some, made, recoverer.log_probabilities([one.image for one in made]), strict=True):
            if not said.ink.n_strokes:
                continue
            pair, fold = Pair(said.ink, one.truth, one.image), stable_hash(sample.writer) % FOLDS
            complete = METRICS["complete_trajectory"].value(pair) == 1.0
            paths.append((path_features(said.path), complete, fold))
            strokes += [(row, bool(ok), fold) for row, ok in zip(said.strokes, right_strokes(pair), strict=True)]
    return _stacked(paths), _stacked(strokes)


def right_strokes(pair: Pair) -> Bools:
    """Return which recovered strokes are one of the pen's and run in its direction, where that has one, ``(s,)``."""
    right = np.zeros(pair.recovered.n_strokes, bool)
    has_direction = pair.reference.view(directed)[pair.matching.truth]
    right[pair.matching.recovered] = pair.matching.forward | ~has_direction
    return right


def _shared_out(samples: Sequence[Sample]) -> Iterator[tuple[str, list[Sample]]]:
    place = np.array([stable_hash(f"look of {sample.key}") % 1000 / 1000 for sample in samples])
    edges = np.concatenate([[0.0], np.cumsum(list(LOOKS.values()))])
    for look, low, high in zip(LOOKS, edges[:-1], edges[1:], strict=True):
        yield look, [sample for sample, at in zip(samples, place, strict=True) if low <= at < high]


def _stacked(rows: Sequence[tuple[Floats, bool, int]]) -> Judged:
    seen, right, fold = zip(*rows, strict=True)
    return Judged(np.stack(seen), np.array(right, bool), np.array(fold, np.int64))


def fit(features: Floats, right: Bools) -> Floats:
    """Return the weights of greatest likelihood, ``(f,)``, a little drawn towards 0."""
    sign = np.where(right, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        score = sign * (features @ weights)
        slope = -(features * (sign / (1.0 + np.exp(np.clip(score, -500.0, 500.0))))[:, None]).mean(axis=0)
        return float(np.logaddexp(0.0, -score).mean() + RIDGE * (weights**2).sum()), slope + 2 * RIDGE * weights

    found = minimize(loss, np.zeros(features.shape[1]), jac=True, method="BFGS")
    weights: Floats = np.asarray(found.x, np.float64).round(5)
    return weights


def cross_validated(judged: Judged) -> Floats:
    """Return the calibrated probability of each answer, by weights that did not see its writer."""
    said = np.zeros(len(judged.right))
    for fold in range(FOLDS):
        own = judged.fold == fold
        if own.any():
            said[own] = probability(judged.features[own], fit(judged.features[~own], judged.right[~own]))
    return said


def reliability(said: Floats, right: Bools, bins: int = BINS) -> list[tuple[float, float, int]]:
    """Return (mean probability, share that is right, count) of bins of equal counts, lowest first."""
    order = np.argsort(said, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(float(said[part].mean()), float(right[part].mean()), len(part)) for part in parts]


def calibration_error(said: Floats, right: Bools, bins: int = BINS) -> float:
    """Return the mean distance of the two over bins of equal counts (ECE; Naeini, Cooper and Hauskrecht, AAAI 2015)."""
    rows = reliability(said, right, bins)
    return float(np.average([abs(p - share) for p, share, _ in rows], weights=[count for _, _, count in rows]))


def calibrate(folder: Path, recipe: Recipe, count: int) -> dict[str, tuple[Judged, Floats]]:
    """Fit both calibrations, write them into the config of the weights, and return what the errors are made from.

    Raises:
        ModelError: where a source has no validation samples.
    """
    recoverer = Kalamos(folder)
    found: dict[str, list[Judged]] = {"path": [], "stroke": []}
    for source in recipe.source:
        samples = held_out(source, count)
        if not samples:
            raise ModelError(f"corpus {source.corpus} has no validation sample of {', '.join(source.levels)}")
        for name, part in zip(found, judged(recoverer, samples, source.frame), strict=True):
            found[name].append(part)
    whole = {
        name: Judged(*(np.concatenate(column) for column in zip(*parts, strict=True))) for name, parts in found.items()
    }
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    config["calibration"] = {name: fit(all_.features, all_.right).tolist() for name, all_ in whole.items()}
    save_config(folder, config)
    return {name: (all_, cross_validated(all_)) for name, all_ in whole.items()}


def table(found: dict[str, tuple[Judged, Floats]]) -> str:
    """Return the reliability tables in Markdown."""
    lines = []
    for name, (all_, said) in found.items():
        error, brier = calibration_error(said, all_.right), float(((said - all_.right) ** 2).mean())
        lines += [f"{name}: {len(said)} answers, expected calibration error {error:.3f}, Brier score {brier:.3f}", ""]
        lines += ["| said | right | answers |", "|--:|--:|--:|"]
        lines += [f"| {p:.3f} | {share:.3f} | {n} |" for p, share, n in reliability(said, all_.right)] + [""]
    return "\n".join(lines)


def asked(what: str | None, inks: int, of_what: str) -> tuple[Path, Recipe, int]:
    """Read a command line: the weights, the recipe that names their sources, how many inks of each.

    Args:
        what: the docstring of the program; its first line is the help.
        inks: as many where nothing is said.
        of_what: what so many are taken of.
    """
    parser = argparse.ArgumentParser(description=what.splitlines()[0] if what else None)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--inks", type=int, default=inks, help=f"{of_what} ({inks})")
    arguments = parser.parse_args()
    return arguments.weights, Recipe.read(arguments.recipe), arguments.inks


def main() -> None:
    """Run the program."""
    with told_in_a_line():
        print(table(calibrate(*asked(__doc__, 400, "validation inks a source"))))  # noqa: T201


if __name__ == "__main__":
    main()
