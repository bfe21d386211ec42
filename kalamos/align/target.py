"""The lines of a scan at one unit, ready to be asked what lies near."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from kalamos.align.curves import Curves
from kalamos.align.pose import Pose, affine, similarity
from kalamos.machinery.arrays import Floats, Ints

TRUNCATED, CLOSE = 8.0, 2.0
"""Units beyond which a distance counts no more: of a pose, of a bend."""
DIRECTION = 3.0
"""Units that two lines at right angles count as apart, though they touch."""
WIDTHS = (8.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.5, 1.5)
LEAST_PAIRS = 3
LAST = 3
"""So many rounds of the narrowest widths look for an affine map."""


class Target:
    """The lines of a scan.

    Attributes:
        curves: points along them, in the unit.
        normal: of each, ``(n, 2)``.
    """

    def __init__(self, curves: Curves) -> None:
        self.curves = curves
        self.normal = np.column_stack([-np.sin(curves.angle), np.cos(curves.angle)])
        self._directed = cKDTree(_with_direction(curves))
        self._places = cKDTree(curves.xy)

    @cached_property
    def _map(self) -> tuple[Floats, Floats]:
        """Return where the map of distances begins, and the map."""
        low = self.curves.xy.min(axis=0) - TRUNCATED
        size = np.ceil(self.curves.xy.max(axis=0) + TRUNCATED - low).astype(int) + 1
        free = np.ones((size[1], size[0]), bool)
        at = np.round(self.curves.xy - low).astype(int)
        free[at[:, 1], at[:, 0]] = False
        return low, np.minimum(distance_transform_edt(free), TRUNCATED)

    def roughly(self, xy: Floats) -> float:
        """Return the mean truncated distance of points to the lines, read from a map of distances."""
        low, far = self._map
        at = np.round(np.clip(xy - low, -1e6, 1e6)).astype(int)
        inside = ((at >= 0) & (at < far.shape[::-1])).all(axis=1)
        gaps = np.full(len(xy), TRUNCATED)
        gaps[inside] = far[at[inside, 1], at[inside, 0]]
        return float(gaps.mean())

    def pairs(self, xy: Floats, angle: Floats, width: float) -> tuple[Ints, Ints, Floats]:
        """Return closest points both ways: (of the recording, of the scan, weight).

        The weights are those of Geman and McClure: half at about 0.6 of ``width``, next to nothing far beyond.
        """
        moved, most = _with_direction(Curves(xy, angle)), 3 * TRUNCATED
        gap, there = nearest(self._directed, moved, most)
        back_gap, back = nearest(cKDTree(moved), np.asarray(self._directed.data), most)
        mine, theirs = np.isfinite(gap), np.isfinite(back_gap)
        here = np.concatenate([np.flatnonzero(mine), back[theirs]])
        other = np.concatenate([there[mine], np.flatnonzero(theirs)])
        far = np.concatenate([gap[mine], back_gap[theirs]])
        return here, other, (width**2 / (width**2 + far**2)) ** 2

    def settle(self, recorded: Curves, pose: Pose, widths: tuple[float, ...] = WIDTHS) -> Pose:
        """Return the pose to which closest points lead from a start; a similarity first, then an affine map."""
        for turn, width in enumerate((*widths, *widths[-LAST:])):
            here, there, weight = self.pairs(pose(recorded.xy), pose.turned(recorded.angle), width)
            if len(here) < LEAST_PAIRS:
                return pose
            fitted = similarity if turn < len(widths) else affine
            pose = fitted(recorded.xy[here], self.curves.xy[there], weight)
        return pose

    def gap(self, xy: Floats, truncated: float = CLOSE) -> float:
        """Return the mean truncated distance of points and lines, both ways."""
        there, back = self.distances(xy)
        return float(np.minimum(there, truncated).mean() + np.minimum(back, truncated).mean())

    def distances(self, xy: Floats) -> tuple[Floats, Floats]:
        """Return how far each point is from the lines, and each point of the lines from the nearest of the points."""
        return nearest(self._places, xy)[0], nearest(cKDTree(xy), self.curves.xy)[0]


def nearest(tree: cKDTree, xy: Floats, most: float = np.inf) -> tuple[Floats, Ints]:
    """Return how far the nearest point of a tree is, infinite beyond ``most``, and which it is."""
    far, which = tree.query(xy, distance_upper_bound=most)
    return np.asarray(far), np.asarray(which)


def _with_direction(curves: Curves) -> Floats:
    """Return places and directions in one space: the double angle, because a line has no front."""
    double = 2 * curves.angle
    return np.column_stack([curves.xy, DIRECTION / 2 * np.cos(double), DIRECTION / 2 * np.sin(double)])
