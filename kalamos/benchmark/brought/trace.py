"""Answers of TRACE (Archibald et al., ICDAR 2021, arXiv:2105.11559): the arrays that its evaluation saves.

``all_data.npy`` of ``stroke_recovery_offline.py`` (repository Tahlor/simple_hwr): a list of dictionaries with ``id``
(the name of the image in small letters) and ``stroke``, ``(n, 3 or more)``: x and y in heights of the image, y upwards,
and whether the point begins a stroke (or the number of its stroke). Or a folder of ``NAME.npy`` with such an array
each. The pickle is read by an unpickler that runs nothing. There are no times. *Unvalidated*: this follows that
published program; no saved file was at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.benchmark.brought.images import Frame, ImageSet, names_in
from kalamos.benchmark.brought.strokes import Found, Strokes
from kalamos.errors import FormatError
from kalamos.formats.numpyfile import array_of
from kalamos.formats.reading import read_bytes
from kalamos.recoverer import MAX_POINTS

MAX_BYTES = 512 * 2**20


def read(source: Path, images: ImageSet) -> Iterator[Found]:
    """Yield the answers of ``all_data.npy``, or of a folder of ``NAME.npy``.

    Raises:
        FormatError: where the file is no list of dictionaries with ``id`` and ``stroke``, or the folder holds none.
    """
    if source.is_dir():
        paths = list(names_in(source, ".npy"))
        if not paths:
            raise FormatError(source, "holds no .npy")
        for path in paths:
            yield _found(path.stem, array_of(path, read_bytes(path, MAX_BYTES), path.name), images)
        return
    items = array_of(source, read_bytes(source, MAX_BYTES), source.name)
    for number, item in enumerate(items.ravel().tolist() if items.dtype.hasobject else [None], 1):
        if not isinstance(item, dict) or not isinstance(item.get("id"), str):
            raise FormatError(source, "is no list of dictionaries with id and stroke", f"item {number}")
        yield _found(item["id"], item.get("stroke"), images)


def strokes_of_array(array: Any, frame: Frame) -> Strokes | str:
    """Return the strokes of an array of TRACE in pixels of the task's image, or why there are none."""
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.shape[1] < 3 or array.dtype.kind not in "fiu":
        return "no array of x, y and beginnings"
    if not len(array):
        return "no points"
    if len(array) > MAX_POINTS:
        return f"more than {MAX_POINTS} points"
    values = array[:, :3].astype(np.float64)
    if not np.isfinite(values).all():
        return "numbers that are none"
    begins = values[:, 2]
    # strokes are marked by a 1 at each first point, or numbered
    at = np.flatnonzero(np.diff(begins) > 0.5) + 1 if begins.max() >= 1.5 else np.flatnonzero(begins >= 0.5)
    xy = np.stack([values[:, 0], 1 - values[:, 1]], axis=1) * frame.height
    return [part for part in np.split(xy, at) if len(part)]


def _found(name: str, array: Any, images: ImageSet) -> Found:
    frame = images.frames.get(name)
    return Found(name, "" if frame is None else strokes_of_array(array, frame))
