"""Pins: the samples of a task, and checksums of each one's image and truth.

``<name>.pins`` is a text file::

    # what made it
    mean 12.25,30.5 ...              the mean trajectory of the training writers, 256 positions in px
    unit data/1a/aga/....dat         a unit of the corpus; the samples below it are read from there
    0123456789abcdef 0123456789abcdef data/...#3     image, truth, key

so that a task reads exactly these samples, from a whole copy of the corpus or a part of it, to the same bytes. The
image's checksum is that of height, width and pixels; the truth's that of points, strokes and times in pixels of the
image. Hard styles pass through a JPEG encoder and warps, which may differ by a last bit between machines: there the
image is not pinned (``-``), and the truth by a sketch of it (``~points,strokes,seconds,x,y,x,y,...``), which has to
agree within a quarter of a pixel. Where nobody knows how the pen moved, the sketch is of the image: the mean greys of
4 x 4 cells, within a quarter of a level.

Version 1 pinned images alone (``<name>.sha256``, ``image key``); such files are read as they are.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kalamos import geometry
from kalamos.benchmark.task import Task, file_name, shipped
from kalamos.errors import TaskError
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes
from kalamos.machinery.files import write_text
from kalamos.machinery.seeding import stable_hash
from kalamos.storage.parquet import Row

NOT_PINNED = "-"
SKETCHED = "~"
SKETCH_POINTS = 8
NEAR_PX, NEAR_S = 0.25, 0.01
_CELLS = 4


@dataclass(frozen=True)
class Pin:
    """What is pinned of a sample: the unit it is read from (empty: unknown), its image and its truth."""

    unit: str
    image: str
    truth: str


@dataclass(frozen=True)
class Pins:
    """The pins of a task.

    Attributes:
        samples: key -> pin; empty for a task of one's own.
        mean: the mean trajectory of the training writers, ``(x, y)`` in px; empty where it is not pinned.
    """

    samples: Mapping[str, Pin] = field(default_factory=dict)
    mean: Sequence[tuple[float, float]] = ()

    def first(self, count: int | None) -> Pins:
        """Return the pins of the ``count`` samples with the smallest hash of the key; of all where None."""
        if count is None or count >= len(self.samples):
            return self
        chosen = sorted(self.samples, key=lambda key: (stable_hash(key), key))[:count]
        return Pins({key: self.samples[key] for key in sorted(chosen)}, self.mean)


def pins_of(task: Task) -> Pins:
    """Return what is pinned of a task; nothing of one's own.

    Raises:
        TaskError: where the file is damaged.
    """
    for suffix in (".pins", ".sha256"):
        path = shipped(file_name(task), suffix)
        if path is not None and shipped(file_name(task), ".toml") is not None:
            return parsed(path.read_text(encoding="utf-8"), path.name)
    return Pins()


def parsed(text: str, name: str) -> Pins:
    """Read a pins file.

    Raises:
        TaskError: naming the line that is none.
    """
    samples: dict[str, Pin] = {}
    mean: list[tuple[float, float]] = []
    unit, old = "", name.endswith(".sha256")
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.partition(" ")
        try:
            if not line or line.startswith("#"):
                continue
            if old:
                samples[rest] = Pin("", word, NOT_PINNED)
            elif word == "mean":
                mean = [(float(x), float(y)) for x, y in (pair.split(",") for pair in rest.split())]
            elif word == "unit":
                unit = rest
            else:
                truth, key = rest.split(" ", 1)
                samples[key] = Pin(unit, word, truth)
        except ValueError:
            raise TaskError(f"{name}, line {number}: not a pin: {line!r:.80}") from None
    return Pins(samples, mean)


def written(rows: Iterable[tuple[str, Row]], mean: Sequence[Sequence[float]], *, exact: bool, head: str) -> str:
    """Return the text that pins rows, each with its unit; ``exact`` pins pixels and truth to the last bit."""
    lines = [f"# {head}"]
    if mean:
        lines.append("mean " + " ".join(f"{x:g},{y:g}" for x, y in mean))
    for unit, group in itertools.groupby(sorted(rows, key=lambda item: (item[0], item[1].sample.key)), lambda i: i[0]):
        lines.append(f"unit {unit}")
        lines += [_line(row, exact) for _, row in group]
    return "\n".join(lines) + "\n"


def write_pins(path: Path, text: str) -> None:
    """Write a pins file."""
    write_text(path, text, overwrite=True)


def _line(row: Row, exact: bool) -> str:
    image = image_checksum(row) if exact else NOT_PINNED
    truth = truth_checksum(row.truth()) if exact else sketch_of(row)
    return f"{image} {truth} {row.sample.key}"


def differs(pin: Pin, row: Row) -> str:
    """Say what of a row is not as pinned: ``image``, ``truth``, or nothing."""
    if pin.image != NOT_PINNED and pin.image != image_checksum(row):
        return "image"
    if pin.truth.startswith(SKETCHED):
        return "" if _near(pin.truth, sketch_of(row)) else "truth"
    return "truth" if pin.truth not in (NOT_PINNED, truth_checksum(row.truth())) else ""


def image_checksum(row: Row) -> str:
    """Return 16 hex digits of the SHA-256 of an image's height, width and pixels.

    Raises:
        TaskError: where the row has no image.
    """
    if row.image is None:
        raise TaskError(f"sample {row.sample.key} has no image")
    return pixels_checksum(row.image.pixels)


def pixels_checksum(pixels: Bytes) -> str:
    """Return 16 hex digits of the SHA-256 of height, width and pixels."""
    head = f"{pixels.shape[0]} {pixels.shape[1]} ".encode()
    return hashlib.sha256(head + pixels.tobytes()).hexdigest()[:16]


def truth_checksum(truth: Ink) -> str:
    """Return 16 hex digits of the SHA-256 of a truth's points, strokes and times, in its own order of bytes."""
    parts = [truth.xy.astype("<f4").tobytes(), truth.offsets.astype("<i4").tobytes()]
    parts.append(b"" if truth.t is None else truth.t.astype("<f8").tobytes())
    return hashlib.sha256(b"%d " % truth.n_points + b"".join(parts)).hexdigest()[:16]


