"""Lay a recording of the same writing on its scan: a pose first, then as much bend as the paper needs.

1. **Starts.** Centre and spread of both sides give a shift and a scale; rotations and scales around them are tried by
   the truncated chamfer distance on a distance map (Barrow et al., IJCAI 1977; Borgefors, PAMI 1988).
2. **Pose.** From the best starts, iterated closest points both ways (Besl and McKay, PAMI 1992), robust by Geman and
   McClure's weights whose width shrinks; a pair of points must also run in about the same direction.
3. **Bend.** A field of cubic B-splines (Rueckert et al., TMI 1999) with a penalty on its second derivatives, the
   thin-plate energy, moves the points along the normals of the lines that they lie on. It gets softer only while the
   agreement grows.
4. **Pages.** Where the pen is thin beside the height of the ink, pose and bend are found once more at finer units.

Nothing of this looks at the times: they are the recording's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kalamos.align.bend import Bend, fit_bend
from kalamos.align.curves import FRAME, Curves, Scanned, recorded_curves, scanned_ink
from kalamos.align.pose import Pose, turned_about
from kalamos.align.target import TRUNCATED, WIDTHS, Target
from kalamos.align.verdict import Agreement, Alignment
from kalamos.errors import KalamosError
from kalamos.geometry import line_length
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Bytes, Floats

LEAST_POINTS, USUAL_MOST = 1500, 60_000
"""Points along the recording that are compared: at least, and at most on a page."""
COARSE = 300
SCALES = (0.8, 0.9, 1.0, 1.12, 1.25)
TURNS_DEG = tuple(range(-20, 21, 5))
KEPT_STARTS = 6
BEND_WIDTHS = (6.0, 4.0, 3.0, 2.0, 1.5, 1.0)
LATER = 4
STIFFNESS = (10.0, 1.0, 0.1, 0.01, 0.001)
WORTH = 0.05
"""The stiffest bend whose distance is within this share of the least is taken."""
NEAR = 0.75
"""Units beyond the edge of the line at which a point still lies on it."""
PART, ENOUGH = 32.0, 32
"""Side of a part of the scan that is looked at by itself, units, and least points of ink in it."""
MOST_SPREAD = 3.0
MARGIN = 4.0
"""Units around the recording in which ink counts as what it should explain."""


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
    centred, middle = _centred(ink)
    units = scanned.units_px()
    warp = _begin(centred, scanned, any_turn)
    for unit_px in units[1:]:
        warp = _refined(centred, scanned, warp, unit_px)
    return _told(ink, centred, middle, scanned, warp, units[-1])


@dataclass(frozen=True)
class _Warp:
    """The map from the recording to pixels of the scan's ink: a pose, then bends, each in a unit of its own."""

    pose: Pose
    bends: tuple[tuple[float, Bend], ...] = field(default=())

    def __call__(self, xy: Floats) -> Floats:
        """Return moved points, ``(n, 2)``."""
        return self.bent(self.pose(xy))

    def bent(self, xy: Floats) -> Floats:
        """Return points of the pose, moved by the bends."""
        for unit_px, bend in self.bends:
            xy = xy + unit_px * bend(xy / unit_px)
        return xy


def _centred(ink: Ink) -> tuple[Ink, Floats]:
    """Return the recording around 0, where float32 is finest, and how far it was moved, ``(2,)``."""
    middle = (ink.xy.min(axis=0).astype(np.float64) + ink.xy.max(axis=0)) / 2
    return ink.with_points(ink.xy - middle, ink.offsets, ink.channels()), middle


def _recorded(ink: Ink, scanned: Scanned, unit_px: float) -> Curves:
    points = int(np.clip(1.5 * scanned.length(unit_px), LEAST_POINTS, USUAL_MOST))
    return recorded_curves(ink, max(_length(ink), 1e-9) / points)


def _begin(ink: Ink, scanned: Scanned, any_turn: bool) -> _Warp:
    """Return pose and bend at the coarsest unit."""
    unit_px = scanned.frame_px
    target, recorded = Target(scanned.curves(unit_px)), recorded_curves(ink, max(_length(ink), 1e-9) / LEAST_POINTS)
    settled = [target.settle(recorded, start) for start in _starts(recorded, target, any_turn)]
    pose = min(settled, key=lambda pose: target.gap(pose(recorded.xy), TRUNCATED))
    bend = _bent(pose(recorded.xy), pose.turned(recorded.angle), target)
    return _Warp(pose.times(unit_px), () if bend is None else ((unit_px, bend),))


def _refined(ink: Ink, scanned: Scanned, warp: _Warp, unit_px: float) -> _Warp:
    """Return the map with one more bend, found at a finer unit."""
    target, recorded = Target(scanned.curves(unit_px)), _recorded(ink, scanned, unit_px)
    if not warp.bends:
        pose = target.settle(recorded, warp.pose.times(1 / unit_px), WIDTHS[2:])
        warp = _Warp(pose.times(unit_px))
    bend = _bent(warp(recorded.xy) / unit_px, warp.pose.turned(recorded.angle), target)
    return warp if bend is None else _Warp(warp.pose, (*warp.bends, (unit_px, bend)))


