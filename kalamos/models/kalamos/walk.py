"""The likeliest action each time, a few steps at a call.

What comes after a step is mostly plain: the pen goes on over the piece ahead that was not drawn yet. So the steps to
come are guessed, the network reads them all at once, and they hold as far as it would have done the same (blockwise
parallel decoding: Stern, Shazeer and Uszkoreit, NeurIPS 2018). The path is that of one step at a time, in a third of
the calls.

An image is guessed alike alone and beside others, and the length of its past is rounded up alike, so that neither
changes a bit of what becomes of it.

Shapes: b images, w rows of each (the step to come and those guessed), m directed pieces.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Floats32, Ints
from kalamos.machinery.kernels import kernel
from kalamos.models.kalamos.engine import GUESSES, PLACES, Encoded, Engine, past_names
from kalamos.models.kalamos.tables import CROWDED, keep, tables

WAYS = 3
"""Of so many ways on from the end of a piece, the straightest that was not drawn yet is guessed."""
LEFT_PX = 0.5
"""A path is guessed to begin at the highest free end, where one a pixel to the left is as good as so much higher."""
ROW_US = 2.0
"""About what a row takes in plain Python."""


class Walks(NamedTuple):
    """The likeliest action each time.

    Attributes:
        action: int64 ``(b, t)``: j goes on over directed piece j, m + j lifts the pen and starts there, 2 m ends.
        log_p: float32 ``(b, t)``, of each action; -inf where nothing was allowed.
        lost: float32 ``(b, t)``, log-probability of the likeliest beginning that was left aside at each step, -inf
            after the last.
        steps: int64 ``(b,)``, actions of each image.
        score: float32 ``(b,)``, log-probability of all of them.
    """

    action: Ints
    log_p: Floats32
    lost: Floats32
    steps: Ints
    score: Floats32


class _Pens(NamedTuple):
    """Where the pens of the images at work are.

    Attributes:
        image: int64 ``(b,)``, which of the batch.
        ways: int64 ``(b, m + 1, WAYS)``, see :func:`ways_on`.
        last: int64 ``(b,)``, the piece just drawn, m before the first.
        mode: int64 ``(b,)``, 0 before the first piece, 1 where the pen went on, 2 where it was lifted.
        drawn: float32 ``(b, m)``, how often each directed piece was drawn.
    """

    image: Ints
    ways: Ints
    last: Ints
    mode: Ints
    drawn: Floats32


class _Rows(NamedTuple):
    """The step to come and those guessed.

    Attributes:
        guess: int64 ``(b, w)``, the action that leads to each row, -1 where there is none: the row says nothing.
        last: int64 ``(b, w)``, as of :class:`_Pens`; so the next two.
        mode: int64 ``(b, w)``.
        drawn: float32 ``(b, w, m)``.
    """

    guess: Ints
    last: Ints
    mode: Ints
    drawn: Floats32


class _Past(NamedTuple):
    """What each layer of the decoder knows of the steps so far.

    Attributes:
        keys: float32 ``(L, b, h, e, p)``.
        values: float32 ``(L, b, h, p, e)``.
    """

    keys: Floats32
    values: Floats32

    @classmethod
    def none(cls, engine: Engine, b: int) -> _Past:
        """Return room for the first steps of b paths."""
        layers, h, e = engine.layers, engine.heads, engine.channels // engine.heads
        return cls(np.zeros((layers, b, h, e, PLACES), np.float32), np.zeros((layers, b, h, PLACES, e), np.float32))

    def with_room(self, places: int) -> _Past:
        """Return the same with room for so many steps."""
        more = -(-places // PLACES) * PLACES - self.keys.shape[-1]
        if more <= 0:
            return self
        layers, b, h, e = self.keys.shape[:4]
        none = np.zeros((layers, b, h, e, more), np.float32)
        return _Past(
            np.concatenate([self.keys, none], axis=4),
            np.concatenate([self.values, none.reshape(layers, b, h, more, e)], axis=3),
        )

    def of(self, images: Ints) -> _Past:
        """Return that of some of the images."""
        return _Past(self.keys[:, images], self.values[:, images])

    def told(self, engine: Engine, steps: Ints) -> dict[str, Floats32]:
        """Return what a walk takes of it, after so many steps of each image."""
        b, h, p = self.keys.shape[1], engine.heads, self.keys.shape[-1]
        ago = engine.ages(steps, p)
        layers = [array for pair in zip(self.keys, self.values, strict=True) for array in pair]
        return {
            "blank": np.zeros((b, h, GUESSES, ago.shape[-1] - GUESSES - p), np.float32), "ago": ago,
            **dict(zip(past_names(engine.layers), layers, strict=True)),
        }  # fmt: skip

    def note(self, own: Floats32, steps: Ints) -> None:
        """Write keys and values of the rows behind the steps so far of each image; what was guessed wrong, too."""
        for k, t in enumerate(steps.tolist()):
            self.keys[:, k, :, :, t : t + GUESSES] = own[::2, k].transpose(0, 1, 3, 2)
            self.values[:, k, :, t : t + GUESSES] = own[1::2, k]


def ways_on(points: Floats32, joints: Ints) -> Ints:
    """Return the directed pieces that go on from the end of each, straightest first, and last those to begin with.

    Args:
        points: float32 ``(b, n, p, 2)``, of the pieces.
        joints: ``(b, n, 2)``, at their first and last points; -1 for padding.

    Returns:
        int64 ``(b, m + 1, WAYS)``, -1 for none.
    """
    b, n = joints.shape[:2]
    first, last = points[:, :, 1] - points[:, :, 0], points[:, :, -1] - points[:, :, -2]
    at_start, at_end = joints.reshape(b, -1), joints[..., ::-1].reshape(b, -1)
    starts, ends = (np.stack(pair, axis=2).reshape(b, 2 * n, 2) for pair in ((first, -last), (last, -first)))
    unit_starts, unit_ends = (way / np.maximum(np.hypot(*way.T).T, 1e-6)[..., None] for way in (starts, ends))
    joined = (at_end[:, :, None] == at_start[:, None]) & (at_end >= 0)[:, :, None]
    straight = np.where(joined, unit_ends @ unit_starts.transpose(0, 2, 1), np.float32(-np.inf))
    found = np.full((b, 2 * n + 1, WAYS), -1)
    places = points[:, :, [0, -1]].reshape(b, 2 * n, 2)
    late = places[..., 1] + LEFT_PX * places[..., 0] + np.where(joined.sum(axis=1) > 1, np.float32(1e4), 0)
    found[:, -1, 0] = np.where(at_start >= 0, late, np.inf).argmin(axis=1)
    for k in range(min(WAYS, 2 * n)):
        best = straight.argmax(axis=2, keepdims=True)
        worth = np.take_along_axis(straight, best, axis=2)
        found[:, :-1, k] = np.where(worth > -np.inf, best, -1)[..., 0]
        np.put_along_axis(straight, best, np.float32(-np.inf), axis=2)
    return found


def walk(engine: Engine, encoded: Encoded, ways: Ints, limits: Ints, enough: float) -> Walks:
    """Return the likeliest action each time for each image.

    Args:
        engine: the network.
        encoded: what its encoder says of the images.
        ways: of :func:`ways_on`.
        limits: int64 ``(b,)``, the steps after which a path is cut.
        enough: the share of the ink before which no path ends; see :func:`~kalamos.models.kalamos.tables.tables`.
    """
    b, m = encoded.length.shape
    longest = int(limits.max(initial=0))
    made = Walks(
        np.zeros((b, longest), np.int64), np.zeros((b, longest), np.float32),
        np.full((b, longest), -np.inf, np.float32), np.zeros(b, np.int64), np.zeros(b, np.float32),
    )  # fmt: skip
    pens = _Pens(np.arange(b), ways, np.full(b, m), np.zeros(b, np.int64), np.zeros((b, m), np.float32))
    scene, past, over = tables(encoded, GUESSES, enough), _Past.none(engine, b), np.zeros(b, np.bool_)
    while not over.all():
        steps, rows = made.steps[pens.image], _guessed(pens)
        past = past.with_room(int(steps.max()) + GUESSES)
        said = engine.walk(
            **scene, **past.told(engine, steps), last=rows.last.reshape(-1), mode=rows.mode.reshape(-1),
            drawn=rows.drawn.reshape(-1, m), ended=np.zeros(rows.last.size, np.bool_),
        )  # fmt: skip
        past.note(said.own, steps)
        _go.for_work(ROW_US * rows.last.size)(pens, rows.guess, said[:3], limits, made, over)
        going = np.flatnonzero(~over)
        if 0 < len(going) <= CROWDED * len(over):
            keep(scene, going)
            pens, past, over = _Pens._make(array[going] for array in pens), past.of(going), over[going]
    return made


def _guessed(pens: _Pens) -> _Rows:
    b = len(pens.last)
    rows = _Rows(
        np.full((b, GUESSES), -1), np.stack([pens.last] * GUESSES, axis=1), np.stack([pens.mode] * GUESSES, axis=1),
        np.stack([pens.drawn] * GUESSES, axis=1),
    )  # fmt: skip
    _guess.for_work(ROW_US * rows.guess.size)(pens.ways, rows)
    return rows


@kernel
def _guess(ways: Ints, rows: _Rows) -> None:
    """Fill the rows after the first, each the piece ahead that was not drawn yet, as long as there is one."""
    b, w = rows.guess.shape
    m = ways.shape[1] - 1
    for i in range(b):
        at = rows.last[i, 0]
        for j in range(1, w):
            ahead = -1
            for k in range(ways.shape[2] - 1, -1, -1):
                piece = ways[i, at, k]
                if piece >= 0 and rows.drawn[i, j, piece] == 0 and rows.drawn[i, j, piece ^ 1] == 0:
                    ahead = piece
            if ahead < 0:
                break
            begins = at == m
            at = ahead
            rows.guess[i, j] = m + ahead if begins else ahead
            for later in range(j, w):
                rows.last[i, later], rows.mode[i, later] = ahead, 2 if begins else 1
                rows.drawn[i, later, ahead] += 1


@kernel
def _go(
    pens: _Pens, guess: Ints, said: tuple[Ints, Floats32, Floats32], limits: Ints, made: Walks, over: Bools
) -> None:
    """Take the step to come, and each that was guessed as it came."""
    action, log_p, other = said
    m = pens.drawn.shape[1]
    for i in range(len(over)):
        image = pens.image[i]
        for j in range(guess.shape[1]):
            if over[i] or (j > 0 and guess[i, j] != action[i, j - 1]):
                break
            t, taken = made.steps[image], action[i, j]
            made.action[image, t], made.log_p[image, t] = taken, log_p[i, j]
            made.lost[image, t] = made.score[image] + other[i, j]
            made.score[image] += log_p[i, j]
            made.steps[image] = t + 1
            over[i] = taken == 2 * m or log_p[i, j] == -np.inf or t + 1 >= limits[image]
            if not over[i]:
                pens.last[i], pens.mode[i] = taken % m, 1 + (taken >= m)
                pens.drawn[i, taken % m] += 1
