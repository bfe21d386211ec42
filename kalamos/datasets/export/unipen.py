"""Write UNIPEN 1.0: one set for each sample, its strokes as ``.PEN_DOWN`` blocks, its label as ``.SEGMENT``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from kalamos.datasets.export.text import numbers, replaced
from kalamos.ink import Ink, Sample

_SEGMENTS = {"character": "CHARACTER", "word": "WORD", "line": "LINE", "page": "PAGE"}


def write_unipen(samples: Iterable[Sample], path: Path) -> int:
    """Write samples into one UNIPEN file and return how many.

    X and Y (upwards, as UNIPEN has it), T in milliseconds and P where the ink has them; other channels are lost.

    Raises:
        StoreError: where the file cannot be written.
    """
    count = 0
    with replaced(path) as file:
        file.write(".VERSION 1.0\n.DATA_SOURCE Kalamos\n.HIERARCHY PAGE LINE WORD CHARACTER\n")
        for sample in samples:
            file.writelines(_block(sample))
            count += 1
    return count


def _block(sample: Sample) -> Iterator[str]:
    ink = sample.ink
    names = ["X", "Y", *(["T"] if ink.t is not None else []), *(["P"] if ink.pressure is not None else [])]
    yield f".COMMENT {_one_line(sample.key)}\n.WRITER_ID {_one_line(sample.writer) or '?'}\n"
    yield f".COORD {' '.join(names)}\n"
    if sample.points_per_mm:
        yield f".X_POINTS_PER_MM {sample.points_per_mm!r}\n.Y_POINTS_PER_MM {sample.points_per_mm!r}\n"
    yield f".START_SET {_one_line(sample.key)}\n"
    last = ink.n_strokes - 1
    label = _one_line(sample.label).replace("\\", "\\\\").replace('"', '\\"')
    yield f'.SEGMENT {_SEGMENTS[sample.level]} 0-{max(last, 0)} ? "{label}"\n'
    for rows in _strokes(ink):
        yield f".PEN_DOWN\n{rows}\n.PEN_UP\n"


def _strokes(ink: Ink) -> Iterator[str]:
    columns = [numbers(ink.xy[:, 0]), numbers(np.negative(ink.xy[:, 1]))]
    if ink.t is not None:
        columns.append(numbers(ink.t * 1000))
    if ink.pressure is not None:
        columns.append(numbers(ink.pressure))
    rows = [" ".join(point) for point in zip(*columns, strict=True)]
    return ("\n".join(rows[a:b]) for a, b in itertools.pairwise(ink.offsets.tolist()))


def _one_line(text: str) -> str:
    return " ".join(text.split())
