"""Pure geometry on :class:`~kalamos.ink.Ink`: every function returns a new ink or array.

Two ways of walking along an ink are used everywhere: by ``"arc"``, the length of the pen-down path, and by ``"time"``,
the time spent with the pen down. Both leave pen-up movements out: an image does not show them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kalamos.errors import InkError
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.machinery.kernels import kernel_of

By = Literal["arc", "time"]
_TIE = 1e-9


class Bounds(NamedTuple):
    """The smallest upright box around an ink."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Return the extent in x."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Return the extent in y."""
        return self.y1 - self.y0


def bounds(ink: Ink) -> Bounds:
    """Return the box around all points.

    Raises:
        InkError: where the ink is empty.
    """
    _need_points(ink)
    low, high = ink.xy.min(axis=0), ink.xy.max(axis=0)
    return Bounds(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def stroke_lengths(ink: Ink) -> Floats:
    """Return the arc length of each stroke, ``(s,)``, in the ink's units; 0 for a dot."""
    return _stroke_ends(ink, _steps(ink, "arc"))


def stroke_durations(ink: Ink) -> Floats:
    """Return the seconds from pen-down to pen-up of each stroke, ``(s,)``.

    Raises:
        InkError: where the ink has no times.
    """
    return _stroke_ends(ink, _steps(ink, "time"))


def line_length(xy: Floats) -> float:
    """Return the length of a polyline, ``(n, 2)``."""
    return float(np.hypot(*np.diff(xy, axis=0).T).sum())


def length(ink: Ink) -> float:
    """Return the length of the pen-down path."""
    return float(stroke_lengths(ink).sum())


def transform(
    ink: Ink, *, scale: float = 1.0, dx: float = 0.0, dy: float = 0.0, matrix: ArrayLike | None = None
) -> Ink:
    """Return the ink at ``scale * (matrix @ xy) + (dx, dy)``, with a 2 x 2 matrix; computed in float64."""
    xy = ink.xy.astype(np.float64)
    if matrix is not None:
        xy = xy @ np.asarray(matrix, np.float64).T
    return ink.with_points(xy * scale + (dx, dy), ink.offsets, ink.channels())


def resample(ink: Ink, *, by: By = "arc", n: int | None = None, step: float | None = None) -> Ink:
    """Return the ink with points at equal distances along each stroke; both ends of every stroke stay.

    A stroke of length (or duration) zero becomes one point. Channels are interpolated linearly.

    Args:
        ink: what to resample; an empty ink comes back as it is.
        by: ``"arc"`` for equal lengths, ``"time"`` for equal times.
        n: points in all, shared out among the strokes by their length (largest remainder), one at least for each; or
        step: the largest distance between neighbours, in the ink's units or in seconds.

    Raises:
        InkError: where ``n`` is smaller than the number of strokes, ``step`` is not positive, or times are missing.
    """
    if ink.n_points == 0:
        return ink
    where, at, offsets = _places(ink, by, n, step)
    channels = {name: np.interp(at, where, values) for name, values in ink.channels()}
    if "t" in channels:
        channels["t"] = np.maximum.accumulate(channels["t"])
    return ink.with_points(_positions(ink, where, at), offsets, channels)


def resampled(ink: Ink, *, by: By = "arc", n: int | None = None, step: float | None = None) -> tuple[Floats, Ints]:
    """Return positions ``(n, 2)`` and offsets of :func:`resample`, without its rounding to float32.

    Raises:
        InkError: as :func:`resample`.
    """
    if ink.n_points == 0:
        return np.empty((0, 2)), np.zeros(1, np.int64)
    where, at, offsets = _places(ink, by, n, step)
    return _positions(ink, where, at), offsets


