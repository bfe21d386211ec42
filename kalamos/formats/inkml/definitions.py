"""What an InkML document says about its traces: channels, trace formats, ink sources, contexts, times and brushes.

Sections 3 and 4 of the recommendation. References are followed within the document only; one that points outside, or in
a circle, is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from xml.etree.ElementTree import Element

from kalamos.errors import FormatError
from kalamos.formats.inkml.mappings import CanvasMapping, canvas_mapping

UNITS_PER_MM = {"mm": 1.0, "cm": 0.1, "m": 0.001, "in": 1 / 25.4, "pt": 72 / 25.4, "pc": 6 / 25.4, "himetric": 100.0}
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_CHAIN = 50
LARGEST = 1e300


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a trace format; ``sign`` is -1 where its orientation is ``-ve``, ``whole`` for type integer."""

    name: str
    units: str = ""
    whole: bool = False
    minimum: float | None = None
    maximum: float | None = None
    default: float = 0.0
    sign: float = 1.0
    respect_to: str = ""


@dataclass(frozen=True, slots=True)
class TraceFormat:
    """Regular channels, which every point gives, then the intermittent ones, which keep their last value."""

    channels: tuple[Channel, ...]
    n_regular: int

    def find(self, name: str) -> int | None:
        """Return the place of a channel, or None."""
        return next((k for k, channel in enumerate(self.channels) if channel.name == name), None)


DEFAULT_FORMAT = TraceFormat((Channel("X"), Channel("Y")), 2)


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that the reading of a trace depends on.

    Attributes:
        format: its channels.
        canvas: the mapping from its coordinates to the shared canvas; None for identity.
        start_s: what its time offsets count from, seconds since 1970; 0 where not said.
        rate_hz: the uniform sampling rate of its ink source, where said.
        scales: units a millimetre: from the units of X or the resolution that the ink source states, the likelier one
            first; empty where unknown.
        resolutions: channel -> (how many values, a unit) that the ink source states.
        brush: properties of its brush by name.
    """

    format: TraceFormat = DEFAULT_FORMAT
    canvas: CanvasMapping | None = None
    start_s: float = 0.0
    rate_hz: float | None = None
    scales: tuple[float, ...] = ()
    resolutions: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    brush: Mapping[str, str] = field(default_factory=dict)

    def steps_a_unit(self, channel: Channel) -> float:
        """Return by what the whole numbers of a channel are divided to be in its units; 1 where they are already."""
        value, unit = self.resolutions.get(channel.name, (1.0, ""))
        return value if channel.whole and channel.units and unit == channel.units else 1.0


class Definitions:
    """The definitions of one document; resolves contexts by reference."""

    def __init__(self, root: Element, path: object) -> None:
        self.path = path
        self.by_id: dict[str, Element] = {}
        fallback: Element | None = None
        for element in root.iter():
            if (name := element.get("id")) is not None:
                self.by_id.setdefault(name, element)
            if fallback is None and element.tag == "traceFormat":
                fallback = element
        self._fallback = fallback
        self._contexts: dict[Element | None, Context] = {}

    def target(self, reference: str, element: Element, tag: str = "") -> Element:
        """Return the element that ``#id`` (or, as several corpora write, ``id``) names.

        Raises:
            FormatError: where it is in another document, missing, or not a ``tag``.
        """
        name = reference.lstrip("#")
        found = self.by_id.get(name)
        if found is None or (tag and found.tag != tag):
            what = f"a {tag}" if tag else "an element"
            raise FormatError(self.path, f"refers to {what} that is not in the document", f"{element.tag} {reference}")
        return found

    def context(self, element: Element | None) -> Context:
        """Return the context that a ``<context>`` element means; None for the document's default."""
        if element not in self._contexts:
            self._contexts[element] = self._read_context(element)
        return self._contexts[element]

    def seconds(self, stamp: Element, depth: int = 0) -> float:
        """Return what a ``<timestamp>`` says, in seconds since 1970."""
        if depth > _CHAIN:
            raise FormatError(self.path, "timestamps refer to each other in a circle", f"timestamp {stamp.get('id')}")
        base = 0.0
        if reference := stamp.get("timestampRef"):
            base = self.seconds(self.target(reference, stamp, "timestamp"), depth + 1)
        if text := stamp.get("timeString"):
            try:
                moment = datetime.fromisoformat(text)
                base = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
            except (ValueError, OverflowError) as error:
                raise FormatError(self.path, "not a date and time", f"timestamp {text!r:.60}") from error
        return base + (self.number(stamp, "time") or 0.0) / 1000 + (self.number(stamp, "timeOffset") or 0.0) / 1000

    def number(self, element: Element, attribute: str) -> float | None:
        """Return an attribute as a number, or None where it is absent.

        Raises:
            FormatError: where it is no finite number.
        """
        text = element.get(attribute)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) < LARGEST:
            raise FormatError(
                self.path, f"{attribute} is not a number", f"{element.tag} {element.get('id', '')} {text!r:.40}"
            )
        return value

    def _read_context(self, element: Element | None) -> Context:
        chain = self._chain(element)
        source = self._part(chain, "inkSource")
        layout = self._part(chain, "traceFormat")
        if layout is None and source is not None:
            layout = source.find("traceFormat")
        if layout is None:
            layout = self._fallback
        trace_format = DEFAULT_FORMAT if layout is None else self.trace_format(layout)
        stamp = self._part(chain, "timestamp")
        return Context(
            trace_format,
            self._canvas(self._part(chain, "canvasTransform")),
            0.0 if stamp is None else self.seconds(stamp),
            self._rate(source),
            *_resolved(trace_format, source),
            self.brush(self._part(chain, "brush")),
        )

    def _chain(self, element: Element | None) -> list[Element]:
        """Return a context and those that it inherits from, nearest first."""
        chain: list[Element] = []
        while element is not None:
            chain.append(element)
            if len(chain) > _CHAIN:
                raise FormatError(self.path, "contexts refer to each other in a circle", f"context {element.get('id')}")
            reference = element.get("contextRef", "")
            default = reference.lstrip("#") in {"", "DefaultContext"}
            element = None if default else self.target(reference, element, "context")
        return chain

    def _part(self, chain: list[Element], tag: str) -> Element | None:
        """Return the nearest ``tag`` that a chain of contexts holds or refers to."""
        for context in chain:
            if (inline := context.find(tag)) is not None:
                return inline
            reference = context.get(f"{tag}Ref", "")
            if reference and not reference.lstrip("#").startswith("Default"):
                return self.target(reference, context, tag)
        return None

    def _canvas(self, transform: Element | None) -> CanvasMapping | None:
        if transform is None:
            return None
        mapping = transform.find("mapping")
        return None if mapping is None else canvas_mapping(mapping, self.target, self.path)

    def _rate(self, source: Element | None) -> float | None:
        found = None if source is None else source.find("sampleRate")
        if found is None or found.get("uniform", "true") in {"false", "0"}:
            return None
        rate = self.number(found, "value")
        return rate if rate is not None and rate > 0 else None

    def brush(self, element: Element | None, depth: int = 0) -> Mapping[str, str]:
        """Return the properties of a brush, those of the one it refers to included."""
        if element is None:
            return {}
        if depth > _CHAIN:
            raise FormatError(self.path, "brushes refer to each other in a circle", f"brush {element.get('id')}")
        reference = element.get("brushRef", "")
        inherited = self.brush(self.target(reference, element, "brush"), depth + 1) if reference else {}
        own = {item.get("name", ""): item.get("value", "") for item in element.findall("brushProperty")}
        return {**inherited, **own}

    def trace_format(self, element: Element) -> TraceFormat:
        """Return the channels that a ``<traceFormat>`` declares.

        Raises:
            FormatError: where it has no X or no Y, or a channel twice.
        """
        regular = tuple(tuple(item.items()) for item in element.findall("channel"))
        rare = tuple(
            tuple(item.items())
            for group in element.findall("intermittentChannels")
            for item in group.findall("channel")
        )
        try:
            return _trace_format(regular, rare)
        except ValueError as error:
            raise FormatError(self.path, str(error), f"traceFormat {element.get('id', '')}".strip()) from error


