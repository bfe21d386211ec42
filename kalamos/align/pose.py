"""Affine maps of the plane, and the one that takes points to their partners best."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Floats

STIFF = 0.02
"""How much an affine map is drawn to the similarity, of the points' spread."""


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

    def times(self, factor: float) -> Pose:
        """Return the map into a unit of which one here has ``factor``."""
        return Pose(self.matrix * factor, self.shift * factor)

    @property
    def scale(self) -> float:
        """Return the mean factor by which lengths grow."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    @property
    def turn_deg(self) -> float:
        """Return the rotation, clockwise where y points down."""
        (a, b), (c, d) = self.matrix
        return float(np.degrees(np.arctan2(c - b, a + d)))


def turned_about(centre: Floats, there: Floats, scale: float, turn_deg: float) -> Pose:
    """Return the similarity that takes ``centre`` to ``there``."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    matrix = scale * np.array([[c, -s], [s, c]])
    return Pose(matrix, there - matrix @ centre)


def similarity(here: Floats, there: Floats, weight: Floats) -> Pose:
    """Return the weighted least-squares similarity without mirroring (Umeyama, PAMI 1991), by complex numbers."""
    a, b = here[:, 0] + 1j * here[:, 1], there[:, 0] + 1j * there[:, 1]
    total = max(float(weight.sum()), 1e-12)
    a0, b0 = (weight @ a) / total, (weight @ b) / total
    factor = (weight @ (np.conj(a - a0) * (b - b0))) / max(float(weight @ np.abs(a - a0) ** 2), 1e-12)
    shift = b0 - factor * a0
    matrix = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return Pose(matrix, np.array([shift.real, shift.imag]))


def affine(here: Floats, there: Floats, weight: Floats) -> Pose:
    """Return the weighted least-squares affine map, drawn to the similarity where the points say little."""
    near = similarity(here, there, weight)
    centre = (weight @ here) / max(float(weight.sum()), 1e-12)
    left = here - centre
    gram = (left * weight[:, None]).T @ left
    gram += (STIFF * np.trace(gram) / 2 + 1e-12) * np.eye(2)
    change = np.linalg.solve(gram, (left * weight[:, None]).T @ (there - near(here))).T
    return Pose(near.matrix + change, near.shift - change @ centre)