def sketch_of(row: Row) -> str:
    """Return the sketch of a row's truth; of its image where nobody knows how the pen moved.

    Raises:
        TaskError: where it has neither.
    """
    truth = row.truth()
    if truth.n_points:
        return sketch(truth)
    if row.image is None:
        raise TaskError(f"sample {row.sample.key} has neither a truth nor an image")
    return _image_sketch(row.image.pixels)


def _image_sketch(pixels: Bytes) -> str:
    """Return width, height and the mean greys of 4 x 4 cells, as text."""
    height, width = pixels.shape
    rows, columns = (np.arange(size) * _CELLS // size for size in (height, width))
    cells = (rows[:, None] * _CELLS + columns[None]).ravel()
    sums = np.bincount(cells, pixels.ravel().astype(np.float64), _CELLS**2)
    means = sums / np.maximum(np.bincount(cells, minlength=_CELLS**2), 1)
    return SKETCHED + ",".join([f"{width}", f"{height}", "-1.000", *(f"{value:.1f}" for value in means)])


def sketch(truth: Ink) -> str:
    """Return points, strokes, seconds (-1: no times) and eight positions along a truth, as text."""
    places = geometry.trajectory(truth, SKETCH_POINTS)
    seconds = -1.0 if truth.t is None else float(truth.t[-1] - truth.t[0])
    numbers = [f"{truth.n_points}", f"{truth.n_strokes}", f"{seconds:.3f}", *(f"{v:.1f}" for v in places.ravel())]
    return SKETCHED + ",".join(numbers)


def _near(pinned: str, made: str) -> bool:
    try:
        a, b = (np.array([float(v) for v in text.removeprefix(SKETCHED).split(",")]) for text in (pinned, made))
    except ValueError:
        return False
    same = a.shape == b.shape and bool((a[:2] == b[:2]).all()) and bool(abs(a[2] - b[2]) <= NEAR_S)
    return same and bool((np.abs(a[3:] - b[3:]) <= NEAR_PX).all())
