"""Ink and Sample, the records that everything exchanges.

Conventions, everywhere in Kalamos: x grows to the right and y **downwards**; a stroke runs from pen-down to pen-up and
is never empty; times are seconds and never run backwards; an ink is never changed, functions return a new one.
Strokes lie one after another in flat arrays, with ``offsets`` between them, so that no Python object is made for a
point. The geometry on these records is in :mod:`kalamos.geometry`.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kalamos.errors import InkError
from kalamos.machinery.arrays import Floats, Floats32, Ints32
from kalamos.machinery.kernels import kernel_of
from kalamos.registry import load_object

Level = Literal["character", "word", "line", "page"]
Split = Literal["train", "validation", "test"]
Units = Literal["px", "mm", "device"]
TimeSource = Literal["recorded", "rate", "equal-interval", "synthetic", "estimated", "none"]
"""Where the times of an ink come from.

``recorded``: a clock gave every point, or stroke, its time; ``rate``: counted from a sampling rate that the file or
corpus states; ``equal-interval``: the points lie at equal steps of unknown length, so that no second is known and ``t``
is None; ``synthetic``: a simulated movement; ``estimated``: said by a recovery method; ``none``: nothing is known.
"""
Provenance = Literal["recorded", "authored", "traced", "synthetic", "estimated", "corrected"]
"""Where the ink itself comes from.

