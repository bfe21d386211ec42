"""An InkML document: its traces as flat arrays, its groups and views as selections of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.inkml.channels import ContextArrays, context_arrays, joined, origin_s
from kalamos.formats.inkml.definitions import Context, Definitions
from kalamos.formats.mending import mend_flat
from kalamos.formats.plausibility import Clock, clock_factor, extent_of, plausible_scale, scale_fits
from kalamos.formats.xmltree import is_misdeclared, parse_xml, read_bytes
from kalamos.ink import Ink, TimeSource
from kalamos.machinery.arrays import Ints

MAX_PIECES = 1_000_000
"""No group or view shows more traces, and all that are asked for together no more than ten times as many."""
GENERATOR = "kalamos"
"""What the annotation ``generator`` of a file holds that Kalamos wrote: one ``traceGroup`` a sample, all fields."""
_GROUPS = {"traceGroup", "traceView"}


class Piece(NamedTuple):
    """The points ``start:stop`` of one trace; ``stop`` None for its end."""

    trace: int
    start: int = 0
    stop: int | None = None


class Trace(NamedTuple):
    """One ``<trace>`` with what it inherits from its groups."""

    element: Element
    context: Context
    in_definitions: bool


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """An InkML file as read.

    Attributes:
        path: the file.
        root: its ``<ink>`` element, names without namespaces.
        definitions: contexts, formats, and what ``id`` stands for what element.
        traces: all ``<trace>`` elements in the order of the document.
        arrays: their points, one after another, with the channels that all traces have.
        parts: the same for each context, with all its channels, and which traces it holds.
        index: element of a trace -> its place in ``traces``.
        counts: irregularities met while reading: rule -> how often.
        scale: units a millimetre, where known and possible.
    """

    path: object
    root: Element
    definitions: Definitions
    traces: Sequence[Trace]
    arrays: ContextArrays
    parts: Sequence[tuple[ContextArrays, Sequence[int]]]
    index: Mapping[Element, int]
    counts: Counter[str] = field(default_factory=Counter)
    scale: float | None = None
    _shown: Counter[str] = field(default_factory=Counter)

    @property
    def points_per_mm(self) -> float | None:
        """Return units a millimetre where all traces agree on it (and no canvas transform has changed them)."""
        return self.scale

    @property
    def time_source(self) -> TimeSource:
        """Return where the times come from."""
        return self.arrays.time_source

    def times_of(self, pieces: Iterable[Piece]) -> TimeSource:
        """Return where the times of pieces come from: where all are of one context, what that one says."""
        down = [piece for piece in pieces if self.traces[piece.trace].element.get("type") != "penUp"]
        return self._arrays_of(down)[0].time_source

    def find(self, name: str) -> Element | None:
        """Return the element with this ``id``."""
        return self.definitions.by_id.get(name.lstrip("#"))

    def pieces(self, element: Element | None = None) -> list[Piece]:
        """Return what a trace, group or view holds; None for the document's own ink.

        The document's own ink is every trace outside ``<definitions>``, or where there is none, what its views show.

        Raises:
            FormatError: where a view refers to nothing, to itself, or to far too much.
        """
        found: list[Piece] = []
        if element is not None:
            self._add(element, _span(element, self.path), found, 0)
        else:
            found = [Piece(k) for k, trace in enumerate(self.traces) if not trace.in_definitions]
            for view in () if found else self.root.findall("traceView"):
                self._add(view, _span(view, self.path), found, 0)
        self._shown["pieces"] += len(found)
        if self._shown["pieces"] > 10 * MAX_PIECES:
            raise FormatError(self.path, "its views show the same traces far too often")
        return found

    def ink(self, pieces: Iterable[Piece] | None = None, *, counts: Counter[str], mend: bool = True) -> Ink:
        """Return pieces of traces as one ink; traces that continue one another become one stroke.

        Args:
            pieces: what to take, in this order; None for the document's own ink.
            counts: mendings are added to it.
            mend: False for ink that was valid when it was written.

        Raises:
            InkError: where it is not mended and not valid.
        """
        taken = self.pieces() if pieces is None else list(pieces)
        down = [piece for piece in taken if self.traces[piece.trace].element.get("type") != "penUp"]
        if len(down) < len(taken):
            counts["trace-pen-up"] += len(taken) - len(down)
        arrays, local = self._arrays_of(down)
        if local != [Piece(k) for k in range(len(arrays.offsets) - 1)]:
            arrays = arrays.take(*_rows(arrays, local))
        arrays = arrays.merged([self._continues(piece) for piece in down])
        if not mend:
            empty = np.flatnonzero(np.diff(arrays.offsets))
            ends = np.concatenate([[0], arrays.offsets[1:][empty]])
            return Ink(arrays.xy, ends.astype(np.int32), arrays.t, arrays.pressure, arrays.extra)  # type: ignore[arg-type]
        return mend_flat(
            arrays.xy,
            arrays.offsets,
            arrays.t,
            arrays.pressure,
            arrays.extra,
            counts=counts,
            pressure_max=1.0 if arrays.pressure_declared else None,
        )

    def _continues(self, piece: Piece) -> bool:
        return self.traces[piece.trace].element.get("continuation") in {"middle", "end"}

    def _arrays_of(self, pieces: Sequence[Piece]) -> tuple[ContextArrays, list[Piece]]:
        """Return the arrays to take pieces from and the pieces in them: one context's where all are of that context."""
        if len(self.parts) > 1:
            for arrays, members in self.parts:
                place = {trace: k for k, trace in enumerate(members)}
                if all(piece.trace in place for piece in pieces):
                    return arrays, [piece._replace(trace=place[piece.trace]) for piece in pieces]
        return self.arrays, list(pieces)

    def _add(self, element: Element, span: tuple[list[int], list[int]], found: list[Piece], depth: int) -> None:
        low, high = span
        if depth > 100 or len(found) > MAX_PIECES:
            raise FormatError(self.path, "views refer to themselves, or to far too much", _name(element))
        if element.tag == "trace":
            found.append(Piece(self.index[element], low[0] - 1 if low else 0, high[0] if high else None))
            return
        reference = element.get("traceDataRef") if element.tag == "traceView" else None
        if reference:
            self._add(self.definitions.target(reference, element), span, found, depth + 1)
            return
        if element.tag not in _GROUPS:
            raise FormatError(self.path, "a view shows a trace, a traceGroup or a traceView", _name(element))
        children = [child for child in element if child.tag == "trace" or child.tag in _GROUPS]
        first, last = low[0] - 1 if low else 0, high[0] - 1 if high else len(children) - 1
        for k, child in enumerate(children[first : last + 1], first):
            inner = (low[1:] if k == first else [], high[1:] if k == last else [])
            own = _span(child, self.path) if child.tag == "traceView" else ([], [])
            self._add(child, (inner[0] or own[0], inner[1] or own[1]), found, depth + 1)


