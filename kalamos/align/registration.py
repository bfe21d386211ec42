"""Lay a recording of the same writing on its scan: a pose first, then as much bend as the paper needs.

1. **Starts.** Centre and spread of both sides give a shift and a scale; rotations and scales around them are tried by
   the truncated chamfer distance on a distance map (Barrow et al., IJCAI 1977; Borgefors, PAMI 1988).
2. **Pose.** From the best starts, iterated closest points both ways (Besl and McKay, PAMI 1992), robust by Geman and
   McClure's weights whose width shrinks; a pair of points must also run in about the same direction.
3. **Bend.** A field of cubic B-splines (Rueckert et al., TMI 1999) with a penalty on its second derivatives, the
   thin-plate energy, moves the points along the normals of the lines that they lie on. It gets softer only while the
   agreement grows.

Nothing of this looks at the times: they are the recording's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from kalamos.align.bend import Bend, fit_bend
from kalamos.align.curves import Curves, Scanned, recorded_curves, scanned_ink
from kalamos.errors import KalamosError
from kalamos.geometry import length
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes, Floats, Ints

Verdict = Literal["fits", "in doubt", "does not fit"]

POINTS = 1500
"""Points along the recording that are compared."""
COARSE = 300
SCALES = (0.8, 0.9, 1.0, 1.12, 1.25)
TURNS_DEG = tuple(range(-20, 21, 5))
KEPT_STARTS = 6
TRUNCATED, CLOSE = 8.0, 2.0
"""Frames beyond which a distance counts no more: of a pose, of a bend."""
DIRECTION = 3.0
"""Frames that two lines at right angles count as apart, though they touch."""
WIDTHS = (8.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.5, 1.5)
BEND_WIDTHS = (6.0, 4.0, 3.0, 2.0, 1.5, 1.0)
LATER = 4
STIFFNESS = (10.0, 1.0, 0.1, 0.01, 0.001)
WORTH = 0.05
"""The stiffest bend whose distance is within this share of the least is taken."""
NEAR = 0.75
"""Frames beyond the edge of the line at which a point still lies on it."""
CLOSELY = 0.5
FITS, DOUBTFUL = (0.85, 0.85, 0.78), (0.75, 0.75, 0.65)
"""Least shares on ink, explained, and close; chosen on made pairs of seed 11."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """A recording on its scan.

    Attributes:
        ink: in pixels of the scan, with the recording's own times and channels.
        on_ink: share in 0..1 of the recorded line that lies on ink of the scan.
        explained: share in 0..1 of the scan's ink over which the recording runs.
        close: share in 0..1, both ways, that lies within half a frame's unit of the middle of the other line: what
            tells the writing that is on the paper from a second one by the same hand.
        scale: pixels of the scan in a unit of the recording, the pose alone.
        turn_deg: rotation of the pose, clockwise on the scan.
        bend_px: root mean square of what the bend adds, pixels of the scan.
        verdict: ``fits``, ``in doubt``, or ``does not fit``.
    """

    ink: Ink
    on_ink: float
    explained: float
    close: float
    scale: float
    turn_deg: float
    bend_px: float
    verdict: Verdict


class Pose(NamedTuple):
    """An affine map of the plane: ``xy @ matrix.T + shift``."""

    matrix: Floats
    shift: Floats

    def __call__(self, xy: Floats) -> Floats:
        """Return moved points, ``(n, 2)``."""
        return np.asarray(xy @ self.matrix.T + self.shift)

    def turned(self, angle: Floats) -> Floats:
        """Return moved directions, radians."""
        moved = np.column_stack([np.cos(angle), np.sin(angle)]) @ self.matrix.T
        return np.asarray(np.arctan2(moved[:, 1], moved[:, 0]))


def align(grey: Bytes, ink: Ink, *, any_turn: bool = False) -> Alignment:
    """Lay a recording on its scan.

    Args:
        grey: uint8 ``(h, w)``, ink on white: ``kalamos.scans.load.prepare(...).grey``.
        ink: the recording, y downwards, in any unit.
        any_turn: the scan may lie in any direction; else it is turned by some twenty degrees at most.

    Raises:
        KalamosError: where one of the two has no ink.
    """
    if ink.n_points < 2 or not np.ptp(ink.xy, axis=0).any():
        raise KalamosError("the recording holds no line that could be laid on a scan")
    scanned = scanned_ink(grey)
    recorded = recorded_curves(ink, max(length(ink), 1e-9) / POINTS)
    target = _Target(scanned)
    settled = [target.settle(recorded, start) for start in _starts(recorded, target, any_turn)]
    pose = min(settled, key=lambda pose: target.gap(pose(recorded.xy), TRUNCATED))
    bend = _bent(recorded, pose, target)
    return _alignment(ink, recorded, pose, bend, target)


class _Target:
    """The scan's lines, ready to be asked."""

    def __init__(self, scanned: Scanned) -> None:
        self.scanned = scanned
        self.curves = scanned.curves
        self.tree = cKDTree(_with_direction(self.curves))
        self.places = cKDTree(self.curves.xy)
        self.normal = np.column_stack([-np.sin(self.curves.angle), np.cos(self.curves.angle)])
        low, high = self.curves.xy.min(axis=0) - TRUNCATED, self.curves.xy.max(axis=0) + TRUNCATED
        self.low = low
        size = np.ceil(high - low).astype(int) + 1
        free = np.ones((size[1], size[0]), bool)
        at = np.round(self.curves.xy - low).astype(int)
        free[at[:, 1], at[:, 0]] = False
        self.far = np.minimum(distance_transform_edt(free), TRUNCATED)

    def coarse_cost(self, xy: Floats) -> float:
        """Return the mean truncated distance of points to the scan's lines."""
        at = np.round(xy - self.low).astype(int)
        inside = ((at >= 0) & (at < self.far.shape[::-1])).all(axis=1)
        gaps = np.full(len(xy), TRUNCATED)
        gaps[inside] = self.far[at[inside, 1], at[inside, 0]]
        return float(gaps.mean())

    def pairs(self, xy: Floats, angle: Floats) -> tuple[Ints, Ints, Floats]:
        """Return closest points both ways: (of the recording, of the scan, distance)."""
        moved = _with_direction(Curves(xy, angle))
        gap, there = _nearest(self.tree, moved)
        back_gap, back = _nearest(cKDTree(moved), np.asarray(self.tree.data))
        mine, theirs = np.isfinite(gap), np.isfinite(back_gap)
        here = np.concatenate([np.flatnonzero(mine), back[theirs]])
        other = np.concatenate([there[mine], np.flatnonzero(theirs)])
        return here, other, np.concatenate([gap[mine], back_gap[theirs]])

    def settle(self, recorded: Curves, pose: Pose) -> Pose:
        """Return the pose to which closest points lead from a start; a similarity first, then any affine map."""
        for turn, width in enumerate((*WIDTHS, *WIDTHS[-3:])):
            xy = pose(recorded.xy)
            here, there, gap = self.pairs(xy, pose.turned(recorded.angle))
            weight = (width**2 / (width**2 + gap**2)) ** 2
            fitted = _affine if turn >= len(WIDTHS) else _similarity
            pose = fitted(recorded.xy[here], self.curves.xy[there], weight)
        return pose

    def gap(self, xy: Floats, truncated: float = CLOSE) -> float:
        """Return the mean truncated distance of points and lines, both ways."""
        there = np.minimum(self.places.query(xy)[0], truncated).mean()
        back = np.minimum(cKDTree(xy).query(self.curves.xy)[0], truncated).mean()
        return float(there + back)

    def shares(self, xy: Floats) -> tuple[float, float, float]:
        """Return which share of the points lies on ink, of the ink by the points, and of both close to the other."""
        reach = self.scanned.pen + NEAR
        there, back = _nearest(self.places, xy, np.inf)[0], _nearest(cKDTree(xy), self.curves.xy, np.inf)[0]
        close = ((there <= CLOSELY).mean() + (back <= CLOSELY).mean()) / 2
        return float((there <= reach).mean()), float((back <= reach).mean()), float(close)


