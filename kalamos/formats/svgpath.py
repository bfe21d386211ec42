"""SVG path data to polylines, within a stated tolerance (SVG 1.1, section 8.3)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from kalamos.machinery.arrays import Floats

_COMMAND = re.compile(r"([MmLlHhVvCcSsQqTtAaZz])")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SPACE = " \t\r\n\f,"
_FLAGS = (3, 4)
"""Which of an arc's seven values are flags: 0 or 1, which need no separator."""
_SIZES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
MAX_SEGMENTS = 10_000
"""No curve is cut into more pieces."""
MAX_NUMBER = 1e9


def polylines(data: str, tolerance: float) -> list[Floats]:
    """Return the sub-paths of SVG path data as polylines ``(n, 2)``.

    A Bezier curve is cut into equal parameter steps, as many as keep every chord within ``tolerance`` of it: for degree
    d and second differences of the control points up to M, sqrt(d (d - 1) M / (8 tolerance)) (Wang's bound). An arc is
    cut into equal angles, by the height of a circle's segment.

    Raises:
        ValueError: where the data are not path data; says what stands there.
    """
    found: list[list[Floats]] = []
    here = start = np.zeros(2)
    control, last = here, ""
    for command, values in _commands(data):
        kind = command.upper()
        base = here if command.islower() else np.zeros(2)
        if kind == "M":
            here = start = base + values
            found.append([here[None]])
        elif not found:
            raise ValueError(f"path data begin with {command!r}, not with M")
        else:
            if last == "Z":
                found.append([here[None]])
            piece, here, control = _piece(kind, values, base, here, start, control, last, tolerance)
            found[-1].append(piece)
        last = kind
    return [np.concatenate(parts) for parts in found]


def _piece(
    kind: str, values: Floats, base: Floats, here: Floats, start: Floats, control: Floats, last: str, tolerance: float
) -> tuple[Floats, Floats, Floats]:
    """Return the points after the current one, the new current point, and the last control point."""
    if kind == "Z":
        return start[None], start, start
    if kind == "H":
        end = np.array([base[0] + values[0], here[1]])
    elif kind == "V":
        end = np.array([here[0], base[1] + values[0]])
    else:
        end = base + values[-2:]
    if kind in "LHV":
        return end[None], end, end
    if kind == "A":
        return _arc(here, end, values, tolerance), end, end
    points = base + values.reshape(-1, 2)
    if kind in "ST":
        reflected = 2 * here - control if last in {"S": ("C", "S"), "T": ("Q", "T")}[kind] else here
        points = np.concatenate([reflected[None], points])
    return bezier(np.concatenate([here[None], points]), tolerance), end, points[-2]


def bezier(points: Floats, tolerance: float) -> Floats:
    """Return points on a Bezier curve of degree 2 or 3 with these control points, without the first."""
    degree = len(points) - 1
    bend = np.hypot(*np.diff(points, 2, axis=0).T).max()
    steps = math.ceil(min(math.sqrt(degree * (degree - 1) * bend / (8 * tolerance)), MAX_SEGMENTS)) or 1
    u = np.linspace(0, 1, steps + 1)[1:, None]
    weights = [math.comb(degree, k) * u**k * (1 - u) ** (degree - k) for k in range(degree + 1)]
    curve = sum((w * p for w, p in zip(weights, points, strict=True)), np.zeros((steps, 2)))
    curve[-1] = points[-1]
    return curve


def _arc(start: Floats, end: Floats, values: Floats, tolerance: float) -> Floats:
    """Return points on an elliptical arc, without the first (SVG 1.1, appendix F.6)."""
    rx, ry = abs(values[0]), abs(values[1])
    if rx == 0 or ry == 0 or (start == end).all():
        return end[None]
    turn = math.radians(values[2])
    large, sweep = values[3] != 0, values[4] != 0
    rotate = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    a = rotate @ ((start - end) / 2)
    fit = (a[0] / rx) ** 2 + (a[1] / ry) ** 2
    rx, ry = (rx * math.sqrt(fit), ry * math.sqrt(fit)) if fit > 1 else (rx, ry)
    below = (rx * a[1]) ** 2 + (ry * a[0]) ** 2
    factor = math.sqrt(max(0.0, (rx * ry) ** 2 / below - 1)) * (-1 if large == sweep else 1)
    centre = factor * np.array([rx * a[1] / ry, -ry * a[0] / rx])
    first = math.atan2((a[1] - centre[1]) / ry, (a[0] - centre[0]) / rx)
    sector = (math.atan2((-a[1] - centre[1]) / ry, (-a[0] - centre[0]) / rx) - first) % (2 * math.pi)
    sector = sector if sweep else sector - 2 * math.pi
    widest = max(2 * math.acos(max(0.0, 1 - tolerance / max(rx, ry))), 1e-9)
    steps = math.ceil(min(abs(sector) / widest, MAX_SEGMENTS)) or 1
    angle = first + np.linspace(0, sector, steps + 1)[1:]
    curve = np.stack([rx * np.cos(angle), ry * np.sin(angle)], axis=1) + centre
    points: Floats = curve @ rotate + (start + end) / 2
    points[-1] = end
    return points


def _commands(data: str) -> Iterator[tuple[str, Floats]]:
    """Yield each command with one set of its numbers; repeated sets repeat the command, after M as L."""
    first, *parts = _COMMAND.split(data)
    if first.strip():
        raise ValueError(f"{first.strip()[:20]!r} stands before the first command")
    for command, text in zip(parts[::2], parts[1::2], strict=True):
        size = _SIZES[command.upper()]
        numbers = _numbers(_separated(text) if command in "Aa" else text)
        if (len(numbers) % size or not len(numbers)) if size else len(numbers):
            raise ValueError(f"{command} takes {size} numbers, or sets of {size}; got {len(numbers)}")
        if not size:
            yield command, numbers
        for k in range(0, len(numbers), size or 1):
            yield {"M": "L", "m": "l"}.get(command, command) if k else command, numbers[k : k + size]


def _separated(text: str) -> str:
    """Return the values of arcs with a space after each, flags too."""
    values: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in _SPACE:
            at += 1
            continue
        match = _NUMBER.match(text, at)
        if match is None:
            raise ValueError(f"{text[at : at + 20]!r} is not path data")
        flag = len(values) % _SIZES["A"] in _FLAGS and text[at] in "01"
        end = at + 1 if flag else match.end()
        values.append(text[at:end])
        at = end
    return " ".join(values)


def _numbers(text: str) -> Floats:
    strange = _NUMBER.sub("", text).replace(",", " ").strip()
    if strange:
        raise ValueError(f"{strange[:20]!r} is not path data")
    numbers = np.array([float(number) for number in _NUMBER.findall(text)])
    if len(numbers) and np.abs(numbers).max() > MAX_NUMBER:
        raise ValueError(f"numbers are no larger than {MAX_NUMBER:g}")
    return numbers
