"""Samples and their images as Parquet: exact, compact, and typed for Hugging Face ``datasets``.

A **row** is a :class:`Row`: a sample and, where it was rendered, its image with placement. Strokes are
``list<list<float>>`` columns (one inner list a stroke), compressed with zstd after BYTE_STREAM_SPLIT. Images are
``{bytes, path}``, which ``datasets.load_dataset("parquet", ...)`` shows as images. A file is written under a temporary
name and renamed when it is whole, so that a file with a final name is always complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kalamos.errors import KalamosError, StoreError
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Ink, Sample, with_provenance
from kalamos.machinery.arrays import Bools, Floats32, Ints32
from kalamos.machinery.files import replacing
from kalamos.storage.png import decode_png, encode_png

Item = TypeVar("Item")

ROWS_IN_GROUP = 1024

_F32 = pa.list_(pa.list_(pa.float32()))
_F64 = pa.list_(pa.list_(pa.float64()))
_CHANNEL = pa.struct([("name", pa.string()), ("values", _F32)])
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_PLACEMENT = pa.struct([("scale", pa.float64()), ("dx", pa.float64()), ("dy", pa.float64())])
_TEXTS = ("label", "level", "script", "writer", "corpus", "split", "units", "time_source", "source", "provenance")
_ADDED_IN_0_2 = ("provenance",)

INK_FIELDS = [("x", _F32), ("y", _F32), ("t", _F64), ("pressure", _F32), ("extra", pa.list_(_CHANNEL))]
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        *((name, pa.string()) for name in _TEXTS),
        ("points_per_mm", pa.float64()),
        *INK_FIELDS,
        ("image", _IMAGE),
        ("placement", _PLACEMENT),
        ("style", pa.string()),
    ]
)


class Row(NamedTuple):
    """A sample and the image that was rendered of it; where a style distorts ink, the sample holds the distorted ink.

    Attributes:
        sample: the sample, its ink in its own units.
        image: the image, or None where none was made.
        placement: from the ink's units to the image's pixels.
        style: the hash of the style that the image was rendered with; empty without image.
    """

    sample: Sample
    image: OfflineImage | None = None
    placement: Placement | None = None
    style: str = ""

    def truth(self) -> Ink:
        """Return the ink in pixels of the image.

        Raises:
            StoreError: where the row has no image.
        """
        if self.placement is None:
            raise StoreError(f"sample {self.sample.key} was stored without an image; convert it with images")
        return self.placement.to_pixels(self.sample.ink)


def ink_columns(inks: Sequence[Ink | None]) -> dict[str, pa.Array]:
    """Return the Arrow columns x, y, t, pressure and extra of some inks; None becomes null."""
    present = [_NO_INK if ink is None else ink for ink in inks]
    missing = np.array([ink is None for ink in inks], bool)
    strokes = _strokes_of(present)
    xy = np.concatenate([_NO_INK.xy, *(ink.xy for ink in present)])
    columns = {name: _nested(xy[:, axis], strokes, missing) for axis, name in enumerate("xy")}
    for name, empty in [("t", np.empty(0)), ("pressure", np.empty(0, np.float32))]:
        values = list(map(attrgetter(name), present))
        absent = np.array([value is None for value in values], bool)
        whole = np.concatenate([empty, *(value for value in values if value is not None)])
        with_it = (
            [_NO_INK if gone else ink for ink, gone in zip(present, absent, strict=True)] if absent.any() else None
        )
        columns[name] = _nested(whole, strokes if with_it is None else _strokes_of(with_it), missing | absent)
    columns["extra"] = _extra_column(present)
    return columns


def inks_from(batch: pa.RecordBatch | pa.Table) -> list[Ink | None]:
    """Return the inks of the columns that :func:`ink_columns` made."""
    x, y, t, pressure = (_Ragged(_column(batch, name)) for name in ("x", "y", "t", "pressure"))
    extras = _column(batch, "extra").to_pylist() if _column(batch, "extra").flatten().__len__() else None
    inks: list[Ink | None] = []
    for row in range(batch.num_rows):
        xs = x.values(row)
        if xs is None:
            inks.append(None)
            continue
        ys = y.values(row)
        extra = {} if extras is None else {c["name"]: _flat(c["values"]) for c in extras[row] or ()}
        xy = np.stack([xs, ys if ys is not None else xs], axis=1)
        inks.append(Ink(xy, x.offsets(row), t.values(row), pressure.values(row), extra))
    return inks


def write_rows(path: Path, rows: Iterable[Row], metadata: Mapping[str, str] | None = None) -> int:
    """Write rows to one Parquet file, a group at a time, and rename it into place; return how many.

    ``metadata`` may be filled by whoever makes the rows while they are written: it is stored last.

    Raises:
        StoreError: where the disk is full or the folder cannot be written; no half file stays behind.
    """
    return write_batches(path, SCHEMA, (_rows_batch(group) for group in in_groups(rows, ROWS_IN_GROUP)), metadata)


class RowFile:
    """A Parquet file of rows that is being written: several of them can be open, and are whole before any is renamed.

    Attributes:
        rows: how many were added.
    """

    def __init__(self, part: Path, writer: pq.ParquetWriter) -> None:
        self._part, self._writer = part, writer
        self._group: list[Row] = []
        self.rows = 0

    def add(self, row: Row) -> None:
        """Add a row; a group of them is written at once."""
        self._group.append(row)
        self.rows += 1
        if len(self._group) == ROWS_IN_GROUP:
            self._flush()

    def finish(self, metadata: Mapping[str, str]) -> None:
        """Write what is left and the metadata, all of it to the disk: what comes after is a rename."""
        self._flush()
        self._writer.add_key_value_metadata(dict(metadata))
        self._writer.close()
        with self._part.open("rb+") as file:
            os.fsync(file.fileno())

    def _flush(self) -> None:
        if self._group:
            self._writer.write_batch(_rows_batch(self._group))
            self._group = []


@contextmanager
def row_file(path: Path) -> Iterator[RowFile]:
    """Open a Parquet file of rows for writing, under a temporary name; it takes its place on leaving.

    Raises:
        StoreError: where the disk is full or the folder cannot be written; no half file stays behind.
    """
    with replacing(path) as part, pq.ParquetWriter(part, with_huggingface_key(SCHEMA), **_encoding(SCHEMA)) as writer:
        yield RowFile(part, writer)


def write_batches(
    path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], metadata: Mapping[str, str] | None = None
) -> int:
    """Write record batches to one Parquet file under a temporary name, then rename it into place."""
    count = 0
    with replacing(path) as part, pq.ParquetWriter(part, with_huggingface_key(schema), **_encoding(schema)) as writer:
        for batch in batches:
            writer.write_batch(batch)
            count += batch.num_rows
        writer.add_key_value_metadata(dict(metadata or {}))
    return count


def read_rows(
    path: Path, *, images: bool = True, batch_size: int = ROWS_IN_GROUP, start: int = 0, stop: int | None = None
) -> Iterator[Row]:
    """Yield the rows of a Parquet file, or of every ``*.parquet`` in a folder in the order of their names.

    With ``start`` and ``stop`` only those rows are decoded.

    Raises:
        StoreError: where there is no such file, or it is not one that :func:`write_rows` made.
    """
    seen = 0
    for file in parquet_files(path):
        for batch in read_batches(file, batch_size):
            first, last = max(start - seen, 0), batch.num_rows if stop is None else min(stop - seen, batch.num_rows)
            seen += batch.num_rows
            if first < last:
                yield from _sound_rows(file, batch.slice(first, last - first), images)
            if stop is not None and seen >= stop:
                return


def read_batches(
    file: Path, batch_size: int = ROWS_IN_GROUP, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the record batches of one Parquet file."""
    try:
        with pq.ParquetFile(file) as parquet:
            yield from parquet.iter_batches(batch_size=batch_size, columns=columns)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:  # names that are no UTF-8 are a ValueError
        raise StoreError(f"{file} is not a Parquet file of Kalamos, or damaged: {error}") from error


