r"""Label graphs (``.lg``) of CROHME: which traces form which symbol, and how symbols stand to one another.

Format: H. Mouchère, R. Zanibbi et al., LgEval, CROHME 2012 and later. A comma-separated record a line, ``#`` comments:
``O, object, label, weight, trace ...`` and ``R`` (or ``EO``)``, object, object, relation, weight``; the older form has
``N, trace, label, weight`` and ``E, trace, trace, relation, weight``, where an edge whose relation is ``*`` or the
label of both its traces joins them to one symbol. A comma as a label is written ``COMMA``.

The relations ``Right``, ``Sup``, ``Sub``, ``Above``, ``Below`` and ``Inside`` form a tree, from which the LaTeX of the
expression is composed: ``x^{2}``, ``\frac{a}{b}`` of a ``-`` with something above and below, ``\sqrt{x}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kalamos.errors import FormatError
from kalamos.formats.reading import read_bytes, text_of

MAX_FILE_BYTES = 16 * 2**20
MAX_DEPTH = 50
"""No symbol stands higher above or lower below its line, in steps, in an expression that gets a label."""
_SPELLINGS = {"COMMA": ","}
_RELATIONS = {
    **dict.fromkeys(("right", "r", "hor"), "Right"),
    **dict.fromkeys(("sup", "rsup"), "Sup"),
    **dict.fromkeys(("sub", "rsub"), "Sub"),
    **dict.fromkeys(("above", "upper", "nroot"), "Above"),
    **dict.fromkeys(("below", "under"), "Below"),
    **dict.fromkeys(("inside", "i"), "Inside"),
}
_BARS = ("-", r"\frac")
_LIMITS = (r"\sum", r"\prod", r"\lim", r"\int", r"\bigcup", r"\bigcap")


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol: its label, and the names of its traces in the InkML file."""

    name: str
    label: str
    traces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelGraph:
    """The symbols of an expression in the order of the file, and ``(symbol, relation) -> symbol``."""

    symbols: Mapping[str, Symbol]
    relations: Mapping[tuple[str, str], str]

    def latex(self) -> str | None:
        """Return the expression in LaTeX; None where the relations form no tree."""
        inner = set(self.relations.values())
        roots = [name for name in self.symbols if name not in inner]
        met: list[str] = []
        composed = "".join(self._chain(roots[0], met, 0)) if len(roots) == 1 else ""
        return composed.strip() if composed and sorted(met) == sorted(self.symbols) else None

    def _chain(self, name: str | None, met: list[str], depth: int) -> Iterator[str]:
        while name is not None and len(met) <= len(self.symbols) and depth < MAX_DEPTH:
            met.append(name)
            yield self._one(name, met, depth + 1)
            name = self.relations.get((name, "Right"))

    def _one(self, name: str, met: list[str], depth: int) -> str:
        label = self.symbols[name].label
        parts = {
            relation: "".join(self._chain(self.relations[name, relation], met, depth)).strip()
            for relation in ("Above", "Below", "Inside", "Sub", "Sup")
            if (name, relation) in self.relations
        }
        above, below = parts.pop("Above", None), parts.pop("Below", None)
        text = label
        if label in _BARS and above is not None and below is not None:
            text = rf"\frac{{{above}}}{{{below}}}"
        elif "Inside" in parts:
            degree = f"[{above}]" if above else ""
            text = f"{label}{degree}{{{parts.pop('Inside')}}}"
        elif label in _LIMITS:
            parts = {"Sub": below or parts.get("Sub", ""), "Sup": above or parts.get("Sup", "")}
        elif above is not None or below is not None:
            text += f"^{{{above}}}" * (above is not None) + f"_{{{below}}}" * (below is not None)
        text += "".join(f"{mark}{{{parts[key]}}}" for key, mark in (("Sub", "_"), ("Sup", "^")) if parts.get(key))
        return f"{text} " if re.search(r"\\[A-Za-z]+$", text) else text


def read_label_graph(path: Path) -> LabelGraph:
    """Read a ``.lg`` file.

    Raises:
        FormatError: where a record is malformed, or there is no symbol.
    """
    symbols: dict[str, Symbol] = {}
    nodes: dict[str, str] = {}
    edges: list[tuple[str, str, str]] = []
    for number, line in enumerate(text_of(read_bytes(path, MAX_FILE_BYTES)).splitlines(), 1):
        kind, *values = [value.strip() for value in line.partition("#")[0].split(",")]
        if kind == "O" and len(values) >= 4:
            label = _SPELLINGS.get(values[1], values[1])
            symbols[values[0]] = Symbol(values[0], label, tuple(value for value in values[3:] if value))
        elif kind == "N" and len(values) >= 2:
            nodes[values[0]] = _SPELLINGS.get(values[1], values[1])
        elif kind in {"E", "R", "EO"} and len(values) >= 3:
            edges.append((values[0], values[1], values[2]))
        elif kind in {"O", "N", "E", "R", "EO"}:
            raise FormatError(path, f"the record {kind} is too short", f"line {number}")
    of_trace: dict[str, str] = {}
    if nodes and not symbols:
        of_trace, symbols = _joined(nodes, edges)
    if not symbols:
        raise FormatError(path, "it names no symbol (no record O or N)")
    relations: dict[tuple[str, str], str] = {}
    for a, b, relation in edges:
        first, second = of_trace.get(a, a), of_trace.get(b, b)
        if first != second and first in symbols and second in symbols and relation.lower() in _RELATIONS:
            relations.setdefault((first, _RELATIONS[relation.lower()]), second)
    return LabelGraph(symbols, relations)


def _joined(
    nodes: Mapping[str, str], edges: Sequence[tuple[str, str, str]]
) -> tuple[dict[str, str], dict[str, Symbol]]:
    """Return the symbol of each trace, named by its first one, and the symbols."""
    parent = {name: name for name in nodes}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    order = {name: k for k, name in enumerate(nodes)}
    for a, b, relation in edges:
        same = relation == "*" or (a in nodes and _SPELLINGS.get(relation, relation) == nodes[a] == nodes.get(b))
        if same and a in nodes and b in nodes:
            first, second = sorted((root(a), root(b)), key=order.__getitem__)
            parent[second] = first
    of_trace = {name: root(name) for name in nodes}
    members: dict[str, list[str]] = {}
    for name, first in of_trace.items():
        members.setdefault(first, []).append(name)
    return of_trace, {first: Symbol(first, nodes[first], tuple(traces)) for first, traces in members.items()}
