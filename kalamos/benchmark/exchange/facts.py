"""What is known of an entry, for those who collect results: whose it is, what ran, on what, from result.json alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kalamos.benchmark.board.table import MAIN
from kalamos.benchmark.entries import reserved
from kalamos.benchmark.prepare import prepared_task
from kalamos.benchmark.result import Result, Summary
from kalamos.benchmark.score import TABLE
from kalamos.benchmark.task import Task, load_task, shipped
from kalamos.datasets import CORPORA
from kalamos.datasets.corpus import Card
from kalamos.errors import KalamosError, TaskError
from kalamos.machinery.files import safe_name

OURS = "kalamos"
UNKNOWN = "unknown"
INTERVAL = "95 % interval, bootstrapped by writer"


@dataclass(frozen=True)
class Entry:
    """An entry on one task, with what its result says of it.

    Attributes:
        result: the result.
        developer: who made the model: ``kalamos`` for what is built in, what a card says, or ``unknown``.
        card: of the task's corpus; None where the task is not at hand.
    """

    result: Result
    developer: str
    card: Card | None

    @property
    def is_ours(self) -> bool:
        """Say whether it is built in."""
        return self.developer == OURS

    @property
    def model_id(self) -> str:
        """Return developer and name, each fit for a folder."""
        return f"{portable(self.developer)}/{portable(self.result.entry)}"

    @property
    def task(self) -> str:
        """Return the task with its version."""
        return f"{self.result.task}-v{self.result.task_version}"

    def submission(self) -> dict[str, Any]:
        """Return what the card of an entry that was sent says; empty where there is none."""
        return dict(self.result.submission)


def entries_of(results: Sequence[Result]) -> list[Entry]:
    """Return the entries that are models: neither controls, nor attacks, nor files that are no result.

    Raises:
        TaskError: where there is none.
    """
    found = [_entry(result) for result in results if result.is_ranked]
    if not found:
        raise TaskError("no entry is left: controls and broken results are not for other collections")
    return sorted(found, key=lambda entry: (entry.result.entry, entry.task))


def task_of_result(result: Result) -> Task | None:
    """Return the task of a result: the one that ships with Kalamos, or the one whose file lies beside.

    Either counts only where its hash is that of the result; None for neither.
    """
    for name in (result.task, f"{result.task}@{result.task_version}"):
        if shipped(name, ".toml") and (task := load_task(name)).hash == result.task_hash:
            return task
    try:
        task, task_hash = prepared_task(result.folder.parent / "task.parquet")
    except (KalamosError, OSError, ValueError, TypeError):
        return None
    return task if task_hash == result.task_hash else None


def ranked_metrics(result: Result, chosen: Sequence[str] = ()) -> dict[str, Summary]:
    """Return the metrics with a value and a better end, the chosen ones or those of the short table."""
    names = chosen or MAIN
    return {
        name: result.metrics[name]
        for name in names
        if name in result.metrics and TABLE[name].direction != "one" and math.isfinite(result.metrics[name].value)
    }


def portable(name: str) -> str:
    """Return a name for a folder on any system: small words, no ``=``, ``+`` or space."""
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)
    named = safe_name(plain).strip(".- ") or UNKNOWN
    return f"{named}_" if named == "data" else named  # which collections keep for themselves


def _entry(result: Result) -> Entry:
    base = result.entry.partition("+")[0]
    ours = result.kind == "model" and base in reserved()
    task = task_of_result(result)
    card = CORPORA.load(task.corpus).card if task and task.corpus in CORPORA.names() else None
    return Entry(result, OURS if ours else str(result.submission.get("model_by") or UNKNOWN), card)
