"""Write UNIPEN 1.0: one set for each sample, its strokes as ``.PEN_DOWN`` blocks, its label as ``.SEGMENT``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from kalamos.formats.export.text import numbers
from kalamos.ink import Ink, Sample
from kalamos.machinery.files import writing_text

_SEGMENTS = {"character": "CHARACTER", "word": "WORD", "line": "LINE", "page": "PAGE"}


def write_unipen(samples: Iterable[Sample], path: Path) -> int:
    """Write samples into one UNIPEN file and return how many.

    X and Y (upwards, as UNIPEN has it), T in milliseconds and P where all samples have them; other channels are lost.
    The resolution is stated where all samples agree on it.

    Raises:
        StoreError: where the file cannot be written.
    """
    chosen = list(samples)
    inks = [sample.ink for sample in chosen if sample.ink.n_points]
    timed = bool(inks) and all(ink.t is not None for ink in inks)
    pressed = bool(inks) and all(ink.pressure is not None for ink in inks)
    scales = {sample.points_per_mm for sample in chosen}
    scale = scales.pop() if len(scales) == 1 else None
    with writing_text(path) as file:
        file.write(".VERSION 1.0\n.DATA_SOURCE Kalamos\n.HIERARCHY PAGE LINE WORD CHARACTER\n")
        file.write(f".COORD X Y{' T' * timed}{' P' * pressed}\n")
        if scale is not None:
            file.write(f".X_POINTS_PER_MM {scale!r}\n.Y_POINTS_PER_MM {scale!r}\n")
        for sample in chosen:
            file.writelines(_block(sample, timed, pressed))
    return len(chosen)


def _block(sample: Sample, timed: bool, pressed: bool) -> Iterator[str]:
    ink = sample.ink
    yield f".COMMENT {_one_line(sample.key)}\n.WRITER_ID {_one_line(sample.writer) or '?'}\n"
    yield f".START_SET {_one_line(sample.key)}\n"
    last = ink.n_strokes - 1
    label = _one_line(sample.label).replace("\\", "\\\\").replace('"', '\\"')
    yield f'.SEGMENT {_SEGMENTS[sample.level]} 0-{max(last, 0)} ? "{label}"\n'
    for rows in _strokes(ink, timed, pressed):
        yield f".PEN_DOWN\n{rows}\n.PEN_UP\n"


def _strokes(ink: Ink, timed: bool, pressed: bool) -> Iterator[str]:
    columns = [numbers(ink.xy[:, 0]), numbers(np.negative(ink.xy[:, 1]))]
    if timed and ink.t is not None:
        columns.append(numbers(ink.t * 1000))
    if pressed and ink.pressure is not None:
        columns.append(numbers(ink.pressure))
    rows = [" ".join(point) for point in zip(*columns, strict=True)]
    return ("\n".join(rows[a:b]) for a, b in itertools.pairwise(ink.offsets.tolist()))


def _one_line(text: str) -> str:
    return " ".join(text.split())