def _starts(recorded: Curves, target: _Target, any_turn: bool) -> list[Pose]:
    """Return the most promising poses, by centre and spread."""
    centre, spread = recorded.xy.mean(axis=0), np.sqrt(recorded.xy.var(axis=0).sum())
    there, width = target.curves.xy.mean(axis=0), np.sqrt(target.curves.xy.var(axis=0).sum())
    some = recorded.xy[:: max(1, len(recorded.xy) // COARSE)]
    turns = range(-180, 180, 10) if any_turn else TURNS_DEG
    found = []
    for turn in turns:
        for scale in SCALES:
            c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            matrix = scale * width / max(spread, 1e-12) * np.array([[c, -s], [s, c]])
            pose = Pose(matrix, there - matrix @ centre)
            found.append((target.coarse_cost(pose(some)), pose))
    return [pose for _, pose in sorted(found, key=lambda one: one[0])[:KEPT_STARTS]]


def _bent(recorded: Curves, pose: Pose, target: _Target) -> Bend | None:
    """Return the stiffest bend that a softer one betters by little; None where the pose alone is as good."""
    angle, start = pose.turned(recorded.angle), pose(recorded.xy)
    found: list[tuple[float, Bend | None]] = [(target.gap(start), None)]
    bend: Bend | None = None
    for stiffness in STIFFNESS:
        for width in BEND_WIDTHS if bend is None else BEND_WIDTHS[-LATER:]:
            xy = start if bend is None else start + bend(start)
            here, there, gap = target.pairs(xy, angle)
            weight = (width**2 / (width**2 + gap**2)) ** 2
            wanted = target.curves.xy[there] - start[here]
            bend = fit_bend(start, here, wanted, target.normal[there], weight, stiffness)
        if bend is not None:
            found.append((target.gap(start + bend(start)), bend))
    enough = (1 + WORTH) * min(gap for gap, _ in found)
    return next(bend for gap, bend in found if gap <= enough)


def _alignment(ink: Ink, recorded: Curves, pose: Pose, bend: Bend | None, target: _Target) -> Alignment:
    scanned = target.scanned

    def moved(xy: Floats) -> Floats:
        posed = pose(xy)
        return posed if bend is None else posed + bend(posed)

    points = moved(recorded.xy)
    shares = target.shares(points)
    added = points - pose(recorded.xy)
    xy = moved(ink.xy.astype(np.float64)) * scanned.px + scanned.origin
    scale = float(np.sqrt(abs(np.linalg.det(pose.matrix)))) * scanned.px
    turn = float(np.degrees(np.arctan2(pose.matrix[1, 0] - pose.matrix[0, 1], pose.matrix[0, 0] + pose.matrix[1, 1])))
    bend_px = float(np.sqrt((added**2).sum(axis=1).mean())) * scanned.px
    laid = ink.with_points(xy.astype(np.float32), ink.offsets, ink.channels())
    return Alignment(laid, *shares, scale, turn, bend_px, verdict_of(*shares))


def verdict_of(on_ink: float, explained: float, close: float) -> Verdict:
    """Return what the shares say together."""
    shares = (on_ink, explained, close)
    if all(share >= least for share, least in zip(shares, FITS, strict=True)):
        return "fits"
    enough = all(share >= least for share, least in zip(shares, DOUBTFUL, strict=True))
    return "in doubt" if enough else "does not fit"


def _similarity(here: Floats, there: Floats, weight: Floats) -> Pose:
    """Return the weighted least-squares similarity without mirroring (Umeyama, PAMI 1991), by complex numbers."""
    a, b = here[:, 0] + 1j * here[:, 1], there[:, 0] + 1j * there[:, 1]
    total = weight.sum()
    a0, b0 = (weight @ a) / total, (weight @ b) / total
    factor = (weight @ (np.conj(a - a0) * (b - b0))) / max(float(weight @ np.abs(a - a0) ** 2), 1e-12)
    shift = b0 - factor * a0
    matrix = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return Pose(matrix, np.array([shift.real, shift.imag]))


def _affine(here: Floats, there: Floats, weight: Floats) -> Pose:
    """Return the weighted least-squares affine map, drawn to the similarity where the points say little."""
    near = _similarity(here, there, weight)
    centre = (weight @ here) / weight.sum()
    left = here - centre
    right = there - near(here)
    gram = (left * weight[:, None]).T @ left
    gram += 0.02 * np.trace(gram) / 2 * np.eye(2)
    change = np.linalg.solve(gram, (left * weight[:, None]).T @ right).T
    matrix = near.matrix + change
    return Pose(matrix, near.shift - change @ centre)


def _nearest(tree: cKDTree, places: Floats, reach: float = 3 * TRUNCATED) -> tuple[Floats, Ints]:
    """Return distance and number of the nearest point of a tree, distance infinite where none is within reach."""
    gap, number = tree.query(places, distance_upper_bound=reach)
    return np.asarray(gap, np.float64), np.asarray(number, np.int64)


def _with_direction(curves: Curves) -> Floats:
    double = 2 * curves.angle
    return np.column_stack([curves.xy, DIRECTION / 2 * np.cos(double), DIRECTION / 2 * np.sin(double)])
