"""A page in, a recovery out: what the front door and ``kalamos recover`` do with every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from kalamos.formats.recovered import RecoveredPage
from kalamos.geometry import drift
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes
from kalamos.recoverer import GroupRecoverer, Recoverer, load_recoverer, recover_groups
from kalamos.recovery import RecoveredLine, RecoveredPiece, Recovery
from kalamos.scans.light import luma_of
from kalamos.scans.load import Fitted, Prepared, closer, fitted, prepare
from kalamos.scans.pen import pen_width
from kalamos.scans.read import Page
from kalamos.scans.segment import SegmentLevel, Written, pieces_of_layout, segment_written, turned
from kalamos.skeleton.binarise import PAPER_OR_INK
from kalamos.skeleton.coverage import covered_share

HEIGHT_PX = 64
"""The height at which models see a piece of writing."""
TRACER = "good-continuation"
"""What draws a piece of which the method leaves out more than it may: it follows every line, in whatever order."""
CLEAR_DRIFT = 0.15
"""Where the strokes of a page go on to one side more clearly than this, the page is read that way."""
LEAST_COVERED = 0.9
"""Below this share of its ink a piece is marked as not to be trusted."""


class PageRecovery(NamedTuple):
    """What became of a page.

    Attributes:
        recovery: in the pixels of the file's picture.
        page: as it was read.
        pen_px: width of the pen in each piece, pixels of the picture.
        remarks: what was left out of the page, in words.
    """

    recovery: Recovery
    page: Page
    pen_px: tuple[float, ...]
    remarks: tuple[str, ...]

    @property
    def picture(self) -> Bytes:
        """Return the page as grey at the size of the file's picture."""
        grey = luma_of(self.page.pixels)
        return grey if self.page.scale == 1 else np.asarray(Image.fromarray(grey).resize(self.page.size))


def recover_page(
    page: Page,
    recoverer: Recoverer,
    *,
    level: SegmentLevel = "word",
    script: str | None = None,
    rules: bool = True,
    printed: bool = False,
    n_best: int = 1,
) -> PageRecovery:
    """Prepare a page, cut it into pieces, recover them as what one hand wrote, and put the ink back onto the page.

    Args:
        page: from :func:`~kalamos.scans.read.read_pages`.
        recoverer: any method.
        level: into which pieces the page is cut: page (all as one), line, word or character.
        script: ISO 15924 code, where it is known.
        rules: take printed rulings out, where there are any.
        printed: keep printed text as if it were written.
        n_best: how many paths a piece is to have, the chosen one among them, where the method can tell.
    """
    prepared = prepare(page.pixels, page.opaque, rules=rules)
    size: dict[str, int] = {"size_px": HEIGHT_PX} if level == "character" else {"height_px": HEIGHT_PX}
    written = segment_written(prepared.grey, level=level, script=script, printed=printed)
    pieces = fitted(written.pieces, page, script, **size)
    found = recover_groups(recoverer, [[piece.image for piece in pieces]], n_best)[0]
    whole, pieces = _completed(found.pieces, pieces, page, recoverer.name)
    placed = [_placed(one, piece) for one, piece in zip(whole, pieces, strict=True)]
    if script is None and level in {"word", "line"} and isinstance(recoverer, GroupRecoverer):
        order = _reading_order(written, level, [one.ink for one in placed], prepared)
        pieces, placed = [pieces[k] for k in order], [placed[k] for k in order]
    lines = _in_lines(placed, [piece.piece.line for piece in pieces])
    recovery = Recovery(lines, found.method, found.version, found.weights)
    pens = tuple(page.scale * pen_width(piece.piece.pixels < PAPER_OR_INK) for piece in pieces)
    return PageRecovery(recovery, page, pens, remarks_of(prepared, page, written.printed))


