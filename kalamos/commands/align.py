"""Recordings laid on their scans, one pair or folders of pairs: what ``kalamos align`` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from kalamos.align import Alignment
from kalamos.align.picture import picture_of_both
from kalamos.datasets.pairs import Box, lay, scan_beside, scan_of, scans_below
from kalamos.errors import FormatError, KalamosError
from kalamos.formats import read_samples, recognise
from kalamos.formats.export.inkml import write_inkml
from kalamos.formats.report import UnitReport
from kalamos.geometry import concat
from kalamos.ink import Ink, Sample
from kalamos.machinery.files import Outputs, refuse_present, replacing, write_bytes
from kalamos.scans.read import SUFFIXES, Page, read_pages

ALIGNED, PICTURE = ".aligned.inkml", ".aligned.png"
_NOT_RECORDED = ("estimated", "corrected")


@dataclass(frozen=True)
class Aligned:
    """What became of a pair.

    Attributes:
        scan: the file.
        ink: the file.
        verdict: ``fits``, ``in doubt``, ``does not fit``; empty where the pair could not be compared.
        on_ink: share of the recorded line that lies on ink.
        explained: share of the ink around the recording over which it runs.
        beside: share of the scan's ink that lies beside the recording.
        scale: pixels a unit of the recording.
        turn_deg: rotation, clockwise on the scan.
        bend_px: root mean square of the bend.
        reasons: what speaks against it.
        written: the files that were written.
        error: why the pair could not be compared; empty where it was.
    """

    scan: str
    ink: str
    verdict: str = ""
    on_ink: float | None = None
    explained: float | None = None
    beside: float | None = None
    scale: float | None = None
    turn_deg: float | None = None
    bend_px: float | None = None
    reasons: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    error: str = ""

    @property
    def inked(self) -> bool:
        """Say whether ink was written."""
        return any(name.endswith(ALIGNED) for name in self.written)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON knows them."""
        return asdict(self)

    def line(self) -> str:
        """Say in a few lines what became of the pair."""
        name = f"{self.scan} and {self.ink}" if self.scan and self.ink else self.scan or self.ink
        if self.error:
            return f"{name}: {self.error}"
        shares = f"{self.on_ink:.1%} of the recording on ink, {self.explained:.1%} of the ink explained"
        said = f"{name}: {self.verdict}; {shares}"
        pose = f"; {self.scale:.4g} px a unit, turned {self.turn_deg:.1f} degrees, bent {self.bend_px:.1f} px"
        where = f" -> {', '.join(self.written)}" if self.written else ""
        return "\n".join([said + pose + where, *(f"  {reason}" for reason in self.reasons)])


@dataclass(frozen=True)
class How:
    """What is the same for all pairs of a run.

    Attributes:
        out: folder for the results; None for beside each scan.
        page: of the scan, from 1; None where it has one page.
        key: of the recording in its file; None where it has one.
        joined: all recordings of the file together are what the scan shows.
        box: in which the writing lies, pixels of the scan; None for everywhere.
        any_turn: the scan may lie in any direction.
        rules: take printed rules out of the scan.
        picture: write a picture of both also where they fit.
        doubtful: write the ink also where it is in doubt.
        overwrite: whether files that are there may be replaced.
    """

    out: Path | None = None
    page: int | None = None
    key: str | None = None
    joined: bool = False
    box: Box | None = None
    any_turn: bool = False
    rules: bool = True
    picture: bool = False
    doubtful: bool = False
    overwrite: bool = False


def align_files(
    scan: Path, ink: Path, how: How, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Aligned]:
    """Lay a recording on its scan, or all those of a folder on the scans of another (or the same) by their stems.

    A pair that fits gives ``STEM.aligned.inkml``, the recording in the scan's pixels; one that does not gives
    ``STEM.aligned.png``, the picture of both.

    Raises:
        KalamosError: where one is a folder and the other is not, or no pair is found.
    """
    if scan.is_dir() != ink.is_dir():
        raise KalamosError(f"{scan} and {ink}: give two files, or two folders (the same one where they lie together)")
    if not scan.is_dir():
        if ink.suffix.lower() in SUFFIXES and scan.suffix.lower() not in SUFFIXES:
            raise KalamosError(f"{ink} is a picture: the scan comes first, then the recording")
        outputs = Outputs([scan, ink], overwrite=how.overwrite)
        return [_align_pair(scan, ink, how.out or scan.parent, scan.stem, how, outputs)]
    done, pairs = _paired(scan, ink)
    if not pairs and not any(item.ink for item in done):
        raise KalamosError(f"no recording in {ink} has a scan of its name in {scan} (a.png and a.inkml)")
    outputs = Outputs([file for pair in pairs for file in pair], overwrite=how.overwrite)
    for number, (picture, recording) in enumerate(pairs, 1):
        below = picture.parent.relative_to(scan)
        folder = how.out / below if how.out else picture.parent
        done.append(_align_pair(picture, recording, folder, recording.stem, how, outputs))
        progress(number, len(pairs))
    return done


