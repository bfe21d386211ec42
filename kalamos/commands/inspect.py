"""What is in a file of ink: for ``kalamos inspect`` and ``kalamos show``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats import files_below, mapped, read_as, read_samples, recognise
from kalamos.formats.report import UnitReport
from kalamos.geometry import bounds
from kalamos.ink import Ink, Level, Sample
from kalamos.machinery.arrays import Floats
from kalamos.machinery.files import Outputs, write_bytes, write_text
from kalamos.renderers import Style, render
from kalamos.storage.png import encode_png

_DRAWN = Style(frame="height", image_height_px=160, margin_px=10, width_px=2.5)


@dataclass(frozen=True)
class Inspection:
    """What a look at a file found.

    Attributes:
        path: the file.
        format: its format's name.
        why: by what it was recognised.
        samples: the samples that were read, at most as many as were asked for.
        report: what could not be read, what was mended.
        cut: whether there is more than was read.
    """

    path: Path
    format: str
    why: str
    samples: tuple[Sample, ...]
    report: UnitReport
    cut: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the findings as JSON knows them."""
        inks = [sample.ink for sample in self.samples]
        return {
            "file": str(self.path),
            "format": self.format,
            "recognised_by": self.why,
            "samples": len(inks),
            "more": self.cut,
            "strokes": sum(ink.n_strokes for ink in inks),
            "points": sum(ink.n_points for ink in inks),
            "channels": sorted({name for ink in inks for name, _ in ink.channels()}),
            "rate_hz": _rate_hz(inks),
            "labels": _common(sample.label for sample in self.samples),
            "scripts": _common(sample.script for sample in self.samples),
            "levels": _common(sample.level for sample in self.samples),
            "writers": len({sample.writer for sample in self.samples if sample.writer}),
            "units": _common(sample.units for sample in self.samples),
            "points_per_mm": sorted({s.points_per_mm for s in self.samples if s.points_per_mm is not None}),
            "time": _common(sample.time_source for sample in self.samples),
            "provenance": _common(sample.provenance for sample in self.samples),
            "box": _box(inks),
            "mended": dict(self.report.mendings),
            "refused": [f"{r.where} {r.reason}".strip() for r in self.report.refusals[:20]],
        }

    def text(self) -> str:
        """Return the findings for a person, with a drawing of the first sample."""
        lines = [
            f"{name.replace('_', ' '):>13}  {_plain(value)}"
            for name, value in self.as_dict().items()
            if value is not None and value is not False and value not in ({}, [])
        ]
        return "\n".join([*lines, "", _terminal(self.samples[0].ink)]) if self.samples else "\n".join(lines)

    def draw_png(self, path: Path, *, overwrite: bool = False) -> None:
        """Draw the first sample to a PNG file.

        Raises:
            FormatError: where there is no sample.
            StoreError: where the file is there already, or cannot be written.
        """
        if not self.samples:
            raise FormatError(self.path, "holds no ink that could be drawn")
        target = Outputs([self.path], overwrite=overwrite).claim(path.parent, path.name)
        write_bytes(target, encode_png(render(self.samples[0].ink, _DRAWN).image.pixels), overwrite=overwrite)


def inspect_file(
    path: Path, limit: int, level: Level | None = None, columns: Mapping[str, str] | None = None
) -> Inspection:
    """Look into a file, at ``limit`` samples at most; ``level`` and ``columns`` as in ``kalamos.formats.read_file``.

    Raises:
        FormatError: where no format fits, or the file breaks the rules of the one that does.
    """
    name, why = mapped(path) if columns else recognise(path)
    report = UnitReport()
    reading = read_as(name, path, report, level, columns)
    samples = tuple(islice(reading, limit))
    return Inspection(path, name, why, samples, report, next(reading, None) is not None)


def show_sample(
    path: Path,
    key: str | None,
    svg: Path | None,
    gif: Path | None,
    *,
    columns: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> str:
    """Replay one sample of a file: to an animated SVG or GIF, or return a drawing for the terminal.

    Raises:
        FormatError: where there is no such sample.
        StoreError: where a file to be written is there already, or cannot be written.
    """
    outputs = Outputs(files_below(path), overwrite=overwrite)
    for target in filter(None, (svg, gif)):
        outputs.claim(target.parent, target.name)
    sample = next((item for item in read_samples(path, columns=columns) if key is None or item.key == key), None)
    if sample is None:
        raise FormatError(path, f"has no sample {key!r}" if key else "holds no ink")
    from kalamos.replay.svg import to_gif, to_svg  # noqa: PLC0415 - only where something is drawn

    drawn = render(sample.ink, _DRAWN, script=sample.script)
    written = []
    if svg is not None:
        write_text(svg, to_svg(drawn.truth, drawn.image), overwrite=overwrite)
        written.append(str(svg))
    if gif is not None:
        write_bytes(gif, to_gif(drawn.truth, drawn.image), overwrite=overwrite)
        written.append(str(gif))
    if written:
        return f"{sample.key}: wrote {', '.join(written)}"
    return f"{sample.key} {sample.label}\n{_terminal(sample.ink)}"


def _terminal(ink: Ink) -> str:
    from kalamos.replay.terminal import draw  # noqa: PLC0415 - only where something is drawn

    return draw(ink)


def _rate_hz(inks: list[Ink]) -> float | None:
    """Return the median sampling rate inside strokes."""
    flat = np.concatenate([np.zeros(0), *(_steps_s(ink) for ink in inks)])
    flat = flat[flat > 0]
    return float(np.round(1 / np.median(flat), 2)) if len(flat) else None


def _steps_s(ink: Ink) -> Floats:
    if ink.t is None or ink.n_points < 2:
        return np.zeros(0)
    inner = np.ones(ink.n_points - 1, bool)
    inner[ink.offsets[1:-1] - 1] = False
    return np.asarray(np.diff(ink.t)[inner])


def _common(values: Iterator[str]) -> dict[str, int]:
    return dict(Counter(value for value in values if value).most_common(20))


def _box(inks: list[Ink]) -> list[float] | None:
    boxes = np.array([bounds(ink) for ink in inks if ink.n_points])
    return None if not len(boxes) else [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} ({number})" for name, number in value.items())
    if isinstance(value, list):
        return ", ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value)
    return str(value)
