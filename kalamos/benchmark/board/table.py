"""A folder of results in, a table out: terminal, Markdown, LaTeX, CSV, JSON.

Entries of one task and the same images stand in one table. The best value of a column is marked, and with it every
entry that the data cannot tell from the best (paired by sample, Holm-corrected over all pairs of
entries). Controls stand apart: they have seen the truth.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import Result, Summary, read_result
from kalamos.benchmark.statistics.estimates import ALPHA, FEW, smallest_p
from kalamos.benchmark.statistics.significance import Comparison, compare, detectable, indistinguishable
from kalamos.errors import TaskError

MAIN = (
    "lcss",
    "rmse_arc",
    "pen_up_f1",
    "complete_trajectory",
    "stroke_order_tau",
    "start_point",
    "stroke_count",
    "speed_correlation",
    "recognised",
    "length_ratio",
    "points_ratio",
)
"""The metrics of the short table: the ranked ones, of which the first orders the rows, and two ratios."""
UNUSABLE = "folders that cannot be used"
"""The task of results that stand for folders without a sound result; no real task has such a name."""
FIRST = MAIN[0]

ANSWERED = 0.95
"""Coverage below which a table says loudly that what is missing counts as failed."""
Mark = Literal["", "best", "tied"]
_WIDE = 170


@dataclass(frozen=True)
class Cell:
    """One value of a table, and whether it is the best of its column or cannot be told from it."""

    summary: Summary
    mark: Mark = ""


@dataclass(frozen=True)
class Line:
    """One entry of a table: its result, and a cell for each metric that it has."""

    result: Result
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Table:
    """The entries of one task on the same images: ranked ones first, then controls."""

    title: str
    metrics: tuple[str, ...]
    ranked: tuple[Line, ...]
    controls: tuple[Line, ...]
    note: str = ""
    """Too few writers, what ``recognised`` is to be held against, the power of the task; empty where none applies."""


def find_results(folders: Iterable[Path]) -> list[Result]:
    """Return every result below some folders, in the order of their paths.

    The folders may be anybody's: one that cannot be used becomes a result of the task :data:`UNUSABLE` that says why,
    and of two entries that are called the same the later one is called by its folder too.

    Raises:
        TaskError: where there is none.
    """
    folders = list(folders)
    paths = [
        path for folder in folders for path in ([folder] if folder.is_file() else sorted(folder.rglob("result.json")))
    ]
    if not paths:
        raise TaskError(f"no result.json in {', '.join(map(str, folders))}; make some with `kalamos bench`")
    found: list[Result] = []
    seen: set[tuple[str, str, str]] = set()
    for path in dict.fromkeys(paths):
        result = _usable(path)
        if (result.task, result.task_hash, result.entry) in seen:
            result = replace(result, entry=_printable(f"{result.entry} ({path.parent})"))
        seen.add((result.task, result.task_hash, result.entry))
        found.append(result)
    return found


def _usable(path: Path) -> Result:
    """Read a result and its scores; where either cannot be used, return a result that says so."""
    try:
        result = read_result(path)
        result.keys_hash()
    except TaskError as error:
        reason = _printable(str(error).removeprefix(str(path.parent)).lstrip("/ "))
        return Result(
            entry=_printable(f"{path.parent.name or path.parent.resolve().name}: {reason}"),
            kind="model",
            task=UNUSABLE,
            task_version=1,
            task_hash="0" * 16,
            partial=False,
            style="",
            samples=0,
            writers=0,
            coverage=0.0,
            failures={},
            problems={},
            milliseconds=None,
            peak_memory_mb=None,
            metrics={},
            by_script={},
            by_strokes={},
            predictions_sha256="0" * 64,
            provenance={},
            folder=path.parent,
        )
    return result


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:400]


def tables(results: Sequence[Result], *, all_metrics: bool = False) -> list[Table]:
    """Return one table for each task and set of images."""
    groups: dict[tuple[str, int, str, int, int], list[Result]] = {}
    for result in results:
        keys = 0 if result.task == UNUSABLE else result.keys_hash()
        place = (result.task, result.task_version, result.task_hash, result.samples, keys)
        groups.setdefault(place, []).append(result)
    return [_table(members, all_metrics) for _, members in sorted(groups.items())]


def print_terminal(results: Sequence[Result], *, all_metrics: bool = False) -> None:
    """Print the tables; with intervals where the terminal is wide enough for them."""
    from rich.console import Console  # noqa: PLC0415 - only where a terminal is written
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table as Sheet  # noqa: PLC0415

    width = Console().width if Console().is_terminal else _WIDE
    for table in tables(results, all_metrics=all_metrics):
        cell_text = _rich_cell if width >= 46 + 14 * len(table.metrics) else _rich_value
        sheet = Sheet(
            title=escape(table.title),
            title_justify="left",
            caption=escape(" ".join(filter(None, [table.note, LEGEND]))),
            caption_justify="left",
            box=None,
        )
        for number, head in enumerate(_heads(table)):
            sheet.add_column(head.replace("_", "\n"), justify="right" if number else "left", no_wrap=True)
        for lines, style in [(table.ranked, ""), (table.controls, "dim italic")]:
            for line in lines:
                sheet.add_row(*_texts(line, table.metrics, cell_text, escape), style=style)
            sheet.add_section()
        Console(width=max(width, 40 + 11 * len(table.metrics))).print(sheet)


def to_markdown(results: Sequence[Result], *, all_metrics: bool = False) -> str:
    """Return the tables as Markdown."""
    parts = []
    for table in tables(results, all_metrics=all_metrics):
        heads = _heads(table)
        rows = [_texts(line, table.metrics, _markdown_cell, _md) for line in table.ranked]
        rows += [
            [f"*{texts[0]}*", *texts[1:]]
            for texts in (_texts(c, table.metrics, _markdown_cell, _md) for c in table.controls)
        ]
        lines = [
            f"### {_md(table.title)}",
            "",
            _pipe(heads),
            _pipe(["---"] + ["---:"] * (len(heads) - 1)),
            *map(_pipe, rows),
        ]
        parts.append("\n".join([*lines, "", *([table.note, ""] if table.note else []), LEGEND, ""]))
    return "\n".join(parts)


def to_latex(results: Sequence[Result], *, all_metrics: bool = False) -> str:
    """Return the tables as LaTeX for the package booktabs: best in bold, ties underlined, intervals in small print."""
    parts = []
    for table in tables(results, all_metrics=all_metrics):
        heads = " & ".join(map(_tex, _heads(table)))
        body = [" & ".join(_texts(line, table.metrics, _latex_cell, _tex)) + r" \\" for line in table.ranked]
        controls = [" & ".join(_texts(line, table.metrics, _latex_cell, _tex)) + r" \\" for line in table.controls]
        middle = [*body, r"\midrule", *controls] if controls and body else [*body, *controls]
        parts.append(
            "\n".join(
                [
                    r"\begin{table}",
                    rf"\caption{{{_tex(_caption(table))}}}",
                    rf"\begin{{tabular}}{{l{'r' * (len(_heads(table)) - 1)}}}",
                    r"\toprule",
                    heads + r" \\",
                    r"\midrule",
                    *middle,
                    r"\bottomrule",
                    r"\end{tabular}",
                    r"\end{table}",
                    "",
                ]
            )
        )
    return "\n".join(parts)


def to_csv(results: Sequence[Result], *, all_metrics: bool = False) -> str:
    """Return one row for each task, entry and metric, with its interval."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["task", "version", "task_hash", "entry", "kind", "metric", "value", "low", "high", "n", "mark"])
    for table in tables(results, all_metrics=all_metrics):
        for line in (*table.ranked, *table.controls):
            r = line.result
            for name, cell in line.cells.items():
                s = cell.summary
                row = [
                    _csv(r.task),
                    r.task_version,
                    r.task_hash,
                    _csv(r.entry),
                    r.kind,
                    name,
                    s.value,
                    s.low,
                    s.high,
                    s.n,
                    cell.mark,
                ]
                writer.writerow(row)
    return buffer.getvalue()