def _reading_order(written: Written, level: SegmentLevel, inks: Sequence[Ink], prepared: Prepared) -> list[int]:
    """Return the places of the pieces in the direction in which the strokes of the whole page go on.

    A method that learned how people write draws the strokes of most words in the direction of their script; all pieces
    together decide, where they are clear enough, against what the margins alone said.
    """
    kept = list(range(len(inks)))
    if written.layout is None:
        return kept
    aside = drift(inks)
    if abs(aside) < CLEAR_DRIFT or (aside < 0) == written.layout.leftwards:
        return kept
    place = {piece.box: k for k, piece in enumerate(written.pieces)}
    other = pieces_of_layout(prepared.grey, turned(written.layout), level)
    order = [place[piece.box] for piece in other]
    return order if sorted(order) == kept else kept


def page_of_recovery(found: PageRecovery, name: str, script: str | None = None) -> RecoveredPage:
    """Return a recovered page as what is written of it; ``name`` is that of the picture's file."""
    width, height = found.page.size
    return RecoveredPage(
        found.recovery, name, width, height, found.pen_px, found.page.number, script or "", found.remarks
    )


def remarks_of(prepared: Prepared, page: Page, printed: int) -> tuple[str, ...]:
    """Return in words what was left out of a page."""
    remarks = []
    if prepared.light_on_dark:
        remarks.append("light ink on a dark ground: read inverted")
    if sum(prepared.rules):
        remarks.append(f"{sum(prepared.rules)} rules taken out")
    if printed:
        remarks.append(f"{printed} marks of print left out (--print keeps them)")
    if prepared.beside:
        remarks.append("what lies beside the sheet left out")
    if page.scale > 1:
        remarks.append(f"read at 1/{page.scale} of its size")
    return tuple(remarks)


def _completed(
    found: Sequence[RecoveredPiece], pieces: Sequence[Fitted], page: Page, method: str
) -> tuple[list[RecoveredPiece], list[Fitted]]:
    """Return the pieces; those of which much ink was left out are traced instead where that leaves out less."""
    made, on = list(found), list(pieces)
    for k, piece in enumerate(pieces):
        large = closer(piece, page)
        if large is not None:
            made[k], on[k] = replace(made[k], covered=_covered_closer(made[k].ink, piece, large)), large
    short = [k for k, one in enumerate(made) if one.covered < LEAST_COVERED]
    traced = [] if not short or method == TRACER else _traced([on[k].image for k in short])
    better = {k: other for k, other in zip(short, traced, strict=False) if other.covered > made[k].covered}
    for k, other in better.items():
        told = f"{method} covered only {made[k].covered:.0%} of the ink: traced by {TRACER} instead"
        made[k] = replace(other, warning=told)
    return made, [on[k] if k in better else piece for k, piece in enumerate(pieces)]


def _traced(images: Sequence[OfflineImage]) -> tuple[RecoveredPiece, ...]:
    [found] = recover_groups(load_recoverer(TRACER), [images])
    return found.pieces


def _covered_closer(ink: Ink, piece: Fitted, large: Fitted) -> float:
    """Return the share of a piece's ink that is covered, where its lines stand apart."""
    on = large.placement.to_pixels(piece.placement.from_pixels(ink))
    return covered_share(on, large.image.pixels, piece.placement.scale / large.placement.scale)


def _placed(one: RecoveredPiece, piece: Fitted) -> RecoveredPiece:
    """Return a piece on the page, with a warning where it does not cover its ink."""
    x0, y0, x1, y1 = (float(side) for side in piece.piece.box)
    on = one.on(piece.placement, (x0, y0, x1, y1))
    if on.covered < LEAST_COVERED and not on.warning:
        return replace(on, warning=f"only {on.covered:.0%} of the ink is covered")
    return on


def _in_lines(pieces: Sequence[RecoveredPiece], numbers: Sequence[int]) -> tuple[RecoveredLine, ...]:
    lines: dict[int, list[RecoveredPiece]] = {}
    for piece, number in zip(pieces, numbers, strict=True):
        lines.setdefault(number, []).append(piece)
    return tuple(RecoveredLine(tuple(some)) for some in lines.values())
