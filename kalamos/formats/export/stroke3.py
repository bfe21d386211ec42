"""Write stroke-3: rows of (dx, dy, pen lifted after this point), the samples one after another, in an ``.npz`` file."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kalamos.ink import Ink, Sample
from kalamos.machinery.files import write_bytes


def write_stroke3(samples: Iterable[Sample], path: Path) -> int:
    """Write ``stroke3`` float64 ``(n, 3)`` and ``offsets`` int64 ``(samples + 1,)``; return how many samples.

    The first row of a sample is its position, so that nothing is lost but channels and fields.

    Raises:
        StoreError: where the file cannot be written.
    """
    parts = [_rows(sample.ink) for sample in samples]
    offsets = np.cumsum([0, *(len(part) for part in parts)])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, stroke3=np.concatenate([np.empty((0, 3)), *parts]), offsets=offsets)
    write_bytes(path, buffer.getvalue())
    return len(parts)


def _rows(ink: Ink) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    xy = ink.xy.astype(np.float64)
    rows = np.zeros((len(xy), 3))
    rows[:, :2] = np.diff(xy, axis=0, prepend=np.zeros((1, 2)))
    rows[ink.offsets[1:] - 1, 2] = 1.0
    return rows