def to_json(results: Sequence[Result]) -> str:
    """Return the results as one JSON array; each follows ``result.schema.json``."""
    return json.dumps([result.as_dict() for result in results], ensure_ascii=False, indent=1)


def compare_text(results: Sequence[Result], first: str, second: str) -> str:
    """Say in a paragraph for each task which of two entries is better at what, and whether the data can tell.

    Raises:
        TaskError: where no task has both entries.
    """
    paragraphs = []
    for table in tables(results, all_metrics=True):
        named = {line.result.entry: line.result for line in (*table.ranked, *table.controls)}
        if first in named and second in named:
            found = compare(named[first], named[second], [m for m in table.metrics if TABLE[m].direction != "one"])
            paragraphs.append(_paragraph(table.title, first, second, found))
    if not paragraphs:
        known = sorted({result.entry for result in results})
        raise TaskError(f"no task has both {first!r} and {second!r}; the entries are: {', '.join(known)}")
    return "\n\n".join(paragraphs)


LEGEND = (
    "95 % intervals, bootstrapped by writer (±: half their width). Best of a column: bold; = cannot be told from the "
    "best (paired by sample, randomised by writer, Holm-corrected over all pairs of entries in the column). Controls "
    "have seen the truth, or cheat; they are not ranked."
)


def _table(results: Sequence[Result], all_metrics: bool) -> Table:
    if results[0].task == UNUSABLE:
        return Table("Folders that cannot be used", (), tuple(_line(result, (), {}) for result in results), ())
    names = tuple(TABLE) if all_metrics else MAIN
    metrics = tuple(name for name in names if any(name in r.metrics and r.metrics[name].n for r in results))
    ranked = [result for result in results if result.kind != "control"]
    marks = {name: _marks(ranked, name) for name in metrics}
    ordered = sorted(ranked, key=lambda r: (_sort_value(r), r.entry))
    lines = tuple(_line(result, metrics, marks) for result in ordered)
    controls = tuple(_line(result, metrics, {}) for result in results if result.kind == "control")
    first = results[0]
    partial = " — A FIRST LOOK, not comparable" if first.partial else ""
    amount = f" ({first.effective_writers:.1f} effective)" if math.isfinite(first.effective_writers) else ""
    title = f"{first.task} v{first.task_version}, {first.samples} samples, {first.writers} writers{amount}{partial}"
    notes = [
        _unanswered_note(ranked),
        _few_writers_note(first),
        _recognition_note(results),
        _power_note([x.result for x in lines]),
    ]
    return Table(title, metrics, lines, controls, " ".join(filter(None, notes)))


