"""Ink in JSON as programs of today write it, whatever they call its parts.

Read by name: *ML Kit* and *MyScript iink* (``strokes``, ``strokeGroups``, ``pointers``), *JIIX* (``words`` with
``items`` of X, Y, F, T), *signature_pad* (groups of ``points``), *Excalidraw* and *tldraw* (``freedraw`` and ``draw``
shapes with points from their own corner), the handwriting request of *Google's input tools* (``requests`` with ``ink``
of columns). Others are read by what their parts are: a list of objects with x and y is a stroke, an object with lists x
and y is a stroke, or a table where it names strokes or the pen. ``--columns`` maps other keys.

Times are milliseconds unless a key says otherwise; those of JIIX count from the ``timestamp`` of the stroke. y points
down. Erasers, deleted shapes, typed text and other shapes are left out and counted. The file is one sample, or one for
each element of a list of drawings that have strokes of their own; ``--level word`` gives the words of a JIIX.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.errors import FormatError, InkError
from kalamos.formats.columns import ink_of, numbers, roles_of, turned
from kalamos.formats.reading import read_bytes, text_of
from kalamos.formats.report import Refusal, UnitReport
from kalamos.ink import Ink, Level, Sample
from kalamos.machinery.files import utf8

MAX_FILE_BYTES = 256 * 2**20
MAX_DEPTH = 60
DRAWINGS = ("strokes", "strokeGroups", "ink", "words", "pointers", "points", "elements", "drawing", "traces", "items")
"""Keys by which an element of a list is a drawing of its own, if it has a label or an identifier beside them."""
_NAMED = ("label", "text", "id", "key", "writer", "truth", "writing_guide")
_HEAD = re.compile(
    r'^\s*[\[{].*?"(?:x|X|pointers|pointerType|strokes|strokeGroups|excalidraw|writing_guide|penColor|tldrawFileFormatVersion)"\s*[:,\]]'
    r'|^\s*\{.*?"type"\s*:\s*"excalidraw"',
    re.DOTALL,
)
_BAD = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, InkError)
_SHAPES = ("freedraw", "draw")


@dataclass(slots=True)
class _Drawing:
    """Strokes as they were found: tables of role -> values, and the keys that they stood under."""

    strokes: list[tuple[dict[str, Any], dict[str, str]]] = field(default_factory=list)
    label: str = ""
    writer: str = ""
    seen: set[str] = field(default_factory=set)


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is JSON with ink, or None."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return None
    return "JSON with points or strokes" if _HEAD.search(head.decode("utf-8", "replace").lstrip("\ufeff")) else None


def read(
    path: Path, report: UnitReport, level: Level | None = None, columns: Mapping[str, str] | None = None
) -> Iterator[Sample]:
    """Yield the drawings of a file.

    Raises:
        FormatError: where it is no JSON, or nothing in it is points.
    """
    root = _parsed(path, text_of(read_bytes(path, MAX_FILE_BYTES)))
    drawings = list(_split(root, level))
    several = len(drawings) > 1
    met = False
    for number, (name, node) in enumerate(drawings):
        report.expected["drawing"] += 1
        where = f"drawing {number + 1}" if several else ""
        drawing = _Drawing()
        try:
            _collect(node, drawing, columns, report.mendings, "", 0)
            if not drawing.strokes:
                raise ValueError("it holds no list of points with x and y")
            ink = _ink(drawing, report.mendings, turned(columns))
        except _BAD as error:
            if not several:
                raise FormatError(path, f"JSON of which {_reason(error)}; {_keys(root)}") from error
            report.refusals.append(Refusal(path.name, where, _reason(error)))
            continue
        met = True
        key = f"{path.stem}/{name or number}" if several else path.stem
        yield Sample(
            _clean(key),
            ink,
            _clean(drawing.label),
            level or "page",
            writer=_clean(drawing.writer),
            units="px",
            time_source="none" if ink.t is None else "recorded",
            source=f"{path.name}, {where}".removesuffix(", "),
        )
    if not met and not report.refusals:
        raise FormatError(path, f"JSON without a drawing; {_keys(root)}")


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return [json.loads(line) for line in lines] if len(lines) > 1 else _fail(path, error)
        except (ValueError, RecursionError):
            return _fail(path, error)
    except (ValueError, RecursionError) as error:
        raise FormatError(path, f"is no JSON that can be read: {str(error)[:100]}") from error


def _fail(path: Path, error: json.JSONDecodeError) -> Any:
    raise FormatError(path, f"is no JSON: {error.msg}", f"line {error.lineno}, column {error.colno}") from error


def _split(root: Any, level: Level | None) -> Iterator[tuple[str, Any]]:
    """Yield name and node of each drawing of its own."""
    if level == "word" and isinstance(root, dict) and isinstance(root.get("words"), list):
        words = [word for word in root["words"] if isinstance(word, dict) and word.get("items")]
        yield from ((str(number), word) for number, word in enumerate(words))
        return
    requests = root.get("requests") if isinstance(root, dict) else None
    items = requests if isinstance(requests, list) else root
    if isinstance(items, list) and items and all(_is_drawing(item) for item in items):
        yield from ((str(item.get("id") or item.get("key") or ""), item) for item in items)
        return
    yield "", root


def _is_drawing(node: Any) -> bool:
    """Say whether a node is a drawing of its own: it has strokes, and a label, a name or a guide beside them."""
    return (
        isinstance(node, dict)
        and any(isinstance(node.get(name), list) for name in DRAWINGS)
        and any(name in node for name in _NAMED)
        and "pointerType" not in node
        and node.get("type") != "stroke"
    )


def _collect(
    node: Any, found: _Drawing, columns: Mapping[str, str] | None, counts: Counter[str], key: str, depth: int
) -> None:
    """Add the strokes below a node in the order in which they stand."""
    if depth > MAX_DEPTH:
        raise ValueError(f"its parts nest deeper than {MAX_DEPTH}")
    if isinstance(node, dict):
        _collect_object(node, found, columns, counts, depth)
    elif isinstance(node, list) and node:
        _collect_list(node, found, columns, counts, key, depth)


def _collect_object(
    node: dict[str, Any], found: _Drawing, columns: Mapping[str, str] | None, counts: Counter[str], depth: int
) -> None:
    if node.get("isDeleted") or str(node.get("pointerType", "")).upper() == "ERASER":
        counts["left-out-deleted" if node.get("isDeleted") else "left-out-eraser"] += 1
        return
    if not found.label and isinstance(label := node.get("label", node.get("truth")), str):
        found.label = label
    if not found.writer and isinstance(node.get("writer"), str | int):
        found.writer = str(node["writer"])
    if node.get("type") in _SHAPES or node.get("typeName") == "shape":
        _collect_shape(node, found, counts)
        return
    if depth and isinstance(node.get("type"), str) and isinstance(node.get("version"), int) and "points" not in node:
        counts["left-out-shape"] += 1  # another element of Excalidraw
        return
    roles = _known(node, columns)
    if {"x", "y"} <= roles.keys() and all(isinstance(node[roles[axis]], list) for axis in "xy"):
        name = str(node.get("id", ""))
        if name and node.get("type") == "stroke":
            if name in found.seen:
                return  # JIIX shows the strokes of a word again below its characters
            found.seen.add(name)
        found.strokes.append(_columns(node, roles, counts))
        return
    for name, child in node.items():
        if isinstance(child, dict | list):
            _collect(child, found, columns, counts, name, depth + 1)


def _collect_list(
    node: list[Any], found: _Drawing, columns: Mapping[str, str] | None, counts: Counter[str], key: str, depth: int
) -> None:
    first = next((item for item in node if item is not None), None)
    if isinstance(first, dict):
        names = list(dict.fromkeys(name for item in node[:50] if isinstance(item, dict) for name in item))
        roles = roles_of(names, columns) if not columns or set(_names(columns)) <= set(names) else {}
        if {"x", "y"} <= roles.keys() and _is_value(first.get(roles["x"])) and not _is_shape(first):
            if not all(isinstance(item, dict) for item in node):
                raise ValueError("a list of points holds something that is none")
            rows = {role: [item.get(name) for item in node] for role, name in roles.items()}
            found.strokes.append((_as_one_stroke(rows), roles))
            return
    elif isinstance(first, list) and _is_value(next(iter(first), None)):
        found.strokes.append((_pairs(node), {"t": "t"}))
        return
    for item in node:
        if key in ("ink", "drawing") and isinstance(item, list) and item and isinstance(item[0], list):
            found.strokes.append((_lists(item), {"t": "ms"}))
        else:
            _collect(item, found, columns, counts, key, depth + 1)


def _collect_shape(node: dict[str, Any], found: _Drawing, counts: Counter[str]) -> None:
    """Add the strokes of a shape of Excalidraw or tldraw; its points count from its own corner and may be turned."""
    properties = node.get("props", node)
    if node.get("type") not in _SHAPES:
        counts["left-out-shape"] += 1
        return
    pieces = [piece["points"] for piece in properties["segments"]] if "segments" in properties else [node["points"]]
    if not all(isinstance(piece, list) for piece in pieces):
        raise ValueError("a shape packs its points in a way that is not published")
    corner = np.array([float(node.get("x", 0)), float(node.get("y", 0))])
    for piece in pieces:
        places = np.array([[p["x"], p["y"]] if isinstance(p, dict) else p[:2] for p in piece], np.float64).reshape(
            -1, 2
        )
        if not len(places):
            continue
        turn = float(node.get("angle", node.get("rotation", 0)) or 0)
        if turn:
            middle = np.array([float(node["width"]), float(node["height"])]) / 2 if "width" in node else np.zeros(2)
            sine, cosine = math.sin(turn), math.cos(turn)
            places = (places - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle
        table: dict[str, Any] = {"x": list(places[:, 0] + corner[0]), "y": list(places[:, 1] + corner[1])}
        force = node.get("pressures") or []
        if len(force) == len(places) and not node.get("simulatePressure"):
            table["pressure"] = force
        found.strokes.append((_as_one_stroke(table), {}))


def _known(node: Mapping[str, Any], columns: Mapping[str, str] | None) -> dict[str, str]:
    if columns and not set(_names(columns)) <= set(node):
        return {}
    return roles_of(list(node), columns)


def _names(columns: Mapping[str, str]) -> list[str]:
    return [name.lstrip("-") for name in columns.values()]


def _columns(
    node: Mapping[str, Any], roles: Mapping[str, str], counts: Counter[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the table of an object that has its points in lists."""
    n = len(node[roles["x"]])
    table: dict[str, Any] = {}
    for role, name in roles.items():
        values = node[name]
        if isinstance(values, list) and len(values) == n:
            table[role] = values
        elif role in "xy":
            raise ValueError("a stroke has not as many x as y")
        elif isinstance(values, list) and values:
            counts["channel-in-few-strokes"] += 1
    names = dict(roles)
    if isinstance(node.get("T"), list) and isinstance(node.get("timestamp"), str) and len(node["T"]) == n:
        start_ms = _moment_ms(node["timestamp"])
        table["t"], names["t"] = [start_ms + float(value) for value in node["T"]], "ms"
    return _as_one_stroke(table), names