def parquet_files(path: Path) -> list[Path]:
    """Return the Parquet files that ``path`` names: itself, or those in the folder."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise StoreError(f"{path}: no Parquet file here; make some with `kalamos convert`")
    return files


def file_metadata(file: Path) -> dict[str, str]:
    """Return the texts that were stored beside the rows.

    Raises:
        StoreError: where the end of the file, which holds them, is damaged.
    """
    try:
        raw = pq.read_metadata(file).metadata or {}
        return {key.decode(): value.decode() for key, value in raw.items() if key != b"ARROW:schema"}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StoreError(f"{file} cannot be read: {error}") from error


def with_huggingface_key(schema: pa.Schema) -> pa.Schema:
    """Return the schema with the key by which Hugging Face ``datasets`` knows images from bytes."""
    features = {field.name: _feature(field.type) for field in schema}
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


_NOTHING: Ints32 = np.zeros(1, np.int32)
_NO_INK = Ink.empty()


class _Ragged:
    """One ``list<list<float>>`` column as flat values with offsets."""

    def __init__(self, column: pa.ListArray) -> None:
        self._valid = np.asarray(column.is_valid())
        self._outer = column.offsets.to_numpy()
        self._inner = column.values.offsets.to_numpy()
        self._flat = column.values.values.to_numpy(zero_copy_only=False)

    def offsets(self, row: int) -> Ints32:
        inner: Ints32 = self._inner[self._outer[row] : self._outer[row + 1] + 1]
        return np.asarray(inner - inner[0], np.int32)

    def values(self, row: int) -> NDArray[Any] | None:
        if not self._valid[row]:
            return None
        part: NDArray[Any] = self._flat[self._inner[self._outer[row]] : self._inner[self._outer[row + 1]]]
        return part


def _column(batch: pa.RecordBatch | pa.Table, name: str) -> Any:
    column = batch.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _flat(nested: list[list[float]]) -> Floats32:
    return np.array([value for stroke in nested for value in stroke], np.float32)


class _Strokes(NamedTuple):
    """Where the strokes of rows laid end to end are: row k has the strokes ``outer[k]:outer[k + 1]``, as ``inner``."""

    outer: Ints32
    inner: Ints32


def _strokes_of(inks: Sequence[Ink]) -> _Strokes:
    offsets = list(map(attrgetter("offsets"), inks))
    lengths = np.array(list(map(len, offsets)), np.int64)
    ends = np.concatenate([*offsets, _NOTHING])
    firsts = np.cumsum(lengths) - lengths
    points = ends[firsts + lengths - 1]
    ends[:-1] += np.repeat(np.cumsum(points) - points, lengths).astype(np.int32)
    ends[-1] = points.sum()
    # the end of a row is the beginning of the next
    keep = np.ones(len(ends), bool)
    keep[firsts + lengths - 1] = False
    outer = np.zeros(len(inks) + 1, np.int32)
    np.cumsum(lengths - 1, out=outer[1:])
    return _Strokes(outer, ends[keep])


def _nested(values: NDArray[Any], strokes: _Strokes, missing: Bools) -> pa.Array:
    """Build ``list<list<float>>`` from the values of all rows without touching single points."""
    lists = pa.ListArray.from_arrays(strokes.inner, np.ascontiguousarray(values))
    return pa.ListArray.from_arrays(strokes.outer, lists, mask=pa.array(missing))


def _extra_column(inks: Sequence[Ink]) -> pa.Array:
    named = [(name, values, ink) for ink in inks if ink.extra for name, values in ink.extra.items()]
    outer = np.concatenate([[0], np.cumsum([len(ink.extra) for ink in inks])]).astype(np.int32)
    values = np.concatenate([np.empty(0, np.float32), *(item[1] for item in named)])
    lists = _nested(values, _strokes_of([item[2] for item in named]), np.zeros(len(named), bool))
    channels = pa.StructArray.from_arrays(
        [pa.array([item[0] for item in named], pa.string()), lists], fields=list(_CHANNEL)
    )
    return pa.ListArray.from_arrays(outer, channels)


def in_groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield items in lists of ``size``, the last one shorter."""
    group: list[Item] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _rows_batch(rows: Sequence[Row]) -> pa.RecordBatch:
    samples = [row.sample for row in rows]
    columns: dict[str, pa.Array] = {"key": pa.array([sample.key for sample in samples])}
    for name in _TEXTS:
        columns[name] = pa.array(list(map(attrgetter(name), samples)), pa.string())
    columns["points_per_mm"] = pa.array([sample.points_per_mm for sample in samples], pa.float64())
    columns |= ink_columns([sample.ink for sample in samples])
    columns["image"] = _image_column(rows)
    placed = np.array([row.placement or (0.0, 0.0, 0.0) for row in rows], np.float64)
    unplaced = pa.array([row.placement is None for row in rows])
    columns["placement"] = pa.StructArray.from_arrays(
        [pa.array(placed[:, k], mask=np.asarray(unplaced)) for k in range(3)], fields=list(_PLACEMENT), mask=unplaced
    )
    columns["style"] = pa.array([row.style for row in rows])
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _image_column(rows: Sequence[Row]) -> pa.Array:
    data = pa.array([None if row.image is None else encode_png(row.image.pixels) for row in rows], pa.binary())
    names = pa.array(
        [None if row.image is None else f"{row.sample.key.replace('/', '_')}.png" for row in rows], pa.string()
    )
    return pa.StructArray.from_arrays(
        [data, names], fields=list(_IMAGE), mask=pa.array([row.image is None for row in rows])
    )


