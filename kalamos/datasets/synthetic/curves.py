"""Smooth curves through a few knots: how a letter plan becomes a path.

A plan names the points through which the pen passes and leaves the curve between them to Hobby's rule, as METAFONT
does: round, few knots, no handles to write down. Knots are complex numbers here, x + jy.

Source: J. D. Hobby, "Smooth, easy to compute interpolating splines", Discrete & Computational Geometry 1 (1986),
with every tension and curl at 1.
"""

from __future__ import annotations

import cmath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalamos.machinery.arrays import Bools, Floats, Ints

Path = NDArray[np.complex128]
MOST_VELOCITY = 4.0
"""METAFONT's bound of a handle, in chords (Knuth, METAFONT: The Program, section 116)."""


class Knots(NamedTuple):
    """One pen stroke of a plan.

    Attributes:
        points: the knots, ``(k,)`` complex.
        corner: ``(k,)``, True where the direction may jump.
        line: ``(k - 1,)``, True where the stretch to the next knot is straight.
    """

    points: Path
    corner: Bools
    line: Bools


def parse_knots(text: str) -> Knots:
    """Read one stroke: ``x,y`` a knot, ``x,y!`` a corner, ``-`` between two knots a straight line.

    Raises:
        ValueError: where a mark is none of these, or a line has nothing to lead to.
    """
    points: list[complex] = []
    corner: list[bool] = []
    lines: set[int] = set()
    marks = text.split()
    for place, mark in enumerate(marks):
        if mark == "-":
            if not points or place + 1 == len(marks):
                raise ValueError(f"a line needs a knot on both sides in {text!r}")
            lines.add(len(points) - 1)
            continue
        x, _, y = mark.rstrip("!").partition(",")
        points.append(complex(float(x), float(y)))
        corner.append(mark.endswith("!"))
    if not points:
        raise ValueError("a stroke needs one knot at least")
    line = [place in lines for place in range(len(points) - 1)]
    return Knots(np.array(points, complex), np.array(corner, bool), np.array(line, bool))


def trace(knots: Knots, step: float = 1.0) -> tuple[Path, Ints]:
    """Return the path ``(n,)`` through the knots in steps of about ``step``, and the indices of its corners.

    Where a straight line meets a curve without a corner, the curve leaves in the direction of the line.
    """
    points, corner, line = knots
    runs = list(_runs(knots))
    pieces, corners = [points[:1]], []
    length = 1
    for first, last in runs:
        if line[first]:
            piece = points[first : last + 1]
        else:
            start = _line_direction(knots, first, before=True)
            end = _line_direction(knots, last, before=False)
            piece = hobby(points[first : last + 1], start, end)
        piece = evenly(piece, step)
        pieces.append(piece[1:])
        length += len(piece) - 1
        if last < len(points) - 1 and (corner[last] or (line[last - 1] and line[last])):
            corners.append(length - 1)
    return np.concatenate(pieces), np.array(corners, np.int64)


def hobby(points: Path, start: float | None = None, end: float | None = None, samples: int = 20) -> Path:
    """Return Hobby's curve through ``points``, sampled; ``start`` and ``end`` are directions in radians, if given."""
    if len(points) == 2 and start is None and end is None:
        return points
    chords = np.diff(points)
    distance, angle = np.abs(chords), np.angle(chords)
    psi = np.append(np.angle(chords[1:] / chords[:-1]), 0.0)  # psi[k]: turning of the chords at knot k + 1
    theta = _leaving_angles(distance, angle, psi, start, end)
    u = np.linspace(0.0, 1.0, samples + 1)[1:]
    parts = [points[:1]]
    for k, chord in enumerate(chords):
        leave, arrive = theta[k], -psi[k] - theta[k + 1]
        a = points[k] + cmath.exp(1j * leave) * chord * _velocity(leave, arrive)
        b = points[k + 1] - cmath.exp(-1j * arrive) * chord * _velocity(arrive, leave)
        parts.append(
            (1 - u) ** 3 * points[k] + 3 * u * (1 - u) ** 2 * a + 3 * u**2 * (1 - u) * b + u**3 * points[k + 1]
        )
    return np.concatenate(parts)


def evenly(path: Path, step: float) -> Path:
    """Return the polyline with points at equal distances of at most ``step``, ends kept."""
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(path)))])
    count = max(int(np.ceil(along[-1] / step)), 1)
    even: Path = np.interp(np.linspace(0.0, along[-1], count + 1), along, path)
    return even


def _runs(knots: Knots) -> list[tuple[int, int]]:
    """Return (first, last) knot of each straight line and of each smooth curve between corners."""
    points, corner, line = knots
    runs, first = [], 0
    for k in range(1, len(points)):
        at_end = k == len(points) - 1
        if at_end or corner[k] or line[k - 1] or line[k]:
            runs.append((first, k))
            first = k
    return runs


def _line_direction(knots: Knots, at: int, *, before: bool) -> float | None:
    """Return the direction of the straight line that a curve continues at a knot, None where there is none."""
    points, corner, line = knots
    if corner[at]:
        return None
    k = at - 1 if before else at
    if not 0 <= k < len(line) or not line[k]:
        return None
    return float(np.angle(points[k + 1] - points[k]))


def _leaving_angles(
    distance: Floats,
    angle: Floats,
    psi: Floats,
    start: float | None,
    end: float | None,
) -> Floats:
    """Solve for the angle between chord and curve at each knot: equal mock curvature on both sides."""
    n = len(distance)
    matrix, right = np.zeros((n + 1, n + 1)), np.zeros(n + 1)
    for k in range(1, n):
        before, after = 1 / distance[k - 1], 1 / distance[k]
        matrix[k, k - 1 : k + 2] = before, 2 * (before + after), after
        right[k] = -2 * before * psi[k - 1] - after * psi[k]
    if start is None:
        matrix[0, :2] = 1.0
        right[0] = -psi[0]
    else:
        matrix[0, 0], right[0] = 1.0, _wrapped(start - angle[0])
    if end is None:
        matrix[n, n - 1 :] = 1.0
    else:
        matrix[n, n], right[n] = 1.0, _wrapped(end - angle[-1])
    solved: Floats = np.linalg.solve(matrix, right).astype(np.float64)
    return solved


def _wrapped(angle: float) -> float:
    return float(np.angle(cmath.exp(1j * angle)))


def _velocity(theta: float, phi: float) -> float:
    """Return Hobby's handle length as a fraction of the chord, tension 1, and never more than METAFONT allows.

    The rule has a pole where the curve leaves and arrives against the chord; near it a handle would reach for miles.
    """
    a, root2, root5 = np.sin, 2**0.5, 5**0.5
    bend = root2 * (a(theta) - a(phi) / 16) * (a(phi) - a(theta) / 16) * (np.cos(theta) - np.cos(phi))
    spread = 3 * (1 + (root5 - 1) / 2 * np.cos(theta) + (3 - root5) / 2 * np.cos(phi))
    return min(float((2 + bend) / spread), MOST_VELOCITY) if spread > 0 else MOST_VELOCITY
