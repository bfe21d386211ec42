"""From image files to ink files: what ``kalamos recover`` does."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kalamos.errors import FormatError, KalamosError
from kalamos.formats.recovered import RecoveredPage, samples_of
from kalamos.front import default_model
from kalamos.geometry import simplify
from kalamos.image import OfflineImage
from kalamos.ink import Sample
from kalamos.machinery.files import Outputs, replacing, write_bytes, write_text
from kalamos.machinery.timelimit import limited, time_limit
from kalamos.paper import PageRecovery, page_of_recovery, recover_page
from kalamos.recoverer import Recoverer, load_recoverer
from kalamos.recovery import RecoveredPiece
from kalamos.scans.read import SUFFIXES, Page, read_pages
from kalamos.scans.segment import SegmentLevel

FILE_TIMEOUT_S = 600.0
"""Far above what the longest page takes, the compilation of kernels included."""
_OUTLINE_PX = 0.02
"""So far the outline of a page's ink may lie from the curve, once for the path and once for the nib."""
_BLANK = "no ink found on the image"


@dataclass(frozen=True)
class Recovered:
    """What became of one page of an image file.

    Attributes:
        image: the file.
        model: the model's name.
        strokes: in the recovered ink.
        pieces: of writing that were found on the page.
        seconds: that the pen movement lasts as it is estimated, None where the model says nothing of time.
        written: the files that were written.
        error: why there is no ink; empty where there is one.
        page: number of the page in its file, from 1.
        pages: in the file.
        lines: of writing.
        covered: share of the page's ink over which the path runs.
        confidence: mean of the pieces' confidence, None where the method says nothing.
        warnings: what speaks against trusting it, and what was left out of the page.
        version: of the method.
        weights: SHA-256 of the method's weights.
        said: of each piece, in reading order, what the method says of it, see :func:`_said`; for JSON.
    """

    image: str
    model: str
    strokes: int = 0
    pieces: int = 0
    seconds: float | None = None
    written: tuple[str, ...] = ()
    error: str = ""
    page: int = 1
    pages: int = 1
    lines: int = 0
    covered: float | None = None
    confidence: float | None = None
    warnings: tuple[str, ...] = ()
    version: str = ""
    weights: str = ""
    said: tuple[dict[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON knows them."""
        return asdict(self)

    def line(self) -> str:
        """Say in one line what became of the page."""
        name = self.image if self.pages == 1 else f"{self.image} page {self.page}"
        if self.error:
            return f"{name}: {self.error}"
        lasting = "" if self.seconds is None else f", pen time {self.seconds:.1f} s (estimated)"
        share = "" if self.covered is None else f", {self.covered:.1%} of the ink covered"
        said = f"{name}: {self.lines} lines, {self.pieces} pieces, {self.strokes} strokes{share}{lasting}"
        where = f" -> {', '.join(self.written)}" if self.written else ""
        return "\n".join([said + where, *(f"  warning: {warning}" for warning in self.warnings)])


def recover_files(  # noqa: PLR0913 - what a command asks
    paths: Sequence[Path],
    *,
    model: str | None = None,
    out: Path | None = None,
    kinds: Sequence[str] = ("inkml", "replay"),
    level: SegmentLevel = "word",
    script: str | None = None,
    rules: bool = True,
    printed: bool = False,
    n_best: int = 1,
    file_timeout_s: float = FILE_TIMEOUT_S,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Recovered]:
    """Recover the ink of image files and of all images in folders and their subfolders, and write it.

    Args:
        paths: files and folders.
        model: what :func:`kalamos.recoverer.load_recoverer` takes; None for the best that is installed.
        out: folder for the results, which keeps the structure of the images' folders; None for beside each image.
        kinds: of :data:`KINDS`, and ``parquet`` for all pages together in ``recovered.parquet``.
        level: into which pieces an image is cut: page (all as one), line, word or character.
        script: ISO 15924 code, where it is known.
        rules: take printed rulings out, where there are any.
        printed: keep printed text as if it were written.
        n_best: how many paths a piece is to have, the chosen one among them, where the method can tell; InkML has all.
        file_timeout_s: seconds of processor time that a page may take; it is given up beyond.
        overwrite: whether files that are there may be replaced; a picture that was named never is.
        progress: called with files done and files in all.

    Raises:
        KalamosError: where the model cannot be loaded, or there is no image at all.
    """
    files = [file for path in paths for file in _images(path)]
    if not files:
        raise KalamosError(f"no image in {', '.join(map(str, paths))}; known are {', '.join(SUFFIXES)}")
    recoverer = load_recoverer(model) if model else default_model()
    outputs, stems, top = Outputs(files, overwrite=overwrite), _stems(files), _common_folder(paths)
    table = outputs.claim(out or top, "recovered", ".parquet") if "parquet" in kinds else None
    single = [kind for kind in kinds if kind != "parquet"]
    how = _How(recoverer, single, outputs, level, script, rules, printed, n_best, file_timeout_s)
    done: list[Recovered] = []
    samples: list[Sample] = []
    for number, (file, stem) in enumerate(zip(files, stems, strict=True)):
        folder = file.parent if out is None else out / os.path.relpath(file.parent, top)
        for result, page in _recover_file(file, folder, stem, how):
            if table is not None and page is not None:
                samples += samples_of(page)
            done.append(result if table is None or page is None else _with_output(result, table))
        progress(number + 1, len(files))
    if table is not None and samples:
        _write_parquet(samples, table, overwrite=overwrite)
    return done


@dataclass(frozen=True)
class _How:
    """What is the same for all files of a run."""

    recoverer: Recoverer
    kinds: Sequence[str]
    outputs: Outputs
    level: SegmentLevel
    script: str | None
    rules: bool
    printed: bool
    n_best: int
    file_timeout_s: float


def _stems(files: Sequence[Path]) -> list[str]:
    """Return the name of each image's outputs: without its ending, unless another image of its folder has that too."""
    stems = [(file.parent, file.stem.casefold()) for file in files]
    shared = Counter(stems)
    return [file.stem if shared[stem] == 1 else file.name for file, stem in zip(files, stems, strict=True)]


def _common_folder(paths: Sequence[Path]) -> Path:
    """Return the innermost folder that holds all images: what is above it is no part of the structure that is kept."""
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in map(Path.absolute, paths)]))


