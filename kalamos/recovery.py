"""What recovery found on one picture: lines of pieces in reading order, and how far each is to be trusted.

All inks are in pixels of the picture (x to the right, y down, the centre of the top left pixel at (0.5, 0.5)), with
times in seconds of relative time or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kalamos.errors import KalamosError
from kalamos.geometry import concat, length
from kalamos.image import Placement
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.registry import load_object

PAUSE_S = 0.3
"""The pause between two pieces of one picture; nothing is known of the true one."""
WHOLE = Placement(1.0, 0.0, 0.0)

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Alternative:
    """Another way in which a piece may have been written.

    Attributes:
        ink: in pixels of the picture.
        log_probability: natural logarithm of what the method holds it to be worth; -inf where it says nothing.
    """

    ink: Ink
    log_probability: float


@dataclass(frozen=True, slots=True, eq=False)
class RecoveredPiece:
    """A piece of writing: what a method was given as one image, and what it answered.

    Attributes:
        ink: in pixels of the picture; empty where nothing was found.
        box: ``(x0, y0, x1, y1)`` of the piece on the picture, pixels.
        placement: from the picture's pixels to those of the image that the method was given.
        covered: share in 0..1 of the piece's ink over which the path runs.
        confidence: calibrated probability in 0..1 that the path is right; None where the method says nothing.
        stroke_confidence: calibrated probability of each stroke that the pen drew it so, and in this direction, float64
            ``(s,)``; None where the method says nothing.
        log_probability: natural logarithm of what the method holds the path to be worth; None where it says nothing.
        alternatives: other paths, likeliest first; the chosen one is not among them.
        warning: why the piece is not to be trusted; empty where nothing speaks against it.
        label: what is written, in Unicode, where a person said so; no method reads.

    Raises:
        KalamosError: where a share or a probability is none.
    """

    ink: Ink
    box: Box
    placement: Placement = WHOLE
    covered: float = 1.0
    confidence: float | None = None
    stroke_confidence: Floats | None = None
    log_probability: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    warning: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be right."""
        for name, value in (("covered", self.covered), ("confidence", self.confidence)):
            if value is not None and not 0.0 <= value <= 1.0:
                raise KalamosError(f"{name} is a share in 0..1; got {value}")
        sure = self.stroke_confidence
        if sure is not None and (len(sure) != self.ink.n_strokes or not ((sure >= 0.0) & (sure <= 1.0)).all()):
            raise KalamosError(f"stroke_confidence holds a share in 0..1 a stroke, {self.ink.n_strokes} of them")

    def on(self, placement: Placement, box: Box) -> RecoveredPiece:
        """Return the piece on a larger picture, of which ``placement`` made the image that this one speaks of."""
        return replace(
            self,
            ink=placement.from_pixels(self.ink),
            box=box,
            placement=placement,
            alternatives=tuple(
                Alternative(placement.from_pixels(other.ink), other.log_probability) for other in self.alternatives
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RecoveredLine:
    """A line of writing.

    Attributes:
        pieces: in reading order, at least one.
    """

    pieces: tuple[RecoveredPiece, ...]

    @property
    def box(self) -> Box:
        """Return the box around the pieces."""
        boxes = np.array([piece.box for piece in self.pieces])
        low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def ink(self) -> Ink:
        """Return the line as one ink."""
        return concat([piece.ink for piece in self.pieces], pause_s=PAUSE_S)


@dataclass(frozen=True, slots=True, eq=False)
class Recovery:
    """What one picture gave; of a group of images (see ``recover_many``) one piece an image, in their order.

    Attributes:
        lines: in reading order; none on a blank picture.
        method: name of the recoverer.
        version: its version; empty where it tells none.
        weights: SHA-256 of its weights; empty where it has none.
    """

    lines: tuple[RecoveredLine, ...]
    method: str
    version: str = ""
    weights: str = ""

    def _repr_html_(self) -> str:
        """Draw all of it in a notebook, with what it covers and every warning."""
        return str(load_object("kalamos.replay.still:recovery_html")(self))

    @property
    def pieces(self) -> tuple[RecoveredPiece, ...]:
        """Return the pieces of all lines, in reading order."""
        return tuple(piece for line in self.lines for piece in line.pieces)

    @property
    def ink(self) -> Ink:
        """Return all of it as one ink."""
        return concat([piece.ink for piece in self.pieces], pause_s=PAUSE_S)

    @property
    def covered(self) -> float:
        """Return the share of the ink that is covered, pieces weighted by the length of their paths; 1 for none."""
        weight = np.array([length(piece.ink) + 1.0 for piece in self.pieces])
        share = np.array([piece.covered for piece in self.pieces])
        return float((weight * share).sum() / weight.sum()) if len(weight) else 1.0

    @property
    def confidence(self) -> float | None:
        """Return the mean confidence of the pieces that have one; None where none has."""
        said = [piece.confidence for piece in self.pieces if piece.confidence is not None]
        return sum(said) / len(said) if said else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what speaks against trusting it, each warning once."""
        return tuple(dict.fromkeys(piece.warning for piece in self.pieces if piece.warning))


def in_lines(pieces: Sequence[RecoveredPiece]) -> tuple[RecoveredLine, ...]:
    """Return pieces in reading order as lines; a piece beside the one before it goes on with its line."""
    lines: list[list[RecoveredPiece]] = []
    for piece in pieces:
        if lines and _beside(lines[-1][-1].box, piece.box):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return tuple(RecoveredLine(tuple(line)) for line in lines)


def _beside(a: Box, b: Box) -> bool:
    shared = min(a[3], b[3]) - max(a[1], b[1])
    return shared > 0.5 * min(a[3] - a[1], b[3] - b[1])
