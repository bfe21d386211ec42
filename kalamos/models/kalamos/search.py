"""The search for the likeliest paths of a batch of images, all their paths side by side.

A path grows by one action a step: go **on** over a piece that is joined to the pen's place, **lift** the pen and start
at any piece, or **end**. The likeliest continuations of all paths of an image are kept; what a step weighs and keeps is
one graph (``export.Step``), here is its loop and what becomes of the paths. A path may not end before :data:`ENOUGH` of
the ink is drawn: where the network would end all the same, it goes on with a piece that was not drawn yet.

Most characters are answered by one path, the likeliest action each time (:func:`likeliest_paths`): where it has more
than half of the probability, so has every beginning of it, and a wider search keeps it in front all the way and finds
the same.

Shapes: b images, w paths of each, r = b w rows, m directed pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, log
from typing import Any, NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Floats32, Ints
from kalamos.models.kalamos.engine import Encoded, Engine, Stepped, past_names, pieces_names
from kalamos.models.kalamos.parameters import MASKED

STEPS_A_PIECE = 2
SPARE_STEPS = 8
"""A path is cut at so many steps."""
ENOUGH = 0.98
"""The share of the ink, by length, before which no path ends."""
OF_IMAGES = ("rest", "answer")
"""What a step is told of each image, beside keys and values of its pieces."""
OF_PATHS = ("length", "whole", "hidden", "base")
"""What a step is told of each path."""
CROWDED = 0.75
"""Images that have their paths are put away when no more than this share of a batch is still at work."""
MOST_TRIED = 32
"""Of images of more pieces, as of most words, the likeliest path has less than half of the probability."""
LEAST_TRIED = 3
"""For fewer images side by side a step with one path takes hardly less time than with four."""
SURE = log(0.5) + 1e-3
"""Log-probability of a path beside which there is no likelier one: a half, and a little more, for float32."""


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
    """

    image: Ints
    scene: dict[str, Any]
    state: dict[str, Any]
    past: list[tuple[Ints, Ints, Floats32]] = field(default_factory=list)
    kept: Ints | None = None

    def note(self, made: Stepped) -> None:
        """Take what a step made."""
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

    def part(self, going: Ints, width: int) -> None:
        """Put away all images but some, by their places."""
        rows = (going[:, None] * width + np.arange(width)).reshape(-1)
        self.image, self.kept = self.image[going], rows
        of_images = {*OF_IMAGES, *(name for name in self.scene if name[-1].isdigit())}
        for name in (*of_images, *OF_PATHS):
            self.scene[name] = self.scene[name][going if name in of_images else rows]
        self.scene["rows"] = np.arange(len(rows)).reshape(-1, width)
        self.state = {name: array[going if name == "score" else rows] for name, array in self.state.items()}

    def walk_back(self, row: int, m: int) -> FoundPath:
        """Return the path that a row of the last step ends."""
        found = []
        for parent, action, log_p in reversed(self.past):
            found.append((int(action[row]), float(log_p[row])))
            row = int(parent[row])
        actions, logs = zip(*reversed(found), strict=True)
        taken = np.array(actions, np.int64)
        ends = np.flatnonzero(taken == 2 * m)
        n = int(ends[0]) if len(ends) else len(taken)
        return FoundPath(taken[:n] % m, taken[:n] >= m, np.array(logs[: n + 1], np.float64))


def likeliest_paths(
    engine: Engine, encoded: Encoded, limits: Ints, width: int, n_best: int = 1, enough: float = ENOUGH
) -> list[list[FoundPath]]:
    """Return what :func:`search` returns, sooner: it is asked only where the answer is not certain without it."""
    if width == 1 or n_best > 1 or encoded.length.shape[1] > 2 * MOST_TRIED or len(limits) < LEAST_TRIED:
        return search(engine, encoded, limits, width, n_best, enough)
    found = search(engine, encoded, limits, 1, 1, enough, least=SURE)
    doubtful = np.flatnonzero([not paths for paths in found])
    if len(doubtful):
        wider = search(engine, encoded.of(doubtful), limits[doubtful], width, 1, enough)
        for k, paths in zip(doubtful.tolist(), wider, strict=True):
            found[k] = paths
    return found


def search(
    engine: Engine,
    encoded: Encoded,
    limits: Ints,
    width: int,
    n_best: int = 1,
    enough: float = ENOUGH,
    least: float = -inf,
) -> list[list[FoundPath]]:
    """Return the ``n_best`` likeliest paths found for each image, likeliest first.

    Args:
        engine: the network.
        encoded: what its encoder says of the images.
        limits: int64 ``(b,)``, the steps after which a path is cut.
        width: paths kept, at least ``n_best``; with 1 it is the likeliest action each time.
        n_best: paths wanted; there may be fewer.
        enough: the share of the ink, by length, before which no path ends.
        least: log-probability; an image whose likeliest path falls below it is given up, and has no path.
    """
    found: list[list[FoundPath]] = [[] for _ in limits]
    given_up = np.zeros(len(limits), np.bool_)
    work, m = _begin(engine, encoded, width, enough), encoded.length.shape[1]
    for t in range(1, int(limits.max(initial=0)) + 1):
        work.note(engine.step(**work.scene, **work.state, recency=engine.recency(t)))
        score, ended = work.state["score"], work.state["ended"].reshape(-1, width)
        done = (ended | (score == -np.inf))[:, :n_best].all(axis=1) | (t >= limits[work.image])
        given_up[work.image] |= score[:, 0] < least
        for k in np.flatnonzero(done & ~given_up[work.image]).tolist():
            if not found[work.image[k]]:
                rows = [k * width + w for w in range(n_best) if score[k, w] > -np.inf]
                found[work.image[k]] = [work.walk_back(row, m) for row in rows]
        going = np.flatnonzero([not found[k] and not given_up[k] for k in work.image])
        if not len(going):
            break
        if len(going) <= CROWDED * len(work.image):
            work.part(going, width)
    return found


def _begin(engine: Engine, encoded: Encoded, width: int, enough: float) -> _Work:
    b, m = encoded.length.shape
    r, past = b * width, (b * width, engine.heads, 0, engine.channels // engine.heads)
    none = np.zeros_like(encoded.token[:, :1])
    of_paths = {
        "length": encoded.length, "whole": encoded.length.sum(axis=1, keepdims=True), "base": np.arange(b) * (m + 1),
        "hidden": np.where(encoded.length > 0, np.float32(0), np.float32(MASKED))[:, None],
    }  # fmt: skip
    scene = {
        "rest": encoded.rest, "answer": encoded.answer,
        **dict(zip(pieces_names(engine.layers), encoded.layers, strict=True)),
        **{name: np.repeat(array, width, axis=0) for name, array in of_paths.items()},
        "token": np.concatenate([encoded.token, none], axis=1).reshape(b * (m + 1), -1),
        "look": encoded.look.reshape(b * (m + 1), m, -1), "barred": encoded.barred.reshape(b * (m + 1), 2, m),
        "rows": np.arange(r).reshape(b, width), "twin": np.arange(m) ^ 1, "single": np.eye(m, dtype=np.float32),
        "spare": np.array([1 - np.float32(enough)], np.float32),
    }  # fmt: skip
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