def _images(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    return [path]


def _recover_file(file: Path, folder: Path, stem: str, how: _How) -> Iterator[tuple[Recovered, RecoveredPage | None]]:
    """Yield what became of each page; a page that cannot be read ends the file, and says so."""
    found, inked = 0, False
    try:
        for page in limited(read_pages(file), file, how.file_timeout_s, what="a page"):
            found = page.number
            name = stem if page.pages == 1 else f"{stem}.p{page.number}"
            result, recovered = _recover_in_time(file, page, folder, name, how)
            inked |= recovered is not None
            if result.error == _BLANK and (inked or page.number < page.pages):
                result = replace(result, error="", warnings=(*result.warnings, _BLANK))
            yield result, recovered
    except (KalamosError, OSError) as error:
        reason = str(error) if isinstance(error, FormatError) else f"{file}: {error}"
        said = reason.removeprefix(f"{file}: ")
        yield Recovered(str(file), how.recoverer.name, error=said, page=found + 1, pages=max(1, found + 1)), None


def _recover_in_time(
    file: Path, page: Page, folder: Path, stem: str, how: _How
) -> tuple[Recovered, RecoveredPage | None]:
    """Return what became of a page; one that takes too long is given up, and the next one comes."""
    try:
        with time_limit(file, how.file_timeout_s, what="the ink of a page"):
            return _recover_page(file, page, folder, stem, how)
    except FormatError as error:
        nothing = Recovered(str(file), how.recoverer.name, page=page.number, pages=page.pages)
        return _changed(nothing, error=str(error).removeprefix(f"{file}: ")), None


def _recover_page(file: Path, page: Page, folder: Path, stem: str, how: _How) -> tuple[Recovered, RecoveredPage | None]:
    nothing = Recovered(str(file), how.recoverer.name, page=page.number, pages=page.pages)
    try:
        targets = {kind: how.outputs.claim(folder, stem, KINDS[kind]) for kind in how.kinds}
        found = recover_page(
            page,
            how.recoverer,
            level=how.level,
            script=how.script,
            rules=how.rules,
            printed=how.printed,
            n_best=how.n_best,
        )
        recovered = page_of_recovery(found, file.name, how.script)
        if not recovered.recovery.ink.n_points:
            return _changed(nothing, error=_BLANK, warnings=recovered.remarks), None
        for kind, target in targets.items():
            with replacing(target, overwrite=how.outputs.overwrite) as part:
                _WRITERS[kind](recovered, found, part)
    except (KalamosError, OSError) as error:
        return _changed(nothing, error=str(error)), None
    return _told(nothing, recovered, tuple(map(str, targets.values()))), recovered


def _told(nothing: Recovered, page: RecoveredPage, written: tuple[str, ...]) -> Recovered:
    """Return what is said of a page that has ink."""
    found, ink = page.recovery, page.recovery.ink
    marked = [piece for piece in found.pieces if piece.warning]
    warnings = list(page.remarks)
    if marked:
        kinds = ", ".join(found.warnings[:3])
        warnings.insert(0, f"{len(marked)} of {len(found.pieces)} pieces are not to be trusted: {kinds}")
    return _changed(
        nothing,
        strokes=ink.n_strokes,
        pieces=len(found.pieces),
        seconds=None if ink.t is None else float(ink.t[-1] - ink.t[0]),
        written=written,
        lines=len(found.lines),
        covered=found.covered,
        confidence=found.confidence,
        warnings=tuple(warnings),
        version=found.version,
        weights=found.weights,
        said=tuple(_said(piece, number + 1) for number, line in enumerate(found.lines) for piece in line.pieces),
    )


def _said(piece: RecoveredPiece, line: int) -> dict[str, Any]:
    """Return what is said of a piece, as JSON knows it: ``log_probabilities`` are those of its paths, the chosen first.

    What the method does not say is None.
    """
    sure = piece.stroke_confidence
    worth = [piece.log_probability, *(other.log_probability for other in piece.alternatives)]
    return {
        "line": line,
        "box": list(piece.box),
        "strokes": piece.ink.n_strokes,
        "covered": piece.covered,
        "confidence": piece.confidence,
        "stroke_confidence": None if sure is None else [float(share) for share in sure],
        "log_probabilities": [None if one is None or not math.isfinite(one) else float(one) for one in worth],
        "warning": piece.warning,
    }


def _changed(result: Recovered, **changes: Any) -> Recovered:
    return replace(result, **changes)


def _with_output(result: Recovered, table: Path) -> Recovered:
    return replace(result, written=(*result.written, str(table)))


def _write_parquet(samples: Sequence[Sample], table: Path, *, overwrite: bool) -> None:
    from kalamos.storage.parquet import Row, write_rows  # noqa: PLC0415 - each kind pulls in its own writer only

    with replacing(table, overwrite=overwrite) as part:
        write_rows(part, (Row(sample) for sample in samples))


def _write_inkml(page: RecoveredPage, found: PageRecovery, target: Path) -> None:
    from kalamos.formats.recovered.inkml import write_inkml  # noqa: PLC0415

    write_inkml(page, target)


def _write_strokes(page: RecoveredPage, found: PageRecovery, target: Path) -> None:
    from kalamos.formats.recovered.svg import write_svg  # noqa: PLC0415

    write_svg(page, target)


def _write_pagexml(page: RecoveredPage, found: PageRecovery, target: Path) -> None:
    from kalamos.formats.recovered.pagexml import write_pagexml  # noqa: PLC0415

    write_pagexml(page, target)


def _write_xopp(page: RecoveredPage, found: PageRecovery, target: Path) -> None:
    from kalamos.formats.recovered.xournal import write_xopp  # noqa: PLC0415

    write_xopp(page, target)


def _write_rm(page: RecoveredPage, found: PageRecovery, target: Path) -> None:
    from kalamos.formats.recovered.remarkable import write_rm  # noqa: PLC0415

    write_rm(page, target)


def _write_svg(page: RecoveredPage, found: PageRecovery, target: Path) -> None:
    from kalamos.renderers import Style  # noqa: PLC0415
    from kalamos.renderers.outline import outline, to_svg  # noqa: PLC0415

    style = Style(frame="tight", px_per_unit=1.0)
    ink = simplify(page.recovery.ink, _OUTLINE_PX)
    write_text(target, to_svg(outline(ink, style, tolerance_px=_OUTLINE_PX)))


def _write_replay(page: RecoveredPage, found: PageRecovery, target: Path) -> None:
    from kalamos.replay.svg import to_svg  # noqa: PLC0415

    write_text(target, to_svg(page.recovery.ink, OfflineImage(found.picture)))


def _write_gif(page: RecoveredPage, found: PageRecovery, target: Path) -> None:
    from kalamos.replay.animation import to_gif  # noqa: PLC0415

    write_bytes(target, to_gif(page.recovery.ink, OfflineImage(found.picture)))


KINDS = {
    "inkml": ".inkml",
    "strokes": ".strokes.svg",
    "svg": ".svg",
    "pagexml": ".page.xml",
    "xopp": ".xopp",
    "rm": ".rm",
    "replay": ".replay.svg",
    "gif": ".gif",
}
"""What can be written of a page, and the ending of its file."""
_WRITERS: Mapping[str, Callable[[RecoveredPage, PageRecovery, Path], None]] = {
    "inkml": _write_inkml,
    "strokes": _write_strokes,
    "svg": _write_svg,
    "pagexml": _write_pagexml,
    "xopp": _write_xopp,
    "rm": _write_rm,
    "replay": _write_replay,
    "gif": _write_gif,
}
