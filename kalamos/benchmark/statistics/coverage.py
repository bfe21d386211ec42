"""How often intervals hold the truth with the real numbers of samples a writer: simulated.

``python -m kalamos.benchmark.statistics.coverage TASK_FILE ...`` takes prepared tasks, draws values with a part that a
writer's samples share (as large as the rest, normal or skewed), and prints a Markdown table: of 95 % intervals, which
share holds the true mean; with quantiles for all writers, as version 0.1 had them, and for the effective number.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
import numpy as np
from scipy.special import ndtr, stdtrit

from kalamos.benchmark.prepare import prepared_task
from kalamos.benchmark.statistics.clusters import effective_writers
from kalamos.machinery.arrays import Floats, Ints
from kalamos.machinery.seeding import rng_for
from kalamos.storage.parquet import read_rows

TRIALS = 2_000
DRAWS = 1_000


def coverage(
    sizes: Ints, *, skewed: bool, trials: int = TRIALS, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float]:
    """Return the share of intervals that hold the truth: for all writers, and for their effective number.

    Args:
        sizes: samples of each writer, ``(g,)``.
        skewed: whether writers differ by an exponential and not a normal part.
        trials: how many data sets.
        draws: bootstrap draws of each.
        seed: of all of it.
    """
    rng = rng_for(seed, "coverage", len(sizes), int(sizes.sum()), skewed)
    held = np.zeros(2)
    effective = float(sizes.sum() ** 2 / (sizes.astype(np.float64) ** 2).sum())
    levels = [_levels(float(len(sizes))), _levels(max(effective, 2.0))]
    for _ in range(trials):
        part = rng.exponential(1.0, len(sizes)) - 1.0 if skewed else rng.normal(0.0, 1.0, len(sizes))
        sums = sizes * part + np.sqrt(sizes) * rng.normal(0.0, 1.0, len(sizes))
        counts = rng.multinomial(len(sizes), np.full(len(sizes), 1.0 / len(sizes)), draws).astype(np.float64)
        means: Floats = (counts @ sums) / (counts @ sizes.astype(np.float64))
        for k, level in enumerate(levels):
            low, high = np.quantile(means, level)
            held[k] += low <= 0.0 <= high
    return float(held[0] / trials), float(held[1] / trials)


def _levels(writers: float) -> tuple[float, float]:
    reach = float(stdtrit(writers - 1, 0.975)) * np.sqrt(writers / (writers - 1))
    return float(ndtr(-reach)), float(ndtr(reach))


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--trials", default=TRIALS, show_default=True)
def main(files: tuple[Path, ...], trials: int) -> None:
    """Print the coverage of intervals for the writers of prepared tasks."""
    heads = ["task", "writers", "effective", "normal: all", "normal: effective", "skewed: all", "skewed: effective"]
    click.echo("| " + " | ".join(heads) + " |\n|---" + "|--:" * (len(heads) - 1) + "|")
    for file in files:
        task, _ = prepared_task(file)
        writers = [row.sample.writer for row in read_rows(file, images=False)]
        sizes = np.array(sorted(Counter(writers).values()), np.int64)
        shares = [f"{share:.3f}" for skewed in (False, True) for share in coverage(sizes, skewed=skewed, trials=trials)]
        cells = [f"{task.name} v{task.version}", str(len(sizes)), f"{effective_writers(writers):.1f}", *shares]
        click.echo("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
