"""Corpora of pairs: a scan, and the recording of the same writing under the same stem, laid on it.

A sample is a recording in the pixels of its scan, with its own times; its image is the scan as a method gets it, never
rendered. A recording that does not fit its scan is refused, with the reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from kalamos.align import Alignment, align
from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.folders import files, refuse_options
from kalamos.errors import FormatError, KalamosError
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Bytes
from kalamos.scans.fit import fit
from kalamos.scans.load import prepare
from kalamos.scans.read import SUFFIXES, Page, read_pages
from kalamos.scans.segment import Piece
from kalamos.skeleton.binarise import PAPER_OR_INK

HEIGHT_PX = 64
Box = tuple[float, float, float, float]


class Scan(NamedTuple):
    """A page that was brought to ink on white.

    Attributes:
        grey: uint8 ``(h, w)``.
        scale: pixels of the file a pixel here.
    """

    grey: Bytes
    scale: int

    def within(self, box: Box) -> tuple[int, int, int, int]:
        """Return a box of the file in pixels here, cut to the page.

        Raises:
            KalamosError: where it has no area on the page.
        """
        if not np.isfinite(box).all():
            raise KalamosError("the sides of a box are finite numbers, in pixels of the scan")
        x0, y0, x1, y1 = (round(side / self.scale) for side in box)
        height, width = self.grey.shape
        x0, y0, x1, y1 = max(0, x0), max(0, y0), min(width, x1), min(height, y1)
        if x1 <= x0 or y1 <= y0:
            size = f"{width * self.scale} x {height * self.scale}"
            raise KalamosError(
                f"the box {' '.join(f'{side:g}' for side in box)} is not on the scan, which is {size} px"
            )
        return x0, y0, x1, y1


def scan_of(page: Page, *, rules: bool = True) -> Scan:
    """Bring a page to ink on white, without printed rules where ``rules``."""
    return Scan(prepare(page.pixels, page.opaque, rules=rules).grey, page.scale)


def lay(scan: Scan, ink: Ink, *, box: Box | None = None, any_turn: bool = False) -> Alignment:
    """Lay a recording on a scan, or on what lies in a box of it; all in pixels of the scan's file.

    Raises:
        KalamosError: where one of the two has no ink, or the box is not on the scan.
    """
    if box is None:
        grey, x0, y0 = scan.grey, 0, 0
    else:
        x0, y0, x1, y1 = scan.within(box)
        grey = scan.grey[y0:y1, x0:x1]
    found = align(grey, ink, any_turn=any_turn)
    if scan.scale == 1 and (x0, y0) == (0, 0):
        return found
    xy = (found.ink.xy.astype(np.float64) + np.array([x0, y0])) * scan.scale
    laid = found.ink.with_points(xy.astype(np.float32), found.ink.offsets, found.ink.channels())
    return replace(found, ink=laid, scale=found.scale * scan.scale, bend_px=found.bend_px * scan.scale)


def image_of(scan: Scan, script: str | None) -> tuple[OfflineImage, Placement]:
    """Return the ink of a scan 64 px high, and where the pixels of the scan's file lie on it.

    Raises:
        KalamosError: where there is no ink.
    """
    rows, columns = (np.flatnonzero((scan.grey < PAPER_OR_INK).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise KalamosError("there is no ink on the scan")
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    piece = Piece(scan.grey[y0:y1, x0:x1], (x0, y0, x1, y1))
    # a task's pictures show the paper as it is: what a method makes of them is its own
    image, placement = fit(piece, size_px=None, height_px=HEIGHT_PX, script=script, widen=False)
    return image, placement._replace(scale=placement.scale / scan.scale)


def scans_below(root: Path) -> Mapping[str, tuple[str, ...]]:
    """Return the pictures below a folder by their stems in small letters, paths relative to it."""
    found: dict[str, list[str]] = {}
    for name in files(root, SUFFIXES, "scan"):
        found.setdefault(PurePosixPath(name).stem.casefold(), []).append(name)
    return {stem: tuple(names) for stem, names in found.items()}


def scan_beside(unit: str, scans: Mapping[str, tuple[str, ...]]) -> str:
    """Return the scan of a recording: of its stem in its folder, or the only one of its stem anywhere.

    Raises:
        KalamosError: where there is none, or more than one.
    """
    path = PurePosixPath(unit)
    named = scans.get(path.stem.casefold(), ())
    near = [name for name in named if PurePosixPath(name).parent == path.parent]
    chosen = near or list(named)
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise KalamosError(f"no scan has the name {path.stem}: the two need the same stem")
    raise KalamosError(f"{len(chosen)} scans have its name: {', '.join(chosen[:3])}")


class Recording(NamedTuple):
    """What a corpus reads of a recording, before it is laid on its scan."""

    sample: Sample
    check: Callable[[Alignment], str]


class PairCorpus:
    """A corpus of pairs in a folder.

    Args:
        card: what a user has to know.
        suffixes: how the names of its recordings end.
        read: ``(root, unit, counts)`` -> the recording, with script, writer and split, and what else must hold of an
            alignment (returns what is wrong, or nothing).
    """

    def __init__(
        self, card: Card, suffixes: tuple[str, ...], read: Callable[[Path, str, Counter[str]], Recording]
    ) -> None:
        self.card, self._suffixes, self._read = card, suffixes, read

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the recordings, sorted.

        Raises:
            CorpusError: where there is none, or an option is given.
        """
        refuse_options(self.card, options)
        return files(root, self._suffixes, self.card.layout)

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the recording of a file where it lies on its scan; one that does not fit is refused."""
        try:
            sample, check = self._read(root, unit, report.mendings)
            found = lay(_scan(root, unit), sample.ink)
            wrong = "; ".join(found.reasons) or check(found)
        except FormatError as error:
            report.refusals.append(Refusal(unit, error.where, error.reason))
            return
        except KalamosError as error:
            report.refusals.append(Refusal(unit, "", str(error)))
            return
        if wrong:
            verdict = "does not fit its scan" if found.verdict == "does not fit" else "in doubt on its scan"
            report.refusals.append(Refusal(unit, "", f"{verdict}: {wrong}"))
            return
        known = None if sample.points_per_mm is None else sample.points_per_mm * found.scale
        yield replace(sample, ink=found.ink, units="px", points_per_mm=known, corpus=self.card.name, source=unit)

    def image(self, root: Path, sample: Sample) -> tuple[OfflineImage, Placement]:
        """Return the scan of a sample as a method gets it, and where its ink lies on it.

        Raises:
            KalamosError: where it is gone.
        """
        return image_of(_scan(root, sample.source), sample.script)


def _scan(root: Path, unit: str) -> Scan:
    path = root / scan_beside(unit, _scans(root, root.stat().st_mtime_ns))
    return _read_scan(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _scans(root: Path, _changed_ns: int) -> Mapping[str, tuple[str, ...]]:
    return scans_below(root)


@lru_cache(maxsize=4)
def _read_scan(path: Path, _changed_ns: int) -> Scan:
    return scan_of(next(read_pages(path)))
