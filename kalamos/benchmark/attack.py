"""Attack the metrics: score an entry that tries to win without recovering how the pen moved, and say what it wins.

An attack stands beside honest entries of the same task, apart and unranked. It has found a game where it is ahead of an
honest entry in the metric that orders the rows, or of all of them in any ranked metric; one that is made from an honest
entry, where it gains over that. What counts is more than half a point of a hundred, and what the data can tell: paired
by sample, swapped by writer, corrected over all that is compared. A game moves the version of the benchmark:
``docs/benchmark-history.md``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kalamos.benchmark.board.table import FIRST, RANKED, SECOND, number_text
from kalamos.benchmark.entries import checked_name, reserved
from kalamos.benchmark.gaming import BEFORE, FREE, SAMPLES, gains, to_markdown
from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import Result, read_result
from kalamos.benchmark.run import (
    Asking,
    OpenTask,
    Progress,
    bench,
    called,
    keep_predictions,
    no_progress,
    open_task,
)
from kalamos.benchmark.statistics.estimates import ALPHA, holm, smallest_p
from kalamos.benchmark.statistics.significance import compare
from kalamos.benchmark.version import VERSION
from kalamos.errors import TaskError, UnknownNameError
from kalamos.machinery import engine

HONEST = ("nearest", "good-continuation")
"""The tracers that an attack stands beside where the results hold no honest entry yet."""


@dataclass(frozen=True)
class Column:
    """An attack in one ranked metric.

    Attributes:
        metric: the metric.
        value: of the attack.
        honest: honest entry -> its value.
        ahead: the honest entries that the attack is ahead of, as the data can tell.
        is_game: whether the benchmark has to change for it.
    """

    metric: str
    value: float
    honest: dict[str, float]
    ahead: tuple[str, ...]
    is_game: bool


@dataclass(frozen=True)
class Attacked:
    """What came of an attack.

    Attributes:
        result: its row.
        base: the honest entry that it is made from; empty where it is made from none.
        columns: a ranked metric each.
    """

    result: Result
    base: str
    columns: tuple[Column, ...]

    @property
    def games(self) -> list[str]:
        """The metrics in which a game is found."""
        return [column.metric for column in self.columns if column.is_game]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        columns = [
            {
                "metric": c.metric,
                "value": _or_none(c.value),
                "honest": {name: _or_none(value) for name, value in c.honest.items()},
                "ahead_of": list(c.ahead),
                "game": c.is_game,
            }
            for c in self.columns
        ]
        head = {"attack": self.result.entry, "task": self.result.task, "task_version": self.result.task_version}
        return {**head, "benchmark_version": VERSION, "from": self.base, "games": self.games, "columns": columns}

    def text(self) -> str:
        """Return it as a table, and what follows from it."""
        lines = [f"{self.result.entry} on {self.result.task} v{self.result.task_version}, against {self._against()}"]
        lines += [f"  {column_text(column)}" for column in self.columns]
        return "\n".join([*lines, self._verdict()])

    def _against(self) -> str:
        return self.base or ", ".join(self.columns[0].honest if self.columns else ())

    def _verdict(self) -> str:
        if not self.games:
            few = smallest_p(self.result.writers) * len(self.columns) > ALPHA
            told = f" (of {self.result.writers}, which is too few writers to tell anything here)" if few else ""
            return f"No game: no ranked metric is won{told}."
        return (
            f"A GAME in {', '.join(self.games)}: the metric has to change, and the benchmark's version with it "
            f"({VERSION} becomes {VERSION + 1}; docs/benchmark-history.md has the rule). Please report it."
        )


@dataclass(frozen=True)
class Board:
    """A task made ready, and the honest entries that attacks stand beside.

    Attributes:
        opened: the task.
        honest: name -> result.
        base: the honest entry that the attacks are made from; empty where they are made from none.
    """

    opened: OpenTask
    honest: Mapping[str, Result]
    base: str = ""

    @property
    def against(self) -> list[Result]:
        """The entries that an attack is held against."""
        return [self.honest[self.base]] if self.base else list(self.honest.values())


def beside_honest(
    task_name: str,
    root: Path | None,
    out: Path,
    *,
    base: str = "",
    cache: Path | None = None,
    limit: int | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
) -> Board:
    """Make a task ready, with the honest entries of ``out/TASK``; where none is, those of :data:`HONEST` are made.

    Args:
        task_name: a task that ships with Kalamos, or a path to a TOML file.
        root: the corpus folder, or the folder of all corpora; None for what ``KALAMOS_CORPORA`` names.
        out: folder of all results.
        base: the honest entry that the attacks are made from; empty where they are made from none.
        cache: folder of prepared tasks; None for the user's cache folder.
        limit: fewer samples, for a first look.
        workers: local processes that score the honest entries.
        progress: called with done, total and what is being done.

    Raises:
        CorpusError, TaskError: where the task cannot be made ready.
        UnknownNameError: where no honest entry is called like ``base``.
    """
    opened = open_task(task_name, root, out, cache=cache, limit=limit, pool=engine.IN_PROCESS, progress=progress)
    if not honest_in(opened.folder):
        bench(
            task_name, HONEST, root, out, cache=cache, controls=False, limit=limit, workers=workers, progress=progress
        )
    honest = honest_in(opened.folder)
    if base and base not in honest:
        raise UnknownNameError(f"no honest entry is called {base!r}; there are {', '.join(honest)}")
    return Board(opened, honest, base)


def attack(entries: Sequence[str], board: Board, *, timeout_s: float = 20.0) -> list[Attacked]:
    """Score adversarial entries beside honest ones, and say which ranked metrics they win.

    Args:
        entries: predictions (a Parquet file, or a folder of InkML), or models as ``bench`` takes them.
        board: the task and the honest entries.
        timeout_s: how long one image may take.

    Raises:
        TaskError: where an entry cannot be scored, or is called like one that is no attack.
        ModelError: where a model cannot be started.
    """
    asking = Asking(timeout_s, None, engine.IN_PROCESS)
    results = [_scored(entry, board.opened, asking) for entry in entries]
    return [Attacked(result, board.base, tuple(columns(result, board.against, board.base))) for result in results]


def known_cheats(board: Board) -> dict[str, dict[str, float]]:
    """Return cheat -> metric -> what it gains over the honest entry that it is made from, in points of a hundred."""
    return gains(board.opened.folder, [result.folder.name for result in board.against], SAMPLES)


def cheats_text(found: dict[str, dict[str, float]]) -> str:
    """Return what known cheats gain as a table, and how it is to be read."""
    return (
        f"{to_markdown(found)}\n\nPoints of a hundred that each cheat gains over the honest entry that it is made from "
        f"(of the honest value for metrics in px), above {FREE} in bold; {', '.join(BEFORE)} rank nothing."
    )


def honest_in(folder: Path) -> dict[str, Result]:
    """Return name -> result of the ranked entries in a task's folder."""
    results = [read_result(path) for path in sorted(folder.glob("*/result.json"))]
    return {result.entry: result for result in results if result.is_ranked}