def _starts(recorded: Curves, target: Target, any_turn: bool) -> list[Pose]:
    """Return the most promising poses, by centre and spread."""
    centre, spread = recorded.xy.mean(axis=0), np.sqrt(recorded.xy.var(axis=0).sum())
    there, width = target.curves.xy.mean(axis=0), np.sqrt(target.curves.xy.var(axis=0).sum())
    some = recorded.xy[:: max(1, len(recorded.xy) // COARSE)]
    turns = range(-180, 180, 10) if any_turn else TURNS_DEG
    scales = [scale * max(float(width), 1.0) / max(float(spread), 1e-12) for scale in SCALES]
    poses = [turned_about(centre, there, scale, turn) for turn in turns for scale in scales]
    return sorted(poses, key=lambda pose: target.roughly(pose(some)))[:KEPT_STARTS]


def _bent(start: Floats, angle: Floats, target: Target) -> Bend | None:
    """Return the stiffest bend that a softer one betters by little; None where none is as good."""
    if (np.ptp(start, axis=0) > MOST_SPREAD * np.ptp(target.curves.xy, axis=0) + FRAME).any():
        return None  # the pose has run away: no bend brings it back
    found: list[tuple[float, Bend | None]] = [(target.gap(start), None)]
    bend: Bend | None = None
    for stiffness in STIFFNESS:
        for width in BEND_WIDTHS if bend is None else BEND_WIDTHS[-LATER:]:
            xy = start if bend is None else start + bend(start)
            here, there, weight = target.pairs(xy, angle, width)
            wanted = target.curves.xy[there] - start[here]
            bend = fit_bend(start, here, wanted, target.normal[there], weight, stiffness)
        if bend is not None:
            found.append((target.gap(start + bend(start)), bend))
    enough = (1 + WORTH) * min(gap for gap, _ in found)
    return next(bend for gap, bend in found if gap <= enough)


def _told(ink: Ink, centred: Ink, middle: Floats, scanned: Scanned, warp: _Warp, unit_px: float) -> Alignment:
    """Return the recording where it lies, and all that is said of it."""
    recorded = _recorded(centred, scanned, unit_px)
    posed = warp.pose(recorded.xy)
    points = warp.bent(posed)
    agreement = _agreement(scanned, points, _curved(warp, posed, unit_px), unit_px, _shape(centred))
    xy = warp(ink.xy.astype(np.float64) - middle) + scanned.origin
    laid = ink.with_points(xy.astype(np.float32), ink.offsets, ink.channels())
    bend_px = float(np.sqrt(((points - posed) ** 2).sum(axis=1).mean()))
    return Alignment(
        laid, agreement, warp.pose.scale, warp.pose.turn_deg, bend_px, agreement.verdict(), agreement.reasons()
    )


def _agreement(scanned: Scanned, points: Floats, curved: float, unit_px: float, shape: float) -> Agreement:
    pen = scanned.pen_px / unit_px
    target = Target(scanned.curves(unit_px))
    there, back = target.distances(points / unit_px)
    low, high = points.min(axis=0) / unit_px - pen - MARGIN, points.max(axis=0) / unit_px + pen + MARGIN
    around = ((target.curves.xy >= low) & (target.curves.xy <= high)).all(axis=1)
    reach = pen + NEAR
    explained = float((back[around] <= reach).mean()) if around.any() else 0.0
    return Agreement(
        float((there <= reach).mean()),
        explained,
        _worst(target.curves.xy[around], back[around] <= reach),
        float(1 - around.mean()),
        curved,
        scanned.pen_px / scanned.frame_px,
        shape,
    )


def _worst(xy: Floats, over: Bools) -> float:
    """Return the least share of ink that is explained in a cell of the plane, of cells that hold enough of it."""
    least = 1.0
    for shift in (0.0, PART / 2):
        cell = np.floor((xy + shift) / PART).astype(np.int64)
        _, which, count = np.unique(cell, axis=0, return_inverse=True, return_counts=True)
        shares = np.bincount(which.ravel(), over) / count
        least = min([least, *shares[count >= ENOUGH].tolist()])
    return least


def _curved(warp: _Warp, posed: Floats, unit_px: float) -> float:
    """Return how much the bends curve the plane, of a frame of the finest unit: 0 for none."""
    if not warp.bends:
        return 0.0

    def at(x: float, y: float) -> Floats:
        return warp.bent(posed + unit_px * np.array([x, y])) / unit_px

    here = 2 * at(0, 0)
    across, down = at(1, 0) - here + at(-1, 0), at(0, 1) - here + at(0, -1)
    mixed = at(0.5, 0.5) - at(0.5, -0.5) - at(-0.5, 0.5) + at(-0.5, -0.5)
    size = np.sqrt((across**2 + down**2 + 2 * mixed**2).sum(axis=1))
    return float(np.quantile(size, 0.95)) * FRAME


def _shape(ink: Ink) -> float:
    return _length(ink) / max(float(np.hypot(*np.ptp(ink.xy.astype(np.float64), axis=0))), 1e-9)


def _length(ink: Ink) -> float:
    return sum(line_length(stroke.astype(np.float64)) for stroke in ink.strokes())
