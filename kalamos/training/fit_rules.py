"""Make the weights in ``rules.json`` from the training writers of a corpus.

    python -m kalamos.training.fit_rules unipen /path/to/corpora/unipen-train_r01_v07 --script Latn

For each image of at most three traced strokes, ways of drawing them are enumerated (at most ``MOST_WAYS``, drawn at
random where there are more) and each is compared with the truth by LDTW, plus LIFT_LOSS_PX for each stroke too many
or too few. The weights are those of least expected loss where a way is drawn with probability proportional to
``exp(-cost)`` (minimum-risk training of a log-linear model), started from the maximum-likelihood weights of the best
ways, with a ridge penalty towards the weights of Latin, mirrored where the script runs from right to left (towards 0
for Latin itself). Only samples whose split is ``train`` are read, so no writer of a test split has a say. A tenth of
them is held back to report the loss.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from kalamos.baselines import rule_features as f
from kalamos.baselines.combine import NAMES, Choices, assemble, choices_of, rules_for
from kalamos.baselines.good_continuation import GoodContinuation
from kalamos.baselines.kato_yasuhara import KatoYasuhara
from kalamos.baselines.qiao import Qiao
from kalamos.baselines.tracer import touch_px
from kalamos.datasets import CORPORA
from kalamos.formats.report import UnitReport
from kalamos.geometry import resample
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats, Floats32, Ints
from kalamos.machinery.files import write_text
from kalamos.machinery.seeding import rng_for, stable_hash
from kalamos.metrics.dtw import dtw
from kalamos.renderers import render
from kalamos.scripts import direction_of
from kalamos.skeleton.from_image import skeleton

MOST_STROKES, MOST_WAYS, WORST_LOSS_PX, LIFT_LOSS_PX, STEP_PX = 3, 200, 12.0, 0.7, 1.5
SIGN_OF_X = (
    *(
        "right",
        "start_right",
        "end_right",
        "bend_3c",
        "start_x",
        "end_x",
        "turning",
        "turning_early",
        "turning_late",
        "area",
    ),
    *("bar_right", "closed_turning", "closed_start_x", "later_x", "first_x", "last_x", "join_turn"),
)
"""Features that change their sign where left and right are exchanged."""
RIDGE = 3.0
"""Pull towards the prior, in pixels of loss summed over all samples: few samples change little, many decide."""
TRACERS = (GoodContinuation(), Qiao(), KatoYasuhara())


def ways_of(choices: Choices, n: int, rng: np.random.Generator) -> list[tuple[Ints, Ints]]:
    """Return ways of drawing ``n`` strokes as :func:`kalamos.baselines.combine.plan` gives one, at most MOST_WAYS."""
    groups = [np.flatnonzero(choices.variants.stroke == k).tolist() for k in range(n)]
    found = list(_all_ways(choices, groups))
    if len(found) > MOST_WAYS:
        found = [found[k] for k in sorted(rng.permutation(len(found))[:MOST_WAYS].tolist())]
    return [(np.array(order), np.array(how)) for order, how in found]


def _all_ways(choices: Choices, groups: list[list[int]]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    for turn in itertools.permutations(range(len(groups))):
        for order in itertools.product(*(groups[k] for k in turn)):
            can = [[-1, *np.flatnonzero(choices.can_join[a, b]).tolist()] for a, b in itertools.pairwise(order)]
            for how in itertools.product(*can):
                yield order, (-1, *how)


def features_of(choices: Choices, order: Ints, how: Ints) -> Floats:
    """Return the features of one way, ``(len(NAMES),)``: what its cost is the weighted sum of."""
    stroke = choices.variants.stroke[order]
    before = np.zeros(len(f.BEFORE))
    for i, j in itertools.combinations(range(len(stroke)), 2):
        before += choices.before[stroke[i], stroke[j]]
    lift, join = np.zeros(len(f.LIFT)), np.zeros(len(f.JOIN))
    for k in range(1, len(order)):
        if how[k] < 0:
            lift += choices.lift[order[k - 1], order[k]]
        else:
            join += choices.join[order[k - 1], order[k], how[k]]
    ends = [choices.first[order[0], :2], choices.first[order[-1], 2:]]
    return np.concatenate([choices.drawing[order].sum(axis=0), before, *ends, lift, join])


def loss_of(lines: Sequence[Floats], truth: Floats, n_strokes: int) -> float:
    """Return LDTW in pixels, held at WORST_LOSS_PX, plus what wrong pen lifts cost."""
    again = resample(Ink.from_strokes(lines), by="arc", step=STEP_PX).xy
    return min(dtw(truth, again).mean, WORST_LOSS_PX) + LIFT_LOSS_PX * min(abs(len(lines) - n_strokes), 2)


def examples(sample: Sample, height_px: int | None = None) -> tuple[Floats32, Floats32] | None:
    """Return features and losses of the ways of drawing one sample, or None where it has too many strokes."""
    rendering = render(sample.ink, key=sample.key)
    graph = skeleton(rendering.image.pixels)
    rng = rng_for(0, "rules", sample.key)
    lines = TRACERS[int(rng.integers(len(TRACERS)))].decompose(graph, sample.script)
    n = int(lines.stroke[-1]) + 1 if lines.xy else 0
    if not 1 <= n <= MOST_STROKES:
        return None
    choices = choices_of(lines, touch_px(graph))
    truth = resample(rendering.truth, by="arc", step=STEP_PX).xy.astype(np.float64)
    ways = ways_of(choices, n, rng)
    features = np.array([features_of(choices, *way) for way in ways], np.float32)
    losses = [loss_of(assemble(lines, choices, *way), truth, rendering.truth.n_strokes) for way in ways]
    return features, np.array(losses, np.float32)


def fit(features: Floats32, losses: Floats32, offsets: Ints, prior: Floats) -> Floats:
    """Return the weights of least expected loss; sample k has the rows ``offsets[k]:offsets[k + 1]``."""
    count = len(offsets) - 1
    sample = np.repeat(np.arange(count), np.diff(offsets))
    best = np.minimum.reduceat(losses, offsets[:-1])
    target = np.exp(-(losses - best[sample]) / 0.4)
    target /= np.add.reduceat(target, offsets[:-1])[sample]

    def risk(weights: Floats, likelihood: bool) -> tuple[float, Floats]:
        score = -(features @ weights.astype(np.float32)).astype(np.float64)
        score -= np.maximum.reduceat(score, offsets[:-1])[sample]
        chance = np.exp(score)
        total = np.add.reduceat(chance, offsets[:-1])
        chance /= total[sample]
        if likelihood:
            value = -(target * (score - np.log(total)[sample])).sum()
            slope = features.T @ (target - chance).astype(np.float32)
        else:
            expected = np.add.reduceat(chance * losses, offsets[:-1])
            value = expected.sum()
            slope = -(features.T @ (chance * (losses - expected[sample])).astype(np.float32))
        pull = weights - prior
        return (value + RIDGE * pull @ pull) / count, (slope + 2 * RIDGE * pull) / count

    weights = prior
    for likelihood, steps in ((True, 150), (False, 250)):
        weights = minimize(risk, weights, (likelihood,), "L-BFGS-B", jac=True, options={"maxiter": steps}).x
    return np.asarray(weights)


def mirrored(weights: Floats) -> Floats:
    """Return the weights of the same script written from right to left.

    What one feature says of x, its mirror image says.
    """
    at = {name: k for k, name in enumerate(NAMES)}
    out = weights.copy()
    for name in SIGN_OF_X:
        out[at[name]] = -weights[at[name]]
    for a, b in (("e_w", "e_w"), ("se_nw", "sw_ne"), ("s_n", "s_n"), ("sw_ne", "se_nw")):
        sign = -1.0 if a == "e_w" else 1.0
        for half, row, column in itertools.product(("early", "late"), range(f.GRID), range(f.GRID)):
            mirror = f"flow_{half}_{row}{f.GRID - 1 - column}_{b}"
            out[at[f"flow_{half}_{row}{column}_{a}"]] = sign * weights[at[mirror]]
    return out


def report(weights: Floats, features: Floats32, losses: Floats32, offsets: Ints) -> dict[str, Any]:
    """Return the mean loss of the chosen ways and of the best possible ones, px."""
    score = features @ weights.astype(np.float32)
    chosen = [int(a + np.argmin(score[a:b])) for a, b in itertools.pairwise(offsets.tolist())]
    best = np.minimum.reduceat(losses, offsets[:-1])
    return {"samples": len(chosen), "loss": float(losses[chosen].mean()), "best possible": float(best.mean())}


def main() -> None:
    """Read a corpus, fit, and write the script's entry of ``rules.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("root", type=Path)
    parser.add_argument("--script", default="Latn")
    parser.add_argument("--scripts", default="", help="scripts of the samples, comma-separated; empty: all")
    parser.add_argument("--limit", type=int, default=15_000, help="samples, chosen by a hash of their keys")
    parser.add_argument("--share", type=float, default=1.0, help="share of samples looked at, by the same hash")
    arguments = parser.parse_args()
    corpus = CORPORA.load(arguments.corpus)
    wanted = set(filter(None, arguments.scripts.split(",")))
    found = []
    for unit in sorted(corpus.units(arguments.root), key=stable_hash):
        for sample in corpus.read(arguments.root, unit, UnitReport()):
            if sample.split != "train" or (wanted and sample.script not in wanted):
                continue
            if stable_hash(sample.key) / 2**64 < arguments.share and sample.ink.n_points > 2:
                example = examples(sample)
                if example is not None:
                    found.append(example)
        if len(found) >= arguments.limit:
            break
    sizes = [len(losses) for _, losses in found]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    features, losses = np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])
    cut = len(found) * 9 // 10
    held = slice(int(offsets[cut]), None)
    path = Path(str(files("kalamos.baselines"))) / "rules.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    prior = np.zeros(len(NAMES))
    if arguments.script != "Latn":
        latin = rules_for("Latn").vector()
        prior = mirrored(latin) if direction_of(arguments.script) < 0 else latin
    weights = fit(features[: held.start], losses[: held.start], offsets[: cut + 1], prior)
    for name, vector in (("prior", prior), ("fitted", weights)):
        print(name, report(vector, features[held], losses[held], offsets[cut:] - offsets[cut]))  # noqa: T201
    table["scripts"][arguments.script] = {n: round(float(w), 3) for n, w in zip(NAMES, weights, strict=True)}
    write_text(path, json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
