"""A UNIPEN file in memory: components, declarations and segments, and the ink that a segment delineates.

The readings of the format that are taken here are stated in :mod:`kalamos.formats.unipen`.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.mending import MIN_RISES, mend_many
from kalamos.formats.plausibility import Clock, clock_factor, plausible_scale
from kalamos.ink import Ink, TimeSource
from kalamos.machinery.arrays import Bools, Floats, Ints, Ints32

Range = tuple[int, int, int]
"""(component, first row of ``points``, row after the last)."""

MAX_DELINEATED = 20_000_000
"""Components that all segments of a file may name together; a real file names each a few times."""

_RANGE = re.compile(r"(\d{1,9})(?::(\d{1,9}))?(?:-(\d{1,9})(?::(\d{1,9}))?)?$")
_Run = tuple[int, int | None, int, int | None]


class Heading(NamedTuple):
    """The declarations in force where a component stands.

    Attributes:
        coordinates: what the numbers of a point are, in order: X, Y, T, P, Z, B, RHO, THETA, PHI.
        rate_hz: points per second; None where unknown or implausible.
        x_per_mm: units of x a millimetre, None where unknown.
        y_per_mm: units of y a millimetre, None where unknown.
        writer: ``.WRITER_ID``, empty where unknown.
    """

    coordinates: tuple[str, ...] = ("X", "Y")
    rate_hz: float | None = None
    x_per_mm: float | None = None
    y_per_mm: float | None = None
    writer: str = ""


class Segment(NamedTuple):
    """One ``.SEGMENT`` statement.

    Attributes:
        kind: CHARACTER, WORD, TEXT ..., upper case.
        delineation: the components and points as written; empty where omitted or ``?``.
        quality: GOOD, OK, BAD or ``?``; empty where omitted.
        label: without quotes and escapes; None where omitted.
        first: the component at which the numbering of its set starts.
        after: components that stand before the statement.
        path: the file in which it stands.
        line: the line in that file, from 1.
    """

    kind: str
    delineation: str
    quality: str
    label: str | None
    first: int
    after: int
    path: Path
    line: int


@dataclass(slots=True)
class Document:
    """A UNIPEN file with everything that it includes.

    Attributes:
        path: the file.
        columns: names of the columns of ``points``.
        points: float64 ``(n, k)``, all points of all components as written (y up).
        starts: int64 ``(c + 1,)``; component k is ``points[starts[k]:starts[k + 1]]``.
        down: bool ``(c,)``.
        gap_s: float64 ``(c,)``, elapsed time stated by ``.DT`` before each component.
        headings: the declarations, in order of appearance.
        heading_of: int32 ``(c,)``, index in ``headings`` for each component.
        sets: components at which a set begins (``.START_SET``), 0 first.
        segments: all ``.SEGMENT`` statements.
        hierarchy: types of segment, the largest first.
        missing: included files that do not exist.
        counts: what had to be mended while reading (the names are in the module's description).
    """

    path: Path
    columns: tuple[str, ...]
    points: Floats
    starts: Ints
    down: Bools
    gap_s: Floats
    headings: list[Heading]
    heading_of: Ints32
    sets: list[int]
    segments: list[Segment]
    hierarchy: tuple[str, ...]
    missing: list[str]
    counts: Counter[str]
    time_source: TimeSource = "none"
    y_up: bool = True
    pressure_max: float | None = None
    _placeholder: Bools = field(init=False)
    _has_placeholders: bool = field(init=False)
    _has_gaps: bool = field(init=False)
    _begins: memoryview = field(init=False)
    _is_down: memoryview = field(init=False)
    _bare: dict[str, list[int]] = field(init=False)
    _seconds: float = field(init=False, default=1e-3)
    _y_scales: Floats = field(init=False)
    _budget: int = field(init=False, default=MAX_DELINEATED)

    def __post_init__(self) -> None:
        """Derive what every segment needs once: placeholders, the source of time, the largest pressure."""
        at_origin = (self.points[:, [self.columns.index("X"), self.columns.index("Y")]] == 0).all(axis=1)
        alone = self.down & (np.diff(self.starts) == 1)
        # the toolkits that write y downwards take no ink out: there a dot at the origin is a dot
        self._placeholder = np.zeros(len(self.down), np.bool_)
        self._placeholder[alone] = at_origin[self.starts[:-1][alone]] & self.y_up
        self._has_placeholders = bool(self._placeholder.any())
        self._has_gaps = bool(self.gap_s.any())
        # their items are plain numbers, several times faster than those of an array
        self._begins, self._is_down = self.starts.data, self.down.data
        self._bare = {}
        for segment in self.segments:
            if not segment.delineation:
                self._bare.setdefault(segment.kind, []).append(segment.after)
        self.time_source = self._find_time()
        self._y_scales = np.array([_y_scale(heading) for heading in self.headings]) * (-1 if self.y_up else 1)
        self._give_up_impossible_scales()
        if "P" in self.columns and len(self.points):
            force = self.points[:, self.columns.index("P")]
            sound = force[np.isfinite(force)]
            self.pressure_max = float(sound.max()) if len(sound) and sound.max() > 0 else None

    def _find_time(self) -> TimeSource:
        if "T" in self.columns:
            with np.errstate(invalid="ignore"):
                rises = np.diff(self.points[:, self.columns.index("T")]) > 0
            within = np.ones(len(self.points) + 1, np.bool_)
            within[self.starts] = False
            rises &= within[1:-1]
            if 0 < rises.sum() >= MIN_RISES * within[1:-1].sum():
                factor = clock_factor(
                    [Clock(self.points[:, self.columns.index("T")] / 1000.0, self.starts)], self.counts
                )
                if factor is not None:
                    self._seconds = factor / 1000.0
                    return "recorded"
            else:
                self.counts["unipen-time-constant"] += 1
        used = [self.headings[k] for k in np.unique(self.heading_of)]
        return "rate" if used and all(heading.rate_hz for heading in used) else "none"

    @property
    def n_components(self) -> int:
        """Return the number of components."""
        return len(self.down)

    def add_whole_sets(self) -> None:
        """Add a segment that spans each set, for a file that delineates nothing."""
        for start, end in itertools.pairwise([*self.sets, self.n_components]):
            if end > start:
                whole = f"0-{end - start - 1}"
                self.segments.append(Segment("TEXT", whole, "", None, start, start, self.path, 1))

    def _give_up_impossible_scales(self) -> None:
        """Take the scale out of the declarations by which their ink would be smaller or larger than any page."""
        used = [k for k in np.unique(self.heading_of).tolist() if self.headings[k].x_per_mm]
        places = [self.columns.index("X"), self.columns.index("Y")]
        for k in used:
            own = self.heading_of == k
            points = self.points if len(used) == 1 and own.all() else self.points[np.repeat(own, np.diff(self.starts))]
            extent = max(_extent(points[:, place]) for place in places)
            if plausible_scale(self.headings[k].x_per_mm, extent, int(own.sum()), self.counts) is None:
                self.headings[k] = self.headings[k]._replace(x_per_mm=None, y_per_mm=None)

    def line(self, segment: Segment) -> str:
        """Return ``line N`` of a segment's statement (and its file, where it is an included one)."""
        return (
            f"line {segment.line}"
            if segment.path is self.path or segment.path == self.path
            else f"{segment.path.name}, line {segment.line}"
        )

    def ranges(self, segment: Segment, counts: Counter[str]) -> list[Range]:
        """Return what a segment delineates, in order of writing, as (component, first point, point after the last).

        Points are rows of ``points``. Pen-up components are left out.

        Raises:
            FormatError: where it names what the file does not have (any more), or no ink.
        """
        runs = _parse_delineation(segment.delineation) if segment.delineation else [self._undelineated(segment)]
        if runs is None:
            raise self._error(segment, "the delineation cannot be read")
        end = self._set_end(segment)
        found: list[Range] = []
        for a, m, b, n in runs:
            first, last = segment.first + a, segment.first + b
            if last < first or last >= end:
                raise self._error(segment, "the delineation names a component that is not there")
            self._spend(segment, last - first + 1)
            if self._has_placeholders and self._placeholder[first : last + 1].any():
                raise self._error(segment, "the segment names ink that was taken out of the release")
            found.extend(self._run(first, m, last, n, counts))
        if not found:
            raise self._error(segment, "the segment holds no pen-down point")
        return _united(found)

    def _run(self, first: int, m: int | None, last: int, n: int | None, counts: Counter[str]) -> Iterator[Range]:
        begins, is_down = self._begins, self._is_down
        for component in range(first, last + 1):
            begin, end = begins[component], begins[component + 1]
            if component == last and n is not None:
                if begin + n >= end:
                    counts["unipen-slice-clipped"] += 1
                end = min(begin + n + 1, end)
            if component == first and m is not None:
                begin = min(begin + m, end)
            if is_down[component] and begin < end:
                yield component, begin, end

    def _spend(self, segment: Segment, n_components: int) -> None:
        """Bound the work that overlapping delineations of a hostile file can ask for."""
        self._budget -= n_components
        if self._budget < 0:
            raise self._error(segment, f"the segments of this file name more than {MAX_DELINEATED} components")

    def _set_end(self, segment: Segment) -> int:
        """Return the component after the last of the set in which a segment stands."""
        following = bisect.bisect_right(self.sets, segment.first)
        return self.sets[following] if following < len(self.sets) else self.n_components

    def _undelineated(self, segment: Segment) -> _Run:
        """Return all components up to the next segment of this type that delineates nothing, or the end of the set."""
        stops = self._bare[segment.kind]
        following = bisect.bisect_right(stops, segment.after)
        end = self._set_end(segment)
        end = min(stops[following], end) if following < len(stops) else end
        return segment.after - segment.first, None, end - 1 - segment.first, None

    def _error(self, segment: Segment, reason: str) -> FormatError:
        if self.missing:
            reason += f"; an included file is missing ({self.missing[0]})"
        return FormatError(
            self.path, reason, f"{self.line(segment)}: {segment.kind} {segment.delineation[:80]}".strip()
        )

    def inks_of(self, many: list[list[Range]], counts: Counter[str]) -> list[Ink]:
        """Return the ink of each list of ranges, as :meth:`ranges` gives them, all in one pass."""
        inks = np.zeros(len(many) + 1, np.int64)
        np.cumsum([len(ranges) for ranges in many], out=inks[1:])
        table = np.array([stroke for ranges in many for stroke in ranges], np.int64).reshape(-1, 3)
        sizes = table[:, 2] - table[:, 1]
        offsets = np.zeros(len(table) + 1, np.int64)
        np.cumsum(sizes, out=offsets[1:])
        places = np.repeat(table[:, 1] - offsets[:-1], sizes) + np.arange(offsets[-1])
        rows = self.points[places]
        channels = {name: rows[:, k] for k, name in enumerate(self.columns)}
        heading_of = self.heading_of[table[inks[:-1], 0]]
        sizes_of_inks = np.diff(offsets[inks])
        xy = np.stack(
            [channels.pop("X"), channels.pop("Y") * np.repeat(self._y_scales[heading_of], sizes_of_inks)], axis=1
        )
        t = channels.pop("T", None)
        if self.time_source == "recorded" and t is not None:
            begins = t[offsets[inks[:-1]]]
            t = (t - np.repeat(np.where(np.isfinite(begins), begins, 0.0), sizes_of_inks)) * self._seconds
        else:
            t = self._counted_times(places, table, offsets, inks) if self.time_source == "rate" else None
        named = {"pressure" if name == "P" else name.lower(): values for name, values in channels.items()}
        return mend_many(xy, offsets, inks, t, named, counts=counts, pressure_max=self.pressure_max)

    def _counted_times(self, places: Ints, table: Ints, offsets: Ints, inks: Ints) -> Floats:
        """Count times in sampling periods from an ink's first point: equal ink gets equal times wherever it stands."""
        sizes = np.diff(offsets)
        rates = np.array([heading.rate_hz or 1.0 for heading in self.headings])[self.heading_of[table[:, 0]]]
        origins = np.repeat(table[inks[:-1], 1], np.diff(offsets[inks]))
        times: Floats = (places - origins) / np.repeat(rates, sizes)
        return times + np.repeat(self._gaps(table[:, 0], inks), sizes) if self._has_gaps else times

    def _gaps(self, components: Ints, inks: Ints) -> Floats:
        """Return the time that ``.DT`` states between the first component of an ink and each of its components."""
        gaps = np.zeros(len(components))
        for a, b in itertools.pairwise(inks.tolist()):
            for k in range(a + 1, b):
                between = slice(components[k - 1] + 1, components[k] + 1)
                gaps[k] = gaps[k - 1] + self.gap_s[between].sum()
        return gaps


def _extent(values: Floats) -> float:
    """Return the range of the finite values of a column; 0 where there is none."""
    with np.errstate(invalid="ignore"):
        extent = float(np.ptp(values)) if len(values) else 0.0
    if np.isfinite(extent):
        return extent
    sound = values[np.isfinite(values)]
    return float(np.ptp(sound)) if len(sound) else 0.0


def _parse_delineation(text: str) -> list[_Run] | None:
    """Return (first component, its first point, last component, its last point) of each part, or None where wrong."""
    if text.isdecimal() and len(text) < 10:
        return [(int(text), None, int(text), None)]
    runs: list[_Run] = []
    for part in text.split(","):
        match = _RANGE.match(part)
        if match is None:
            return None
        a, m, b, n = (None if group is None else int(group) for group in match.groups())
        assert a is not None  # noqa: S101 - the pattern has it
        runs.append((a, m, a if b is None else b, n))
    return runs


def _united(ranges: list[Range]) -> list[Range]:
    """Put ranges in order of writing and join those of one component that touch or overlap."""
    if len(ranges) == 1:
        return ranges
    joined: list[Range] = []
    for component, begin, end in sorted(ranges):
        if joined and joined[-1][0] == component and begin <= joined[-1][2]:
            joined[-1] = (component, joined[-1][1], max(end, joined[-1][2]))
        else:
            joined.append((component, begin, end))
    return joined


def _y_scale(heading: Heading) -> float:
    """Return what brings y to the resolution of x."""
    x, y = heading.x_per_mm, heading.y_per_mm
    return x / y if x and y else 1.0
