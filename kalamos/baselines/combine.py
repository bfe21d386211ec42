"""Which stroke first, from which end, and where the pen stayed down: rules for each script, kept as data.

A tracer says which lines on the paper are one movement; this module says how the movements were made. The cost of a
way of drawing is a weighted sum of the features in :mod:`kalamos.baselines.rule_features`, and the cheapest way is
taken (:mod:`kalamos.baselines.ordering`). What is known as rules is the sign of a weight: left before right, dots last,
bars after stems, counter-clockwise rings, a pen-up that costs more the further it goes. The weights of a script are
one entry of ``rules.json``; ``python -m kalamos.training.fit_rules`` makes it from the training writers of a corpus.

Where one stroke ends on the path of another, the pen may have stayed down and gone back along it, as from the foot of
the stem of an n to its arch: a **join**. A join costs by the length retraced and the angle at which the pen leaves,
and competes with the pen-up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from kalamos.baselines import rule_features as f
from kalamos.baselines.ordering import BEAM, MOST_EXACT, MOST_VARIANTS, best_beam, best_exact
from kalamos.baselines.walks import Lines
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.scripts import FAMILY, direction_of

NAMES = (*f.DRAWING, *f.FLOW, *(f"later_{name}" for name in f.BEFORE), *f.FIRST, *f.LIFT, *f.JOIN)
NEVER = 1e6
FEW_STROKES, MOST_TOGETHER, MOST_PLANNED = 10, 32, 4_000
"""Strokes up to which all their other ways are weighed, up to which one plan is made, and above which strokes are
only drawn downwards in reading order (no handwriting has so many: it is noise)."""
BAND_HEIGHTS = 2.5


@dataclass(frozen=True, slots=True)
class Rules:
    """The weights of one script: cost a unit of each feature, by name; a name left out weighs nothing."""

    weights: tuple[tuple[str, float], ...]

    def vector(self, names: Sequence[str] = NAMES) -> Floats:
        """Return the weights in the order of ``names``."""
        known = dict(self.weights)
        return np.array([known.get(name, 0.0) for name in names])


@cache
def _table() -> Mapping[str, Rules]:
    text = files("kalamos.baselines").joinpath("rules.json").read_text(encoding="utf-8")
    return {script: Rules(tuple(weights.items())) for script, weights in json.loads(text)["scripts"].items()}


def rules_for(script: str | None) -> Rules:
    """Return the rules of a script (ISO 15924), else those of its family, else those of Latin."""
    table, code = _table(), script or ""
    return table.get(code) or table.get(FAMILY.get(code, ""), table["Latn"])


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """All costs' features for one set of strokes: what rules are applied to, and fitted on.

    Attributes:
        variants: the ways of drawing each stroke.
        drawing: ``(v, len(DRAWING) + len(FLOW))``.
        before: ``(n, n, len(BEFORE))``, features of one stroke coming before another.
        first: ``(v, 4)``; the first two count for the first variant, the last two for the last.
        lift: ``(v, v, len(LIFT))``.
        join: ``(v, v, 2, len(JOIN))``: along the tail of the one, along the head of the other.
        can_join: bool ``(v, v, 2)``.
        at: ``(v, v, 2)`` px along the variant as it is drawn, the place of the join.
    """

    variants: f.Variants
    drawing: Floats
    before: Floats
    first: Floats
    lift: Floats
    join: Floats
    can_join: Bools
    at: Floats


def choices_of(lines: Lines, touch_px: float) -> Choices:
    """Return the features of all ways of drawing these lines."""
    low, scale = f.scale_of(lines.xy)
    variants = f.variants_of(lines)
    v = len(variants.stroke)
    points = np.concatenate(lines.xy)
    offsets = np.concatenate([[0], np.cumsum([len(line) for line in lines.xy])])
    lengths = np.array([np.hypot(*np.diff(line, axis=0).T).sum() for line in lines.xy])
    start, end = variants.line[:, 0], variants.line[:, -1]
    where = f.contacts(np.concatenate([start, end]), points, offsets, touch_px)
    others = variants.stroke[:, None] != lines.stroke
    on_other = (where[1] >= 0) & np.concatenate([others, others])
    touch = on_other.any(axis=1).reshape(2, v).T.astype(np.float64)
    first_of = np.unique(lines.stroke, return_index=True)[1]
    value = f.before_features([lines.xy[k] for k in first_of.tolist()], low, scale)
    before = np.tanh(3.0 * (value[None] - value[:, None]))
    ways = np.stack([_heading(variants.line, 0), _heading(variants.line, 1)])
    join, can_join, at = _joins(variants, lines.closed, lengths, where, ways, scale)
    spots = np.concatenate([(start - low) / scale, (end - low) / scale], axis=1)
    drawing = np.concatenate(
        [f.drawing_features(variants, low, scale, lines, touch), f.flow_features(variants, low, scale)], axis=1
    )
    return Choices(variants, drawing, before, spots, _lifts(start, end, scale), join, can_join, at)


def _heading(line: Floats, at_end: int) -> Floats:
    move = line[:, -1] - line[:, -5] if at_end else line[:, 4] - line[:, 0]
    return np.asarray(move / np.maximum(np.hypot(move[:, 0], move[:, 1]), 1e-9)[:, None])


def _lifts(start: Floats, end: Floats, scale: float) -> Floats:
    move = (start[None] - end[:, None]) / scale
    gap = np.hypot(move[..., 0], move[..., 1])
    return np.stack(
        [
            np.ones_like(gap),
            np.tanh(2 * gap),
            np.tanh(2 * np.maximum(-move[..., 0], 0)),
            np.tanh(2 * np.maximum(move[..., 1], 0)),
            np.tanh(2 * np.maximum(-move[..., 1], 0)),
            np.minimum(gap, 5.0),
        ],
        axis=-1,
    )


def _joins(
    variants: f.Variants,
    closed: Bools,
    lengths: Floats,
    where: tuple[Floats, Floats, Floats, Floats],
    ways: Floats,
    scale: float,
) -> tuple[Floats, Bools, Floats]:
    """Return features, possibility and place of the two joins from each variant a to each variant b.

    The place is a distance along the variant itself, as it is drawn. A ring is joined where the variant ends only.
    """
    first, last, first_way, last_way = where
    v = len(variants.stroke)
    s, back = variants.source, variants.backwards
    length, ring = lengths[s], closed[s]
    begin = np.where(ring, variants.shift / (f.SAMPLES - 1) * length, 0.0)
    apart = variants.stroke[:, None] != variants.stroke[None]
    parts, can, at = [], [], []
    # along the tail of a: b starts on a; a's last passage there, in a's own direction
    b_on_a = np.where(back[:, None], first[:v].T[s], last[:v].T[s])
    way = np.where(back[:, None, None], -first_way[:v].transpose(1, 0, 2)[s], last_way[:v].transpose(1, 0, 2)[s])
    done = _along(b_on_a, length[:, None], begin[:, None], back[:, None], ring[:, None])
    left = length[:, None] - done
    left = np.where(ring[:, None], np.minimum(left, done), left)
    arrive = np.where((left < 2.0)[..., None], ways[1][:, None], -way)
    parts.append(_join_features(left / scale, arrive, ways[0][None], head=False))
    can.append((b_on_a >= 0) & apart & (~ring[:, None] | (left < 2.0)))
    at.append(done)
    # along the head of b: a ends on b; b's first passage there, in b's own direction
    a_on_b = np.where(back[None], last[v:][:, s], first[v:][:, s])
    way = np.where(back[None, :, None], -last_way[v:][:, s], first_way[v:][:, s])
    done = _along(a_on_b, length[None], begin[None], back[None], ring[None])
    leave = np.where((done < 2.0)[..., None], ways[0][None], -way)
    parts.append(_join_features(done / scale, ways[1][:, None], leave, head=True))
    can.append((a_on_b >= 0) & apart & ~ring[None] & (done >= 2.0))
    at.append(done)
    return np.stack(parts, axis=2), np.stack(can, axis=2), np.stack(at, axis=2)


def _along(place: Floats, length: Floats, begin: Floats, back: Bools, ring: Bools) -> Floats:
    """Return how far along a variant a place on its line lies; the variants of a ring ``begin`` elsewhere on it."""
    forwards = np.where(ring, (place - begin) % np.maximum(length, 1e-9), place)
    return np.asarray(np.where(back, length - forwards, forwards))


def _join_features(retraced: Floats, arrive: Floats, leave: Floats, *, head: bool) -> Floats:
    cosine = np.clip((arrive * leave).sum(axis=-1), -1.0, 1.0)
    bend = np.arccos(cosine) / np.pi
    one = np.ones_like(bend)
    length = np.minimum(retraced, 3.0)
    arrive, leave = np.broadcast_arrays(arrive, leave)
    turn = arrive[..., 0] * leave[..., 1] - arrive[..., 1] * leave[..., 0]
    moving = leave if head else arrive
    up = np.where(retraced > 0.03, moving[..., 1], 0.0)
    return np.stack([one, length, bend, bend**2, one * head, np.maximum(-up, 0), np.maximum(up, 0), turn], axis=-1)


def plan(choices: Choices, rules: Rules) -> tuple[Ints, Ints]:
    """Return the variants in the order of least cost, ``(n,)``, and how each is reached, ``(n,)``.

    How: -1 by a pen-up (so the first), 0 along the tail of the stroke before, 1 along its own head.
    """
    weights = rules.vector()
    draw_w, before_w, first_w, lift_w, join_w = np.split(
        weights, np.cumsum([len(f.DRAWING) + len(f.FLOW), len(f.BEFORE), len(f.FIRST), len(f.LIFT)])
    )
    draw = choices.drawing @ draw_w
    pair = choices.before @ before_w
    np.fill_diagonal(pair, 0.0)
    first, last = choices.first[:, :2] @ first_w[:2], choices.first[:, 2:] @ first_w[2:]
    ways = np.concatenate(
        [(choices.lift @ lift_w)[..., None], np.where(choices.can_join, choices.join @ join_w, NEVER)], axis=2
    )
    how = np.argmin(ways, axis=2)
    step = np.min(ways, axis=2)
    stroke, n = choices.variants.stroke, len(pair)
    if n <= MOST_EXACT and len(stroke) <= MOST_VARIANTS:
        order = best_exact(stroke, n, draw, first, last, step, pair)
    else:
        order = best_beam(stroke, n, draw, first, last, step, pair, BEAM)
    reached = np.full(n, -1)
    reached[1:] = how[order[:-1], order[1:]] - 1
    return order, reached


def assemble(lines: Lines, choices: Choices, order: Ints, reached: Ints) -> list[Floats]:
    """Return the polylines of a plan, ``(k, 2)`` each: directed, ordered, and joined where the pen stayed down."""
    out: list[Floats] = []
    for k, (b, how) in enumerate(zip(order.tolist(), reached.tolist(), strict=True)):
        line = _variant_line(lines, choices.variants, b)
        if how < 0:
            out.append(line)
            continue
        a = int(order[k - 1])
        which = a if how == 0 else b
        again = np.empty((0, 2))
        if not lines.closed[choices.variants.source[which]]:
            host = _variant_line(lines, choices.variants, which)
            whole = float(np.hypot(*np.diff(host, axis=0).T).sum())
            arc = float(choices.at[a, b, how])
            again = (_part(host, arc, whole) if how == 0 else _part(host, 0.0, arc))[::-1]
        out[-1] = np.concatenate([out[-1], again[1:-1], line])
    return out


def _variant_line(lines: Lines, variants: f.Variants, b: int) -> Floats:
    k = int(variants.source[b])
    line = np.asarray(lines.xy[k], np.float64)
    if lines.closed[k] and len(line) > 2:
        at = int(np.argmin(np.hypot(*(line - variants.line[b, 0]).T)))
        line = np.concatenate([line[at:-1], line[: at + 1]])
    return line[::-1] if variants.backwards[b] else line


def _part(line: Floats, start: float, stop: float) -> Floats:
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    return line[(arc >= start - 0.5) & (arc <= stop + 0.5)]


def combine(
    lines: Lines,
    script: str | None = None,
    *,
    touch_px: float = 2.0,
    rules: Rules | None = None,
    joins: bool = True,
) -> Ink:
    """Return the ink of these lines, each stroke drawn once, directed, ordered and joined by the rules of the script.

    Args:
        lines: polylines in pixels.
        script: ISO 15924 code, None for unknown.
        touch_px: a stroke that ends within this of another's path can be joined to it.
        rules: in place of the script's own.
        joins: whether strokes may be joined; False for tracers that look for retraced lines themselves.
    """
    if not lines.xy:
        return Ink.empty()
    side = direction_of(script)
    chosen = rules_for(script) if rules is None else rules
    strokes: list[Floats] = []
    plain = int(lines.stroke[-1]) >= MOST_PLANNED
    for part in chunks(lines, side):
        strokes += [_downwards(line, side) for line in part.xy] if plain else _planned(part, chosen, touch_px, joins)
    return Ink.from_strokes(strokes)


def _downwards(line: Floats, side: float) -> Floats:
    a, b = line[0], line[-1]
    return line if a[1] + 0.5 * side * a[0] <= b[1] + 0.5 * side * b[0] else line[::-1]


def _planned(lines: Lines, rules: Rules, touch_px: float, joins: bool) -> list[Floats]:
    choices = choices_of(lines, touch_px)
    if not joins:
        choices.can_join[:] = False
    order, reached = plan(choices, rules)
    return assemble(lines, choices, order, reached)


def chunks(lines: Lines, side: float) -> Iterator[Lines]:
    """Yield the strokes in pieces of at most MOST_TOGETHER, each to be planned as a whole, in reading order.

    With more than FEW_STROKES strokes only the first way of each is kept. Writing higher than BAND_HEIGHTS tall
    strokes is cut into lines first.
    """
    count = int(lines.stroke[-1]) + 1
    if count <= FEW_STROKES:
        yield lines
        return
    first = np.unique(lines.stroke, return_index=True)[1]
    kept = Lines.plain([lines.xy[k] for k in first.tolist()], lines.closed[first])
    if count <= MOST_TOGETHER:
        yield kept
        return
    low = np.array([line.min(axis=0) for line in kept.xy])
    high = np.array([line.max(axis=0) for line in kept.xy])
    middle = 0.5 * (low + high)
    band = BAND_HEIGHTS * max(float(np.quantile(high[:, 1] - low[:, 1], 0.9)), 1.0)
    whole = float(high[:, 1].max() - low[:, 1].min())
    row = np.floor((middle[:, 1] - low[:, 1].min()) / band) if whole > 1.6 * band else np.zeros(count)
    order = np.lexsort((side * middle[:, 0], row))
    for start in range(0, count, MOST_TOGETHER):
        part = order[start : start + MOST_TOGETHER]
        yield Lines.plain([kept.xy[k] for k in part.tolist()], kept.closed[part])
