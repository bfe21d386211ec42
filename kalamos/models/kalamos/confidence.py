"""From what the network holds a path to be worth to a probability that it is right.

The product of a path's step probabilities is too sure of itself near one and too unsure below. *Beta calibration*
(Kull, Silva Filho and Flach, AISTATS 2017), a logistic model of ``log p`` and ``-log(1 - p)``, bends it; of a stroke
the step that chooses it, the steps along it and the certainty of the whole path are weighed alike. The weights are
fitted on validation writers by ``python -m kalamos.training.calibrate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kalamos.machinery.arrays import Floats, Ints

SUREST = -1e-6
"""Log-probabilities are taken to be no higher: the float32 sums of the network say no more."""
PATH_FEATURES, STROKE_FEATURES = 3, 6


class Calibration(NamedTuple):
    """What a set of weights says of its own certainty.

    Attributes:
        path: weights of :func:`path_features`; the whole path is right, as the metric ``complete_trajectory`` has it.
        stroke: weights of :func:`stroke_features`; the stroke is one of the pen's, and runs in its direction, as the
            metric ``stroke_direction`` has it.
    """

    path: Floats
    stroke: Floats

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Calibration | None:
        """Take it from the ``calibration`` of a config; None where it has none.

        Raises:
            ValueError, TypeError, KeyError: where it is no calibration.
        """
        found = config.get("calibration")
        if not found:
            return None
        made = cls(*(np.array(found[name], np.float64) for name in cls._fields))
        if made.path.shape != (PATH_FEATURES,) or made.stroke.shape != (STROKE_FEATURES,):
            raise ValueError("the calibration is of another version")
        if not all(np.isfinite(weights).all() for weights in made):
            raise ValueError("the calibration holds a value that is not finite")
        return made

    def of_path(self, log_p: float) -> float:
        """Return the probability in 0..1 that a path of this natural log-probability is right."""
        return float(probability(path_features(log_p), self.path))

    def of_strokes(self, features: Floats) -> Floats:
        """Return the probability in 0..1 of each stroke, of its :func:`stroke_features`."""
        return probability(features, self.stroke)


def probability(features: Floats, weights: Floats) -> Floats:
    """Return the logistic function of weighted features, ``(...,)``."""
    score = np.clip(features @ weights, -500.0, 500.0)
    return np.asarray(1.0 / (1.0 + np.exp(-score)))


def path_features(log_p: Floats | float) -> Floats:
    """Return ``log p``, ``-log(1 - p)`` and 1 of log-probabilities ``(...,)``, float64 ``(..., 3)``."""
    low = np.minimum(np.asarray(log_p, np.float64), SUREST)
    return np.stack([low, -np.log(-np.expm1(low)), np.ones_like(low)], axis=-1)


def stroke_features(log_p: Floats, starts: Ints, steps: int) -> Floats:
    """Return what is weighed of each stroke of a path.

    That is: ``log p`` and ``-log(1 - p)`` of the step that chose the stroke, ``log p`` of its other steps, the mean
    ``log p`` of the steps of the whole path, the log of the stroke's number of steps, and 1.

    Args:
        log_p: of each step, and of the end where the path has one, float64 ``(t,)`` or ``(t + 1,)``.
        starts: the step at which each stroke begins, ``(s,)``.
        steps: how many steps the path has, t.

    Returns:
        float64 ``(s, 6)``.
    """
    if not len(starts):
        return np.zeros((0, STROKE_FEATURES))
    chosen = np.asarray(log_p[starts], np.float64)
    along = np.add.reduceat(np.asarray(log_p[:steps], np.float64), starts) - chosen
    count = np.diff(np.append(starts, steps))
    whole = np.full(len(starts), float(np.sum(log_p)) / steps)
    first = path_features(chosen)
    return np.column_stack([first[:, :2], along, whole, np.log(count), np.ones(len(starts))])