def _unanswered_note(ranked: Sequence[Result]) -> str:
    """Say of entries that answered little that the rest counts as failed."""
    few = [f"{r.entry} answered only {r.coverage:.0%} of the samples" for r in ranked if r.coverage < ANSWERED]
    return f"{'; '.join(few)}: THE OTHERS COUNT AS FAILED, with the worst value of every metric." if few else ""


def _few_writers_note(result: Result) -> str:
    writers = result.writers
    if writers >= FEW:
        effective = result.effective_writers
        if math.isfinite(effective) and effective < FEW:
            return (
                f"The {writers} writers amount to {effective:.1f} (Kish), since few of them wrote most: "
                "the intervals are to be read with care."
            )
        return ""
    least = smallest_p(writers)
    clear = f"no comparison can come below p = {number_text(least)}" + (", so none is decided" if least > ALPHA else "")
    return f"Only {writers} writers: too few for the intervals to be trusted (they are too narrow), and {clear}."


def _power_note(ranked: Sequence[Result]) -> str:
    """Say what difference from the best a table of this size would show, for the metric that orders its rows."""
    if len(ranked) < 2 or not math.isfinite(_sort_value(ranked[1])) or ranked[0].writers < FEW:
        return ""
    least = detectable(ranked[0], ranked[1], FIRST)
    return (
        f"Power: of two entries like {ranked[0].entry} and {ranked[1].entry} this task shows a difference of "
        f"{number_text(least)} in {FIRST} in 80 % of cases, one comparison taken alone."
    )


def _recognition_note(results: Sequence[Result]) -> str:
    known = next((result.recognition["all"] for result in results if "all" in result.recognition), None)
    if known is None:
        return ""
    ceiling, image = number_text(known.get("ceiling", math.nan)), number_text(known.get("image", math.nan))
    samples = known.get("samples", math.nan)
    return (
        f"Of the {samples:.0f} labelled characters the online recogniser reads {ceiling} right from the "
        f"true ink (the ceiling of `recognised`); a recogniser of images reads {image} without any recovery."
    )


def _caption(table: Table) -> str:
    return ". ".join(filter(None, [table.title, table.note.replace("`", "")]))


