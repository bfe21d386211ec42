"""A page as the studio holds it: pieces of writing in reading order, each of strokes that can be changed one by one.

A stroke keeps its own clock and the pause before it, so that strokes can change places without times running backwards.
Nothing here is ever changed: actions return a new sheet, which shares all pieces that stayed as they were.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kalamos.formats.recovered import RecoveredPage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Floats32
from kalamos.recovery import Box, RecoveredLine, RecoveredPiece, Recovery

PAUSE_S = 0.2
"""The pause before a stroke that a person drew or moved; nothing is known of the true one."""


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """One stroke.

    Attributes:
        xy: float32 ``(k, 2)``, pixels of the picture, k at least 1.
        t: float64 ``(k,)`` seconds from the stroke's own beginning, never backwards; None where unknown.
        pause_s: between the end of the stroke before it and its beginning.
        confidence: that the pen drew it so, in 0..1; None where nothing is said.
        by_hand: a person drew it or changed it.
    """

    xy: Floats32
    t: Floats | None = None
    pause_s: float = PAUSE_S
    confidence: float | None = None
    by_hand: bool = False


Strokes = tuple[Stroke, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A piece of writing on a sheet.

    Attributes:
        strokes: in the order of writing.
        box: ``(x0, y0, x1, y1)``, pixels of the picture.
        line: number of the line that it stands in.
        pen_px: width of the pen.
        covered: share of its ink that the recovered path covers.
        confidence: of the method in its path; None where it says nothing.
        warning: why the recovered path is not to be trusted.
        label: what is written; empty where nobody said it.
        paths: the recovered path and its alternatives, likeliest first; one where there are no others.
        chosen: which of ``paths`` the strokes were taken from last.
    """

    strokes: Strokes
    box: Box
    line: int
    pen_px: float
    covered: float
    confidence: float | None
    warning: str
    paths: tuple[Strokes, ...]
    chosen: int = 0
    label: str = ""

    @property
    def is_changed(self) -> bool:
        """Say whether a person changed the strokes."""
        return self.strokes is not self.paths[0]


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """All pieces of one picture, in reading order."""

    parts: tuple[Part, ...]

    def with_part(self, k: int, **changes: Any) -> Sheet:
        """Return the sheet with one piece changed."""
        return Sheet((*self.parts[:k], replace(self.parts[k], **changes), *self.parts[k + 1 :]))


def sheet_of(page: RecoveredPage) -> Sheet:
    """Return a recovered page as a sheet."""
    pens = [pen for _, pen in page.pens()]
    numbered = [(row, piece) for row, line in enumerate(page.recovery.lines) for piece in line.pieces]
    return Sheet(tuple(_part(piece, row, pen) for (row, piece), pen in zip(numbered, pens, strict=True)))


def _part(piece: RecoveredPiece, line: int, pen_px: float) -> Part:
    strokes = strokes_of(piece.ink, piece.stroke_confidence)
    paths = (strokes, *(strokes_of(other.ink) for other in piece.alternatives))
    return Part(
        strokes, piece.box, line, pen_px, piece.covered, piece.confidence, piece.warning, paths, label=piece.label
    )


def strokes_of(ink: Ink, confidence: Floats | None = None) -> Strokes:
    """Return an ink as strokes, each with a clock of its own."""
    made, end = [], 0.0
    for k, (a, b) in enumerate(itertools.pairwise(ink.offsets.tolist())):
        t, pause = None, PAUSE_S
        if ink.t is not None:
            t = ink.t[a:b] - ink.t[a]
            pause = float(ink.t[a]) - end if k else PAUSE_S
            end = float(ink.t[b - 1])
        sure = None if confidence is None else float(confidence[k])
        made.append(Stroke(ink.xy[a:b], t, pause, sure))
    return tuple(made)


def ink_of(strokes: Sequence[Stroke]) -> Ink:
    """Return strokes as one ink; times survive where all strokes have some."""
    if not strokes:
        return Ink.empty()
    timed = [stroke.t for stroke in strokes if stroke.t is not None]
    if len(timed) < len(strokes):
        return Ink.from_strokes([stroke.xy for stroke in strokes])
    now, clocks = 0.0, []
    for k, (stroke, t) in enumerate(zip(strokes, timed, strict=True)):
        now += stroke.pause_s if k else 0.0
        clocks.append(t + now)
        now += float(t[-1])
    return Ink.from_strokes([stroke.xy for stroke in strokes], clocks)


def corrected_page(sheet: Sheet, page: RecoveredPage, about: dict[str, str], script: str = "") -> RecoveredPage:
    """Return a sheet as the page that is written: provenance ``corrected``, boxes grown to hold what was drawn.

    Pieces that a person emptied are left out. Times survive where every stroke of the page has some: what a person
    drew is timed by the drawing hand's clock, which says nothing of the writer's, and everything is ``estimated``.
    """
    kept = [part for part in sheet.parts if part.strokes]
    timed = all(stroke.t is not None for part in kept for stroke in part.strokes)
    lines = [
        RecoveredLine(tuple(_corrected(part, timed) for part in parts))
        for _, parts in itertools.groupby(kept, key=lambda part: part.line)
    ]
    found = page.recovery
    return replace(
        page,
        recovery=Recovery(tuple(lines), found.method, found.version, found.weights),
        pen_px=tuple(part.pen_px for part in kept),
        script=script or page.script,
        remarks=(),
        provenance="corrected",
        about=about,
    )


def _corrected(part: Part, timed: bool) -> RecoveredPiece:
    ink = ink_of(part.strokes)
    if not timed:
        ink = Ink(ink.xy, ink.offsets)
    low, high = ink.xy.min(axis=0), ink.xy.max(axis=0)
    x0, y0, x1, y1 = part.box
    if low[0] >= x0 and low[1] >= y0 and high[0] <= x1 and high[1] <= y1:
        return RecoveredPiece(ink, part.box, label=part.label)
    grown = np.concatenate([np.minimum(np.floor(low), (x0, y0)), np.maximum(np.ceil(high), (x1, y1))])
    box = (float(grown[0]), float(grown[1]), float(grown[2]), float(grown[3]))
    return RecoveredPiece(ink, box, label=part.label)