``recorded``: by a device, of a person who wrote; ``authored``: drawn as a model of writing (KanjiVG); ``traced``: over
a picture of writing (Calliar); ``synthetic``: simulated or put together by a program; ``estimated``: said by a
recovery method; ``corrected``: the same, put right by hand.
"""
TRUE_TIMES: frozenset[TimeSource] = frozenset({"recorded", "rate", "synthetic"})
"""The times that velocity is scored against."""
_UNTIMED: frozenset[TimeSource] = frozenset({"none", "equal-interval"})
_LEVELS, _UNITS = get_args(Level), get_args(Units)
_TIME_SOURCES, _PROVENANCES = get_args(TimeSource), get_args(Provenance)


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """What a pen did, as ragged arrays.

    Attributes:
        xy: float32 ``(n, 2)``, positions in the units that the sample names.
        offsets: int32 ``(s + 1,)``; stroke k is the points ``offsets[k]:offsets[k + 1]``, at least one.
        t: float64 ``(n,)`` seconds, non-decreasing over the whole ink, pen-up gaps included; None where unknown.
        pressure: float32 ``(n,)`` in 0..1; None where unknown.
        extra: further channels by name (tilt_x, azimuth, ...), float32 ``(n,)`` each.

    Raises:
        InkError: where the arrays break one of these rules.
    """

    xy: Floats32
    offsets: Ints32
    t: Floats | None = None
    pressure: Floats32 | None = None
    extra: Mapping[str, Floats32] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Bring the arrays to their types, check the rules and lock them."""
        xy = locked(self.xy, np.float32)
        offsets = locked(self.offsets, np.int32)
        t = None if self.t is None else locked(self.t, np.float64)
        pressure = None if self.pressure is None else locked(self.pressure, np.float32)
        extra = {name: locked(values, np.float32) for name, values in self.extra.items()} if self.extra else {}
        if not _is_sound(xy, offsets, t, pressure):
            _check_shape(xy, offsets)
            for name, channel in [("xy", xy), ("t", t), ("pressure", pressure)]:
                _check_channel(name, channel, len(xy))
            _check_values(t, pressure)
        for name, channel in extra.items():
            _check_channel(name, channel, len(xy))
        put = object.__setattr__
        put(self, "xy", xy)
        put(self, "offsets", offsets)
        put(self, "t", t)
        put(self, "pressure", pressure)
        put(self, "extra", extra)

    @classmethod
    def empty(cls) -> Ink:
        """Return the ink of a blank sheet: no stroke."""
        return cls(np.empty((0, 2), np.float32), np.zeros(1, np.int32))

    @classmethod
    def from_strokes(
        cls,
        strokes: Sequence[ArrayLike],
        t: Sequence[ArrayLike] | None = None,
        pressure: Sequence[ArrayLike] | None = None,
        **extra: Sequence[ArrayLike],
    ) -> Ink:
        """Build an ink from one array a stroke: ``(k, 2)`` positions and ``(k,)`` for each channel."""
        if not strokes:
            return cls.empty()
        parts = [np.asarray(stroke, np.float32).reshape(-1, 2) for stroke in strokes]
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        return cls(
            np.concatenate(parts),
            offsets.astype(np.int32),
            None if t is None else _joined(t),
            None if pressure is None else _joined(pressure),
            {name: _joined(values) for name, values in extra.items()},
        )

    def __reduce__(self) -> tuple[type[Ink], tuple[Any, ...]]:
        """Pickle the arrays only."""
        return Ink, (self.xy, self.offsets, self.t, self.pressure, dict(self.extra))

    def __eq__(self, other: object) -> bool:
        """Compare exactly, array by array, channels included."""
        if not isinstance(other, Ink):
            return NotImplemented
        return (
            np.array_equal(self.xy, other.xy)
            and np.array_equal(self.offsets, other.offsets)
            and _same_channel(self.t, other.t)
            and _same_channel(self.pressure, other.pressure)
            and self.extra.keys() == other.extra.keys()
            and all(np.array_equal(values, other.extra[name]) for name, values in self.extra.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Say how much is in it, not every point."""
        channels = [name for name, value in [("t", self.t), ("pressure", self.pressure)] if value is not None]
        return (
            f"Ink({self.n_strokes} strokes, {self.n_points} points, channels: xy {' '.join([*channels, *self.extra])})"
        )

    def _repr_html_(self) -> str:
        """Draw the ink in a notebook, its strokes coloured by order."""
        return str(load_object("kalamos.replay.still:ink_html")(self))

    @property
    def n_points(self) -> int:
        """Return the number of points."""
        return len(self.xy)

    @property
    def n_strokes(self) -> int:
        """Return the number of strokes."""
        return len(self.offsets) - 1

    def strokes(self) -> Iterator[Floats32]:
        """Iterate over the strokes' positions, views ``(k, 2)``."""
        bounds = self.offsets.tolist()
        return (self.xy[a:b] for a, b in itertools.pairwise(bounds))

    def channels(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Iterate over name and values of every channel beside ``xy`` that the ink has."""
        for name, values in [("t", self.t), ("pressure", self.pressure), *self.extra.items()]:
            if values is not None:
                yield name, values

    def with_points(
        self, xy: ArrayLike, offsets: ArrayLike, channels: Mapping[str, ArrayLike] | Iterable[tuple[str, ArrayLike]]
    ) -> Ink:
        """Return an ink with these arrays; ``channels`` holds ``t``, ``pressure`` and the extra ones by name."""
        rest: dict[str, Any] = dict(channels)
        t, pressure = rest.pop("t", None), rest.pop("pressure", None)
        return Ink(np.asarray(xy, np.float32), np.asarray(offsets, np.int32), t, pressure, rest)


def unchecked_ink(
    xy: Floats32,
    offsets: Ints32,
    t: Floats | None = None,
    pressure: Floats32 | None = None,
    extra: Mapping[str, Floats32] | None = None,
) -> Ink:
    """Return an ink of arrays that are known to keep its rules, without a look at them.

    For those who cut many inks out of arrays that were checked as a whole: of the right types, contiguous, read-only.
    """
    ink, put = object.__new__(Ink), object.__setattr__
    put(ink, "xy", xy)
    put(ink, "offsets", offsets)
    put(ink, "t", t)
    put(ink, "pressure", pressure)
    put(ink, "extra", extra or {})
    return ink


def as_ink(of: object) -> Ink:
    """Return the ink of whatever has one (a sample, a recovery), of an array, or of a pair of an array and offsets.

    Args:
        of: an ink, something with an attribute ``ink``, positions ``(n, 2)`` as one stroke, or ``(xy, offsets)``.

    Raises:
        InkError: where the arrays are none of an ink.
    """
    if isinstance(of, Ink):
        return of
    inside = getattr(of, "ink", None)
    if isinstance(inside, Ink):
        return inside
    xy, offsets = of if isinstance(of, tuple) and len(of) == 2 else (of, None)
    try:
        points = np.asarray(xy, np.float32)
        ends = np.asarray(([0, len(points)] if len(points) else [0]) if offsets is None else offsets, np.int32)
    except (TypeError, ValueError) as error:
        raise InkError(f"an ink, an array (n, 2) or a pair (xy, offsets) is wanted; got {type(of).__name__}") from error
    return Ink(points, ends)


def locked(values: ArrayLike, dtype: type) -> NDArray[Any]:
    """Return the values as a contiguous read-only array of that type; an array that is one already is not copied."""
    view: NDArray[Any] = np.ascontiguousarray(values, dtype).view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled piece of ink from a corpus.

    Attributes:
        key: unique in the corpus and stable: seeds and shards depend on it.
        ink: the ink in its own units, y downwards.
        label: Unicode text in NFC; empty where unknown.
        level: what the ink is: character, word, line or page.
        script: ISO 15924 code (Latn, Arab, Deva, Taml, ...), ``Zyyy`` for digits and symbols shared by scripts.
        writer: who wrote it, unique in the corpus; empty where unknown.
        corpus: the corpus' registered name.
        split: train, validation or test, by writer; None where the corpus cannot be split so.
        units: what one unit of ``ink.xy`` is.
        points_per_mm: units a millimetre, where known.
        time_source: where the times come from, see :data:`TimeSource`.
        source: the file relative to the corpus folder, and the place in it.
        provenance: where the ink comes from, see :data:`Provenance`.
    """

    key: str
    ink: Ink
    label: str = ""
    level: Level = "character"
    script: str = "Zyyy"
    writer: str = ""
    corpus: str = ""
    split: Split | None = None
    units: Units = "device"
    points_per_mm: float | None = None
    time_source: TimeSource = "none"
    source: str = ""
    provenance: Provenance = "recorded"

    def __post_init__(self) -> None:
        """Normalise the label and check the fields that have a fixed set of values."""
        if not self.label.isascii():
            object.__setattr__(self, "label", unicodedata.normalize("NFC", self.label))
        if not self.key:
            raise InkError("a sample needs a key that is unique in its corpus")
        known = self.level in _LEVELS and self.units in _UNITS
        if not known or self.time_source not in _TIME_SOURCES or self.provenance not in _PROVENANCES:
            self._refuse_unknown()
        if (self.time_source in _UNTIMED) != (self.ink.t is None):
            raise InkError(f"sample {self.key}: time_source is {self.time_source!r}, but t is {self.ink.t!r}")

    def _repr_html_(self) -> str:
        """Draw the sample in a notebook, with its label and where it comes from."""
        return str(load_object("kalamos.replay.still:sample_html")(self))

    def _refuse_unknown(self) -> None:
        for name, allowed in (
            ("level", _LEVELS),
            ("units", _UNITS),
            ("time_source", _TIME_SOURCES),
            ("provenance", _PROVENANCES),
        ):
            value = getattr(self, name)
            if value not in allowed:
                raise InkError(f"sample {self.key}: {name} is one of {allowed}, not {value!r}")


_NOT_RECORDED: Mapping[str, Provenance] = {"kanjivg": "authored", "calliar": "traced", "synthetic": "synthetic"}


def with_provenance(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sample's fields with the provenance that files of version 0.1, which had none, leave out."""
    if "provenance" in fields:
        return dict(fields)
    origin: Provenance = _NOT_RECORDED.get(fields.get("corpus", ""), "recorded")
    simulated = origin == "synthetic" and fields.get("time_source") == "recorded"
    return {**fields, "provenance": origin, **({"time_source": "synthetic"} if simulated else {})}


def _joined(values: Sequence[ArrayLike]) -> NDArray[Any]:
    return np.concatenate([np.asarray(part).reshape(-1) for part in values])


def _same_channel(a: NDArray[Any] | None, b: NDArray[Any] | None) -> bool:
    return a is b if a is None or b is None else bool(np.array_equal(a, b))


_NO_T: NDArray[Any] = locked(np.empty(0), np.float64)
_NO_PRESSURE: NDArray[Any] = locked(np.empty(0), np.float32)
_CHECKS_US = 20.0


def _is_sound(xy: NDArray[Any], offsets: NDArray[Any], t: NDArray[Any] | None, pressure: NDArray[Any] | None) -> bool:
    """Say in one pass whether the arrays keep every rule; where not, the checks below find which one is broken."""
    if xy.ndim != 2 or xy.shape[1] != 2 or offsets.ndim != 1:
        return False
    if (t is not None and t.shape != xy.shape[:1]) or (pressure is not None and pressure.shape != xy.shape[:1]):
        return False
    check = _sound.for_work(_CHECKS_US)
    return bool(check(xy, offsets, _NO_T if t is None else t, _NO_PRESSURE if pressure is None else pressure))


def _unsure(xy: Floats32, offsets: Ints32, t: Floats, pressure: Floats32) -> bool:
    """Leave it to the checks below: they are array language, and faster than this loop without a compiler."""
    del xy, offsets, t, pressure
    return False


@kernel_of(_unsure)
def _sound(xy: Floats32, offsets: Ints32, t: Floats, pressure: Floats32) -> bool:
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != len(xy):
        return False
    for k in range(1, len(offsets)):
        if offsets[k] <= offsets[k - 1]:
            return False
    for k in range(len(xy)):
        if not (np.isfinite(xy[k, 0]) and np.isfinite(xy[k, 1])):
            return False
    for k in range(len(t)):
        if not np.isfinite(t[k]) or (k > 0 and t[k] < t[k - 1]):
            return False
    for k in range(len(pressure)):  # noqa: SIM110 - numba compiles no all() over a generator
        if not 0 <= pressure[k] <= 1:
            return False
    return True


def _check_shape(xy: NDArray[Any], offsets: NDArray[Any]) -> None:
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise InkError(f"xy has the shape (n, 2); got {xy.shape}")
    if offsets.ndim != 1 or not len(offsets) or offsets[0] != 0 or offsets[-1] != len(xy):
        raise InkError(f"offsets run from 0 to the number of points, {len(xy)}; got {offsets.tolist()[:9]}")
    if (offsets[1:] <= offsets[:-1]).any():
        raise InkError(f"stroke {int(np.argmax(offsets[1:] <= offsets[:-1]))} is empty; leave it out")


def _check_channel(name: str, values: NDArray[Any] | None, n: int) -> None:
    if values is None:
        return
    if len(values) != n or (name != "xy" and values.ndim != 1):
        raise InkError(f"channel {name} needs one value for each of the {n} points; got the shape {values.shape}")
    if not np.isfinite(values).all():
        raise InkError(f"channel {name} holds a value that is not finite")


def _check_values(t: NDArray[Any] | None, pressure: NDArray[Any] | None) -> None:
    if t is not None and len(t) > 1 and (t[1:] < t[:-1]).any():
        at = int(np.argmax(t[1:] < t[:-1])) + 1
        raise InkError(f"time runs backwards at point {at}: {t[at - 1]} s, then {t[at]} s")
    if pressure is not None and len(pressure) and (pressure.min() < 0 or pressure.max() > 1):
        raise InkError(f"pressure is in 0..1; got {pressure.min()} to {pressure.max()}")