def _paired(scans: Path, inks: Path) -> tuple[list[Aligned], list[tuple[Path, Path]]]:
    """Return what has no partner, told, and the pairs."""
    named = {
        stem: kept
        for stem, names in scans_below(scans).items()
        if (kept := tuple(name for name in names if not name.endswith(PICTURE)))
    }
    alone, pairs, taken = [], [], set()
    recordings = list(_recordings(inks))
    stems = Counter(file.with_suffix("") for file in recordings)
    for recording in recordings:
        try:
            found = scan_beside(recording.relative_to(inks).as_posix(), named)
        except KalamosError as error:
            if _is_ink(recording):
                alone.append(Aligned("", str(recording), error=str(error)))
            continue
        taken.add(found)
        if stems[recording.with_suffix("")] > 1:
            alone.append(Aligned("", str(recording), error="two recordings have its name: which is the scan's?"))
            continue
        pairs.append((scans / PurePosixPath(found), recording))
    left = sorted({name for names in named.values() for name in names} - taken)
    return [*alone, *(Aligned(str(scans / name), "", error="no recording has its name") for name in left)], pairs


def _recordings(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        name = file.name.lower()
        if not name.startswith(".") and not name.endswith((ALIGNED, *SUFFIXES)) and file.is_file():
            yield file


def _is_ink(file: Path) -> bool:
    """Say whether a file is ink in a format that is known; a note or a list in the folder is nobody's partner."""
    try:
        return bool(recognise(file))
    except KalamosError:
        return False


def _align_pair(scan: Path, ink: Path, folder: Path, stem: str, how: How, outputs: Outputs) -> Aligned:
    nothing = Aligned(str(scan), str(ink))
    try:
        refuse_present(folder / f"{stem}{ALIGNED}", how.overwrite)
        sample = _recording(ink, how)
        page = _page(scan, how.page)
        prepared = scan_of(page, rules=how.rules)
        found = lay(prepared, sample.ink, box=how.box, any_turn=how.any_turn)
        kept = found.verdict == "fits" or (how.doubtful and found.verdict == "in doubt")
        written = []
        if kept:
            target = outputs.claim(folder, stem, ALIGNED)
            with replacing(target, overwrite=how.overwrite) as part:
                write_inkml([_laid(sample, found, scan, ink)], part)
            written.append(str(target))
        if how.picture or found.verdict != "fits":
            target = outputs.claim(folder, stem, PICTURE)
            write_bytes(target, picture_of_both(prepared.grey, found, prepared.scale), overwrite=how.overwrite)
            written.append(str(target))
    except (KalamosError, OSError) as error:
        said = str(error)
        for file in (scan, ink):
            said = said.removeprefix(f"{file}: ")
        return replace(
            nothing, error=said if isinstance(error, FormatError) and error.path == str(scan) else str(error)
        )
    return replace(
        nothing,
        verdict=found.verdict,
        on_ink=found.agreement.on_ink,
        explained=found.agreement.explained,
        beside=found.agreement.beside,
        scale=found.scale,
        turn_deg=found.turn_deg,
        bend_px=found.bend_px,
        reasons=(*found.reasons, *_advice(found, how)),
        written=tuple(written),
    )


def _advice(found: Alignment, how: How) -> tuple[str, ...]:
    if found.verdict != "does not fit" or how.any_turn:
        return ()
    return ("a scan that may lie on its side or upside down needs --any-turn",)


def _laid(sample: Sample, found: Alignment, scan: Path, ink: Path) -> Sample:
    """Return the recording as a sample in the scan's pixels; what is known of it stays, its times above all."""
    agreement = found.agreement
    said = f"{found.verdict}, {agreement.on_ink:.4f} on ink, {agreement.explained:.4f} of the ink explained"
    known = sample.points_per_mm and sample.points_per_mm * found.scale
    return replace(sample, ink=found.ink, units="px", points_per_mm=known, source=f"{ink.name} on {scan.name}: {said}")


def _recording(file: Path, how: How) -> Sample:
    """Return the one recording of a file, that of a key, or all of them joined."""
    report = UnitReport()
    samples = [sample for sample in read_samples(file, report) if sample.ink.n_points]
    if not samples:
        reasons = "; ".join(sorted({refusal.reason for refusal in report.refusals})[:3])
        raise FormatError(file, reasons or "it holds no ink")
    if how.key is not None:
        found = next((sample for sample in samples if sample.key == how.key), None)
        if found is None:
            raise FormatError(file, f"no recording in it is called {how.key!r}: {_some(samples)}")
    elif len(samples) > 1 and not how.joined:
        many = f"it holds {len(samples)} recordings ({_some(samples)})"
        raise FormatError(
            file, f"{many}: name by --key the one that the scan shows, or give --joined where it shows all"
        )
    else:
        found = samples[0] if len(samples) == 1 else _joined(file, samples)
    if found.provenance in _NOT_RECORDED:
        raise FormatError(file, f"its ink is {found.provenance}, read off a picture, and no recording of a pen")
    return found


def _joined(file: Path, samples: Sequence[Sample]) -> Sample:
    """Return all recordings of a file as one; without times where they are not of one kind."""
    ink, first = concat([sample.ink for sample in samples]), samples[0]
    alike = len({sample.time_source for sample in samples}) == 1
    return replace(
        first,
        key=file.stem,
        ink=ink if alike else Ink(ink.xy, ink.offsets),
        label="",
        level="page",
        time_source=first.time_source if alike and ink.t is not None else "none",
    )


def _some(samples: Sequence[Sample]) -> str:
    names = [sample.key for sample in samples]
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _page(file: Path, number: int | None) -> Page:
    for page in read_pages(file):
        if number is None and page.pages > 1:
            raise FormatError(file, f"it has {page.pages} pages: name the one by --page")
        if number in (None, page.number):
            return page
    raise FormatError(file, f"it has no page {number}")
