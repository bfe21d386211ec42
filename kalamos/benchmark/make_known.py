"""Make what ships of the built-in task: ``python -m kalamos.benchmark.make_known``, after any change of a metric.

Two files beside the task: its samples and images, made from the corpus, and the scores of its controls
(:mod:`kalamos.benchmark.known_scores`). A test makes both anew and holds them against each other.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pyarrow as pa
import pyarrow.parquet as pq

from kalamos.benchmark.control_answers import controls_of, predict_control
from kalamos.benchmark.known_scores import SUFFIX, scoring, write_known
from kalamos.benchmark.prepare import make
from kalamos.benchmark.score import score
from kalamos.benchmark.task import load_task, tasks_folder
from kalamos.machinery.files import sha256_of

BUILT_IN = "synthetic-3scripts"


@click.command()
@click.option("--images", is_flag=True, help="Make the images anew too.")
def main(images: bool) -> None:
    """Write the files that ship of the built-in task."""
    task_file = tasks_folder() / f"{BUILT_IN}.parquet"
    if images or not task_file.exists():
        make(load_task(BUILT_IN), None, task_file)
    made_from = {"task_file": sha256_of(task_file), "scoring": scoring()}
    scores = {name: control_scores(name, task_file) for name in controls_of(task_file)}
    write_known(task_file.with_name(f"{BUILT_IN}{SUFFIX}"), scores, made_from)
    click.echo(f"{len(scores)} controls on {BUILT_IN}")


def control_scores(name: str, task_file: Path) -> tuple[pa.Table, dict[str, int]]:
    """Return the table of scores of a control, and what was put aside on reading its answers."""
    with TemporaryDirectory() as folder:
        scores = Path(folder) / "scores.parquet"
        read = score(task_file, predict_control(name, task_file, Path(folder)), scores)
        return pq.read_table(scores), dict(read.problems)


if __name__ == "__main__":
    main()
