"""Nearest neighbour: go to the nearest skeleton pixel not yet visited, lift the pen where that is far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kalamos.baselines.speed_models import Velocity, with_times
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Ints
from kalamos.machinery.kernels import kernel
from kalamos.scripts import direction_of
from kalamos.skeleton.binarise import Method, binarise
from kalamos.skeleton.thinning import thin


class Nearest:
    """The naive control of the literature: greedy, from the top left pixel (top right in right-to-left scripts)."""

    name = "nearest"

    def __init__(self, *, method: Method = "even", velocity: Velocity = "constant", jump_px: float = 1.5) -> None:
        self.method, self.velocity, self.jump_px = method, velocity, jump_px

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        """Return one ink an image."""
        return [self._one(image) for image in images]

    def _one(self, image: OfflineImage) -> Ink:
        lines = thin(binarise(image.pixels, self.method))
        rows, columns = np.nonzero(lines)
        if not len(rows):
            return Ink.empty()
        side = int(direction_of(image.script))
        first = int(np.argmin(rows + side * columns))
        order, lifts = np.empty(len(rows), np.int64), np.zeros(len(rows), np.bool_)
        _greedy(lines, int(rows[first]), int(columns[first]), self.jump_px, order, lifts)
        xy = np.stack([order % lines.shape[1], order // lines.shape[1]], axis=1) + 0.5
        offsets = np.concatenate([[0], np.flatnonzero(lifts[1:]) + 1, [len(xy)]])
        return with_times(Ink(xy.astype(np.float32), offsets.astype(np.int32)), self.velocity)


@kernel
def _greedy(left: Bools, row: int, column: int, jump_px: float, order: Ints, lifts: Bools) -> None:
    """Visit all pixels that are left, and leave none; write them as ``row * width + column`` into ``order``.

    ``lifts`` becomes True where the pen was lifted before a pixel.
    """
    height, width = left.shape
    total = len(order)
    for k in range(total):
        order[k] = row * width + column
        left[row, column] = False
        if k == total - 1:
            break
        best, radius = np.inf, 1
        next_row, next_column = row, column
        while radius * radius <= best and radius < height + width:
            for r in range(max(row - radius, 0), min(row + radius, height - 1) + 1):
                edge = r == row - radius or r == row + radius
                step = 1 if edge else 2 * radius
                c = column - radius
                while c <= column + radius:
                    if 0 <= c < width and left[r, c]:
                        d = (r - row) * (r - row) + (c - column) * (c - column)
                        if d < best:
                            best, next_row, next_column = d, r, c
                    c += step
            radius += 1
        lifts[k + 1] = best > jump_px * jump_px
        row, column = next_row, next_column
