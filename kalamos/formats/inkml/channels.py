"""From the numbers of InkML traces to positions, seconds, pressure and further channels."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.inkml.definitions import LARGEST, SECONDS, Channel, Context, Definitions
from kalamos.formats.inkml.tracetext import SOUND, TOO_FEW, TraceValues, scan_traces
from kalamos.formats.mending import Span, fill_channel
from kalamos.ink import TimeSource
from kalamos.machinery.arrays import Floats, Ints

NAMES = {
    "Z": "height",
    "OTx": "tilt_x",
    "OTy": "tilt_y",
    "OA": "azimuth",
    "OE": "altitude",
    "OR": "twist",
    "BW": "width",
    "BH": "height_of_tip",
    "TangentialF": "tangential_pressure",
    "S": "tip_switch",
}
"""InkML's names of channels -> those of ``Ink.extra``; any other name is kept."""
_DEGREES = {"rad": 180 / np.pi, "grad": 0.9, "degree": 1.0, "deg": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class ContextArrays:
    """Flat arrays of traces as the file gives them, before mending; trace k is ``offsets[k]:offsets[k + 1]``."""

    xy: Floats
    offsets: Ints
    t: Floats | None = None
    pressure: Floats | None = None
    extra: Mapping[str, Floats] = field(default_factory=dict)
    pressure_declared: bool = False
    time_source: TimeSource = "none"

    def take(self, rows: Ints, offsets: Ints) -> ContextArrays:
        """Return the points ``rows``, cut at ``offsets``."""
        return replace(
            self,
            xy=self.xy[rows],
            offsets=offsets,
            t=None if self.t is None else self.t[rows],
            pressure=None if self.pressure is None else self.pressure[rows],
            extra={name: values[rows] for name, values in self.extra.items()},
        )

    def merged(self, continues: Sequence[bool]) -> ContextArrays:
        """Return the same points, each trace that continues the one before it joined to that."""
        if not any(continues[1:]):
            return self
        keep = [True, *(not flag for flag in continues[1:]), True]
        return replace(self, offsets=self.offsets[np.flatnonzero(keep)])


def context_arrays(
    context: Context,
    traces: Sequence[Element],
    definitions: Definitions,
    start_s: float,
    counts: Counter[str],
    clock: float | None = 1.0,
) -> ContextArrays:
    """Return the points of traces that share a context; times count from ``start_s``, seconds since 1970.

    ``clock`` is what the values of T are multiplied by because their unit cannot be what it seems, None to leave them
    out.

    Raises:
        FormatError: where a trace holds something else than values; says which trace and point.
    """
    channels = context.format.channels
    defaults = np.array([np.nan if k < context.format.n_regular else c.default for k, c in enumerate(channels)])
    try:
        scanned = _scanned([trace.text or "" for trace in traces], context.format.n_regular, defaults, counts)
    except ValueError as error:
        raise FormatError(definitions.path, str(error)) from error
    if scanned.fault:
        raise FormatError(definitions.path, _fault(scanned, context), _where(scanned, traces))
    if scanned.surplus:
        counts["inkml-value-surplus"] += scanned.surplus
    columns = {channel.name: (channel, scanned.values[:, k]) for k, channel in enumerate(channels)}
    xy = np.empty((len(scanned.values), 2))
    for k, axis in enumerate("XY"):
        np.multiply(columns[axis][1], columns[axis][0].sign, out=xy[:, k])
    if context.canvas is not None:
        xy = context.canvas(xy)
    offsets = _offsets_ms(traces, definitions)
    t, source = _times(columns.get("T"), context, scanned.offsets, offsets, clock)
    t = None if t is None else t + (origin_s(context, definitions) - start_s)
    force, declared = _pressure(columns.get("F"))
    extra = {
        NAMES.get(name, name): _degrees(channel, values) / context.steps_a_unit(channel)
        for name, (channel, values) in columns.items()
        if name not in {"X", "Y", "T", "F"}
    }
    rest = {"t": t, "pressure": force, **extra}
    for name, values in rest.items():
        if values is not None and np.isnan(values).any():
            whole = None if name == "t" else _reported(values, counts)
            rest[name] = whole
            if whole is None:
                counts["inkml-channel-unreported"] += 1
    t, force = rest.pop("t"), rest.pop("pressure")
    known = {name: values for name, values in rest.items() if values is not None}
    return ContextArrays(xy, scanned.offsets, t, force, known, declared, "none" if t is None else source)


def joined(parts: Sequence[ContextArrays], members: Sequence[Sequence[int]], counts: Counter[str]) -> ContextArrays:
    """Put the traces of several contexts back into the order of the document; what not all of them have is left out."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return ContextArrays(np.empty((0, 2)), np.zeros(1, np.int64))
    sizes = [Span(len(chosen), len(part.xy)) for part, chosen in zip(parts, members, strict=True)]
    has_time = all(part.t is not None for part in parts)
    if not has_time and any(part.t is not None for part in parts):
        counts["inkml-channel-not-in-all-contexts"] += 1
    forces, declared = _common_range(parts, counts)
    names = sorted(set().union(*(part.extra for part in parts)))
    extra = {name: fill_channel([part.extra.get(name) for part in parts], sizes, counts) for name in names}
    sources = {part.time_source for part in parts}
    whole = ContextArrays(
        np.concatenate([part.xy for part in parts]),
        np.zeros(1, np.int64),
        np.concatenate([part.t for part in parts if part.t is not None]) if has_time else None,
        fill_channel(forces, sizes, counts),
        {name: values for name, values in extra.items() if values is not None},
        declared,
        ("recorded" if sources == {"recorded"} else "rate") if has_time else "none",
    )
    starts = np.cumsum([0, *(len(part.xy) for part in parts)])
    spans = sorted(
        (place, int(start + part.offsets[k]), int(start + part.offsets[k + 1]))
        for part, chosen, start in zip(parts, members, starts[:-1], strict=True)
        for k, place in enumerate(chosen)
    )
    rows = np.concatenate([np.arange(a, b) for _, a, b in spans])
    ends = np.cumsum([0, *(b - a for _, a, b in spans)])
    return whole.take(rows, ends.astype(np.int64))


def _common_range(parts: Sequence[ContextArrays], counts: Counter[str]) -> tuple[list[Floats | None], bool]:
    """Return the pressure of each part, all in 0..1 where one of them declares its range, and whether one does."""
    forces = [part.pressure for part in parts]
    declared = any(part.pressure_declared for part in parts if part.pressure is not None)
    for k, part in enumerate(parts):
        force = part.pressure
        if declared and force is not None and not part.pressure_declared and len(force) and force.max() > 1:
            counts["pressure-own-maximum"] += 1
            forces[k] = force / force.max()
    return forces, declared


def _scanned(texts: list[str], n_regular: int, defaults: Floats, counts: Counter[str]) -> TraceValues:
    """Return the numbers of traces; those whose commas stand within the points and spaces between them are mended."""
    scanned = scan_traces(texts, n_regular, defaults)
    if scanned.fault != TOO_FEW or "," not in texts[scanned.fault_trace]:
        return scanned
    swapped = [" ".join(_COMMA.sub(",", text).split()).translate(_SWAP) for text in texts]
    mended = scan_traces(swapped, n_regular, defaults)
    if mended.fault != SOUND or mended.surplus:
        return scanned
    counts["inkml-separators-swapped"] += 1
    return mended


_COMMA = re.compile(r"\s*,\s*")
_SWAP = str.maketrans(", ", " ,")


def _reported(values: Floats, counts: Counter[str]) -> Floats | None:
    """Return a channel with the value before (or the first one) wherever a point reports none; None where few do."""
    known = ~np.isnan(values)
    if 2 * known.sum() < len(values):
        return None
    places = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    places[places < 0] = int(np.argmax(known))
    counts["inkml-value-unreported"] += int((~known).sum())
    return values[places]


def _fault(scanned: TraceValues, context: Context) -> str:
    if scanned.fault == TOO_FEW:
        names = " ".join(c.name for c in context.format.channels[: context.format.n_regular])
        return f"a point gives fewer values than the regular channels of its trace format ({names[:80]})"
    return "something that is not a value stands in a trace"


def _where(scanned: TraceValues, traces: Sequence[Element]) -> str:
    name = traces[scanned.fault_trace].get("id") or f"number {scanned.fault_trace + 1}"
    return f"trace {name[:40]}, point {scanned.fault_point + 1}, at {scanned.fault_text!r}"


def _offsets_ms(traces: Sequence[Element], definitions: Definitions) -> Floats:
    texts = [trace.get("timeOffset") for trace in traces]
    try:
        offsets = np.array([math.nan if text is None else float(text) for text in texts])
    except ValueError:
        offsets = np.full(len(texts), np.inf)
    for k in np.flatnonzero(~(np.abs(offsets) < LARGEST)).tolist():
        if texts[k] is not None:
            definitions.number(traces[k], "timeOffset")
    return offsets


def origin_s(context: Context, definitions: Definitions) -> float:
    """Return what the times of a context count from, in seconds since 1970; 0 where the file does not say."""
    place = context.format.find("T")
    if place is not None and (name := context.format.channels[place].respect_to.lstrip("#")):
        stamp = definitions.by_id.get(name)
        if stamp is not None and stamp.tag == "timestamp":
            return definitions.seconds(stamp)
    return context.start_s


def _times(
    column: tuple[Channel, Floats] | None, context: Context, offsets: Ints, start_ms: Floats, clock: float | None
) -> tuple[Floats | None, TimeSource]:
    """Return seconds and where they come from.

    A ``timeOffset`` is the time of a trace's first point, whether its T counts on from there or begins at nought again.
    """
    lengths = np.diff(offsets)
    filled = lengths > 0
    first = offsets[:-1][filled]
    timed = ~np.isnan(start_ms)
    rate_hz = context.rate_hz
    if column is not None and clock is not None:
        channel, values = column
        unit = SECONDS.get(channel.units, 1e-3 if timed.any() else 1.0)
        t = values * (unit * clock / context.steps_a_unit(channel))
        shift = np.zeros(len(lengths))
        shift[filled] = np.where(timed[filled], start_ms[filled] / 1000 - t[first], 0.0)
        return t + np.repeat(shift, lengths), "recorded"
    if rate_hz is None or not len(lengths):
        return None, "none"
    step = 1.0 / rate_hz
    if not timed.all():
        return np.arange(offsets[-1]) * step, "rate"
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return within * step + np.repeat(start_ms / 1000, lengths), "rate"


def _pressure(column: tuple[Channel, Floats] | None) -> tuple[Floats | None, bool]:
    """Return pressure, in 0..1 where the file declares its range, and whether it does (and keeps to it)."""
    if column is None:
        return None, False
    channel, values = column
    low, high = channel.minimum or 0.0, channel.maximum
    if channel.units == "%":
        low, high = 0.0, 100.0
    if high is None or high <= low or (len(values) and values.max() > high):
        return values, False
    return (values - low) / (high - low), True


def _degrees(channel: Channel, values: Floats) -> Any:
    return values * _DEGREES.get(channel.units, 1.0) if channel.name.startswith("O") else values
