"""The search for the likeliest paths of a batch of images, all their paths side by side.

A path grows by one action a step: go **on** over a piece that is joined to the pen's place, **lift** the pen and start
at any piece, or **end**. With one path kept that is the likeliest action each time; with more, the likeliest
continuations of all paths of an image. Two rules are ours and not the network's: a path may not end before
:data:`ENOUGH` of the ink is drawn (where the network would end all the same, it goes on with a piece that was not drawn
yet), and no piece is drawn more than :data:`MOST_PASSES` times.

Shapes: b images, w paths of each, m directed pieces, A = 2 m + 1 actions: j goes on over piece j, m + j lifts and starts
there, 2 m ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Floats32, Ints
from kalamos.models.kalamos.engine import Encoded, Engine, recency_of
from kalamos.models.kalamos.parameters import UNIT_PX

STEPS_A_PIECE = 2
SPARE_STEPS = 8
"""A path is cut at so many steps."""
MOST_PASSES = 4
"""A piece is drawn this often at most, so that no path goes round for ever on ink unlike any trained on."""
ENOUGH = 0.98
"""The share of the ink, by length, before which no path ends."""
NEVER = np.float32(-np.inf)
IMPOSSIBLE = np.float32(-5e3)
MASKED = np.float32(-1e4)


class Path(NamedTuple):
    """A path over directed pieces.

    Attributes:
        steps: int64 ``(t,)``, directed pieces.
        lifts: bool ``(t,)``, True where the pen was lifted before.
        log_p: float64 ``(t + 1,)``, log-probability of each step and of the end; of a path that was cut, ``(t,)``.
    """

    steps: Ints
    lifts: Bools
    log_p: Floats

    @property
    def total(self) -> float:
        """Return the log-probability of the path."""
        return float(self.log_p.sum())


@dataclass
class _Paths:
    """The paths of the images at work, w of each.

    Attributes:
        image: int64 ``(b,)``, which image of the batch.
        steps: int64 ``(b, w, limit)``.
        lifts: bool ``(b, w, limit)``.
        logs: float64 ``(b, w, limit + 1)``, log-probability of each action.
        score: float64 ``(b, w)``, log-probability so far.
        ended: int64 ``(b, w)``, steps of a path that has ended, -1 of others.
        seen: float32 ``(b, w, m, 3)``, what the network is told of drawn pieces.
        passes: int8 ``(b, w, m)``, how often a piece was drawn, either way.
        left: float32 ``(b, w, m)``, lengths of pieces not yet drawn.
        keys, values: float32 ``(L, b, w, h, t, e)``, of the attention to earlier steps.
    """

    image: Ints
    steps: Ints
    lifts: Bools
    logs: Floats
    score: Floats
    ended: Ints
    seen: Floats32
    passes: Ints
    left: Floats32
    keys: Floats32
    values: Floats32

    def take(self, image: Ints, path: Ints) -> None:
        """Keep images ``(b',)`` by place, and of each the paths ``(b', w)``, in place."""
        at = image[:, None], path
        self.image = self.image[image]
        for name in ("steps", "lifts", "logs", "score", "ended", "seen", "passes", "left"):
            setattr(self, name, getattr(self, name)[at])
        self.keys, self.values = self.keys[:, at[0], at[1]], self.values[:, at[0], at[1]]


def search(engine: Engine, encoded: Encoded, limits: Ints, width: int, n_best: int = 1) -> list[list[Path]]:
    """Return the ``n_best`` likeliest paths found for each image, likeliest first.

    Args:
        engine: the network.
        encoded: what its encoder says of the images.
        limits: int64 ``(b,)``, the steps after which a path is cut.
        width: paths kept, at least ``n_best``.
        n_best: paths wanted; there may be fewer.
    """
    found: list[list[Path]] = [[] for _ in limits]
    paths, scene = _start(engine, encoded, limits, width), _Scene.of(encoded, width)
    for t in range(int(limits.max(initial=0)) + 1):
        done = _finished(paths, limits, t, n_best)
        for k in np.flatnonzero(done):
            found[paths.image[k]] = _results(paths, k, t, n_best)
        if done.any():
            going = np.flatnonzero(~done)
            if not len(going):
                break
            paths.take(going, np.broadcast_to(np.arange(width), (len(going), width)))
            scene = scene.part(going, width)
        _advance(paths, _weigh(engine, scene, paths, t), t)
    return found


@dataclass
class _Scene:
    """What the images at work say to each of their paths, r = b w of them; tables by image and last piece stay whole."""

    row: Ints
    length: Floats32
    hidden: Floats32
    fixed: dict[str, Floats32]
    token: Floats32
    look: Floats32
    mask: Floats32

    @classmethod
    def of(cls, encoded: Encoded, width: int) -> _Scene:
        b, m = encoded.length.shape
        hidden = np.where(encoded.length > 0, np.float32(0), MASKED)
        mask = np.empty((b, m + 1, 2, m), np.float32)
        mask[:, :, 0] = np.where(encoded.joined, hidden[:, None], MASKED)
        mask[:, :, 1] = hidden[:, None]
        token = np.concatenate([encoded.token, np.zeros_like(encoded.token[:, :1])], axis=1)
        fixed = {name: getattr(encoded, name) for name in ("rest", "keys", "values", "answer")}
        return cls(
            np.arange(b) * (m + 1),
            encoded.length,
            np.repeat(hidden, width, axis=0)[:, None, None],
            {name: np.repeat(array, width, axis=0) if width > 1 else array for name, array in fixed.items()},
            token.reshape(b * (m + 1), -1),
            encoded.look.reshape(b * (m + 1), m, -1),
            mask.reshape(b * (m + 1), 2 * m),
        )

    def part(self, images: Ints, width: int) -> _Scene:
        """Return some of the images."""
        rows = (images[:, None] * width + np.arange(width)).reshape(-1)
        fixed = {name: array[rows] for name, array in self.fixed.items()}
        return _Scene(
            self.row[images], self.length[images], self.hidden[rows], fixed, self.token, self.look, self.mask
        )


def _start(engine: Engine, encoded: Encoded, limits: Ints, width: int) -> _Paths:
    b, m = encoded.length.shape
    limit, past = int(limits.max(initial=0)), (engine.layers, b, width, engine.heads, 0, engine.channels // engine.heads)
    score = np.full((b, width), -np.inf)
    score[:, 0] = 0.0
    return _Paths(
        np.arange(b), np.full((b, width, limit), -1), np.zeros((b, width, limit), np.bool_),
        np.zeros((b, width, limit + 1)), score, np.full((b, width), -1), np.zeros((b, width, m, 3), np.float32),
        np.zeros((b, width, m), np.int8), np.repeat(encoded.length[:, None], width, axis=1),
        np.zeros(past, np.float32), np.zeros(past, np.float32),
    )  # fmt: skip


def _weigh(engine: Engine, scene: _Scene, paths: _Paths, t: int) -> Floats:
    """Return the log-probability of every action of every path, (b, w, A), -inf where it cannot be taken."""
    b, w, m = paths.left.shape
    last = paths.steps[:, :, t - 1] if t else np.full((b, w), -1)
    lifted = paths.lifts[:, :, t - 1] if t else np.zeros((b, w), np.bool_)
    row = (scene.row[:, None] + np.where(last < 0, m, last)).reshape(-1)
    share = paths.left.sum(axis=-1, keepdims=True)
    whole = scene.length.sum(axis=-1)[:, None, None]
    amount = np.concatenate(
        [share / whole, np.log1p(share / np.float32(UNIT_PX)), (paths.left > 0).sum(-1, keepdims=True) / np.float32(16)],
        axis=-1, dtype=np.float32,
    )  # fmt: skip
    told = paths.keys.shape[0], b * w, *paths.keys.shape[3:]
    log_p, keys, values = engine.step(
        **scene.fixed,
        token=scene.token[row],
        look=scene.look[row],
        mask=scene.mask[row],
        hidden=scene.hidden,
        seen=paths.seen.reshape(b * w, m, 3),
        left=(paths.left / np.maximum(share, np.float32(1))).reshape(b * w, 1, m),
        amount=amount.reshape(b * w, 3),
        mode=np.where(last < 0, 0, 1 + lifted).reshape(-1),
        recency=recency_of(engine, t + 1),
        past_keys=paths.keys.reshape(told),
        past_values=paths.values.reshape(told),
    )
    paths.keys = keys.reshape(*paths.keys.shape[:4], t + 1, -1)
    paths.values = values.reshape(*paths.values.shape[:4], t + 1, -1)
    found = log_p.reshape(b, w, -1).astype(np.float64)
    _forbid(found, paths, share[..., 0] <= (1 - ENOUGH) * whole[..., 0], first=t == 0)
    return found


def _forbid(found: Floats, paths: _Paths, enough: Bools, *, first: bool) -> None:
    """Take from the log-probabilities (b, w, A), in place, what the rules of the search do not allow."""
    m = paths.left.shape[2]
    wants_end = found.argmax(axis=-1) == 2 * m
    pieces = found[..., : 2 * m].reshape(*found.shape[:2], 2, m)
    spent = paths.passes >= MOST_PASSES
    # who would end too early goes on with what is left, and not over a piece a second time
    spent |= ((wants_end & ~enough)[..., None]) & (paths.passes > 0)
    pieces[np.broadcast_to(spent[:, :, None], pieces.shape)] = -np.inf
    found[found < IMPOSSIBLE] = -np.inf
    found[..., 2 * m] = np.where(enough & (not first), found[..., 2 * m], -np.inf)


def _advance(paths: _Paths, found: Floats, t: int) -> None:
    """Take the likeliest continuations at step t, in place; paths that have ended stay as they are."""
    b, w, actions = found.shape
    m = (actions - 1) // 2
    going = paths.ended < 0
    found = np.where(going[..., None], found, -np.inf)
    found[..., 2 * m] = np.where(going, found[..., 2 * m], 0.0)
    total = (paths.score[..., None] + found).reshape(b, w * actions)
    chosen = _highest(total, w)
    parent, action = chosen // actions, chosen % actions
    score = np.take_along_axis(total, chosen, axis=1)
    log_p = np.take_along_axis(found.reshape(b, -1), chosen, axis=1)
    if w > 1:
        paths.take(np.arange(b), parent)
    was_going = paths.ended < 0
    paths.score = score
    paths.logs[:, :, t] = np.where(was_going, log_p, paths.logs[:, :, t])
    ends = was_going & (action == 2 * m)
    paths.ended = np.where(ends, t, paths.ended)
    image, path = np.nonzero(was_going & ~ends & (score > -np.inf))
    _draw(paths, image, path, action[image, path], t)


def _draw(paths: _Paths, image: Ints, path: Ints, action: Ints, t: int) -> None:
    m = paths.left.shape[2]
    step = action % m
    back, at = step ^ 1, (image, path)
    paths.steps[(*at, t)], paths.lifts[(*at, t)] = step, action >= m
    paths.seen[(*at, step, 0)] = np.minimum(paths.seen[(*at, step, 0)] + 1, 2)
    paths.seen[(*at, back, 1)] = np.minimum(paths.seen[(*at, back, 1)] + 1, 2)
    for one in (step, back):
        paths.seen[(*at, one, 2)] = 1
        paths.passes[(*at, one)] += 1
        paths.left[(*at, one)] = 0


def _highest(total: Floats, width: int) -> Ints:
    """Return the places of the ``width`` highest of each row, highest first, of equals the first."""
    if width == 1:
        return total.argmax(axis=1)[:, None]
    places = np.sort(np.argpartition(-total, width - 1, axis=1)[:, :width], axis=1)
    order = np.argsort(-np.take_along_axis(total, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def _finished(paths: _Paths, limits: Ints, t: int, n_best: int) -> Bools:
    """Say of each image whether its best paths have ended, or its steps are used up."""
    dead = paths.score == -np.inf
    best = ((paths.ended >= 0) | dead)[:, :n_best].all(axis=1)
    return np.asarray(best & (t > 0) | (t >= limits[paths.image]))


def _results(paths: _Paths, k: int, t: int, n_best: int) -> list[Path]:
    made = []
    for w in range(n_best):
        if paths.score[k, w] > -np.inf:
            ended = paths.ended[k, w] >= 0
            n = int(paths.ended[k, w]) if ended else t
            made.append(Path(paths.steps[k, w, :n], paths.lifts[k, w, :n], paths.logs[k, w, : n + ended]))
    return made


def cut_after(n_pieces: Sequence[int]) -> Ints:
    """Return the steps after which a path over so many pieces is cut."""
    return STEPS_A_PIECE * np.array(n_pieces, np.int64) + SPARE_STEPS
