"""``kalamos``: our own model. The skeleton gives the exact line, a network gives order, direction, lifts and speed.

An image becomes pieces of line (:mod:`kalamos.models.kalamos.pieces`); the network
(:mod:`kalamos.models.kalamos.network`) scores paths over them; a search for the likeliest gives the path. The network's
motion head then moves the path's points from the skeleton to where a pen would have been and gives each interval its
duration. ONNX Runtime runs the network (:mod:`kalamos.models.kalamos.engine`); recovery needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import kalamos
from kalamos.errors import ModelError
from kalamos.geometry import concat
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Floats32, Ints
from kalamos.models.kalamos.blocks import blocks, part, runs_leftwards
from kalamos.models.kalamos.confidence import STROKE_FEATURES, Calibration, stroke_features
from kalamos.models.kalamos.engine import Engine, Graphs, read_graphs, traced
from kalamos.models.kalamos.habit import read_habit
from kalamos.models.kalamos.parameters import Sizes
from kalamos.models.kalamos.paths import Motioned, find_paths
from kalamos.models.kalamos.pieces import Pieces, cut_all, interval_lengths, walked_points
from kalamos.models.rows import rows_of
from kalamos.models.scale import HEIGHT_PX, Scaled, as_it_is, at_height, at_ink
from kalamos.models.weights import SHIPPED
from kalamos.recovery import Alternative, RecoveredPiece, Recovery, in_lines
from kalamos.skeleton.coverage import covered_share
from kalamos.storage.weights import load_weights

if TYPE_CHECKING:
    from kalamos.models.kalamos.network import PathNetwork

MODEL = "kalamos"
"""Whose weights they are."""
SPEED_PX_S = 100.0
"""Mean speed of the pen; an image has no clock, only relative times mean anything."""
BEAMS = 4
"""Paths that a search keeps; more bring nothing that is seen (`docs/models.md`)."""
PAUSE_S = 0.05
"""Least time of a pen-up movement."""
LOWEST_PX, HIGHEST_PX = 60, 76
"""An image of such a height is read as it is; others cost, so they are brought to 64 px (`docs/models.md`)."""
WIDEST_PX = 16384
SHORT = 30
"""Pieces up to which a wide search is quick: those of a character, or of a short word."""
CLOSER = (1.25, 1.125, 1.375)
"""How many times as large an image is read again whose path is not sure (`docs/models.md`)."""
LOOKS = 2
SURE = log(0.5)
"""Natural logarithm of the probability from which on a path is."""
TRUSTED_SHARE = 0.9
"""Where a path covers less of the ink, the piece gets a warning."""


class Kalamos:
    """The best for Latin, Arabic, Persian and Bengali script, characters to lines, clean, scanned or photographed.

    Recovers ink with the shipped weights, or with those in ``weights``.

    Args:
        weights: a folder of weights, or None for the shipped ones.
        beams: paths kept by the search over an image as short as a character, where the likeliest action each time
            gives a path with a probability of less than a half (where it has more, no other can be likelier);
            elsewhere, and with 1 always, it is that path.
        looks: at how many sizes, 1 to 4, an image is read of whose path the same is true; the likeliest is taken. With
            1 words take half the time.

    Raises:
        ModelError: where the weights cannot be used, or ``beams`` or ``looks`` is no such number.
    """

    name = MODEL
    version = kalamos.__version__

    def __init__(self, weights: Path | str | None = None, beams: int = BEAMS, looks: int = LOOKS) -> None:
        folder = Path(weights) if weights is not None else SHIPPED / MODEL
        found = load_weights(folder, MODEL)
        if not str(beams).isdecimal() or int(beams) < 1:
            raise ModelError(f"kalamos: beams is {beams!r}; it is a whole number, 1 or more")
        if not str(looks).isdecimal() or not 1 <= int(looks) <= 1 + len(CLOSER):
            raise ModelError(f"kalamos: looks is {looks!r}; it is a whole number, 1 to {1 + len(CLOSER)}")
        try:
            sizes = Sizes(**found.config["sizes"])
            self.calibration = Calibration.read(found.config)
            self.habit = read_habit(found.config)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{folder}: the weights do not fit their config: {error}") from error
        self._set(found.tensors, sizes, _graphs(folder, sizes), int(beams), int(looks))
        self.weights = str(found.config["sha256"])

    @classmethod
    def from_network(cls, net: PathNetwork, beams: int = BEAMS) -> Kalamos:
        """Return a recoverer with a copy of the weights of a network in memory, as training validates it."""
        made = cls.__new__(cls)
        tensors = {name: tensor.detach().numpy().copy() for name, tensor in net.state_dict().items()}
        made._set(tensors, net.sizes, traced(net.sizes), beams, looks=1)
        made.weights, made.calibration, made.habit = "", None, read_habit({})
        return made

    def _set(self, tensors: Mapping[str, Floats32], sizes: Sizes, graphs: Graphs, beams: int, looks: int) -> None:
        self.sizes, self.beams, self.looks = sizes, beams, looks
        self.engine = Engine(tensors, sizes, graphs)

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        """Return one ink an image, in pixels, with relative times; any size, an image without ink gives an empty ink.

        An image much higher or lower than 64 px is read at that height, small writing on much paper closer; several
        lines of writing are read one by one, and a long one in blocks.
        """
        scenes = self.scenes(images, 1)
        return [scene.ink(_first(scene.found), leftwards=scene.leftwards()) for scene in scenes]

    def log_probabilities(self, images: Sequence[OfflineImage]) -> list[Said]:
        """Return what the network holds each answer of :meth:`recover` to be worth, not calibrated."""
        made = []
        for scene in self.scenes(images, 1):
            leftwards, ranks = scene.leftwards(), [0] * len(scene.found)
            ink = scene.ink(_first(scene.found), leftwards=leftwards)
            log_p = sum((path.total for path in _first(scene.found)), 0.0)
            made.append(Said(ink, log_p, scene.stroke_features(ranks, leftwards=leftwards)))
        return made

    def recover_many(self, groups: Sequence[Sequence[OfflineImage]], n_best: int) -> list[Recovery]:
        """Return one recovery a group; blocks of images without a script follow each other as most of the group do."""
        scenes = iter(self.scenes([image for group in groups for image in group], n_best))
        return [self._recovery([next(scenes) for _ in group], n_best) for group in groups]

    def _recovery(self, scenes: Sequence[Scene], n_best: int) -> Recovery:
        unknown = [scene for scene in scenes if scene.image.script is None]
        leftwards = runs_leftwards([ink for scene in unknown for ink in scene.first_inks()], None)
        pieces = [
            self._piece(scene, leftwards if scene.image.script is None else scene.leftwards(), n_best)
            for scene in scenes
        ]
        return Recovery(in_lines(pieces), self.name, self.version, self.weights)

    def _piece(self, scene: Scene, leftwards: bool, n_best: int) -> RecoveredPiece:
        """Return what one image gave, with the confidence of the path and the paths beside it."""
        image, ways = scene.image, likeliest(scene.worth, n_best)
        inks = [
            scene.ink([found[k] for found, k in zip(scene.found, way.ranks, strict=True)], leftwards=leftwards)
            for way in ways
        ]
        box = (0.0, 0.0, float(image.width_px), float(image.height_px))
        covered = covered_share(inks[0], image.pixels, scene.scale)
        warning = "" if covered >= TRUSTED_SHARE else f"the path covers only {covered:.0%} of the ink"
        if not scene.found:
            return RecoveredPiece(inks[0], box, covered=covered, warning=warning)
        others = tuple(Alternative(ink, way.log_p) for ink, way in zip(inks[1:], ways[1:], strict=True))
        confidence, of_strokes = None, None
        if self.calibration is not None:
            confidence = self.calibration.of_path(ways[0].log_p)
            of_strokes = self.calibration.of_strokes(scene.stroke_features(ways[0].ranks, leftwards=leftwards))
        return RecoveredPiece(
            inks[0], box, covered=covered, confidence=confidence, stroke_confidence=of_strokes, alternatives=others,
            log_probability=ways[0].log_p, warning=warning,
        )  # fmt: skip

    def scenes(self, images: Sequence[OfflineImage], n_best: int) -> list[Scene]:
        """Return each image in lines and blocks, with the paths found; each line at the size where it is likeliest."""
        rows = [rows_of(image) for image in images]
        flat = [row.image for some in rows for row in some]
        made = self._looked_at(flat)
        deep = [k for k, line in enumerate(made) if n_best > 1 or (self.beams > 1 and line.is_short and line.is_unsure)]
        searched = self._read([flat[k] for k in deep], [made[k].scaled for k in deep], self.beams, n_best)
        for k, line in zip(deep, searched, strict=True):
            made[k] = line
        lines = iter(made)
        return [
            Scene(image, [next(lines)._replace(corner=row.corner) for row in some])
            for image, some in zip(images, rows, strict=True)
        ]

    def _looked_at(self, images: Sequence[OfflineImage]) -> list[Line]:
        """Return each line with the path of the likeliest actions, at the size at which that is likeliest."""
        usual = [_scale(image) for image in images]
        made = self._read(images, usual)
        unsure = [k for k, line in enumerate(made) if line.is_unsure]
        for factor in CLOSER[: self.looks - 1]:
            closer = [usual[k].enlarged(factor, WIDEST_PX) for k in unsure]
            for k, line in zip(unsure, self._read([images[k] for k in unsure], closer), strict=True):
                made[k] = max(made[k], line, key=Line.log_p)
        return made

    def _read(
        self, images: Sequence[OfflineImage], scales: Sequence[Scaled], beams: int = 1, n_best: int = 1
    ) -> list[Line]:
        """Return each line in blocks as it is read at one size."""
        whole = cut_all([one.pixels for one in scales])
        cut = [[part(pieces, chosen) for chosen in blocks(pieces)] for pieces in whole]
        scripts = [self.sizes.script_row(image.script) for image, some in zip(images, cut, strict=True) for _ in some]
        found = iter(find_paths(self.engine, [one for some in cut for one in some], scripts, beams, n_best))
        return [Line.of(scaled, some, [next(found) for _ in some]) for scaled, some in zip(scales, cut, strict=True)]


class Line(NamedTuple):
    """A line of writing in blocks; a character or a word is one, too.

    Attributes:
        scaled: as the network reads it.
        pieces: of each block, from left to right.
        found: paths over each block, likeliest first.
        worth: of each block the natural log-probabilities of its paths.
        corner: where its picture lies in the image, float64 ``(2,)``, pixels.
    """

    scaled: Scaled
    pieces: list[Pieces]
    found: list[list[Motioned]]
    worth: list[Floats]
    corner: Floats

    @classmethod
    def of(cls, scaled: Scaled, pieces: list[Pieces], found: list[list[Motioned]]) -> Line:
        """Return a line whose paths are worth what the network says."""
        return cls(scaled, pieces, found, [np.array([path.total for path in paths]) for paths in found], np.zeros(2))

    def log_p(self) -> float:
        """Return the natural logarithm of what the network says of its likeliest path; 0 where there is no ink."""
        return sum(float(some[0]) for some in self.worth)

    @property
    def is_unsure(self) -> bool:
        """Say whether another path may be likelier than the likeliest that was found."""
        return self.log_p() < SURE

    @property
    def is_short(self) -> bool:
        """Say whether a wide search is quick."""
        return sum(len(some.points) for some in self.pieces) <= SHORT

    def inks(self, paths: Sequence[Motioned]) -> list[Ink]:
        """Return the ink of one path a block, from left to right, in pixels of the image."""
        made = [assemble(one, path) for one, path in zip(self.pieces, paths, strict=True)]
        return [
            ink.with_points(self.scaled.original(ink.xy) + self.corner, ink.offsets, ink.channels()) for ink in made
        ]


class Scene(NamedTuple):
    """An image: one line of writing, or several from the top down."""

    image: OfflineImage
    lines: list[Line]

    @property
    def pieces(self) -> list[Pieces]:
        """Return the pieces of each block, line by line."""
        return [one for line in self.lines for one in line.pieces]

    @property
    def found(self) -> list[list[Motioned]]:
        """Return the paths over each block."""
        return [one for line in self.lines for one in line.found]

    @property
    def worth(self) -> list[Floats]:
        """Return the log-probabilities of each block's paths."""
        return [one for line in self.lines for one in line.worth]

    @property
    def heights(self) -> list[int]:
        """Return of each block the height of the picture in which its line was read, pixels."""
        return [len(line.scaled.pixels) for line in self.lines for _ in line.pieces]

    @property
    def scale(self) -> float:
        """Return how many pixels of what the network reads are one of the image, at least."""
        return min(float(line.scaled.scale.min()) for line in self.lines)

    def weighed(self, worth: Sequence[Floats]) -> Scene:
        """Return the scene with other log-probabilities of its blocks' paths, likeliest first again."""
        given, lines = iter(worth), []
        for line in self.lines:
            own = [next(given) for _ in line.found]
            orders = [np.argsort(-some, kind="stable") for some in own]
            found = [[paths[k] for k in order] for paths, order in zip(line.found, orders, strict=True)]
            ranked = [some[order] for some, order in zip(own, orders, strict=True)]
            lines.append(line._replace(found=found, worth=ranked))
        return self._replace(lines=lines)

    def first_inks(self) -> list[Ink]:
        """Return the ink of the likeliest path over each block."""
        return [assemble(one, path) for one, path in zip(self.pieces, _first(self.found), strict=True)]

    def leftwards(self) -> bool:
        """Say whether the blocks follow each other from right to left, by this image alone."""
        return len(self.pieces) > 1 and runs_leftwards(self.first_inks(), self.image.script)

    def ink(self, paths: Sequence[Motioned], *, leftwards: bool) -> Ink:
        """Return the ink of one path a block, in pixels of the image."""
        given = iter(paths)
        inks = [line.inks([next(given) for _ in line.pieces]) for line in self.lines]
        return concat([ink for some in inks for ink in (some[::-1] if leftwards else some)], pause_s=PAUSE_S)

    def stroke_features(self, ranks: Sequence[int], *, leftwards: bool) -> Floats:
        """Return what a calibration weighs of each stroke of the ink of these paths, float64 ``(s, 6)``."""
        given, made = iter(ranks), [np.zeros((0, STROKE_FEATURES))]
        for line in self.lines:
            paths = [found[next(given)] for found in line.found]
            some = [stroke_features(path.log_p, stroke_starts(path), len(path.steps)) for path in paths]
            made += some[::-1] if leftwards else some
        return np.concatenate(made)


