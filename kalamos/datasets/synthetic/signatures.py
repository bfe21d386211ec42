"""Signatures of simulated writers: large, fast, run together, and crossing themselves. Nobody's signature is copied.

A hand's signature is made of up to four parts that it always writes in this order: one or two initials (capitals of its
Latin letter plans, or a free loop), the rest of the name as a running line of peaks and troughs that leans back into
loops, a flourish that runs back under the name, and crossbars or dots. The parts' sizes and numbers are drawn once a
writer; what differs from one instance to the next is the motor model's (:mod:`.writing`), with fast, long, overlapping
pulses. That signatures are faster and rounder than text is as Plamondon and his co-workers describe them; the shapes
and all numbers are ours.
"""

from __future__ import annotations

import dataclasses
import itertools
from functools import lru_cache

import numpy as np

from kalamos.datasets.synthetic.composition import layout
from kalamos.datasets.synthetic.curves import Knots, Path
from kalamos.datasets.synthetic.glyphs import Hand, letters, moved
from kalamos.datasets.synthetic.plans import StrokePlan, plan_stroke
from kalamos.datasets.synthetic.writers import Writer
from kalamos.datasets.synthetic.writing import write
from kalamos.ink import Ink
from kalamos.machinery.seeding import rng_for

COARSER = 2.5
"""A signature's long lines are planned in steps so much longer than a letter's."""
MOST_DRAFTS, HIGHEST = 12, 320.0
CAPITALS = tuple(letter for letter in letters("Latn") if letter.isupper())


def sign(writer: Writer, rng: np.random.Generator) -> Ink:
    """Write this hand's signature once: millimetres, y downwards, seconds from the first pen-down.

    Args:
        writer: the hand; the shape follows from its name.
        rng: what differs from one instance to the next is drawn from it.
    """
    return write(signature(writer), _hasty(writer), rng)


@lru_cache(maxsize=64)
def signature(writer: Writer) -> tuple[StrokePlan, ...]:
    """Return the strokes of a hand's signature in the order of writing, in plan units, y upwards.

    A draft that a curve has run out of is thrown away: Hobby's rule goes far out where knots double back sharply.
    """
    for draft in range(MOST_DRAFTS):
        strokes = _draft(writer, rng_for(0, writer.name, "signature", draft))
        path = np.concatenate([stroke.path for stroke in strokes])
        width, height = np.ptp(path.real), np.ptp(path.imag)
        if height < min(HIGHEST, 1.3 * width):
            break
    return strokes


def _draft(writer: Writer, rng: np.random.Generator) -> tuple[StrokePlan, ...]:
    strokes, end = _initials(writer, rng)
    body = _body(end + rng.uniform(-10, 25), rng)
    tail = _flourish(body, rng) if rng.random() < 0.55 else []
    if tail and rng.random() < 0.6:  # the flourish is written in one go with the name
        body, tail = [*body, *tail], []
    parts = _broken(body, rng)
    strokes += [_smooth(part) for part in parts]
    if tail:
        strokes.append(_smooth(tail))
    if rng.random() < 0.45:
        strokes += _marks(np.array(body), rng)
    return tuple(strokes)


def _hasty(writer: Writer) -> Writer:
    """Return the hand at the speed of a signature: shorter pulses that run into each other, round corners."""
    return dataclasses.replace(
        writer,
        size_mm=1.4 * writer.size_mm,
        period_s=0.7 * writer.period_s,
        overlap=min(0.66, writer.overlap + 0.08),
        corner_overlap=min(0.5, writer.corner_overlap + 0.2),
        jitter=1.5 * writer.jitter,
        pen_up_s=0.7 * writer.pen_up_s,
    )


def _smooth(points: list[complex]) -> StrokePlan:
    knots = (np.array(points, complex) / COARSER).astype(np.complex128)
    plan = plan_stroke(Knots(knots, np.zeros(len(knots), bool), np.zeros(len(knots) - 1, bool)))
    return plan._replace(path=COARSER * plan.path)


