"""What moved: the entries of two folders of results that changed places, for the history of the benchmark.

``python -m kalamos.benchmark.board.moved OLD NEW`` prints a Markdown table. Places are counted among the ranked entries
that both folders have of a task, by the metric that orders the rows in each.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from kalamos.benchmark.board.selection import UNUSABLE
from kalamos.benchmark.board.table import find_results, number_text, ordering_value
from kalamos.benchmark.result import Result


@dataclass(frozen=True)
class Move:
    """An entry on a task, before and after.

    Attributes:
        task: the task's name.
        entry: the entry's name.
        places: its places, the first being 1.
        values: of the metric that orders the rows.
    """

    task: str
    entry: str
    places: tuple[int, int]
    values: tuple[float, float]


def moves(old: Sequence[Result], new: Sequence[Result]) -> list[Move]:
    """Return every ranked entry that both have of a task, moved or not; by task, and by the new place."""
    before, after = _by_task(old), _by_task(new)
    found = []
    for task in sorted(before.keys() & after.keys()):
        both = before[task].keys() & after[task].keys()
        was, now = ({name: ordering_value(side[task][name]) for name in both} for side in (before, after))
        made = [Move(task, name, (_place(name, was), _place(name, now)), (was[name], now[name])) for name in both]
        found += sorted(made, key=lambda move: (move.places[1], move.entry))
    return found


def _place(name: str, values: Mapping[str, float]) -> int:
    """Return an entry's place; equal values share one, and an entry without a value comes last."""
    own = values[name]
    return 1 + sum(value > own or (math.isnan(own) and not math.isnan(value)) for value in values.values())


def to_markdown(found: Sequence[Move]) -> str:
    """Return the entries that changed places as a table, and the tasks on which none did."""
    tasks = dict.fromkeys(move.task for move in found)
    moved = [move for move in found if move.places[0] != move.places[1]]
    still = [task for task in tasks if task not in {move.task for move in moved}]
    lines = []
    if moved:
        lines = ["| task | entry | place | value |", "|---|---|---|---|"]
        lines += [
            f"| {move.task} | {move.entry} | {move.places[0]} → {move.places[1]} | "
            f"{number_text(move.values[0])} → {number_text(move.values[1])} |"
            for move in moved
        ]
    if still:
        lines += ["", f"No entry changed its place on: {', '.join(still)}."]
    return "\n".join(lines or ["No entry is in both."]).strip()


def _by_task(results: Sequence[Result]) -> dict[str, dict[str, Result]]:
    tasks: dict[str, dict[str, Result]] = defaultdict(dict)
    for result in results:
        if result.is_ranked and not result.partial and result.task != UNUSABLE:
            tasks[result.task][result.entry] = result
    return tasks


@click.command()
@click.argument("old", type=click.Path(path_type=Path, exists=True))
@click.argument("new", type=click.Path(path_type=Path, exists=True))
def main(old: Path, new: Path) -> None:
    """Print which entries changed places from the results in OLD to those in NEW."""
    click.echo(to_markdown(moves(find_results([old]), find_results([new]))))


if __name__ == "__main__":
    main()
