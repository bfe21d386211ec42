"""A folder of results in, a table out: terminal, Markdown, CSV, JSON.

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

from kalamos.benchmark.board.beside import TITLE as BESIDE
from kalamos.benchmark.board.beside import Beside, beside, meaning
from kalamos.benchmark.board.selection import EVERYTHING, UNUSABLE, Selection, selected, without_interval
from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import Result, Summary, read_result
from kalamos.benchmark.statistics.estimates import ALPHA, FEW, smallest_p
from kalamos.benchmark.statistics.significance import detectable, indistinguishable
from kalamos.benchmark.unpaired import ceilings
from kalamos.benchmark.version import VERSION
from kalamos.errors import TaskError

RANKED = (
    "lcss",
    "rmse_arc",
    "pen_up_f1",
    "complete_trajectory",
    "stroke_order_tau",
    "start_point",
    "stroke_count",
    "speed_correlation",
    "recognised",
    "scan_recall",
    "scan_precision",
)
"""The metrics that rank, of which the first orders the rows."""
MAIN = (*RANKED, "length_ratio", "points_ratio")
"""The metrics of the short table: the ranked ones and two ratios."""
FIRST, SECOND = "lcss", "recognised"
"""What orders the rows: the second where nobody knows how the pen moved."""

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
    attacks: tuple[Line, ...] = ()
    note: str = ""
    """Too few writers, what ``recognised`` is to be held against, the power of the task; empty where none applies."""
    intervals: bool = True

    def beside(self) -> Beside:
        """Return what the ranked entries state of themselves."""
        return beside([line.result for line in self.ranked], intervals=self.intervals)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All rows, in the order in which they are shown."""
        return tuple(line for section in self.sections() for line in section.lines)

    @property
    def has_cards(self) -> bool:
        """Say whether an entry came with a card, so that the table has the columns of what cards say."""
        return any(line.result.submission for line in self.ranked)

    def sections(self) -> list[Section]:
        """Return the rows in groups that stand apart: by who ran them, where cards say it; controls; attacks."""
        groups = [(name, [line for line in self.ranked if party(line.result) == name]) for name in PARTIES]
        ranked = [Section(PARTIES[name], tuple(lines)) for name, lines in groups if lines]
        if not self.has_cards:
            ranked = [Section("", self.ranked)] if self.ranked else []
        apart = [
            Section("Controls" if self.has_cards else "", self.controls, False),
            Section("Attacks", self.attacks, False),
        ]
        return [*ranked, *(section for section in apart if section.lines)]


@dataclass(frozen=True)
class Section:
    """Rows of a table that stand together, under a head (empty: none)."""

    head: str
    lines: tuple[Line, ...]
    is_ranked: bool = True


PARTIES = {
    "model": "Run here",
    "third_party": "Third party",
    "first_party": "First party",
    "": "Without a card",
}
"""By whom ranked entries were run -> the head of their section."""


def party(result: Result) -> str:
    """Return by whom an entry was run: a key of :data:`PARTIES`."""
    return "model" if result.kind == "model" else str(result.submission.get("relation", ""))


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


def tables(results: Sequence[Result], *, all_metrics: bool = False, selection: Selection = EVERYTHING) -> list[Table]:
    """Return one table for each task and set of images that has a chosen entry.

    Which rows are shown changes no verdict: ties are corrected over all ranked entries of the results.

    Raises:
        UnknownNameError, TaskError: where something chosen is not there.
    """
    selection.check(results)
    groups: dict[tuple[str, int, str, int, int, int], list[Result]] = {}
    for result in results:
        keys = 0 if result.task == UNUSABLE else result.keys_hash()
        place = (result.task, result.task_version, result.task_hash, result.benchmark_version, result.samples, keys)
        groups.setdefault(place, []).append(result)
    shown = [members for _, members in sorted(groups.items()) if any(map(selection.shows, members))]
    return [_table(members, all_metrics, selection) for members in shown]