def trajectory(ink: Ink, n: int, *, by: By = "arc") -> Floats:
    """Return ``n`` positions ``(n, 2)`` at equal distances along the whole pen-down path, first and last included.

    The strokes are laid end to end and pen-up movements left out; where a stroke ends exactly at a sample, the earlier
    stroke counts. "Exactly" is within a billionth of the whole, so that the last bit does not choose the stroke: with
    times at a fixed rate a sample lies on the end of a stroke in one of 25 inks. Strokes of one point have no length
    and so no weight here. An ink that is nothing but such strokes is sampled by point index.

    Raises:
        InkError: where the ink is empty, or times are asked for that it does not have.
    """
    _need_points(ink)
    steps = _steps(ink, by)
    ends = _stroke_ends(ink, steps)
    total = ends.sum()
    if total <= 0:
        return ink.xy[np.round(np.linspace(0, ink.n_points - 1, n)).astype(np.int64)].astype(np.float64)
    along = np.linspace(0.0, total, n)
    finish = np.cumsum(ends)
    finish[-1] = total
    stroke = np.minimum(np.searchsorted(finish, along - _TIE * total, side="left"), ink.n_strokes - 1)
    along_local = np.clip(along - (finish - ends)[stroke], 0.0, ends[stroke])
    where = _walk(ink, steps)
    at = where[ink.offsets[:-1]][stroke] + along_local
    return _positions(ink, where, at)


def walked(ink: Ink, *, by: By = "arc") -> Floats:
    """Return the length, or the time, of the pen-down path up to each point, ``(n,)``; pen-up movements count nothing.

    Raises:
        InkError: where the ink is empty, or times are asked for that it does not have.
    """
    _need_points(ink)
    return np.asarray(np.cumsum(_steps(ink, by)))


def reverse(ink: Ink, *, each_stroke: bool = False) -> Ink:
    """Return the ink drawn backwards: the whole of it, or with ``each_stroke`` every stroke in its old place."""
    if not each_stroke:
        offsets = ink.n_points - ink.offsets[::-1]
        flipped = {name: values[::-1] for name, values in ink.channels()}
        if ink.t is not None and ink.n_points:
            flipped["t"] = ink.t[0] + ink.t[-1] - ink.t[::-1]
        return ink.with_points(ink.xy[::-1], offsets, flipped)
    return reorder(ink, range(ink.n_strokes), flip=np.ones(ink.n_strokes, bool))


def reorder(ink: Ink, order: Sequence[int], *, flip: ArrayLike | None = None) -> Ink:
    """Return the strokes in another order, some of them drawn backwards.

    Each stroke keeps its duration, and the k-th pen-up pause stays the k-th, so that times still run forwards.

    Args:
        ink: the ink.
        order: indices of the strokes in their new order, each at most once.
        flip: bool ``(len(order),)``, True where the stroke at that new place is drawn backwards.
    """
    chosen = np.asarray(order, np.int64)
    backwards = np.zeros(len(chosen), bool) if flip is None else np.asarray(flip, bool)
    starts, stops = ink.offsets[:-1][chosen], ink.offsets[1:][chosen]
    spans = [
        np.arange(b - 1, a - 1, -1) if back else np.arange(a, b)
        for a, b, back in zip(starts.tolist(), stops.tolist(), backwards.tolist(), strict=True)
    ]
    if not spans:
        return Ink.empty()
    index = np.concatenate(spans)
    offsets = np.concatenate([[0], np.cumsum(stops - starts)])
    moved = {name: values[index] for name, values in ink.channels()}
    if ink.t is not None:
        moved["t"] = _retimed(ink, ink.t, index, offsets)
    return ink.with_points(ink.xy[index], offsets, moved)


def concat(inks: Sequence[Ink], *, pause_s: float | None = None) -> Ink:
    """Join inks one after another; a channel survives where all of them have it.

    With ``pause_s`` each ink is moved in time to begin that long after the end of the one before; without it the times
    are kept and must follow each other.
    """
    inks = [ink for ink in inks if ink.n_points]
    if not inks:
        return Ink.empty()
    names = set.intersection(*({name for name, _ in ink.channels()} for ink in inks))
    channels = {name: np.concatenate([dict(ink.channels())[name] for ink in inks]) for name in sorted(names)}
    if pause_s is not None and "t" in names:
        channels["t"] = _times_in_sequence([ink.t for ink in inks if ink.t is not None], pause_s)
    sizes = np.cumsum([0, *(ink.n_points for ink in inks)])
    offsets = [ink.offsets[:-1] + size for ink, size in zip(inks, sizes[:-1], strict=True)]
    return inks[0].with_points(
        np.concatenate([ink.xy for ink in inks]), [*np.concatenate(offsets), sizes[-1]], channels
    )


