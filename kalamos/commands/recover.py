"""From image files to ink files: what ``kalamos recover`` does."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kalamos.errors import KalamosError, StoreError
from kalamos.front import HEIGHT_PX, default_model
from kalamos.geometry import concat
from kalamos.image import OfflineImage
from kalamos.ink import Ink, Sample, TimeSource
from kalamos.machinery.files import Outputs, replacing, write_bytes, write_text
from kalamos.recoverer import Recoverer, checked_answer, load_recoverer
from kalamos.recovery import PAUSE_S
from kalamos.scans.load import Fitted, load, read_image
from kalamos.scans.segment import SegmentLevel

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")


@dataclass(frozen=True)
class Recovered:
    """What became of one image file.

    Attributes:
        image: the file.
        model: the model's name.
        strokes: in the recovered ink.
        pieces: of writing that were found on the image.
        seconds: that the pen movement lasts, None where the model says nothing of time.
        written: the files that were written.
        error: why there is no ink; empty where there is one.
    """

    image: str
    model: str
    strokes: int = 0
    pieces: int = 0
    seconds: float | None = None
    written: tuple[str, ...] = ()
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON knows them."""
        return asdict(self)

    def line(self) -> str:
        """Say in one line what became of the file."""
        if self.error:
            return f"{self.image}: {self.error}"
        lasting = "" if self.seconds is None else f", {self.seconds:.1f} s"
        return f"{self.image}: {self.pieces} pieces, {self.strokes} strokes{lasting} -> {', '.join(self.written)}"


def recover_files(
    paths: Sequence[Path],
    *,
    model: str | None = None,
    out: Path | None = None,
    kinds: Sequence[str] = ("inkml", "replay"),
    level: SegmentLevel = "line",
    script: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Recovered]:
    """Recover the ink of image files and of all images in folders, and write it.

    Args:
        paths: files and folders.
        model: what :func:`kalamos.recoverer.load_recoverer` takes; None for the best that is installed.
        out: folder for the results, which keeps the structure of the images' folders; None for beside each image.
        kinds: ``inkml``, ``svg`` (the ink as outlines), ``replay`` (animated SVG), ``gif``.
        level: into which pieces an image is cut: page (all as one), line, word or character.
        script: ISO 15924 code, where it is known.
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
    done = []
    for number, (file, stem) in enumerate(zip(files, stems, strict=True)):
        folder = file.parent if out is None else out / os.path.relpath(file.parent, top)
        try:
            targets = {kind: outputs.claim(folder, stem, _ENDINGS[kind]) for kind in kinds}
        except StoreError as error:
            done.append(Recovered(str(file), recoverer.name, error=str(error)))
        else:
            done.append(_recover_file(file, recoverer, targets, overwrite=overwrite, level=level, script=script))
        progress(number + 1, len(files))
    return done


def _stems(files: Sequence[Path]) -> list[str]:
    """Return the name of each image's outputs: without its ending, unless another image of its folder has that too."""
    stems = [(file.parent, file.stem.casefold()) for file in files]
    shared = Counter(stems)
    return [file.stem if shared[stem] == 1 else file.name for file, stem in zip(files, stems, strict=True)]


def _common_folder(paths: Sequence[Path]) -> Path:
    """Return the innermost folder that holds all images: what is above it is no part of the structure that is kept."""
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in map(Path.absolute, paths)]))


def recover_image(
    path: Path, recoverer: Recoverer, *, level: SegmentLevel = "line", script: str | None = None
) -> tuple[Ink, list[Fitted]]:
    """Return the ink of one image file in the file's own pixels, and the pieces that it was made from."""
    tall = None if level == "character" else HEIGHT_PX
    pieces = load(path, level=level, script=script, size_px=None if tall else HEIGHT_PX, height_px=tall)
    images = [piece.image for piece in pieces]
    inks = checked_answer(recoverer.recover(images), images) if images else []
    placed = [piece.placement.from_pixels(ink) for piece, ink in zip(pieces, inks, strict=True)]
    return concat(placed, pause_s=PAUSE_S), pieces


def _images(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    return [path]


def _recover_file(
    file: Path,
    recoverer: Recoverer,
    targets: Mapping[str, Path],
    *,
    overwrite: bool,
    level: SegmentLevel,
    script: str | None,
) -> Recovered:
    try:
        ink, pieces = recover_image(file, recoverer, level=level, script=script)
        for kind, target in targets.items() if ink.n_points else ():
            with replacing(target, overwrite=overwrite) as part:
                _WRITERS[kind](ink, file, part)
    except (KalamosError, OSError) as error:
        return Recovered(str(file), recoverer.name, error=str(error))
    if not ink.n_points:
        return Recovered(str(file), recoverer.name, error="no ink found on the image")
    seconds = None if ink.t is None else float(ink.t[-1] - ink.t[0])
    return Recovered(str(file), recoverer.name, ink.n_strokes, len(pieces), seconds, tuple(map(str, targets.values())))


def _write_inkml(ink: Ink, file: Path, target: Path) -> None:
    from kalamos.formats.export import write_inkml  # noqa: PLC0415 - each kind pulls in its own writer only

    source: TimeSource = "none" if ink.t is None else "estimated"
    sample = Sample(
        file.stem, ink, units="px", level="page", time_source=source, source=file.name, provenance="estimated"
    )
    write_inkml([sample], target)


def _write_svg(ink: Ink, file: Path, target: Path) -> None:
    from kalamos.renderers import Style  # noqa: PLC0415
    from kalamos.renderers.outline import outline, to_svg  # noqa: PLC0415

    write_text(target, to_svg(outline(ink, Style(frame="tight", px_per_unit=1.0))))


def _write_replay(ink: Ink, file: Path, target: Path) -> None:
    from kalamos.replay.svg import to_svg  # noqa: PLC0415

    write_text(target, to_svg(ink, OfflineImage(read_image(file))))


def _write_gif(ink: Ink, file: Path, target: Path) -> None:
    from kalamos.replay.animation import to_gif  # noqa: PLC0415

    write_bytes(target, to_gif(ink, OfflineImage(read_image(file))))


_ENDINGS = {"inkml": ".inkml", "svg": ".svg", "replay": ".replay.svg", "gif": ".gif"}
_WRITERS = {"inkml": _write_inkml, "svg": _write_svg, "replay": _write_replay, "gif": _write_gif}
