"""Where the loss of ``lcss`` comes from: what the answer would get if an oracle gave one thing after another.

The loss ``1 - lcss`` of an answer is parted, in this order, into

- **direction**: regained where every recovered stroke is drawn in the direction of its true partner;
- **order**: regained where the strokes then come in their partners' order;
- **merging**: regained where the answer's path is cut wherever it passes from one true stroke to another, and the parts
  are put in order and direction: strokes drawn as one, or one as several;
- **route**: regained where the rest of the path, too, is walked as the truth walks it: what was done at crossings;
- **geometry**: the rest: ink that is missing, invented, or off its place, whatever the order (thinning, detection).

Each part is what is gained over the best so far, so that none is negative and their sum is the loss. What is said of a
part depends on the order of the oracles: it is a bar to compare entries by, and no metric.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.spatial import cKDTree

from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.metrics.lcss import answer_samples, lcss, true_samples
from kalamos.metrics.pair import Pair

LOSSES = ("direction", "order", "merging", "route", "geometry")
_SHORTEST = 3


def losses(pair: Pair) -> dict[str, float]:
    """Return the parts of ``1 - lcss``, which add up to it; all of it is geometry where there is no answer."""
    if pair.failed or not len(pair.view(answer_samples).xy):
        return {**dict.fromkeys(LOSSES, 0.0), "geometry": 1.0}
    strokes = np.split(pair.recovered_dense.xy, pair.recovered_dense.offsets[1:-1])
    turned = _turned(pair, strokes)
    steps = [lcss(pair), _value(pair, turned), _value(pair, _ordered(pair, turned)), _value(pair, _parts(pair))]
    reached = np.maximum.accumulate([*steps, max(steps[0], reachable(pair)), 1.0])
    return dict(zip(LOSSES, np.diff(reached).tolist(), strict=True))


def reachable(pair: Pair) -> float:
    """Return what the answer's ink would get if it were walked as the truth walks it."""
    truth, answer = pair.reference.view(true_samples), pair.view(answer_samples)
    away, _ = cKDTree(answer.xy).query(truth.xy)
    weights = np.maximum(0.0, 1.0 - (np.asarray(away) / pair.reference.tolerance_px) ** 2)
    return float(weights.sum()) / max(len(truth.xy), answer.announced)


def _value(pair: Pair, strokes: list[Floats]) -> float:
    return lcss(Pair(Ink.from_strokes(list(strokes)), pair.reference))


def _turned(pair: Pair, strokes: list[Floats]) -> list[Floats]:
    turned = list(strokes)
    for stroke in pair.matching.recovered[pair.matching.backward].tolist():
        turned[stroke] = turned[stroke][::-1]
    return turned


def _ordered(pair: Pair, strokes: list[Floats]) -> list[Floats]:
    """Return the strokes by the place of their partners; one without stays behind the stroke before it."""
    place = np.full(len(strokes), -1, np.int64)
    place[pair.matching.recovered] = pair.matching.truth
    latest = np.maximum.accumulate(np.where(place >= 0, np.arange(len(place)), -1))
    known = np.where(latest >= 0, place[np.maximum(latest, 0)], -1)
    return [strokes[k] for k in np.argsort(known, kind="stable").tolist()]


def _parts(pair: Pair) -> list[Floats]:
    """Return the answer's path cut where it passes from one true stroke to another, the parts as the truth has them."""
    dense, truth = pair.recovered_dense, pair.reference.dense
    nearest = np.asarray(cKDTree(truth.xy).query(dense.xy)[1], np.int64)
    owner = truth.stroke[nearest]
    cut = np.zeros(len(owner), np.bool_)
    for begin, end in itertools.pairwise(dense.offsets.tolist()):
        cut[begin] = True
        cut[begin + 1 : end] = _cuts(owner[begin:end])
    starts = np.flatnonzero(cut)
    sizes = np.diff(starts, append=len(owner))
    order = np.lexsort((np.add.reduceat(nearest, starts) / sizes, _medians(owner, starts, sizes)))
    falls = _falls(nearest, starts, sizes)
    return [dense.xy[starts[k] : starts[k] + sizes[k]][:: -1 if falls[k] else 1] for k in order.tolist()]


def _cuts(owner: Ints) -> Bools:
    """Return between which points of a stroke to cut; no part is shorter than three, as at a crossing."""
    cuts: Bools = np.diff(owner) != 0
    last = -1
    for at in np.flatnonzero(cuts).tolist():
        if at - last < _SHORTEST or len(owner) - 1 - at < _SHORTEST:
            cuts[at] = False
        else:
            last = at
    return cuts


def _medians(values: Ints, starts: Ints, sizes: Ints) -> Ints:
    """Return the median of each run, between two values the lower whole number."""
    run = np.repeat(np.arange(len(starts)), sizes)
    ordered = values[np.lexsort((values, run))]
    return np.asarray((ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) // 2, np.int64)


def _falls(values: Ints, starts: Ints, sizes: Ints) -> Bools:
    """Say of each run whether the line of least squares through its values falls; in whole numbers, so exactly."""
    place = np.arange(len(values)) - np.repeat(starts, sizes)
    slope = 2 * np.add.reduceat(place * values, starts) - (sizes - 1) * np.add.reduceat(values, starts)
    return np.asarray(slope < 0, np.bool_)