def print_terminal(results: Sequence[Result], *, all_metrics: bool = False, selection: Selection = EVERYTHING) -> None:
    """Print the tables; with intervals where the terminal is wide enough for them."""
    from rich.console import Console  # noqa: PLC0415 - only where a terminal is written
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table as Sheet  # noqa: PLC0415

    width = Console().width if Console().is_terminal else _WIDE
    for table in tables(results, all_metrics=all_metrics, selection=selection):
        cell_text = _rich_cell if width >= 46 + 14 * len(table.metrics) else _rich_value
        sheet = Sheet(
            title=escape(table.title),
            title_justify="left",
            caption=escape(" ".join(filter(None, [table.note, legend(table)]))),
            caption_justify="left",
            box=None,
        )
        for number, head in enumerate(heads(table)):
            said = 0 < number <= len(said_heads(table))
            text = head.replace(" ", "\n", 1) if said else head.replace("_", "\n")
            sheet.add_column(text, justify="left" if said or not number else "right", no_wrap=not said)
        for section in table.sections():
            if section.head:
                sheet.add_row(f"[bold]{section.head}[/]")
            for line in section.lines:
                sheet.add_row(*_texts(line, table, cell_text, escape), style="" if section.is_ranked else "dim italic")
            sheet.add_section()
        Console(width=max(width, 40 + 32 * len(said_heads(table)) + 11 * len(table.metrics))).print(sheet)
        if (stated := table.beside()).columns:
            small = Sheet(title=BESIDE, title_justify="left", box=None)
            small.caption, small.caption_justify = meaning(stated.columns), "left"
            for number, head in enumerate(["entry", *stated.columns]):
                small.add_column(head.replace("_", "\n"), justify="right" if number else "left", no_wrap=True)
            for entry, cells in stated.rows.items():
                small.add_row(escape(entry), *(number_text(cells[name][0]) for name in stated.columns))
            Console(width=width).print(small)


def to_markdown(results: Sequence[Result], *, all_metrics: bool = False, selection: Selection = EVERYTHING) -> str:
    """Return the tables as Markdown."""
    parts = []
    for table in tables(results, all_metrics=all_metrics, selection=selection):
        names = heads(table)
        rows = []
        for section in table.sections():
            if section.head:
                rows.append([f"**{section.head}**", *[""] * (len(names) - 1)])
            texts = [_texts(line, table, _markdown_cell, _md) for line in section.lines]
            rows += texts if section.is_ranked else [[f"*{first}*", *rest] for first, *rest in texts]
        lines = [
            f"### {_md(table.title)}",
            "",
            _pipe(names),
            _pipe(["---"] + ["---:"] * (len(names) - 1)),
            *map(_pipe, rows),
        ]
        notes = ["", *([table.note, ""] if table.note else []), legend(table), ""]
        parts.append("\n".join([*lines, *notes, *_beside_lines(table.beside())]))
    return "\n".join(parts)


def _beside_lines(stated: Beside) -> list[str]:
    if not stated.columns:
        return []
    lines = [f"{BESIDE}:", "", _pipe(["entry", *stated.columns]), _pipe(["---", *["---:"] * len(stated.columns)])]
    for entry, cells in stated.rows.items():
        texts = [
            f"{number_text(value)} <sub>{number_text(low)}–{number_text(high)}</sub>"
            if math.isfinite(low)
            else number_text(value)
            for value, low, high in (cells[name] for name in stated.columns)
        ]
        lines.append(_pipe([_md(entry), *texts]))
    return [*lines, "", meaning(stated.columns), ""]


