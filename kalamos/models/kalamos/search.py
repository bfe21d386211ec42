"""The search for the likeliest paths of a batch of images, all their paths side by side.

A path grows by one action a step: go **on** over a piece that is joined to the pen's place, **lift** the pen and start
at any piece, or **end**. The likeliest continuations of all paths of an image are kept; what a step weighs and keeps is
one graph (``export.Step``), here is its loop and what becomes of the paths. A path may not end before :data:`ENOUGH` of
the ink, or all but :data:`SPARE_PX`, is drawn: where the network would end all the same, it goes on with a piece that
was not drawn yet.

Most characters and half of the words are answered by one path, the likeliest action each time
(:mod:`kalamos.models.kalamos.walk`): what it left aside at each step is a bound for all paths that begin so.

Shapes: b images, w paths of each, r = b w rows, m directed pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Floats32, Ints
from kalamos.models.kalamos.engine import Encoded, Engine, Stepped, past_names
from kalamos.models.kalamos.tables import CROWDED, ENOUGH, keep, tables
from kalamos.models.kalamos.walk import Walks, walk

STEPS_A_PIECE = 2
SPARE_STEPS = 8
"""A path is cut at so many steps."""
TIE = 1e-3
"""Log-probabilities of two beginnings that differ by less may be the same but for rounding."""


class FoundPath(NamedTuple):
    """A path over directed pieces.

    Attributes:
        steps: int64 ``(t,)``, directed pieces.
        lifts: bool ``(t,)``, True where the pen was lifted before.
        log_p: float64 ``(t + 1,)``, log-probability of each step and of the end; of a path that was cut, ``(t,)``.
    """

    steps: Ints
    lifts: Bools
    log_p: Floats = np.zeros(0)

    @property
    def total(self) -> float:
        """Return the log-probability of the path."""
        return float(self.log_p.sum())


@dataclass
class _Work:
    """The images at work.

    Attributes:
        image: int64 ``(b,)``, which images of the batch.
        scene: what the images say to each of their paths, the same at every step.
        state: the paths so far, as a step takes them.
        past: parent, action and log-probability ``(r,)`` of each step so far, parents by their row of the step before.
        kept: int64 ``(r,)``, which row of the last step each row was.
        known: int64 ``(b, t)``, the actions of a path of every image of the batch that was found before, or None.
        along: bool ``(r,)``, which rows have gone along it so far.
    """

    image: Ints
    scene: dict[str, Any]
    state: dict[str, Any]
    past: list[tuple[Ints, Ints, Floats32]] = field(default_factory=list)
    kept: Ints | None = None
    known: Ints | None = None
    along: Bools | None = None

    def follow(self, known: Ints) -> None:
        """Watch which rows go along the path known of their image."""
        self.known, self.along = known, np.ones(len(self.state["last"]), np.bool_)

    def may_beat(self, known: Floats) -> Bools:
        """Say of which images (b,) a row that left the known path may still become likelier than that is."""
        score = self.state["score"]
        assert self.along is not None  # noqa: S101 - for the types
        found: Bools = ((score > known[:, None]) & ~self.along.reshape(score.shape)).any(axis=1)
        return found

    def note(self, made: Stepped, t: int) -> None:
        """Take what step t made."""
        if self.known is not None and self.along is not None:
            known = np.repeat(self.known[self.image, t - 1], made.score.shape[1])
            self.along = self.along[made.parent] & (made.action == known)
        parent = made.parent if self.kept is None else self.kept[made.parent]
        self.past.append((parent, made.action, made.log_p))
        self.kept = None
        layers = made.layers
        if made.score.shape[1] > 1:  # keys and values come in the order of the rows before
            layers = [array[made.parent] for array in layers]
        self.state = {
            "score": made.score, "last": made.last, "mode": made.mode, "ended": made.ended, "drawn": made.drawn,
            **dict(zip(past_names(len(layers) // 2), layers, strict=True)),
        }  # fmt: skip

    def part(self, going: Ints) -> None:
        """Put away all images but some, by their places."""
        rows = keep(self.scene, going)
        self.image, self.kept = self.image[going], rows
        if self.along is not None:
            self.along = self.along[rows]
        self.state = {name: array[going if name == "score" else rows] for name, array in self.state.items()}

    def walk_back(self, row: int, m: int) -> FoundPath:
        """Return the path that a row of the last step ends."""
        found = []
        for parent, action, log_p in reversed(self.past):
            found.append((int(action[row]), float(log_p[row])))
            row = int(parent[row])
        actions, logs = zip(*reversed(found), strict=True)
        return _path(np.array(actions, np.int64), np.array(logs, np.float64), m)


def likeliest_paths(
    engine: Engine, encoded: Encoded, ways: Ints, limits: Ints, width: int, n_best: int = 1, enough: float = ENOUGH
) -> list[list[FoundPath]]:
    """Return what :func:`search` returns, sooner, or a likelier path.

    The likeliest action each time gives a path, and the likeliest ways that it left aside bound whatever begins with
    them: a path that is likelier than each of these is the likeliest of all. Where it is not, the wider search goes on
    only as long as something that it found may still become likelier. ``ways``:
    :func:`~kalamos.models.kalamos.walk.ways_on`.
    """
    if n_best > 1:
        return search(engine, encoded, limits, width, n_best, enough)
    walks, m = walk(engine, encoded, ways, limits, enough), encoded.length.shape[1]
    first = [_walked(walks, k, m) for k in range(len(limits))]
    doubts = walks.lost + np.float32(TIE) >= walks.score[:, None]
    doubtful = np.flatnonzero(doubts.any(axis=1))
    if len(doubtful) and width > 1:
        last = doubts.shape[1] - np.argmax(doubts[doubtful, ::-1], axis=1)
        known = _Known([first[k] for k in doubtful], walks.score[doubtful].astype(np.float64), last)
        wider = _search(engine, encoded.of(doubtful), limits[doubtful], width, 1, enough, known)
        for k, paths in zip(doubtful.tolist(), wider, strict=True):
            first[k] = paths
    return first


def search(
    engine: Engine, encoded: Encoded, limits: Ints, width: int, n_best: int = 1, enough: float = ENOUGH
) -> list[list[FoundPath]]:
    """Return the ``n_best`` likeliest paths found for each image, likeliest first.

    Args:
        engine: the network.
        encoded: what its encoder says of the images.
        limits: int64 ``(b,)``, the steps after which a path is cut.
        width: paths kept, at least ``n_best``; with 1 it is the likeliest action each time.
        n_best: paths wanted; there may be fewer.
        enough: the share of the ink, by length, before which no path ends, but for
            :data:`~kalamos.models.kalamos.tables.SPARE_PX`; 1 is all of it.
    """
    return _search(engine, encoded, limits, width, n_best, enough)


class _Known(NamedTuple):
    """Paths found before: what cannot become likelier is not looked for.

    Attributes:
        paths: of each image.
        score: float64 ``(b,)``, their log-probability.
        last: int64 ``(b,)``, the last step at which a likelier path may leave it.
    """

    paths: Sequence[list[FoundPath]]
    score: Floats
    last: Ints


def _search(
    engine: Engine, encoded: Encoded, limits: Ints, width: int, n_best: int, enough: float, known: _Known | None = None
) -> list[list[FoundPath]]:
    b, m, longest = len(limits), encoded.length.shape[1], int(limits.max(initial=0))
    found: list[list[FoundPath]] = [[] for _ in limits]
    work, busy = _begin(engine, encoded, width, enough), np.ones(b, np.bool_)
    if known is not None:
        work.follow(_actions(known.paths, longest, m))
    for t in range(1, longest + 1):
        made, image = engine.step(**work.scene, **work.state, recency=engine.recency(t)), work.image
        work.note(made, t)
        score, ended = made.score, made.ended.reshape(-1, width)
        over = (ended | (score == -np.inf))[:, :n_best].all(axis=1) | (t >= limits[image])
        if known is not None:
            over |= (hopeless := (t >= known.last[image]) & ~work.may_beat(known.score[image]))
        for k in np.flatnonzero(over & busy[image]).tolist():
            if known is not None and hopeless[k]:
                found[image[k]] = known.paths[image[k]]
            else:
                found[image[k]] = [work.walk_back(k * width + w, m) for w in range(n_best) if score[k, w] > -np.inf]
        busy[image] &= ~over
        going = np.flatnonzero(busy[image])
        if not len(going):
            break
        if len(going) <= CROWDED * len(image):
            work.part(going)
    return found


def _walked(walks: Walks, image: int, m: int) -> list[FoundPath]:
    """Return the path of an image, none where nothing was allowed."""
    n = walks.steps[image]
    if walks.score[image] == -np.inf:
        return []
    return [_path(walks.action[image, :n], walks.log_p[image, :n].astype(np.float64), m)]


def _path(actions: Ints, log_p: Floats, m: int) -> FoundPath:
    """Return the path of some actions, to its end."""
    ends = np.flatnonzero(actions == 2 * m)
    n = int(ends[0]) if len(ends) else len(actions)
    return FoundPath(actions[:n] % m, actions[:n] >= m, log_p[: n + 1])


def _actions(paths: Sequence[Sequence[FoundPath]], longest: int, m: int) -> Ints:
    """Return the actions of the first path of each image, int64 ``(b, longest)``; who has ended goes on ending."""
    taken = np.full((len(paths), longest), 2 * m)
    for row, some in zip(taken, paths, strict=True):
        for one in some[:1]:
            row[: len(one.steps)] = one.steps + m * one.lifts
    return taken


def _begin(engine: Engine, encoded: Encoded, width: int, enough: float) -> _Work:
    b, m = encoded.length.shape
    r, past = b * width, (b * width, engine.heads, 0, engine.channels // engine.heads)
    scene = {**tables(encoded, width, enough), "single": np.eye(m, dtype=np.float32)}
    score = np.full((b, width), -np.inf, np.float32)
    score[:, 0] = 0.0
    state = {
        "score": score, "last": np.full(r, m), "mode": np.zeros(r, np.int64), "ended": np.zeros(r, np.bool_),
        "drawn": np.zeros((r, m), np.float32),
        **{name: np.zeros(past, np.float32) for name in past_names(engine.layers)},
    }  # fmt: skip
    return _Work(np.arange(b), scene, state)


def cut_after(n_pieces: Sequence[int]) -> Ints:
    """Return the steps after which a path over so many pieces is cut."""
    return STEPS_A_PIECE * np.array(n_pieces, np.int64) + SPARE_STEPS