def _sound_rows(file: Path, batch: pa.RecordBatch, images: bool) -> Iterator[Row]:
    """Yield the rows of a batch; damage that Parquet does not notice shows when texts and arrays are taken out."""
    try:
        yield from _batch_rows(batch, images)
    except StoreError:
        raise
    except (pa.ArrowException, KalamosError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise StoreError(f"{file} is damaged: {error}") from error


def _batch_rows(batch: pa.RecordBatch, images: bool) -> Iterator[Row]:
    missing = [name for name in SCHEMA.names if name not in {*batch.schema.names, *_ADDED_IN_0_2}]
    if missing:
        raise StoreError(
            f"the Parquet file lacks the columns {', '.join(missing)}: it was not written by kalamos convert"
        )
    plain = ["key", *_TEXTS, "points_per_mm", "placement", "style"]
    texts = batch.select([name for name in plain if name in batch.schema.names]).to_pylist()
    pngs = batch.column("image").field("bytes").to_pylist() if images else [None] * batch.num_rows
    for text, ink, png in zip(texts, inks_from(batch), pngs, strict=True):
        placement, style = text.pop("placement"), text.pop("style")
        sample = Sample(ink=ink if ink is not None else Ink.empty(), **with_provenance(text))
        image = None if png is None else OfflineImage(decode_png(png), sample.script)
        yield Row(sample, image, None if placement is None else Placement(**placement), style)


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    floats = [path for path, kind in _leaves(schema) if pa.types.is_floating(kind) and ".list." in path]
    texts = [path for path, kind in _leaves(schema) if pa.types.is_string(kind) and path not in ("key", "image.path")]
    return {"compression": "zstd", "use_dictionary": texts, "use_byte_stream_split": floats, "write_page_index": False}


def _leaves(schema: pa.Schema) -> Iterator[tuple[str, pa.DataType]]:
    def walk(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
        if pa.types.is_struct(kind):
            for child in kind:
                yield from walk(f"{path}.{child.name}", child.type)
        elif pa.types.is_list(kind):
            yield from walk(f"{path}.list.element", kind.value_type)
        else:
            yield path, kind

    for field in schema:
        yield from walk(field.name, field.type)


def _feature(kind: pa.DataType) -> Any:
    if kind == _IMAGE:
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {child.name: _feature(child.type) for child in kind}
    names = {pa.float32(): "float32", pa.float64(): "float64", pa.string(): "string", pa.binary(): "binary"}
    return {"dtype": names.get(kind, str(kind)), "_type": "Value"}