def _initials(writer: Writer, rng: np.random.Generator) -> tuple[list[StrokePlan], float]:
    """Return the strokes of no, one or two initials, and where they end."""
    strokes: list[StrokePlan] = []
    right = 0.0
    for _ in range(int(rng.choice(3, p=[0.15, 0.6, 0.25]))):
        if rng.random() < 0.55:
            hand = Hand(writer.choice, writer.spacing, writer.fused_dots)
            letter = layout(str(rng.choice(CAPITALS)), "Latn", hand)
            size = rng.uniform(1.0, 1.7)
            made = [moved(stroke._replace(path=size * stroke.path), right) for stroke in letter]
        else:
            made = [_smooth(_loop(complex(right + 45, rng.uniform(35, 70)), rng))]
        strokes += made
        right = max(float(stroke.path.real.max()) for stroke in made) + rng.uniform(-25, 15)
    return strokes, right


def _loop(centre: complex, rng: np.random.Generator) -> list[complex]:
    """Return the knots of a loop that goes round one to two times, shrinking or growing."""
    count = int(rng.integers(6, 11))
    turn = rng.uniform(2.0, 4.0) * np.pi * rng.choice([-1.0, 1.0])
    angle = rng.uniform(0, 2 * np.pi) + turn * np.linspace(0, 1, count)
    radius = rng.uniform(35, 75) * np.linspace(1, rng.uniform(0.35, 1.3), count)
    way = np.linspace(0, rng.uniform(-20, 60), count)
    return list(centre + way + radius * (rng.uniform(0.35, 1.0) * np.cos(angle) + 1j * np.sin(angle)))


def _body(left: float, rng: np.random.Generator) -> list[complex]:
    """Return the knots of the rest of the name: up and down and on to the right, flattening towards the end."""
    count = int(rng.integers(4, 14))
    height, advance = rng.uniform(18, 60), rng.uniform(12, 34)
    flatter = np.linspace(1, rng.uniform(0.25, 1.0), count)
    x, knots = left, []
    for k in range(count):
        top = height * flatter[k] * np.exp(rng.normal(0, 0.3)) * (rng.uniform(1.8, 3.2) if rng.random() < 0.15 else 1)
        bottom = rng.normal(0, 5) - (rng.uniform(40, 110) if rng.random() < 0.12 else 0)
        back = rng.uniform(0, 0.8) * advance if rng.random() < 0.6 else 0.0  # leans back: a loop
        knots += [complex(x + advance * 0.5 - back, top), complex(x + advance * 0.7, bottom)]
        x += advance * np.exp(rng.normal(0, 0.25))
    return knots


def _flourish(body: list[complex], rng: np.random.Generator) -> list[complex]:
    """Return the knots of a line that runs back under the name, or through it, and on again."""
    xs = np.array(body).real
    low, width = rng.uniform(-90, 10), float(np.ptp(xs)) + 40
    right, left = float(xs.max()) + rng.uniform(5, 50), float(xs.min()) - rng.uniform(-20, 60)
    knots = [complex(right, low + rng.uniform(0, 40)), complex(right - 0.4 * width, low - rng.uniform(0, 25)),
             complex(left, low + rng.uniform(-15, 15))]  # fmt: skip
    if rng.random() < 0.7:
        knots += [complex(left + 0.15 * width, low - rng.uniform(15, 45)),
                  complex(right + rng.uniform(-30, 60), low - rng.uniform(0, 40))]  # fmt: skip
    return knots


def _broken(body: list[complex], rng: np.random.Generator) -> list[list[complex]]:
    """Return the running line in one or a few strokes."""
    if len(body) < 10 or rng.random() < 0.5:
        return [body]
    cuts = sorted(int(cut) for cut in rng.choice(np.arange(4, len(body) - 3), int(rng.integers(1, 3)), replace=False))
    bounds = [0, *cuts, len(body)]
    parts = [body[a:b] for a, b in itertools.pairwise(bounds)]
    return [part for part in parts if len(part) > 1]


def _marks(body: Path, rng: np.random.Generator) -> list[StrokePlan]:
    """Return crossbars and dots, written last."""
    made = []
    for _ in range(int(rng.integers(1, 3))):
        at = complex(rng.choice(body))
        if rng.random() < 0.5:
            made.append(_smooth([at + complex(rng.uniform(-6, 6), rng.uniform(25, 60))]))
        else:
            half = rng.uniform(12, 60)
            made.append(_smooth([at + complex(-half, rng.uniform(5, 35)), at + complex(half, rng.uniform(10, 50))]))
    return made
