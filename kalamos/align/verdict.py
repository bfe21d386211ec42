"""What is said of a recording that was laid on a scan: how well the two agree, and whether they belong together.

The limits were chosen on made pairs of seeds 7 and 11; docs/align.md reports others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kalamos.ink import Ink

Verdict = Literal["fits", "in doubt", "does not fit"]

ON_INK, EXPLAINED = 0.75, 0.92
"""Least shares of what fits. A recording may have left less ink than it has line: pens run dry, scans lose hairs."""
DOUBTFUL_ON_INK, DOUBTFUL_EXPLAINED = 0.7, 0.75
MOST_CURVED = 1.2
"""Most that paper bends within the height of its writing; a second signing needs more than the paper."""
WORST = 0.95
"""Least share of the ink explained in every part of the scan."""
THICKEST = 4.0
"""Half of a pen's width, of a frame of 64: beyond it the ink is a blot, on which any line lies."""
PLAINEST = 1.35
"""Length of the recording by the diagonal of its box: below it, it is hardly more than a straight line, or a dot."""
BESIDE = 0.02
"""Share of the scan's ink that may lie beside the recording before it is told."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a recording and a scan agree.

    Attributes:
        on_ink: share in 0..1 of the recorded line that lies on ink of the scan.
        explained: share in 0..1 of the ink around the recording over which it runs.
        worst: the least of such shares over small parts of the scan: a word that lies beside its place on a page.
        beside: share in 0..1 of the scan's ink that lies beside the recording.
        curved: how much the bend differs from a plain one: its second derivatives (95 % quantile), times the height.
        pen: half the width of the scan's pen, of a frame of 64.
        shape: length of the recording by the diagonal of its box.
    """

    on_ink: float
    explained: float
    worst: float
    beside: float
    curved: float
    pen: float
    shape: float

    def reasons(self) -> tuple[str, ...]:
        """Say what speaks against the two belonging together; nothing where all is well."""
        said = []
        if self.on_ink < ON_INK:
            said.append(f"only {self.on_ink:.0%} of the recorded line lies on ink")
        if self.explained < EXPLAINED:
            said.append(f"the recording runs over only {self.explained:.0%} of the ink where it lies")
        if self.worst < WORST and self.explained >= EXPLAINED:
            said.append(f"in a part of the scan it runs over only {self.worst:.0%} of the ink: look at the picture")
        if self.beside > BESIDE:
            said.append(f"{self.beside:.0%} of the scan's ink lies beside the recording: cut it off, or name the box")
        if self.curved > MOST_CURVED:
            said.append("the paper would have to be bent more than paper is: it may be another copy of the writing")
        if self.pen > THICKEST:
            said.append("the ink is a blot, on which any line would lie")
        if self.shape < PLAINEST:
            said.append("the recording is so plain a line that it fits many places")
        return tuple(said)

    def verdict(self) -> Verdict:
        """Return what all of it says together."""
        if not self.reasons():
            return "fits"
        lies = self.on_ink >= DOUBTFUL_ON_INK and self.explained >= DOUBTFUL_EXPLAINED
        return "in doubt" if lies and self.pen <= THICKEST else "does not fit"


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """A recording on its scan.

    Attributes:
        ink: in pixels of the scan, with the recording's own times and channels.
        agreement: how well the two agree.
        scale: pixels of the scan in a unit of the recording, the pose alone.
        turn_deg: rotation of the pose, clockwise on the scan.
        bend_px: root mean square of what the bend adds, pixels of the scan.
        verdict: ``fits``, ``in doubt``, or ``does not fit``.
        reasons: what speaks against it; empty where it fits.
    """

    ink: Ink
    agreement: Agreement
    scale: float
    turn_deg: float
    bend_px: float
    verdict: Verdict
    reasons: tuple[str, ...]