def drift(inks: Sequence[Ink]) -> float:
    """Return in -1..1 whether strokes go on to the right: Kendall's tau of their middles within each ink.

    Of several inks the mean, each weighed by its strokes less one: by its pairs, one long word would outvote many.
    """
    total, weights = 0.0, 0
    for ink in inks:
        middles = np.array([stroke[:, 0].mean() for stroke in ink.strokes()])
        n = len(middles)
        if n > 1:
            total += float(np.triu(np.sign(middles[None, :] - middles[:, None]), 1).sum()) / (n / 2)
            weights += n - 1
    return total / weights if weights else 0.0


def simplify(ink: Ink, tolerance: float) -> Ink:
    """Drop points that lie within ``tolerance`` of the polyline without them (Ramer 1972, Douglas-Peucker 1973)."""
    kept = [
        a + turning_points(points.astype(np.float64), tolerance)
        for a, points in zip(ink.offsets, ink.strokes(), strict=False)
    ]
    if not kept:
        return ink
    index = np.concatenate(kept)
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in kept])])
    return ink.with_points(ink.xy[index], offsets, {name: values[index] for name, values in ink.channels()})


def _need_points(ink: Ink) -> None:
    if ink.n_points == 0:
        raise InkError("the ink is empty: it has no box, no path and no start")


def _steps(ink: Ink, by: By) -> Floats:
    """Return the distance from each point to the one before it, ``(n,)``; 0 where a stroke starts."""
    if by == "time":
        if ink.t is None:
            raise InkError("the ink has no times; resample it by arc, or give it times first")
        steps = np.diff(ink.t, prepend=ink.t[:1])
    elif by == "arc":
        moves = np.diff(ink.xy.astype(np.float64), axis=0, prepend=ink.xy[:1].astype(np.float64))
        steps = np.hypot(moves[:, 0], moves[:, 1])
    else:
        raise InkError(f"walk along an ink by 'arc' or 'time', not by {by!r}")
    steps[ink.offsets[:-1]] = 0.0
    return steps


def _stroke_ends(ink: Ink, steps: Floats) -> Floats:
    return np.add.reduceat(steps, ink.offsets[:-1]) if ink.n_strokes else np.zeros(0)


def _walk(ink: Ink, steps: Floats) -> Floats:
    """Return a coordinate along the ink that also grows, by one, from stroke to stroke, so that none is ambiguous."""
    jumps = steps.copy()
    jumps[ink.offsets[1:-1]] = 1.0
    return np.cumsum(jumps)


def _counts(ends: Floats, n: int | None, step: float | None) -> Ints:
    if (n is None) == (step is None):
        raise InkError("resample needs either n, the number of points, or step, their distance")
    if step is not None:
        if not step > 0:
            raise InkError(f"step is a distance above 0; got {step}")
        fitted: Ints = np.where(ends > 0, np.ceil(ends / step - 1e-9) + 1, 1).astype(np.int64)
        return fitted
    assert n is not None  # noqa: S101 - for the type checker: excluded above
    if n < len(ends):
        raise InkError(f"{n} points are too few for {len(ends)} strokes: each keeps one at least")
    total = ends.sum()
    share = (n - len(ends)) * (ends / total if total > 0 else np.full(len(ends), 1 / len(ends)))
    counts: Ints = 1 + np.floor(share).astype(np.int64)
    spare = n - int(counts.sum())
    counts[np.argsort(np.floor(share) - share, kind="stable")[:spare]] += 1
    return counts


def _places(ink: Ink, by: By, n: int | None, step: float | None) -> tuple[Floats, Floats, Ints]:
    """Return the walk along the ink, the places on it to sample, and the offsets of the strokes among these."""
    steps = _steps(ink, by)
    ends = _stroke_ends(ink, steps)
    counts = _counts(ends, n, step)
    stroke = np.repeat(np.arange(ink.n_strokes), counts)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    rank = np.arange(len(stroke)) - offsets[stroke]
    where = _walk(ink, steps)
    at = where[ink.offsets[:-1]][stroke] + ends[stroke] * rank / np.maximum(counts[stroke] - 1, 1)
    return where, np.minimum(at, where[ink.offsets[1:] - 1][stroke]), offsets