def to_csv(results: Sequence[Result], *, all_metrics: bool = False, selection: Selection = EVERYTHING) -> str:
    """Return one row for each task, entry and metric, with its interval."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    heads_of_file = ["task", "version", "task_hash", "entry", "kind", "metric", "value", "low", "high", "n", "mark"]
    writer.writerow([*heads_of_file, "run_by", "relation", "trained_on_this_corpus"])
    for table in tables(results, all_metrics=all_metrics, selection=selection):
        for line in table.lines:
            r = line.result
            said = [_csv(r.submission.get(n, "")) for n in ("run_by", "relation", "trained_on_this_corpus")]
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
                    *said,
                ]
                writer.writerow(row)
        for line in table.ranked:
            r, stated = line.result, table.beside()
            for name, ends in stated.rows.get(r.entry, {}).items():
                head = [_csv(r.task), r.task_version, r.task_hash, _csv(r.entry), r.kind]
                writer.writerow([*head, f"stated:{name}", *ends, r.samples, "", "", "", ""])
    return buffer.getvalue()


def to_json(results: Sequence[Result], *, selection: Selection = EVERYTHING) -> str:
    """Return the results as one JSON array; each follows ``result.schema.json``."""
    return json.dumps([result.as_dict() for result in selected(results, selection)], ensure_ascii=False, indent=1)


_INTERVALS = "95 % intervals, bootstrapped by writer (±: half their width). "
_BEST = (
    "Best of a column: bold; = cannot be told from the best (paired by sample, randomised by writer, Holm-corrected "
    "over all pairs of entries in the column)."
)
_CONTROLS = " Controls have seen the truth, or cheat; they are not ranked."
_ATTACKS = " Attacks try to game the metrics; they are not ranked."
_CARDS = (
    " Entries that were sent are scored here from their predictions; who ran them and what they were trained on is as "
    "their cards say (–: nothing is said). First party: run by those who made the model; third party: by others."
)


def legend(table: Table) -> str:
    """Return what the signs of a table mean."""
    return f"{_INTERVALS if table.intervals else ''}{_BEST}{_CONTROLS if table.controls else ''}" + (
        f"{_ATTACKS if table.attacks else ''}{_CARDS if table.has_cards else ''}"
    )


def _table(results: Sequence[Result], all_metrics: bool, selection: Selection) -> Table:
    if results[0].task == UNUSABLE:
        lines = tuple(_line(result, (), {}) for result in results)
        return Table("Folders that cannot be used", (), lines, (), intervals=selection.intervals)
    shown = [result for result in results if selection.shows(result)]
    metrics = selection.metrics or _valued(results, tuple(TABLE) if all_metrics else MAIN)
    everybody = [result for result in results if result.is_ranked]
    ranked = [result for result in shown if result.is_ranked]
    marks = {name: _marks(ranked, everybody, name) for name in metrics}
    ordered = sorted(ranked, key=lambda r: (_sort_value(r), r.entry))
    drawn = [result if selection.intervals else without_interval(result) for result in ordered]
    apart = [r if selection.intervals else without_interval(r) for r in shown if not r.is_ranked]
    notes = [
        _left_out_note(len(ranked), len(everybody)),
        _unanswered_note(ranked),
        few_writers_note(results[0]),
        _recognition_note(results) if "recognised" in metrics else "",
        _power_note(ordered) if FIRST in metrics else "",
    ]
    return Table(
        title_of(results[0]),
        tuple(metrics),
        tuple(_line(result, metrics, marks) for result in drawn),
        tuple(_line(result, metrics, {}) for result in apart if result.kind == "control"),
        tuple(_line(result, metrics, {}) for result in apart if result.kind == "attack"),
        " ".join(filter(None, notes)),
        selection.intervals,
    )


def _valued(results: Sequence[Result], names: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics that apply to any sample at all."""
    return tuple(name for name in names if any(name in r.metrics and r.metrics[name].n for r in results))


def title_of(result: Result) -> str:
    """Return what an entry was measured on, in one line."""
    partial = " — A FIRST LOOK, not comparable" if result.partial else ""
    amount = f" ({result.effective_writers:.1f} effective)" if math.isfinite(result.effective_writers) else ""
    writers = f"{result.writers} writers{amount}" if not result.unknown_writers else _unknown_text(result)
    other = f", version {result.benchmark_version} of the benchmark" if result.benchmark_version != VERSION else ""
    return f"{result.task} v{result.task_version}{other}, {result.samples} samples, {writers}{partial}"


def _unknown_text(result: Result) -> str:
    named = result.writers - result.unknown_writers
    rest = f"{named} writers and {result.unknown_writers} samples" if named else "writers"
    return f"{rest} unknown (each sample counts as a writer: intervals are too narrow)"


def _left_out_note(shown: int, ranked: int) -> str:
    if shown == ranked or not shown:
        return ""
    return f"{shown} of {ranked} entries are shown; what can be told apart is corrected over all {ranked}."


def _unanswered_note(ranked: Sequence[Result]) -> str:
    """Say of entries that answered little that the rest counts as failed."""
    few = [f"{r.entry} answered only {r.coverage:.0%} of the samples" for r in ranked if r.coverage < ANSWERED]
    return f"{'; '.join(few)}: THE OTHERS COUNT AS FAILED, with the worst value of every metric." if few else ""