def read_document(path: Path) -> Document:
    """Read an InkML file.

    Raises:
        FormatError: where it is not InkML, or breaks its rules; says where.
    """
    return parse_document(read_bytes(path), path)


def _rows(arrays: ContextArrays, pieces: Sequence[Piece]) -> tuple[Ints, Ints]:
    """Return the points of pieces and where each piece ends among them."""
    parts = []
    for trace, start, stop in pieces:
        first, end = int(arrays.offsets[trace]), int(arrays.offsets[trace + 1])
        parts.append(np.arange(first + min(start, end - first), end if stop is None else min(first + stop, end)))
    ends = np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)])
    return np.concatenate(parts) if parts else np.empty(0, np.int64), ends.astype(np.int64)


def parse_document(data: bytes, path: object) -> Document:
    """Read an InkML document from bytes; ``path`` is what messages call it, times count from its first timestamp."""
    document = document_of(parse_xml(data, path), path)
    if is_misdeclared(data):
        document.counts["xml-encoding-mended"] += 1
    return document


def document_of(root: Element, path: object) -> Document:
    """Read an InkML document from its root element."""
    if root.tag != "ink":
        raise FormatError(path, f"the root element is <{root.tag[:40]}>, not <ink>: this is not InkML")
    definitions = Definitions(root, path)
    traces = list(_walk(root, definitions))
    counts: Counter[str] = Counter()
    groups: dict[int, list[int]] = {}
    for k, trace in enumerate(traces):
        groups.setdefault(id(trace.context), []).append(k)
    members = list(groups.values())
    contexts = [traces[chosen[0]].context for chosen in members]
    start_s = min((origin_s(context, definitions) for context in contexts), default=0.0)
    parts = [
        context_arrays(context, [traces[k].element for k in chosen], definitions, start_s, counts)
        for context, chosen in zip(contexts, members, strict=True)
    ]
    recorded = [part for part in parts if part.t is not None and part.time_source == "recorded"]
    clocks = [] if is_own(root) else [Clock(part.t, part.offsets) for part in recorded if part.t is not None]
    clock = clock_factor(clocks, counts)
    if clock != 1.0:
        parts = [
            context_arrays(context, [traces[k].element for k in chosen], definitions, start_s, Counter(), clock)
            for context, chosen in zip(contexts, members, strict=True)
        ]
    arrays = joined(parts, members, counts)
    index = {trace.element: k for k, trace in enumerate(traces)}
    held = list(zip(parts, members, strict=True))
    return Document(path, root, definitions, traces, arrays, held, index, counts, _scale(contexts, arrays, counts))


