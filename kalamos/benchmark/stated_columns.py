"""The optional columns of ``predictions.parquet``: probabilities, alternatives, the width of strokes.

They may come from anybody: what is no probability or no ink is left out and named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kalamos.benchmark.stated import Stated
from kalamos.errors import InkError
from kalamos.ink import Ink
from kalamos.recoverer import MAX_POINTS
from kalamos.recovery import Alternative
from kalamos.storage.parquet import INK_FIELDS, ink_columns, inks_from

MOST_ALTERNATIVES = 32
"""Of more alternatives than these the rest is not looked at."""
WIDTH = "width"
"""The channel of an ink that says how wide its line is, in pixels."""
_KINDS = dict(INK_FIELDS)
_OTHER = pa.struct([("log_probability", pa.float64()), *((name, _KINDS[name]) for name in ("x", "y", "t"))])
FIELDS = [
    (WIDTH, _KINDS["pressure"]),
    ("confidence", pa.float64()),
    ("stroke_confidence", pa.list_(pa.float64())),
    ("log_probability", pa.float64()),
    ("alternatives", pa.list_(_OTHER)),
]


class Beside(NamedTuple):
    """What a row says beside its ink: what it states, the widths of its points, and what had to be put aside."""

    stated: Stated
    width: list[list[float]] | None
    problems: tuple[str, ...]


def columns(inks: Sequence[Ink | None], stated: Sequence[Stated]) -> dict[str, pa.Array]:
    """Return the optional columns of some answers."""
    return {
        WIDTH: pa.array([_by_stroke(ink) for ink in inks], _KINDS["pressure"]),
        "confidence": pa.array([one.confidence for one in stated], pa.float64()),
        "stroke_confidence": pa.array([list(one.stroke_confidence) or None for one in stated], pa.list_(pa.float64())),
        "log_probability": pa.array([one.log_probability for one in stated], pa.float64()),
        "alternatives": _alternatives_column([one.alternatives for one in stated]),
    }


def without_width(ink: Ink | None) -> Ink | None:
    """Return an ink without the channel that has a column of its own."""
    if ink is None or WIDTH not in ink.extra:
        return ink
    return Ink(ink.xy, ink.offsets, ink.t, ink.pressure, {k: v for k, v in ink.extra.items() if k != WIDTH})


def with_width(ink: Ink, width: list[list[float]] | None) -> Ink:
    """Return an ink with the widths of a row.

    Raises:
        InkError: where there is not one a point.
    """
    if width is None:
        return ink
    flat = np.array([np.nan if value is None else value for stroke in width for value in stroke or ()], np.float32)
    return Ink(ink.xy, ink.offsets, ink.t, ink.pressure, {**ink.extra, WIDTH: flat})


def beside(batch: pa.RecordBatch) -> Iterator[Beside]:
    """Yield what each row of a batch says beside its ink."""
    plain = batch.select([name for name, _ in FIELDS[:-1]]).to_pylist()
    for row, values in enumerate(plain):
        problems: list[str] = []
        confidence = _share(values["confidence"], problems)
        strokes = tuple(values["stroke_confidence"] or ())
        if any(share is None or not 0.0 <= share <= 1.0 for share in strokes):
            problems.append("a stroke's confidence is no share in 0..1: put aside")
            strokes = ()
        log_p = values["log_probability"]
        if log_p is not None and math.isnan(log_p):
            problems.append("a log-probability is no number: put aside")
            log_p = None
        others = tuple(_alternatives(batch.column("alternatives").slice(row, 1), problems))
        yield Beside(Stated(confidence, strokes, log_p, others), values[WIDTH], tuple(problems))


def _share(value: float | None, problems: list[str]) -> float | None:
    if value is None or 0.0 <= value <= 1.0:
        return value
    problems.append("a confidence is no share in 0..1: counts as not stated")
    return None


def _by_stroke(ink: Ink | None) -> list[list[float]] | None:
    if ink is None or WIDTH not in ink.extra:
        return None
    return [part.tolist() for part in np.split(ink.extra[WIDTH], ink.offsets[1:-1])]


def _alternatives_column(stated: Sequence[tuple[Alternative, ...]]) -> pa.Array:
    inks = ink_columns([other.ink for some in stated for other in some])
    logs = [other.log_probability for some in stated for other in some]
    parts = [pa.array(logs, pa.float64()), *(inks[name] for name in ("x", "y", "t"))]
    structs = pa.StructArray.from_arrays(parts, fields=list(_OTHER))
    ends = np.cumsum([0, *map(len, stated)])
    nothing = pa.array([not some for some in stated], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), structs, mask=nothing)


def _alternatives(cell: pa.Array, problems: list[str]) -> Iterator[Alternative]:
    found = cell.flatten().slice(0, MOST_ALTERNATIVES)
    given = dict(zip((field.name for field in found.type), found.flatten(), strict=True))
    for k in range(len(found)):
        try:
            if not found[k].is_valid:
                raise InkError("there is none")
            yield _alternative({name: array.slice(k, 1) for name, array in given.items()})
        except (InkError, ValueError) as error:
            problems.append(f"an alternative is put aside: {error}")


def _alternative(cells: dict[str, Any]) -> Alternative:
    x, y = (cells[name].flatten().flatten() for name in ("x", "y"))
    if len(x) > MAX_POINTS or len(x) != len(y):
        raise InkError(f"x and y differ in length, or have more than {MAX_POINTS} points")
    names = [name for name, _ in INK_FIELDS]
    arrays = [cells[name] if name in cells else pa.nulls(1, _KINDS[name]) for name in names]
    [ink] = inks_from(pa.RecordBatch.from_arrays(arrays, names=names))
    if ink is None or not ink.n_points:
        raise InkError("empty ink")
    log_p = cells["log_probability"][0].as_py()
    return Alternative(ink, -math.inf if log_p is None or math.isnan(log_p) else log_p)


def cast_alternatives(column: pa.Array) -> pa.Array:
    """Return a column of alternatives in its own type; fields that are not there are null.

    Raises:
        pa.ArrowInvalid: where it is no list of structs with ``x`` and ``y``.
    """
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_struct(kind.value_type):
        raise pa.ArrowInvalid(f"a list of structs with x and y is wanted, not {kind}")
    found = column.flatten()
    given = dict(zip((field.name for field in found.type), found.flatten(), strict=True))
    if not {"x", "y"} <= given.keys():
        raise pa.ArrowInvalid("an alternative has no x and y")
    parts = [given[f.name].cast(f.type) if f.name in given else pa.nulls(len(found), f.type) for f in _OTHER]
    lengths = [0 if n is None else n for n in pc.list_value_length(column).to_pylist()]
    structs = pa.StructArray.from_arrays(parts, fields=list(_OTHER))
    ends = pa.array(np.cumsum([0, *lengths]), pa.int32())
    return pa.ListArray.from_arrays(ends, structs, mask=column.is_null())
