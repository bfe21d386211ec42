"""Recordings laid on their scans: what ``kalamos align`` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kalamos.align import Alignment, align
from kalamos.align.picture import picture_of_both
from kalamos.errors import FormatError, KalamosError
from kalamos.formats import files_below, read_files
from kalamos.formats.export import WRITERS
from kalamos.formats.report import UnitReport
from kalamos.geometry import concat
from kalamos.ink import Sample
from kalamos.machinery.files import Outputs, write_bytes
from kalamos.scans.load import prepare
from kalamos.scans.read import SUFFIXES, Page, read_pages


@dataclass(frozen=True)
class Aligned:
    """What became of one pair.

    Attributes:
        scan, ink: the two files.
        verdict: ``fits``, ``in doubt``, ``does not fit``, or why there is none.
        shares: on ink, explained, close; empty where there is no alignment.
        written: the files that were made.
    """

    scan: str
    ink: str
    verdict: str
    shares: dict[str, float]
    written: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Say whether the ink was written."""
        return self.verdict in ("fits", "in doubt")

    def as_json(self) -> dict[str, Any]:
        """Return it for a program to read."""
        return asdict(self)


def align_files(
    scan: Path,
    ink: Path,
    out: Path | None = None,
    *,
    picture: bool = False,
    any_turn: bool = False,
    overwrite: bool = False,
) -> Iterator[Aligned]:
    """Lay recordings on scans: two files, or two folders whose files are paired by their names without endings.

    Args:
        scan: a picture, or a folder of them.
        ink: a recording in any format that Kalamos reads, or a folder of them.
        out: folder for what is written; beside each scan by default.
        picture: draw both on each other, not only where they do not fit.
        any_turn: the scan may lie in any direction.
        overwrite: replace files of an earlier run; an input never is.

    Raises:
        FormatError: where no pair is found, or one is a folder and the other a file.
        StoreError: where an output is there already or cannot be written.
    """
    pairs = list(_pairs(scan, ink))
    outputs = Outputs([path for pair in pairs for path in pair], overwrite=overwrite)
    top = scan if scan.is_dir() else scan.parent
    for picture_path, ink_path in pairs:
        folder = picture_path.parent if out is None else out / picture_path.parent.relative_to(top)
        yield _aligned(picture_path, ink_path, folder, outputs, picture=picture, any_turn=any_turn)


def _pairs(scan: Path, ink: Path) -> Iterator[tuple[Path, Path]]:
    if scan.is_dir() != ink.is_dir():
        raise FormatError(
            scan if scan.is_dir() else ink, "is a folder and the other is not; give two files or two folders"
        )
    if not scan.is_dir():
        yield scan, ink
        return
    scans = [path for path in files_below(scan) if path.suffix.lower() in SUFFIXES]
    inks: dict[Path, Path] = {}
    for path in files_below(ink):
        if path.suffix.lower() in SUFFIXES:
            continue
        stem = path.relative_to(ink).with_suffix("")
        if stem in inks:
            raise FormatError(
                path, f"is called like {inks[stem].name}: which of the two belongs to the scan cannot be told"
            )
        inks[stem] = path
    found = [(path, inks[stem]) for path in scans if (stem := path.relative_to(scan).with_suffix("")) in inks]
    if not found:
        raise FormatError(scan, f"no picture here is called as a recording below {ink} but for the ending")
    yield from found


def _aligned(scan: Path, ink: Path, folder: Path, outputs: Outputs, *, picture: bool, any_turn: bool) -> Aligned:
    try:
        page = next(read_pages(scan))
        sample = _recording(ink)
        grey = prepare(page.pixels, page.opaque).grey
        found = align(grey, sample.ink, any_turn=any_turn)
    except KalamosError as error:
        return Aligned(str(scan), str(ink), str(error), {})
    shares = {"on_ink": found.on_ink, "explained": found.explained, "close": found.close}
    written = []
    if picture or found.verdict != "fits":
        path = outputs.claim(folder, scan.stem, ".aligned.png")
        write_bytes(path, picture_of_both(grey, found.ink), overwrite=outputs.overwrite)
        written.append(str(path))
    if found.verdict != "does not fit":
        path = outputs.claim(folder, scan.stem, ".aligned.inkml")
        WRITERS["inkml"]([_on_page(sample, found, page, scan)], path)
        written.append(str(path))
    return Aligned(str(scan), str(ink), found.verdict, shares, tuple(written))


def _recording(path: Path) -> Sample:
    """Return all ink of a file as one sample."""
    report = UnitReport()
    samples = [sample for _, sample in read_files(path, report)]
    if not samples:
        reasons = sorted({refusal.reason for refusal in report.refusals})
        raise FormatError(path, f"holds no ink; {'; '.join(reasons[:2]) or 'nothing was read'}")
    if len(samples) == 1:
        return samples[0]
    return replace(samples[0], ink=concat([sample.ink for sample in samples], pause_s=0.0), label="")


def _on_page(sample: Sample, found: Alignment, page: Page, scan: Path) -> Sample:
    """Return the sample in the pixels of the scan's file."""
    ink = found.ink
    if page.scale != 1:
        ink = ink.with_points(ink.xy * page.scale, ink.offsets, ink.channels())
    told = f"{sample.source or 'recording'} laid on {scan.name}: {found.verdict}, {found.on_ink:.3f} of it on ink"
    return replace(sample, ink=ink, units="px", points_per_mm=None, source=told)
