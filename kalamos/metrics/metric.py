"""What a metric is to Kalamos: one pure function on a pair, and one row that says how to read its values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kalamos.ink import Ink
from kalamos.metrics.pair import Pair, Reference

Direction = Literal["lower", "higher", "one"]
"""Which way is better; ``one``: a ratio, told and never ranked."""
Aggregate = Literal["mean", "median", "pooled_rms"]
Family = Literal["order", "structure", "picture", "velocity", "width", "diagnosis", "published", "optimistic", "use"]
Need = Literal["image", "truth_time", "recovered_time", "recovered_pressure", "recovered_width"]
Says = frozenset[Need]
"""The channels that an entry gives for at least one sample, as needs; metrics of the others do not apply to it."""
_GIVEN: Says = frozenset({"recovered_time", "recovered_pressure", "recovered_width"})


def _always(reference: Reference) -> bool:
    return True


def _one(reference: Reference) -> float:
    return 1.0


@dataclass(frozen=True)
class Metric:
    """One row of the table.

    Whether a metric applies depends on the truth and the image alone, never on the answer: a sample counts for all
    entries or for none, and no answer can make a hard sample go away. Not applicable is NaN; a failure is ``worst``.

    Attributes:
        name: as in result files.
        of: the value of a pair whose recovered ink has a point.
        unit: px, dB, or empty for a number without unit.
        direction: which way is better.
        worst: what a failure on this pair is given; values are clipped there, so that nobody does worse than failing.
        aggregate: how the values of samples combine; ``pooled_rms`` is the root of the weighted mean of squares.
        family: order, structure, picture, velocity, width, diagnosis (told beside the ranked columns), published, use,
            or optimistic (upper bounds, never to be mixed in).
        formula: in one line.
        source: where it comes from, and what of it is ours.
        needs: what it cannot do without; the ``recovered_`` ones are what an entry may lack as a whole.
        applies: whether truth and image give it something to measure.
        weight: the weight of a sample in the aggregate.
    """

    name: str
    of: Callable[[Pair], float]
    unit: str
    direction: Direction
    worst: Callable[[Reference], float]
    aggregate: Aggregate
    family: Family
    formula: str
    source: str
    needs: frozenset[Need] = frozenset()
    applies: Callable[[Reference], bool] = _always
    weight: Callable[[Reference], float] = _one

    def applicable(self, reference: Reference) -> bool:
        """Return whether a truth and its image give the metric something to measure."""
        if reference.truth.n_points == 0:
            return False
        if "image" in self.needs and reference.image is None:
            return False
        if "truth_time" in self.needs and not _timed(reference):
            return False
        return self.applies(reference)

    def value(self, pair: Pair, *, says: Says | None = None) -> float:
        """Return the value of a pair: NaN where it does not apply, ``worst`` at most where the answer fails.

        Args:
            pair: an answer and its truth.
            says: which channels the entry gives at all. An answer without one of them is a failure where it needs it;
                a channel that the entry never gives does not apply to it. By default what this one answer does; a
                failed answer fails.
        """
        worst = self._bound(pair.reference)
        if math.isnan(worst):
            return math.nan
        asked = self.needs & _GIVEN
        if says is not None and not asked <= says:
            return math.nan
        if pair.failed:
            return worst
        if not asked <= given(pair.recovered):
            return math.nan if says is None else worst
        value = float(self.of(pair))
        if math.isnan(value):
            return worst
        return min(value, worst) if self.direction == "lower" else max(value, worst)

    def _bound(self, reference: Reference) -> float:
        """Return the worst value on a reference, NaN where the metric does not apply; found once for all answers."""
        bound = reference.bounds.get(self.name)
        if bound is None:
            bound = self.worst(reference) if self.applicable(reference) else math.nan
            reference.bounds[self.name] = bound
        return bound


def given(ink: Ink) -> Says:
    """Return which channels an ink gives."""
    found: set[Need] = set()
    if ink.t is not None:
        found.add("recovered_time")
    if ink.pressure is not None:
        found.add("recovered_pressure")
    if "width" in ink.extra:
        found.add("recovered_width")
    return frozenset(found)


def _timed(reference: Reference) -> bool:
    t = reference.truth.t
    return t is not None and len(t) > 1 and float(t[-1] - t[0]) > 0.0
