"""Stroke-3 and stroke-5 arrays: ``.npy`` and ``.npz``, among them the files of Sketch-RNN.

Format: D. Ha, D. Eck, *A Neural Representation of Sketch Drawings*, ICLR 2018. Stroke-3 is ``(n, 3)``: dx, dy and 1
where the pen is lifted **after** the point. Stroke-5 is ``(n, 5)``: dx, dy and one of pen down, pen up after the
point, end of the drawing; rows from the end mark on are padding. y points down; there is no time.

An ``.npz`` holds drawings as object arrays (``train``, ``valid``, ``test``; a pickle), as one array with ``offsets``
between the drawings, or as single arrays. Object arrays are read by an unpickler that builds numpy arrays and
nothing else, because a pickle can otherwise run any program. Each drawing starts at (0, 0) + its first offset.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalamos.errors import FormatError, InkError
from kalamos.formats.mending import mend_flat
from kalamos.formats.numpyfile import array_of
from kalamos.formats.reading import read_bytes
from kalamos.formats.report import Refusal, UnitReport
from kalamos.ink import Ink, Sample, Split

MAX_FILE_BYTES = 512 * 2**20
MAX_MEMBER_BYTES = 1024 * 2**20
MAX_MEMBERS = 10_000
MAX_EMPTY = 10_000
"""So many drawings without a point are refused one by one; a file of more is refused whole."""
SPLITS: dict[str, Split] = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}

_NPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` may hold stroke arrays, or None."""
    if head.startswith(_NPY):
        return "begins with the mark of a numpy array"
    if head.startswith(_ZIP) and head[30 : 30 + int.from_bytes(head[26:28], "little")].endswith(b".npy"):
        return "is a zip of numpy arrays (.npz)"
    return None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the drawings of a file, keyed by the array's name and their number.

    Raises:
        FormatError: where the file is no ``.npy`` or ``.npz`` or holds no stroke array; a bad drawing is a refusal.
    """
    data = read_bytes(path, MAX_FILE_BYTES)
    for name, drawings in _drawings(path, data):
        for number, strokes in enumerate(drawings):
            report.expected["drawings"] += 1
            where = f"{name}[{number}]"
            try:
                ink = ink_of(strokes, report.mendings)
            except InkError as error:
                report.refusals.append(Refusal(path.name, where, str(error)))
                continue
            if not ink.n_strokes:
                report.refusals.append(Refusal(path.name, where, "the drawing holds no point"))
                continue
            yield Sample(f"{path.stem}/{name}/{number}", ink, split=SPLITS.get(name), source=f"{path.name}, {where}")


def ink_of(strokes: NDArray[Any], counts: Counter[str]) -> Ink:
    """Return the ink of a stroke-3 or stroke-5 array.

    Raises:
        InkError: where it is neither.
    """
    if strokes.ndim != 2 or strokes.shape[1] not in (3, 5) or strokes.dtype.kind not in "iufb":
        raise InkError("a drawing is an array of numbers (n, 3) or (n, 5)")
    table = strokes.astype(np.float64)
    if table.shape[1] == 5:
        ended = np.flatnonzero(table[:, 4] > 0.5)
        table = table[: ended[0]] if len(ended) else table
        _need_flags(table[:, 2:], "columns 3 to 5 of stroke-5")
        lifted = table[:, 3] > 0.5
    else:
        _need_flags(table[:, 2:], "the third column of stroke-3")
        lifted = table[:, 2] > 0.5
    with np.errstate(invalid="ignore", over="ignore"):
        xy = np.cumsum(table[:, :2], axis=0)
    offsets = np.unique(np.concatenate([[0], np.flatnonzero(lifted) + 1, [len(table)]]))
    return mend_flat(xy, offsets, counts=counts)


def _need_flags(states: NDArray[np.float64], what: str) -> None:
    """Refuse pen states that are none: an array of x, y and time or pressure has three columns too."""
    strange = states[~np.isin(states, (0.0, 1.0))]
    if len(strange):
        raise InkError(f"{what} is the pen's state, 0 or 1; it holds {strange[0]:g}: this may be x, y and a channel")


def _drawings(path: Path, data: bytes) -> Iterator[tuple[str, list[NDArray[Any]]]]:
    """Yield the name of each array and the drawings in it."""
    if data.startswith(_NPY):
        yield path.stem, _split(path, array_of(path, data, path.name), None)
        return
    arrays = dict(_members(path, data))
    offsets = arrays.pop("offsets", None)
    if not arrays:
        raise FormatError(path, "holds no array")
    for name, array in arrays.items():
        yield name, _split(path, array, offsets)


def _members(path: Path, data: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            if len(infos) > MAX_MEMBERS or sum(info.file_size for info in infos) > MAX_MEMBER_BYTES:
                raise FormatError(path, f"unpacks to more than {MAX_MEMBER_BYTES >> 20} MB or {MAX_MEMBERS} arrays")
            for info in infos:
                with archive.open(info) as member:
                    # the size in the directory may lie; never unpack beyond it
                    content = member.read(info.file_size + 1)
                yield info.filename.removesuffix(".npy"), array_of(path, content, info.filename)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise FormatError(path, f"is no sound .npz: {error}") from error


def _split(path: Path, array: NDArray[Any], offsets: NDArray[Any] | None) -> list[NDArray[Any]]:
    """Return the drawings of an array: its elements, its parts between ``offsets``, its planes, or itself."""
    if not array.size:
        return [array[:0]]  # one refusal, whatever the number of empty drawings that a shape may name
    if array.dtype == object:
        return [item if isinstance(item, np.ndarray) else np.empty(0) for item in array.reshape(-1)]
    if offsets is not None and array.ndim == 2:
        ends = offsets.reshape(-1)
        if ends.dtype.kind not in "iu" or len(ends) < 1 or (np.diff(ends.astype(np.int64)) < 0).any():
            raise FormatError(path, "the offsets between the drawings are not rising whole numbers", "offsets")
        if len(ends) > len(array) + MAX_EMPTY:
            raise FormatError(path, f"{len(ends) - 1} drawings of {len(array)} points", "offsets")
        if int(ends[0]) < 0 or int(ends[-1]) > len(array):
            raise FormatError(path, f"the offsets run beyond the {len(array)} points", "offsets")
        return [array[a:b] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
    return list(array) if array.ndim == 3 else [array]