def _line(result: Result, metrics: Sequence[str], marks: Mapping[str, Mapping[str, Mark]]) -> Line:
    cells = {
        name: Cell(result.metrics[name], marks.get(name, {}).get(result.entry, ""))
        for name in metrics
        if name in result.metrics
    }
    return Line(result, cells)


def _marks(results: Sequence[Result], metric: str) -> dict[str, Mark]:
    """Return which entry is best in a column, and which cannot be told from it."""
    valued = [r for r in results if metric in r.metrics and math.isfinite(r.metrics[metric].value)]
    if not valued or TABLE[metric].direction == "one":
        return {}
    sign = 1 if TABLE[metric].direction == "lower" else -1
    best = min(valued, key=lambda r: sign * r.metrics[metric].value)
    marks: dict[str, Mark] = dict.fromkeys(indistinguishable(best, valued, metric), "tied")
    return {**marks, best.entry: "best"}


def _sort_value(result: Result) -> float:
    value = result.metrics[FIRST].value if FIRST in result.metrics else math.nan
    return -value if math.isfinite(value) else math.inf


def _heads(table: Table) -> list[str]:
    arrows = {"lower": "↓", "higher": "↑", "one": "→ 1"}
    return ["entry", *(f"{name} {arrows[TABLE[name].direction]}" for name in table.metrics), "coverage"]


def _texts(line: Line, metrics: Sequence[str], cell_text, escape=str) -> list[str]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    result = line.result
    cells = [cell_text(line.cells[name]) if name in line.cells else "" for name in metrics]
    return [escape(result.entry), *cells, f"{result.coverage:.3f}"]


def number_text(value: float) -> str:
    """Return a value with three figures that matter."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _interval(summary: Summary) -> str:
    return f"{number_text(summary.low)}–{number_text(summary.high)}"


def _rich_value(cell: Cell) -> str:
    text = number_text(cell.summary.value)
    return {"best": f"[bold green]{text}[/]", "tied": f"[bold]={text}[/]"}.get(cell.mark, text)


def _rich_cell(cell: Cell) -> str:
    text = _rich_value(cell)
    half = (cell.summary.high - cell.summary.low) / 2
    return f"{text} [dim]±{half:.2g}[/]" if math.isfinite(half) else text


def plain_cell(cell: Cell) -> str:
    """Return a value as Markdown without its interval."""
    text = number_text(cell.summary.value)
    return {"best": f"**{text}**", "tied": f"={text}"}.get(cell.mark, text)


def _markdown_cell(cell: Cell) -> str:
    text = plain_cell(cell)
    return f"{text} <sub>{_interval(cell.summary)}</sub>" if math.isfinite(cell.summary.low) else text


def _latex_cell(cell: Cell) -> str:
    text = number_text(cell.summary.value).replace("–", "--")
    text = {"best": rf"\textbf{{{text}}}", "tied": rf"\underline{{{text}}}"}.get(cell.mark, text)
    if not math.isfinite(cell.summary.low):
        return text
    return rf"{text} {{\scriptsize [{number_text(cell.summary.low)}, {number_text(cell.summary.high)}]}}"


_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: rf"\{sign}" for sign in "_%&#${}"},
        "↓": r"$\downarrow$",
        "↑": r"$\uparrow$",
        "→": r"$\to$",
        "—": "---",
    }
)


def _tex(text: str) -> str:
    return text.translate(_TEX)


def _md(text: str) -> str:
    """Return a text that Markdown shows as it is, within a table and without HTML."""
    return re.sub(r"([\\`*\[\]|])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _csv(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _pipe(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _paragraph(title: str, first: str, second: str, found: Sequence[Comparison]) -> str:
    better = {name: [c for c in found if c.better == name] for name in (first, second)}
    undecided = [c.metric for c in found if c.better is None]
    parts = [f"{title}."]
    for name, other in [(first, second), (second, first)]:
        if better[name]:
            facts = ", ".join(
                f"{c.metric} ({number_text(c.values[name])} against {number_text(c.values[other])})"
                for c in better[name]
            )
            parts.append(f"{name} is better than {other} in {facts}.")
    if undecided:
        parts.append(f"The data cannot tell them apart in {', '.join(undecided)}.")
    powers = [
        f"{c.metric} {number_text(c.detectable)}" for c in found if c.better is None and math.isfinite(c.detectable)
    ]
    if powers:
        parts.append(f"Smallest difference that this task would show (80 % power): {', '.join(powers)}.")
    return " ".join(parts)