def columns(result: Result, against: Sequence[Result], base: str) -> list[Column]:
    """Return what an attack reached in every ranked metric that applies to the task."""
    names = [name for name in RANKED if name in result.metrics and result.metrics[name].n]
    compared = {honest.entry: {one.metric: one for one in compare(result, honest, names)} for honest in against}
    # compare has corrected over the metrics of each pair; the pairs are corrected for here
    first = FIRST if FIRST in names else SECOND
    found = []
    for name in names:
        pairs = {entry: by_metric[name] for entry, by_metric in compared.items() if name in by_metric}
        corrected = dict(zip(pairs, holm([one.p for one in pairs.values()]), strict=True))
        honest = {entry: one.values[entry] for entry, one in pairs.items()}
        value = result.metrics[name].value
        ahead = tuple(e for e in pairs if corrected[e] <= ALPHA and points(name, value, honest[e]) > FREE)
        won = bool(ahead) if base or name == first else bool(pairs) and len(ahead) == len(pairs)
        found.append(Column(name, value, honest, ahead, won))
    return found


def points(metric: str, value: float, honest: float) -> float:
    """Return what a value gains over an honest one in points of a hundred: of the range, in px of the honest value."""
    if TABLE[metric].direction == "lower":
        return 100.0 * (honest - value) / honest if honest > 0 else 0.0
    return 100.0 * (value - honest)


def column_text(column: Column) -> str:
    """Return what an attack reached in a metric, in a line."""
    arrow = "↓" if TABLE[column.metric].direction == "lower" else "↑"
    values = ", ".join(f"{name} {number_text(value)}" for name, value in column.honest.items())
    ahead = f"ahead of {', '.join(column.ahead)}" if column.ahead else "ahead of none"
    game = "  GAME" if column.is_game else ""
    return f"{column.metric} {arrow}".ljust(24) + f"{number_text(column.value):>7}   ({values})   {ahead}{game}"


def as_json(attacked: Sequence[Attacked]) -> str:
    """Return what came of attacks as one JSON array."""
    return json.dumps([one.as_dict() for one in attacked], ensure_ascii=False, indent=1)


def _scored(entry: str, opened: OpenTask, asking: Asking) -> Result:
    """Score an attack: predictions where there is such a file or folder, else a model."""
    path = Path(entry)
    if path.exists():
        name = checked_name(called(path), "an attack")
        opened.refuse_other(name, "attack", f"{name} (an attack)")
        target = opened.home(name) / "predictions.parquet"
        keep_predictions(path, target, opened.task_file)
        return opened.score(name, "attack", target)
    name = asking.name(entry)
    if name in reserved():
        raise TaskError(f"{name!r} is built in, and no attack; `kalamos bench` runs it")
    opened.refuse_other(name, "attack", entry)
    opened.predict(entry, name, "attack", asking)
    return read_result(opened.folder / name / "result.json")


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
