"""Pages that a person put right in ``kalamos studio``: the picture as it is, and corrected ink as its truth.

The folder holds the pictures, ``NAME.corrected.inkml`` beside each that was put right, and ``kalamos-corpus.json``,
which says once for the folder who wrote it, in which script, and under which licence it may be used. A sample is a
piece of writing (a word, mostly); its image is cut out of the picture, prepared as a method gets it, never rendered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.folders import files, refuse_options, split_of_folder
from kalamos.errors import CorpusError, FormatError, KalamosError
from kalamos.formats.recovered import RecoveredPage, samples_of
from kalamos.formats.recovered.reading import read_page
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Sample
from kalamos.machinery.arrays import Bytes
from kalamos.machinery.files import sha256_of
from kalamos.scans.fit import fit
from kalamos.scans.load import prepare
from kalamos.scans.read import numbered_page
from kalamos.scans.segment import Piece, segment_written

CORRECTED = ".corrected.inkml"
FACTS = "kalamos-corpus.json"
HEIGHT_PX = 64
NEEDED = ("writer", "script", "licence")
"""What that file says of the whole folder."""


class _Prepared(NamedTuple):
    grey: Bytes
    scale: int
    pieces: tuple[Piece, ...]


class Corrected:
    """The corpus."""

    card = Card(
        name="corrected",
        title="Pages put right by hand",
        scripts=("Zyyy",),
        levels=("word",),
        size="what you corrected",
        licence=f"as {FACTS} of the folder says",
        citation="the folder's own",
        obtain="Run `kalamos studio FOLDER` on a folder of pictures, put pages right and save them.",
        layout=f"pictures with NAME{CORRECTED} beside them, and {FACTS} with writer, script and licence",
        verified="on folders that the studio wrote",
        options=(),
    )

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the corrected pages, sorted."""
        refuse_options(self.card, options)
        if root.is_dir():
            facts_of(root)
        return files(root, (CORRECTED,), f"page that was put right: no file ends in {CORRECTED}. {self.card.obtain}")

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the pieces of a page; one whose picture is gone, or has changed since, is refused."""
        facts = facts_of(root)
        try:
            page = read_page(root / unit)
            picture_of(root, unit, page)
            if page.provenance != "corrected":
                raise FormatError(root / unit, "nobody put this page right")
        except FormatError as error:
            report.refusals.append(Refusal(unit, error.where, error.reason))
            return
        stem = unit.removesuffix(CORRECTED)
        for sample in samples_of(page):
            place = "/".join(sample.key.split("/")[-2:])
            yield replace(
                sample,
                key=f"{stem}/{place}",
                writer=page.about.get("writer") or facts["writer"],
                script=page.script or facts["script"],
                corpus=self.card.name,
                split=split_of_folder(PurePosixPath(unit)),
                source=f"{unit}, {sample.source}",
            )

    def image(self, root: Path, sample: Sample) -> tuple[OfflineImage, Placement]:
        """Return the image of a sample as a method gets it, and where its ink lies on it.

        Raises:
            FormatError: where the picture is gone or has changed.
        """
        unit = f"{sample.key.rsplit('/', 2)[0]}{CORRECTED}"
        page = _page(str(root / unit), _changed_ns(root / unit))
        line, place = (int(number) - 1 for number in sample.key.rsplit("/", 2)[1:])
        box = page.recovery.lines[line].pieces[place].box
        path = picture_of(root, unit, page)
        found = _prepared(str(path), page.number, page.script or None, path.stat().st_mtime_ns)
        piece = _piece(found, box)
        image, placement = fit(piece, size_px=None, height_px=HEIGHT_PX, script=sample.script)
        return image, placement._replace(scale=placement.scale / found.scale)


def facts_of(root: Path) -> dict[str, str]:
    """Return writer, script and licence of a folder of corrected pages.

    Raises:
        CorpusError: where the folder does not say them.
    """
    try:
        said: Any = json.loads((root / FACTS).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CorpusError(
            f'{root} does not say whose writing it is: write {{"writer": "...", "script": "Latn", "licence": "..."}} '
            f"to {root / FACTS}, or save a page in `kalamos studio {root}`, which asks for it"
        ) from error
    except (OSError, ValueError) as error:
        raise CorpusError(f"{root / FACTS} cannot be read: {error}") from error
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) and said[name] for name in NEEDED):
        raise CorpusError(f"{root / FACTS} needs {', '.join(NEEDED)}, each a text")
    return {name: said[name] for name in NEEDED}


def picture_of(root: Path, unit: str, page: RecoveredPage) -> Path:
    """Return the picture of a corrected page.

    Raises:
        FormatError: where it is gone, is another than the one that was looked at, or lies elsewhere.
    """
    path = (root / unit).parent / PurePosixPath(page.source).name
    if not page.source or not path.is_file():
        raise FormatError(root / unit, f"its picture {page.source or '(no name)'} is not beside it")
    if page.about.get("picture", "") != _sha256(str(path), path.stat().st_mtime_ns, path.stat().st_size):
        raise FormatError(
            root / unit, f"its picture {page.source} has changed since it was put right; look at it again"
        )
    return path


def _changed_ns(path: Path) -> int:
    """Return when a file was changed last; 0 where it is gone, which who reads it will say."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _page(path: str, _changed_ns: int) -> RecoveredPage:
    return read_page(Path(path))


@lru_cache(maxsize=4096)
def _sha256(path: str, _changed_ns: int, _size: int) -> str:
    return sha256_of(Path(path))


@lru_cache(maxsize=1)
def _prepared(path: str, number: int, script: str | None, _changed_ns: int) -> _Prepared:
    page = numbered_page(path, number)
    grey = prepare(page.pixels, page.opaque).grey
    return _Prepared(grey, page.scale, tuple(segment_written(grey, level="word", script=script).pieces))


def _piece(found: _Prepared, box: tuple[float, float, float, float]) -> Piece:
    """Return the piece of a box: as the page is cut now where that gives the same box, else what lies in the box."""
    x0, y0, x1, y1 = (round(side / found.scale) for side in box)
    for piece in found.pieces:
        if piece.box == (x0, y0, x1, y1):
            return piece
    height, width = found.grey.shape
    x0, y0, x1, y1 = max(0, x0), max(0, y0), min(width, x1), min(height, y1)
    if x1 <= x0 or y1 <= y0:
        raise KalamosError("a piece lies outside its picture")
    return Piece(found.grey[y0:y1, x0:x1], (x0, y0, x1, y1))


CORPUS = Corrected()
