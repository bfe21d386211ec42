"""A smooth field of displacements: cubic B-splines on a grid, with the thin-plate energy as penalty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array, hstack, kron
from scipy.sparse.linalg import spsolve

from kalamos.machinery.arrays import Floats, Ints

SPACING = 16.0
"""Distance of two control points, units."""
SLIDING = 0.1
"""Weight of staying in place along a line, beside that of coming nearer to it."""


class Bend(NamedTuple):
    """A field of displacements.

    Attributes:
        low: float64 ``(2,)``, where the grid begins.
        control: float64 ``(ny, nx, 2)``.
    """

    low: Floats
    control: Floats

    def __call__(self, xy: Floats) -> Floats:
        """Return the displacement of points, ``(n, 2)``."""
        basis = _basis(xy, self.low, self.control.shape[:2])
        return np.asarray(basis @ self.control.reshape(-1, 2))


def fit_bend(start: Floats, here: Ints, wanted: Floats, normal: Floats, weight: Floats, stiffness: float) -> Bend:
    """Return the field that moves points towards lines.

    Args:
        start: all points, ``(n, 2)``; they set the grid.
        here: which of them each wish is for, ``(m,)``.
        wanted: from the point to a point of the line, ``(m, 2)``; only its part along the normal counts in full.
        normal: of the line there, unit, ``(m, 2)``.
        weight: of each wish, ``(m,)``.
        stiffness: of the field; the energy is an integral, so it means the same on any grid.
    """
    low = start.min(axis=0) - 1.5 * SPACING
    shape = tuple(int(n) for n in np.ceil((start.max(axis=0) - low) / SPACING)[::-1].astype(int) + 3)
    basis = _basis(start[here], low, shape)
    across = _stacked(basis, normal, np.sqrt(weight))
    along = _stacked(basis, np.column_stack([-normal[:, 1], normal[:, 0]]), SLIDING * np.sqrt(weight))
    right = np.sqrt(weight) * (wanted * normal).sum(axis=1)
    energy = _energy(shape)
    scale = stiffness * len(here) / np.prod(shape)
    gram = (
        across.T @ across
        + along.T @ along
        + scale * kron(np.eye(2), energy)
        + 1e-6 * diags_array(np.ones(2 * int(np.prod(shape))))
    )
    solved = spsolve(gram.tocsc(), across.T @ right)
    return Bend(low, np.stack([part.reshape(shape) for part in np.split(solved, 2)], axis=-1))


def _stacked(basis: csr_array, direction: Floats, weight: Floats) -> csr_array:
    """Return the rows of wishes in one direction, over the x and then the y of the control points."""
    return csr_array(hstack([diags_array(weight * direction[:, axis]) @ basis for axis in (0, 1)]))


def _basis(xy: Floats, low: Floats, shape: tuple[int, ...]) -> csr_array:
    """Return the cubic B-splines of each point, ``(n, ny * nx)``; beyond the grid as at its border."""
    ny, nx = shape
    at = np.clip((xy - low) / SPACING, 0.0, np.array([nx - 3.0, ny - 3.0]) - 1e-9)
    cell = at.astype(np.int64)
    u = at - cell
    parts = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3], axis=-1) / 6
    value = parts[:, 1, :, None] * parts[:, 0, None, :]
    column = (cell[:, 1, None, None] + np.arange(4)[:, None]) * nx + cell[:, 0, None, None] + np.arange(4)
    row = np.broadcast_to(np.arange(len(xy))[:, None, None], column.shape)
    return csr_array(coo_array((value.ravel(), (row.ravel(), column.ravel())), shape=(len(xy), ny * nx)))


def _energy(shape: tuple[int, ...]) -> csr_array:
    """Return the matrix of the thin-plate energy: squared second differences, the mixed ones twice."""
    (y2, y1), (x2, x1) = (_differences(n) for n in shape)
    eye_y, eye_x = (diags_array(np.ones(n)) for n in shape)
    rows = [kron(eye_y, x2), kron(y2, eye_x), np.sqrt(2.0) * kron(y1, x1)]
    return csr_array(sum((one.T @ one for one in rows[1:]), rows[0].T @ rows[0]))


def _differences(n: int) -> tuple[csr_array, csr_array]:
    second = diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(n - 2, n))
    first = diags_array([-1.0, 1.0], offsets=[0, 1], shape=(n - 1, n))
    return csr_array(second), csr_array(first)