class Said(NamedTuple):
    """An answer and what the network holds it to be worth, not calibrated.

    Attributes:
        ink: in pixels of the image.
        path: natural log-probability of the whole path.
        strokes: what a calibration weighs of each stroke, float64 ``(s, 6)``.
    """

    ink: Ink
    path: float
    strokes: Floats


class Way(NamedTuple):
    """A choice of a path for each block, by its rank among those found, and the log-probability of them together."""

    log_p: float
    ranks: tuple[int, ...]


def likeliest(worth: Sequence[Floats], n_best: int) -> list[Way]:
    """Return the likeliest choices of one path a block, likeliest first; blocks do not know of each other.

    Args:
        worth: of each block the natural log-probabilities of its paths.
        n_best: choices wanted; there may be fewer.
    """
    ways = [Way(0.0, ())]
    for some in worth:
        longer = [Way(way.log_p + log_p, (*way.ranks, k)) for way in ways for k, log_p in enumerate(some.tolist())]
        ways = sorted(longer, key=lambda way: -way.log_p)[:n_best]
    return ways


def _first(found: Sequence[Sequence[Motioned]]) -> list[Motioned]:
    return [paths[0] for paths in found]


def _graphs(folder: Path, sizes: Sizes) -> Graphs:
    """Return the graphs beside the weights; where they do not fit, trace them if torch is here."""
    try:
        found = read_graphs(folder)
        if found.fits(sizes):
            return found
        missing = ModelError(
            f"{folder}: the graphs are of another network than the weights; make them anew with: "
            f"python -m kalamos.models.kalamos.export {folder}"
        )
    except ModelError as error:
        missing = error
    try:
        return traced(sizes)
    except ImportError:
        raise missing from None


def _scale(image: OfflineImage) -> Scaled:
    """Return the image, or its ink, at the height that the network knows, as it is where it is near that."""
    near = LOWEST_PX <= image.height_px <= HIGHEST_PX
    whole = as_it_is(image.pixels) if near else at_height(image.pixels, HEIGHT_PX, WIDEST_PX)
    return at_ink(whole, WIDEST_PX)


def stroke_starts(path: Motioned) -> Ints:
    """Return the steps at which the strokes of a path begin, ``(s,)``."""
    return np.flatnonzero(path.lifts | (np.arange(len(path.steps)) == 0))


def assemble(pieces: Pieces, path: Motioned) -> Ink:
    """Return the ink of a path: pieces moved by their offsets, joined where the pen goes on, timed by slowness."""
    steps = path.steps
    if not len(steps):
        return Ink.empty()
    line = walked_points(pieces, steps)
    durations = interval_lengths(line) * np.exp(path.slowness.astype(np.float64)) / SPEED_PX_S
    line = line + path.offsets
    starts = stroke_starts(path)
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