def _moment_ms(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _as_one_stroke(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table that is a stroke unless it names strokes or pen states itself."""
    if {"stroke", "pen", "penup"} & table.keys():
        return table
    return {**table, "stroke": [0] * len(table["x"])}


def _pairs(points: Sequence[Any]) -> dict[str, Any]:
    """Return the table of a list of [x, y] or [x, y, t]."""
    if not all(isinstance(point, list) and len(point) == len(points[0]) >= 2 for point in points):
        raise ValueError("a list of points has points of different lengths")
    table = {"x": [point[0] for point in points], "y": [point[1] for point in points]}
    return _as_one_stroke(table)


def _lists(stroke: list[Any]) -> dict[str, Any]:
    """Return the table of [[x ...], [y ...], [t ...]]."""
    if len(stroke) < 2 or len(stroke[0]) != len(stroke[1]):
        raise ValueError("a stroke is not [[x ...], [y ...], [t ...]] of equal lengths")
    table = {"x": stroke[0], "y": stroke[1]}
    if len(stroke) > 2 and len(stroke[2]) == len(stroke[0]):
        table["t"] = stroke[2]
    return _as_one_stroke(table)


def _ink(drawing: _Drawing, counts: Counter[str], y_up: bool) -> Ink:
    """Return the strokes as one ink; a channel that some of them lack has no value there."""
    whole: dict[str, list[Any]] = {}
    tables = [table for table, _ in drawing.strokes]
    roles = dict.fromkeys(role for table in tables for role in table)
    names = {role: name for _, own in drawing.strokes for role, name in own.items()}
    timed = all("t" in table for table in tables)
    if not timed and "t" in roles:
        counts["channel-in-few-strokes"] += 1
    for role in roles:
        if role == "t" and not timed:
            continue
        parts = []
        for number, table in enumerate(tables):
            n = len(table["x"])
            if role == "stroke":
                values: list[Any] = [(number, value) for value in table.get("stroke", [0] * n)]
            elif role == "pen":
                values = list(table.get("pen", [1] * n))
            elif role == "penup":
                values = list(table.get("penup", [0] * n))
            else:
                values = list(table.get(role, [None] * n))
            parts.append(values)
        whole[role] = [value for values in parts for value in values]
    whole.setdefault("stroke", [number for number, table in enumerate(tables) for _ in table["x"]])
    if "t" in whole:
        numbers(whole["t"], "t")
    return ink_of(whole, {**names, "t": names.get("t", "t")}, counts, y_up)


def _is_value(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_shape(node: Mapping[str, Any]) -> bool:
    """Say whether an object with x and y is a shape at that place, not a point."""
    return any(isinstance(value, list | dict) and value for value in node.values())


def _clean(text: str) -> str:
    """Return text without halves of surrogate pairs, which no file can hold."""
    return utf8(text).decode()


def _keys(root: Any) -> str:
    node = root[0] if isinstance(root, list) and root else root
    names = ", ".join(map(str, node))[:100] if isinstance(node, dict) else type(node).__name__
    return f"its keys are {names}; name those of the points with --columns x=..,y=..,t=.."


def _reason(error: Exception) -> str:
    text = str(error)[:150] or type(error).__name__
    return f"the key {text} is missing" if isinstance(error, KeyError) else text
