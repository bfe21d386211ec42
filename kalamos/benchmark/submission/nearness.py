"""How near honest answers come to the truth: what the bounds of :mod:`~kalamos.benchmark.submission.answers` stand on.

``python -m kalamos.benchmark.submission.nearness RUNS`` prints, for every entry of every task that has a truth, its
nearest answer, the median, and the share of answers with as many points in every stroke as the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from kalamos import geometry
from kalamos.benchmark.board.table import find_results
from kalamos.benchmark.predictions import read_predictions
from kalamos.benchmark.result import Result
from kalamos.benchmark.submission.answers import MIN_LENGTH_PX, MIN_POINTS, apart_px, has_its_counts
from kalamos.storage.parquet import read_rows


@dataclass(frozen=True)
class Nearness:
    """How near an entry comes to the truth of a task.

    Attributes:
        task: the task's name.
        entry: the entry's name.
        answers: how many were compared.
        nearest_px: the smallest distance of all.
        median_px: the median distance.
        counts: share of the answers with as many points in every stroke as the truth.
    """

    task: str
    entry: str
    answers: int
    nearest_px: float
    median_px: float
    counts: float


def nearness(result: Result) -> Nearness | None:
    """Return how near an entry comes; None where the task has no truth, or nothing was answered."""
    truths = {row.sample.key: row.truth() for row in read_rows(result.folder.parent / "task.parquet", images=False)}
    long = {key: ink for key, ink in truths.items() if ink.n_points and geometry.length(ink) >= MIN_LENGTH_PX}
    if not long:
        return None
    answers = read_predictions(result.folder / "predictions.parquet", truths).answers
    pairs = [(a.ink, long[key]) for key, a in answers.items() if key in long and a.ink is not None and a.ink.n_points]
    if not pairs:
        return None
    distances = [apart_px(ink, truth) for ink, truth in pairs]
    counted = [has_its_counts(ink, truth) for ink, truth in pairs if truth.n_points >= MIN_POINTS]
    share = float(np.mean(counted)) if counted else 0.0
    return Nearness(result.task, result.entry, len(pairs), min(distances), float(np.median(distances)), share)


def to_markdown(found: Iterator[Nearness]) -> str:
    """Return a table, a row an entry."""
    lines = ["| task | entry | answers | nearest, px | median, px | as many points |", "|---|---|--:|--:|--:|--:|"]
    lines += [
        f"| `{n.task}` | `{n.entry}` | {n.answers} | {n.nearest_px:.2f} | {n.median_px:.2f} | {n.counts:.3f} |"
        for n in found
    ]
    return "\n".join(lines)


@click.command()
@click.argument("runs", type=click.Path(path_type=Path, exists=True))
@click.option("--entry", "entries", multiple=True, help="Only this one (repeat).")
def main(runs: Path, entries: tuple[str, ...]) -> None:
    """Print how near the models in RUNS come to the truth."""
    models = [result for result in find_results([runs]) if result.kind == "model"]
    chosen = (result for result in models if not entries or result.entry in entries)
    click.echo(to_markdown(near for result in chosen if (near := nearness(result)) is not None))


if __name__ == "__main__":
    main()
