"""Pin a task: ``python -m kalamos.benchmark.make_pins TASK`` chooses its samples by its rule and writes its pins.

For a new version of a task only: the pins are what a task *is*, and a copy of the corpus with more in it must not
change them. Prints how many samples of how many writers there are, and how many writers that amounts to (Kish).
"""

from __future__ import annotations

from pathlib import Path

import click

from kalamos.benchmark.pins import write_pins, written
from kalamos.benchmark.prepare import fitted_mean, select
from kalamos.benchmark.statistics.clusters import effective_writers
from kalamos.benchmark.task import load_task, shipped
from kalamos.datasets import CORPORA
from kalamos.datasets.convert import rows_in
from kalamos.datasets.corpus import Corpus
from kalamos.datasets.shared_root import find_corpus
from kalamos.errors import TaskError
from kalamos.formats.report import UnitReport

EXACT_STYLES = ("clean",)
NOT_EXACT = ("synthetic", "paper-pages")
"""Corpora whose inks or pages are computed: the last bit is the machine's."""


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--corpora", type=click.Path(path_type=Path), help="The folder of all corpora; default: KALAMOS_CORPORA.")
def main(names: tuple[str, ...], corpora: Path | None) -> None:
    """Pin the tasks NAMES."""
    for name in names:
        click.echo(pin(name, corpora))


def pin(name: str, corpora: Path | None) -> str:
    """Write the pins of a task that ships with Kalamos; return what was pinned, in words.

    Raises:
        TaskError: where there is no such task, or no sample.
    """
    task, path = load_task(name), shipped(name, ".toml")
    if path is None:
        raise TaskError(f"{name} does not ship with Kalamos; a task of one's own is not pinned")
    root, report = find_corpus(task.corpus, corpora), UnitReport()
    chosen = select(task, root, task.limit, report)
    unit_of = {sample.key: unit for unit, sample in chosen}
    corpus: Corpus = CORPORA.load(task.corpus)
    samples = (sample for _, sample in chosen)
    rows = list(rows_in(corpus, root, samples, task.resolved_style(), task.seed, report))
    if not rows:
        raise TaskError(f"{name}: no sample found in {root}")
    exact = task.style in EXACT_STYLES and task.has_truth and task.corpus not in NOT_EXACT
    text = written(
        ((unit_of[row.sample.key], row) for row in rows),
        fitted_mean(task, root),
        exact=exact,
        head=f"kalamos {task.name} v{task.version}: image, truth, key",
    )
    write_pins(path.with_suffix(".pins"), text)
    writers = [sample.writer for _, sample in chosen]
    return f"{name}: {len(rows)} samples, {len(set(writers))} writers, {effective_writers(writers):.1f} effective"


if __name__ == "__main__":
    main()