def _scale(contexts: Sequence[Context], arrays: ContextArrays, counts: Counter[str]) -> float | None:
    """Return units a millimetre: the first that all contexts state and that makes a possible page of the ink."""
    stated = {() if context.canvas else context.scales for context in contexts}
    scales = stated.pop() if len(stated) == 1 else ()
    if not scales:
        return None
    extent, n_strokes = extent_of(arrays.xy), len(arrays.offsets) - 1
    for scale in scales:
        if scale_fits(scale, extent, n_strokes) or not extent:
            if scale != scales[0]:
                counts["scale-from-other-statement"] += 1
            return scale
    return plausible_scale(scales[0], extent, n_strokes, counts)


def is_own(root: Element) -> bool:
    """Say whether Kalamos wrote the document: its samples were sound, whatever their times."""
    first = root.find("annotation")
    return first is not None and first.get("type") == "generator" and first.text == GENERATOR


def notes(element: Element, *, strip: bool = True) -> dict[str, str]:
    """Return the ``<annotation>`` children of an element: type -> text; the first of a type counts."""
    found: dict[str, str] = {}
    for item in element.findall("annotation"):
        text = item.text or ""
        found.setdefault(item.get("type", ""), text.strip() if strip else text)
    return found


def _walk(root: Element, definitions: Definitions) -> Iterator[Trace]:
    """Yield the traces in the order of the document, each with its context."""
    current = definitions.context(None)
    stack: list[tuple[Iterator[Element], Context, bool]] = [(iter(root), current, False)]
    while stack:
        children, inherited, defining = stack[-1]
        element = next(children, None)
        if element is None:
            stack.pop()
        elif (tag := element.tag) == "trace":
            reference = element.get("contextRef")
            yield Trace(element, _own_context(element, inherited, definitions) if reference else inherited, defining)
        elif tag == "context" and len(stack) == 1:
            stack[-1] = (children, definitions.context(element), defining)
        elif tag in {"definitions", "traceGroup"}:
            context = _own_context(element, inherited, definitions)
            stack.append((iter(element), context, defining or element.tag == "definitions"))


def _own_context(element: Element, inherited: Context, definitions: Definitions) -> Context:
    reference = element.get("contextRef")
    if not reference or reference.lstrip("#") in {"", "DefaultContext"}:
        return inherited
    return definitions.context(definitions.target(reference, element, "context"))


def _span(element: Element, path: object) -> tuple[list[int], list[int]]:
    """Return ``from`` and ``to`` of a view: positions from 1, one for each level downwards."""
    spans = []
    for name in ("from", "to"):
        text = element.get(name, "")
        try:
            span = [int(part) for part in text.split(":")] if text else []
        except ValueError:
            span = [0]
        if any(part < 1 for part in span):
            raise FormatError(path, f"{name} is not positions from 1, as in 2:5; got {text!r:.40}", _name(element))
        spans.append(span)
    return spans[0], spans[1]


def _name(element: Element) -> str:
    return f"{element.tag} {element.get('id') or element.get('traceDataRef') or ''}".strip()