def _positions(ink: Ink, where: Floats, at: Floats) -> Floats:
    return np.stack([np.interp(at, where, ink.xy[:, axis]) for axis in (0, 1)], axis=1)


def _retimed(ink: Ink, t: Floats, index: Ints, offsets: Ints) -> Floats:
    """Return times for the points ``index``: old speed inside each stroke, old pauses between them."""
    moved = np.abs(np.diff(t[index], prepend=t[index[:1]]))
    pauses = (t[ink.offsets[1:-1]] - t[ink.offsets[1:-1] - 1])[: len(offsets) - 2]
    moved[offsets[1:-1]] = pauses
    return np.asarray(t[0] + np.cumsum(moved))


def _times_in_sequence(times: Sequence[Floats], pause_s: float) -> Floats:
    moved, end = [], None
    for t in times:
        shifted = t if end is None else t - t[0] + end + pause_s
        end = shifted[-1]
        moved.append(shifted)
    return np.concatenate(moved)


_SPLIT_US = 12.0
"""What the simplification of a line costs a point, in plain Python and array language."""
LONGEST_SPAN = 2048
"""Points that the simplification of a line looks at together; of a longer line every so many points are kept."""


def turning_points(points: Floats, tolerance: float) -> Ints:
    """Return the indices, in order, of the points ``(n, d)`` that keep the polyline's place within ``tolerance``.

    The rule of Ramer (1972) and of Douglas and Peucker (1973), in any number of dimensions.
    """
    # the rule takes quadratic time where it splits off one point at a time: a long line is cut into blocks first
    ends = np.array([*range(0, len(points) - 1, LONGEST_SPAN), len(points) - 1])
    keep = np.zeros(len(points), bool)
    keep[ends] = True
    split = _split.for_work(_SPLIT_US * len(points))
    split(np.ascontiguousarray(points, np.float64), float(tolerance), ends, keep)
    return np.flatnonzero(keep)


def _split_off(points: Floats, tolerance: float, ends: Ints, keep: Bools) -> None:
    """Keep the point furthest from each chord, and split there, until none is further than the tolerance."""
    spans = list(itertools.pairwise(ends.tolist()))
    while spans:
        a, b = spans.pop()
        if b - a < 2:
            continue
        chord, inner = points[b] - points[a], points[a + 1 : b] - points[a]
        length, along = 0.0, np.zeros(len(inner))
        for k in range(points.shape[1]):
            length += float(chord[k]) * float(chord[k])
            along += inner[:, k] * chord[k]
        along = np.minimum(np.maximum(along / max(length, 1e-300), 0.0), 1.0)
        away = np.zeros(len(inner))
        for k in range(points.shape[1]):
            off = inner[:, k] - along * chord[k]
            away += off * off
        far = int(np.argmax(away))
        if away[far] > tolerance * tolerance:
            middle = a + 1 + far
            keep[middle] = True
            spans += [(a, middle), (middle, b)]


@kernel_of(_split_off)
def _split(points: Floats, tolerance: float, ends: Ints, keep: Bools) -> None:
    spans = np.empty((len(points) + len(ends), 2), np.int64)
    count = len(ends) - 1
    for k in range(count):
        spans[k, 0], spans[k, 1] = ends[k], ends[k + 1]
    while count > 0:
        count -= 1
        a, b = spans[count, 0], spans[count, 1]
        length = 0.0
        for k in range(points.shape[1]):
            length += (points[b, k] - points[a, k]) * (points[b, k] - points[a, k])
        length = max(length, 1e-300)
        far, furthest = -1, -1.0
        for i in range(a + 1, b):
            along = 0.0
            for k in range(points.shape[1]):
                along += (points[i, k] - points[a, k]) * (points[b, k] - points[a, k])
            along = min(max(along / length, 0.0), 1.0)
            away = 0.0
            for k in range(points.shape[1]):
                off = points[i, k] - points[a, k] - along * (points[b, k] - points[a, k])
                away += off * off
            if away > furthest:
                far, furthest = i, away
        if furthest > tolerance * tolerance:
            keep[far] = True
            spans[count, 0], spans[count, 1] = a, far
            spans[count + 1, 0], spans[count + 1, 1] = far, b
            count += 2
