"""Make the published leaderboard: docs/leaderboard.md, the page, and the short tables of the README.

Run ``make leaderboard`` with ``KALAMOS_CORPORA`` set, or ``python -m kalamos.benchmark.board.publish CORPORA``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import click

from kalamos.benchmark.board import table as leaderboard
from kalamos.benchmark.board.page import write_page
from kalamos.benchmark.result import Result
from kalamos.benchmark.run import bench, rescore
from kalamos.benchmark.task import load_task, task_names
from kalamos.errors import CorpusError
from kalamos.machinery.files import write_text
from kalamos.recoverer import loadable_models

HARD = ("-scan", "-photo")
VARIANTS = ("good-continuation?velocity=power-law", "good-continuation?velocity=sigma-lognormal")
"""Rows for the question how far a law of motion gets where a tracer gives none; geometry and order are the tracer's."""
SLOW = ("rabhi2020",)
"""Not asked for whole pages unless named: it takes 3.4 s a word."""
MARK = "<!-- leaderboard -->"
_SHORT = ("lcss", "complete_trajectory")
_PAPER = ("recognised", "scan_recall")
"""What stands in the short table where nobody knows how the pen moved."""
_BY_SCRIPT = ("lcss", "rmse_arc", "start_point", "complete_trajectory", "recognised", "scan_recall")
COMMAND = "KALAMOS_CORPORA=FOLDER make leaderboard"


@click.command()
@click.argument("corpora", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--docs", type=click.Path(path_type=Path), default=Path("docs"), show_default=True)
@click.option("--task", "tasks", multiple=True, help="Only these tasks (repeat).")
@click.option("--model", "models", multiple=True, help="Only these models (repeat).")
@click.option("--clean-only", is_flag=True, help="Leave out the tasks at hard styles.")
@click.option("--no-controls", is_flag=True, help="Do not make the controls anew; those that are there stay.")
@click.option("--rescore", "again", is_flag=True, help="Ask nobody: score the predictions that are there anew.")
@click.option("--workers", default=1, show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Only so many samples a task: a trial, which says so everywhere.")
def main(  # noqa: PLR0917 - options of a command
    corpora: Path,
    out: Path,
    docs: Path,
    tasks: tuple[str, ...],
    models: tuple[str, ...],
    clean_only: bool,
    no_controls: bool,
    again: bool,
    workers: int,
    limit: int | None,
) -> None:
    """Bench all methods and controls on all tasks below CORPORA and write the tables and the page."""
    chosen = models or (*loadable_models(), *VARIANTS)
    for name in tasks or [name for name in task_names() if not (clean_only and name.endswith(HARD))]:
        began = time.monotonic()
        try:
            if again:
                rescore(name, corpora, out, workers=workers)
            else:
                pages = load_task(name).input == "page" and not models
                asked = [model for model in chosen if not (pages and model in SLOW)]
                bench(name, asked, corpora, out, limit=limit, workers=workers, controls=not no_controls)
        except CorpusError as error:
            click.echo(f"{name}: left out: {error}")
            continue
        click.echo(f"{name}: {time.monotonic() - began:.0f} s")
    results = leaderboard.find_results([out])
    write_text(docs / "leaderboard.md", full_text(results))
    write_page(results, out / "leaderboard.html")
    readme = docs.parent / "README.md"
    write_text(readme, with_short_table(readme.read_text(encoding="utf-8"), results))
    click.echo(f"wrote {docs / 'leaderboard.md'}, {readme} and {out / 'leaderboard.html'}")


def full_text(results: Sequence[Result]) -> str:
    """Return ``docs/leaderboard.md``: the main metrics of every task, then every metric by script."""
    made = results[0].provenance["scored"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(made.items()) if name != "commit")
    links = "What the columns mean: [metrics](metrics.md); what was measured on what: [protocol](protocol.md)."
    head = ["# Leaderboard", "", f"Made by `{COMMAND}` with {versions}. {links}", ""]
    return "\n".join([*head, leaderboard.to_markdown(results), "## By script", "", _by_script(results)])


def with_short_table(readme: str, results: Sequence[Result]) -> str:
    """Return the README with the short tables between its two marks."""
    before, _, rest = readme.partition(MARK)
    after = rest.partition(MARK)[2] or rest
    return f"{before}{MARK}\n{_short(results)}\n{MARK}{after}"


def _short(results: Sequence[Result]) -> str:
    """Return one row a task: the best three entries by the first metric, and how often their whole path is right."""
    place = "[docs/leaderboard.md](docs/leaderboard.md)"
    first, second = _SHORT
    places = [f"{ordinal}: {first} ({second})" for ordinal in ("first", "second", "third")]
    heads = ["task", "samples; writers", *places]
    lines = [f"Made by `{COMMAND}`; all entries, columns, intervals and controls are in {place}.", ""]
    lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for table in leaderboard.tables(results):
        if not table.ranked:
            continue
        result = table.ranked[0].result
        names = _SHORT if first in table.metrics else _PAPER
        best = [_short_cell(line, *names) for line in table.ranked[:3]]
        which = "" if names == _SHORT else f": {names[0]} ({names[1]})"
        writers = "unknown" if result.unknown_writers else str(result.writers)
        cells = [f"{result.task} v{result.task_version}{which}", f"{result.samples}; {writers}", *best]
        lines.append("| " + " | ".join([*cells, *[""] * (3 - len(best))]) + " |")
    return "\n".join([*lines, ""])


def _short_cell(line: leaderboard.Line, first: str, second: str) -> str:
    value, beside = (
        leaderboard.plain_cell(line.cells[name]) if name in line.cells else "–" for name in (first, second)
    )
    return f"{line.result.entry} {value} ({beside})"


def _by_script(results: Sequence[Result]) -> str:
    heads = ["task", "entry", "script", "samples", *_BY_SCRIPT]
    lines = ["| " + " | ".join(heads) + " |", "|---|---|---" + "|---:" * (1 + len(_BY_SCRIPT)) + "|"]
    for result in results:
        for script, values in result.by_script.items():
            shown = [leaderboard.number_text(values.get(metric, math.nan)) for metric in _BY_SCRIPT]
            if result.is_ranked and len(result.by_script) > 1:
                cells = [result.task, result.entry, script, f"{values['samples']:.0f}", *shown]
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
