"""Two entries side by side: a table of every metric, as text and as JSON, and what it comes to in a paragraph."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kalamos.benchmark.board.selection import UNUSABLE, Selection, known_entries, names_among, nearest
from kalamos.benchmark.board.table import few_writers_note, number_text, tables
from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import Result
from kalamos.benchmark.statistics.significance import Comparison, compare
from kalamos.errors import TaskError

_NAME_WIDTH = 34
_WIDTH = 200


@dataclass(frozen=True)
class Contest:
    """Two entries on one task.

    Attributes:
        title: what they were measured on, in one line.
        note: what too few writers mean; empty where they are enough.
        first: the entry whose values the differences start from.
        second: the entry that is taken off.
        metrics: the comparisons, in the order of the table.
    """

    title: str
    note: str
    first: Result
    second: Result
    metrics: tuple[Comparison, ...]


def contests(
    results: Sequence[Result], first: str, second: str, *, metrics: Sequence[str] = (), all_metrics: bool = False
) -> list[Contest]:
    """Compare two entries on each task that has both; p-values are corrected over the metrics that are compared.

    Args:
        results: of any number of tasks and entries.
        first: name of an entry.
        second: name of another.
        metrics: what to compare, in this order; empty for those of the short table.
        all_metrics: whether to compare every metric instead.

    Raises:
        UnknownNameError: where a metric is not known; says what comes nearest.
        TaskError: where no task has both entries, they are one, or a metric says nothing of better and worse.
    """
    names_among(metrics, TABLE, "metric")
    told = [name for name in metrics if TABLE[name].direction == "one"]
    if told:
        raise TaskError(f"{told[0]} is told and ranks nothing: no value of it is better; leave it out")
    if first == second:
        raise TaskError(f"{first!r} is one entry; name two")
    shown = Selection(metrics=tuple(metrics))
    sound = [result for result in results if result.task != UNUSABLE]
    if not {first, second} <= set(known_entries(sound)):
        raise TaskError(_missing(sound, first, second))
    found = []
    both = [result for result in sound if result.entry in (first, second)]
    for table in tables(both, all_metrics=all_metrics, selection=shown):
        named = {line.result.entry: line.result for line in table.lines}
        if len(named) == 2:
            one, two = named[first], named[second]
            compared = compare(one, two, [name for name in table.metrics if TABLE[name].direction != "one"])
            found.append(Contest(table.title, few_writers_note(one), one, two, tuple(compared)))
    if not found:
        raise TaskError(_missing(sound, first, second))
    return found


def as_text(contest: Contest, *, intervals: bool = True) -> str:
    """Return the table of a contest, then the paragraph."""
    from rich.console import Console  # noqa: PLC0415 - only where a table is printed
    from rich.table import Table as Sheet  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    sheet = Sheet(box=None, pad_edge=False)
    names = [contest.first.entry, contest.second.entry]
    heads = ["metric", *names, "difference", *(["95 % interval"] if intervals else []), "p", "better"]
    for place, head in enumerate(heads):
        side = "left" if head in ("metric", "better") and place in (0, len(heads) - 1) else "right"
        sheet.add_column(Text(head), justify=side, overflow="fold", max_width=_NAME_WIDTH)  # type: ignore[arg-type]
    for row in contest.metrics:
        cells = [_named(row), *(number_text(row.values[name]) for name in names), signed_text(row.difference)]
        cells += [_interval_text(row)] if intervals else []
        sheet.add_row(*map(Text, [*cells, p_text(row.p), row.better or "cannot be told"]))
    buffer = io.StringIO()
    Console(file=buffer, width=_WIDTH, color_system=None).print(sheet)
    lines = [line.rstrip() for line in buffer.getvalue().splitlines()]
    return "\n".join([contest.title, "", *lines, "", _key(contest, intervals), "", paragraph(contest)])


def as_json(found: Sequence[Contest], *, intervals: bool = True) -> str:
    """Return the contests as a JSON array; numbers that are not known are null."""
    return json.dumps([_plain(contest, intervals) for contest in found], ensure_ascii=False, indent=1, allow_nan=False)


def paragraph(contest: Contest) -> str:
    """Say which of the two is better at what, and whether the data can tell."""
    first, second = contest.first.entry, contest.second.entry
    better = {name: [c for c in contest.metrics if c.better == name] for name in (first, second)}
    undecided = [c for c in contest.metrics if c.better is None]
    parts = [f"{contest.title}."]
    for name, other in [(first, second), (second, first)]:
        if better[name]:
            facts = ", ".join(
                f"{c.metric} ({number_text(c.values[name])} against {number_text(c.values[other])})"
                for c in better[name]
            )
            parts.append(f"{name} is better than {other} in {facts}.")
    if undecided:
        parts.append(f"The data cannot tell them apart in {', '.join(c.metric for c in undecided)}.")
    powers = [f"{c.metric} {number_text(c.detectable)}" for c in undecided if math.isfinite(c.detectable)]
    if powers:
        parts.append(f"Smallest difference that this task would show (80 % power): {', '.join(powers)}.")
    return " ".join(parts)


def signed_text(value: float) -> str:
    """Return a difference with its sign and the figures of :func:`number_text`; 0 has none."""
    text = number_text(value)
    return text if not math.isfinite(value) or float(text) <= 0 else f"+{text}"


def p_text(p: float) -> str:
    """Return a p-value with three decimals."""
    return number_text(p) if not p < 0.001 else "<0.001"


def _named(row: Comparison) -> str:
    return f"{row.metric} {'↓' if TABLE[row.metric].direction == 'lower' else '↑'}"


def _interval_text(row: Comparison) -> str:
    if not (math.isfinite(row.low) and math.isfinite(row.high)):
        return "–"
    return f"[{signed_text(row.low)}, {signed_text(row.high)}]"


def _key(contest: Contest, intervals: bool) -> str:
    said = "Difference: the first less the second, paired by sample. "
    said += "Interval: bootstrapped by writer, each metric taken alone. " if intervals else ""
    said += f"p: randomised by writer, Holm-corrected over what is compared here ({len(contest.metrics)})."
    return " ".join(filter(None, [said, contest.note]))


def _plain(contest: Contest, intervals: bool) -> dict[str, Any]:
    result = contest.first
    return {
        "task": result.task,
        "task_version": result.task_version,
        "task_hash": result.task_hash,
        "partial": result.partial,
        "samples": result.samples,
        "writers": result.writers,
        "first": contest.first.entry,
        "second": contest.second.entry,
        "corrected_over": len(contest.metrics),
        "metrics": [_plain_row(contest, row, intervals) for row in contest.metrics],
        "text": paragraph(contest),
    }


def _plain_row(contest: Contest, row: Comparison, intervals: bool) -> dict[str, Any]:
    numbers = {
        "first": row.values[contest.first.entry],
        "second": row.values[contest.second.entry],
        "difference": row.difference,
        **({"low": row.low, "high": row.high} if intervals else {}),
        "p": row.p,
        "detectable": row.detectable,
    }
    known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    return {"metric": row.metric, "direction": TABLE[row.metric].direction, **known, "n": row.n, "better": row.better}


def _missing(results: Sequence[Result], first: str, second: str) -> str:
    known = known_entries(results)
    asked = [f"; {name!r}: {nearest(name, known)}" for name in (first, second) if known and name not in known]
    near = "".join(text for text in asked if "did you mean" in text)
    return f"no task has both {first!r} and {second!r}{near}; the entries are: {', '.join(known) or 'none'}"
