"""Write a recovered page: InkML with its lines and words, centre lines as SVG, PageXML, reMarkable, rows of Parquet.

A page keeps what is known of it: which picture it comes from, boxes of lines and words in the picture's pixels, the
width of the pen, the share of ink that is covered, confidence, warnings, and the method with its version and weights.
Nothing of it was recorded by a pen: ink and times are ``estimated``; the ink is ``corrected`` where a person put the
page right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kalamos.ink import Provenance, Sample, TimeSource
from kalamos.recovery import RecoveredPiece, Recovery


@dataclass(frozen=True, slots=True, eq=False)
class RecoveredPage:
    """A recovery and the picture that it lies on.

    Attributes:
        recovery: in pixels of the picture.
        source: name of the picture's file.
        width_px, height_px: size of the picture.
        pen_px: width of the pen, one a piece in reading order; empty where unknown.
        number: of the page in its file, from 1.
        script: ISO 15924 code where it is known.
        remarks: what was left out of the page, in words.
        provenance: ``estimated``, or ``corrected`` where a person looked at it and put it right; what a method thought
            of its own answer (covered, confidence, warnings) is then no longer said.
        about: more that is known of the page, by name: ``writer``, ``licence``, ``picture`` (SHA-256 of its file).
    """

    recovery: Recovery
    source: str
    width_px: int
    height_px: int
    pen_px: tuple[float, ...] = ()
    number: int = 1
    script: str = ""
    remarks: tuple[str, ...] = field(default=())
    provenance: Provenance = "estimated"
    about: Mapping[str, str] = field(default_factory=dict)

    def pens(self) -> Iterator[tuple[RecoveredPiece, float]]:
        """Yield the pieces in reading order, each with the width of its pen; 2 px where that is unknown."""
        pieces = self.recovery.pieces
        yield from zip(pieces, self.pen_px or (2.0,) * len(pieces), strict=True)

    def facts(self) -> dict[str, str]:
        """Return what every format says of the page, by name."""
        found = self.recovery
        facts = {
            "source": self.source,
            "page": str(self.number),
            "method": found.method,
            "version": found.version,
            "weights": found.weights,
            "provenance": self.provenance,
            "time_source": self.time_source,
            "covered": f"{found.covered:.4f}" if self.is_estimated else "",
            "script": self.script,
            "warning": "; ".join((*found.warnings, *self.remarks)) if self.is_estimated else "",
            **self.about,
        }
        return {name: text for name, text in facts.items() if text}

    @property
    def is_estimated(self) -> bool:
        """Say whether all of it is what a method answered."""
        return self.provenance == "estimated"

    def facts_of(self, piece: RecoveredPiece) -> dict[str, str]:
        """Return what every format says of a piece of this page, by name."""
        if self.is_estimated:
            return facts_of(piece)
        return {"box": box_text(piece.box), **({"truth": piece.label} if piece.label else {})}

    @property
    def time_source(self) -> TimeSource:
        """Return where the times come from: estimated, or none where the method says nothing of time."""
        ink = self.recovery.ink
        return "none" if ink.n_points == 0 or ink.t is None else "estimated"


def facts_of(piece: RecoveredPiece) -> dict[str, str]:
    """Return what every format says of a piece, by name."""
    facts = {"box": box_text(piece.box), "covered": f"{piece.covered:.4f}"}
    if piece.confidence is not None:
        facts["confidence"] = f"{piece.confidence:.4f}"
    if piece.stroke_confidence is not None:
        facts["stroke_confidence"] = " ".join(f"{share:.4f}" for share in piece.stroke_confidence)
    if piece.warning:
        facts["warning"] = piece.warning
    return facts


def box_text(box: tuple[float, float, float, float]) -> str:
    """Return a box as ``x0 y0 x1 y1``, pixels of the picture."""
    return " ".join(f"{side:g}" for side in box)


def samples_of(page: RecoveredPage, level: str = "word") -> list[Sample]:
    """Return a page as samples: one for each piece with ink, or (level page) one for all of it."""
    stem = page.source if page.number == 1 else f"{page.source}/{page.number}"
    if level == "page":
        inks = [(stem, page.recovery.ink, "", page.source)] if page.recovery.ink.n_points else []
    else:
        place_of = f"{page.source} page {page.number} box"
        inks = [
            (f"{stem}/{row}/{place}", piece.ink, piece.label, f"{place_of} {box_text(piece.box)}")
            for row, line in enumerate(page.recovery.lines, 1)
            for place, piece in enumerate(line.pieces, 1)
            if piece.ink.n_points
        ]
    return [
        Sample(
            key,
            ink,
            label=label,
            level="page" if level == "page" else "word",
            script=page.script or "Zyyy",
            units="px",
            time_source="none" if ink.t is None else "estimated",
            provenance=page.provenance,
            source=source,
        )
        for key, ink, label, source in inks
    ]