def few_writers_note(result: Result) -> str:
    """Say what too few writers mean for intervals and comparisons; empty where they are enough."""
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
    found = next((result.recognition for result in results if "all" in result.recognition), None)
    if found is None:
        return ""
    known = found["all"]
    if any(shares.get("unpaired") for shares in found.values()):
        return _unpaired_note(found, results[0].samples)
    ceiling, image = number_text(known.get("ceiling", math.nan)), number_text(known.get("image", math.nan))
    samples = known.get("samples", math.nan)
    return (
        f"Of the {samples:.0f} labelled characters the online recogniser reads {ceiling} right from the "
        f"true ink (the ceiling of `recognised`); a recogniser of images reads {image} without any recovery. {_LEARNT}"
    )


_LEARNT = (
    "The recognisers learnt from training writers, from whom learned methods may have learnt too, and from no test "
    "writer: `recognised` may favour ink that is drawn as those writers drew."
)


def _unpaired_note(found: Mapping[str, Mapping[str, float]], samples: int) -> str:
    """Say what scanned characters can be held against: other people's online ink, and the image recogniser."""
    known = ceilings()
    kinds = [
        f"{name} ({shares['samples']:.0f}): {number_text(shares['ceiling'])} of online ink ({known[name].whose}), "
        f"{number_text(shares['image'])} by a recogniser of images from the scans"
        for name, shares in found.items()
        if name in known
    ]
    left = samples - found["all"]["samples"]
    rest = f" The recognisers do not know the classes of the other {left:.0f}." if left else ""
    return (
        f"Nobody knows how the pen moved: no order is scored. `recognised`, for comparison: {'; '.join(kinds)}.{rest}"
    )


def _line(result: Result, metrics: Sequence[str], marks: Mapping[str, Mapping[str, Mark]]) -> Line:
    cells = {
        name: Cell(result.metrics[name], marks.get(name, {}).get(result.entry, ""))
        for name in metrics
        if name in result.metrics
    }
    return Line(result, cells)


def _marks(shown: Sequence[Result], ranked: Sequence[Result], metric: str) -> dict[str, Mark]:
    """Return which of the shown entries is best in a column, and which cannot be told from it among all ranked."""
    valued = [r for r in ranked if metric in r.metrics and math.isfinite(r.metrics[metric].value)]
    names = {result.entry for result in shown}
    candidates = [r for r in valued if r.entry in names]
    if not candidates or TABLE[metric].direction == "one":
        return {}
    sign = 1 if TABLE[metric].direction == "lower" else -1
    best = min(candidates, key=lambda r: sign * r.metrics[metric].value)
    tied = [name for name in indistinguishable(best, valued, metric) if name in names]
    marks: dict[str, Mark] = dict.fromkeys(tied, "tied")
    return {**marks, best.entry: "best"}


def ordering_value(result: Result) -> float:
    """Return the value by which an entry is placed, the higher the better; NaN where it has none."""
    name = FIRST if FIRST in result.metrics and result.metrics[FIRST].n else SECOND
    return result.metrics[name].value if name in result.metrics else math.nan


def _sort_value(result: Result) -> float:
    value = ordering_value(result)
    return -value if math.isfinite(value) else math.inf


def heads(table: Table) -> list[str]:
    """Return the heads of the columns: entry, what cards say, metrics with the direction in which they get better."""
    return ["entry", *said_heads(table), *metric_heads(table), "coverage"]


def said_heads(table: Table) -> list[str]:
    """Return the heads of what cards say; none where no entry came with a card."""
    return ["run by", "trained on this corpus?"] if table.has_cards else []


def metric_heads(table: Table) -> list[str]:
    """Return the heads of the metrics, each with the direction in which it gets better."""
    arrows = {"lower": "↓", "higher": "↑", "one": "→ 1"}
    return [f"{name} {arrows[TABLE[name].direction]}" for name in table.metrics]


def said_texts(result: Result) -> tuple[str, str]:
    """Return who ran an entry, and whether it was trained on the task's corpus; a dash where no card says it."""
    said = result.submission
    return str(said.get("run_by", "–")), str(said.get("trained_on_this_corpus", "–"))


def _texts(line: Line, table: Table, cell_text, escape=str) -> list[str]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    result = line.result
    said = map(escape, said_texts(result)) if table.has_cards else ()
    cells = [cell_text(line.cells[name]) if name in line.cells else "" for name in table.metrics]
    return [escape(result.entry), *said, *cells, f"{result.coverage:.3f}"]


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


def _md(text: str) -> str:
    """Return a text that Markdown shows as it is, within a table and without HTML."""
    return re.sub(r"([\\`*\[\]|])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _csv(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _pipe(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
