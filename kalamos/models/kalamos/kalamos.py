"""``kalamos``: our own model. The skeleton gives the exact line, a network gives order, direction, lifts and speed.

An image becomes pieces of line (:mod:`kalamos.models.kalamos.pieces`); the network
(:mod:`kalamos.models.kalamos.network`) scores paths over them; a search for the likeliest gives the path. The network's
motion head then moves the path's points from the skeleton to where a pen would have been and gives each interval its
duration. All this is compiled code (:mod:`kalamos.models.kalamos.forward`, :mod:`kalamos.models.kalamos.search`) and
needs no torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kalamos.errors import ModelError
from kalamos.geometry import concat
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Floats32
from kalamos.models.kalamos.blocks import blocks, part, runs_leftwards
from kalamos.models.kalamos.forward import Motioned
from kalamos.models.kalamos.parameters import Net, Sizes, as_net
from kalamos.models.kalamos.pieces import Pieces, cut_pieces, interval_lengths, walked_points
from kalamos.models.kalamos.search import recover_path
from kalamos.models.scale import HEIGHT_PX, Scaled, at_height
from kalamos.models.weights import SHIPPED, load_weights

if TYPE_CHECKING:
    from kalamos.models.kalamos.network import PathNetwork

SPEED_PX_S = 100.0
"""Mean speed of the pen; an image has no clock, only relative times mean anything."""
BEAMS = 4
"""Paths that a search keeps; more bring nothing that is seen (`docs/models.md`)."""
PAUSE_S = 0.05
"""Least time of a pen-up movement."""
LOWEST_PX, HIGHEST_PX = 40, 96
WIDEST_PX = 16384


class Kalamos:
    """Recovers ink with the shipped weights, or with those in ``weights``.

    Args:
        weights: a folder of weights, or None for the shipped ones.
        beams: paths kept by the search where the likeliest action each time gives a path with a probability of less
            than a half (where it has more, no other can be likelier); with 1 it is that path always.

    Raises:
        ModelError: where the weights cannot be used, or ``beams`` is no number from 1 on.
    """

    name = "kalamos"

    def __init__(self, weights: Path | str | None = None, beams: int = BEAMS) -> None:
        folder = Path(weights) if weights is not None else SHIPPED / self.name
        found = load_weights(folder, self.name)
        if not str(beams).isdecimal() or int(beams) < 1:
            raise ModelError(f"kalamos: beams is {beams!r}; it is a whole number, 1 or more")
        try:
            self._set(found.tensors, Sizes(**found.config["sizes"]), int(beams))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{folder}: the weights do not fit their config: {error}") from error

    @classmethod
    def from_network(cls, net: PathNetwork, beams: int = BEAMS) -> Kalamos:
        """Return a recoverer with a copy of the weights of a network in memory, as training validates it."""
        made = cls.__new__(cls)
        made._set({name: tensor.detach().numpy() for name, tensor in net.state_dict().items()}, net.sizes, beams)
        return made

    def _set(self, tensors: Mapping[str, Floats32], sizes: Sizes, beams: int) -> None:
        self.tensors, self.sizes, self.beams = tensors, sizes, beams
        self._nets = {0: as_net(tensors, sizes)}

    def net(self, script: str | None) -> Net:
        """Return the weights for images of a script."""
        row = self.sizes.script_row(script)
        if row not in self._nets:
            self._nets[row] = as_net(self.tensors, self.sizes, script)
        return self._nets[row]

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        """Return one ink an image, in pixels, with relative times; any size, an image without ink gives an empty ink.

        An image much higher or lower than 64 px is read at that height; one with many pieces is read in blocks.
        """
        scales = [_scale(image) for image in images]
        pieces = [cut_pieces(one.pixels) for one in scales]
        parts = [(k, part(one, chosen)) for k, one in enumerate(pieces) for chosen in blocks(one)]
        scripts = [images[k].script for k, _ in parts]
        made: list[list[Ink]] = [[] for _ in images]
        for (k, _), ink in zip(parts, self._recover_parts([one for _, one in parts], scripts), strict=True):
            made[k].append(ink)
        inks = []
        for image, scaled, some in zip(images, scales, made, strict=True):
            leftwards = len(some) > 1 and runs_leftwards(some, image.script)
            ink = concat(some[::-1] if leftwards else some, pause_s=PAUSE_S)
            inks.append(ink.with_points(ink.xy / scaled.scale, ink.offsets, ink.channels()))
        return inks

    def _recover_parts(self, pieces: Sequence[Pieces], scripts: Sequence[str | None]) -> list[Ink]:
        """Return one ink for each set of pieces."""
        return [assemble(one, found) for one, found in zip(pieces, self._paths(pieces, scripts), strict=True)]

    def _paths(self, pieces: Sequence[Pieces], scripts: Sequence[str | None]) -> Sequence[Motioned]:
        """Return the path over each set of pieces, on all cores."""
        nets = [self.net(script) for script in scripts]
        if len(pieces) < 2:
            return list(map(self._path, pieces, nets))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self._path, pieces, nets))

    def _path(self, pieces: Pieces, net: Net) -> Motioned:
        return Motioned(*recover_path(*pieces, self.beams, net))


def _scale(image: OfflineImage) -> Scaled:
    """Return the image at the height that the network knows, as it is where it is near that."""
    if LOWEST_PX <= image.height_px <= HIGHEST_PX:
        return Scaled(image.pixels, np.ones(2))
    return at_height(image.pixels, HEIGHT_PX, WIDEST_PX)


def assemble(pieces: Pieces, path: Motioned) -> Ink:
    """Return the ink of a path: pieces moved by their offsets, joined where the pen goes on, timed by slowness."""
    steps, lifts = path.steps, path.lifts
    if not len(steps):
        return Ink.empty()
    line = walked_points(pieces, steps)
    durations = interval_lengths(line) * np.exp(path.slowness.astype(np.float64)) / SPEED_PX_S
    line = line + path.offsets
    starts = np.flatnonzero(lifts | (np.arange(len(steps)) == 0))
    goes_on = np.setdiff1d(np.arange(len(steps)), starts)
    shared = 0.5 * (line[goes_on, 0] + line[goes_on - 1, -1])
    line[goes_on, 0] = line[goes_on - 1, -1] = shared
    strokes: list[Floats] = []
    times: list[Floats] = []
    clock = 0.0
    for a, b in zip(starts, np.append(starts[1:], len(steps)), strict=True):
        stroke = np.concatenate([line[a, :1], line[a:b, 1:].reshape(-1, 2)])
        if strokes:
            clock += float(np.hypot(*(stroke[0] - strokes[-1][-1]))) / SPEED_PX_S + PAUSE_S
        at = clock + np.concatenate([[0.0], np.cumsum(durations[a:b])])
        strokes.append(stroke)
        times.append(at)
        clock = float(at[-1])
    return Ink.from_strokes(strokes, t=times)