Attributes = tuple[tuple[str, str], ...]


@lru_cache(maxsize=256)
def _trace_format(regular: tuple[Attributes, ...], rare: tuple[Attributes, ...]) -> TraceFormat:
    """Return the format that these channels form; the files of a corpus share one, so it is kept."""
    channels = tuple(_channel(dict(attributes)) for attributes in (*regular, *rare))
    names = [channel.name for channel in channels]
    if not channels:
        return DEFAULT_FORMAT
    if not {"X", "Y"} <= set(names) or len(set(names)) < len(names):
        raise ValueError(f"needs the channels X and Y, and none twice; it has {' '.join(names)[:80]}")
    return TraceFormat(channels, len(regular))


def _channel(attributes: Mapping[str, str]) -> Channel:
    default = attributes.get("default", "")
    booleans = {"T": 1.0, "F": 0.0, "true": 1.0, "false": 0.0}
    return Channel(
        attributes.get("name", ""),
        attributes.get("units", ""),
        attributes.get("type", "") == "integer",
        _limit(attributes, "min"),
        _limit(attributes, "max"),
        booleans[default] if default in booleans else _limit(attributes, "default") or 0.0,
        -1.0 if attributes.get("orientation", "+ve").startswith("-") else 1.0,
        attributes.get("respectTo", ""),
    )


def _limit(attributes: Mapping[str, str], name: str) -> float | None:
    text = attributes.get(name)
    if text is None:
        return None
    value = float(text)
    if not abs(value) < LARGEST:
        raise ValueError(f"{name} of a channel is no finite number: {text[:40]!r}")
    return value


def _resolved(
    trace_format: TraceFormat, source: Element | None
) -> tuple[tuple[float, ...], Mapping[str, tuple[float, str]]]:
    """Return what the units and the resolutions of an ink source say of X and Y, and the resolutions by channel.

    Programs that write whole numbers "in cm" with a resolution of 1000 1/cm mean a thousand steps a centimetre: there
    the resolution comes first. Where the numbers may have fractions they are in the units, and the resolution is how
    exact they are.
    """
    resolutions = {} if source is None else _resolutions(source)
    axes = [channel for channel in trace_format.channels if channel.name in {"X", "Y"}]
    by_units = {UNITS_PER_MM.get(channel.units, 0.0) for channel in axes}
    by_device = {
        value * UNITS_PER_MM.get(unit, 0.0) for name, (value, unit) in resolutions.items() if name in {"X", "Y"}
    }
    stated = [found.pop() if len(found) == 1 else 0.0 for found in (by_units, by_device)]
    ordered = stated[::-1] if all(channel.whole for channel in axes) else stated
    return tuple(dict.fromkeys(scale for scale in ordered if 0 < scale < 1e6)), resolutions


def _resolutions(source: Element) -> dict[str, tuple[float, str]]:
    """Return channel -> (values, unit): ``1000 1/cm`` is (1000, "cm")."""
    found = {}
    for item in source.iter("channelProperty"):
        if item.get("name") == "resolution":
            try:
                value = float(item.get("value", ""))
            except ValueError:
                continue
            if 0 < value < LARGEST:
                unit = item.get("units", "").removeprefix("1/").removeprefix("dev/")
                found[item.get("channel", "")] = (value, unit)
    return found
