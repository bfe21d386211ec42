"""Are the tolerances wide enough for ink that was drawn on a coarse grid? Measured on a prepared task.

``python -m kalamos.benchmark.grid_tolerance TASK_FILE`` finds the cell of each sample's grid, in pixels of its image,
and asks what a perfect method would lose that knew the ink before it was snapped to the grid: every true point is moved
by as much as snapping may have moved it (half a cell each way, evenly) and by twice as much, and scored as an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from scipy.ndimage import distance_transform_edt

from kalamos.benchmark.prepare import prepared_task
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.machinery.seeding import rng_for
from kalamos.metrics import METRICS, Pair, Reference
from kalamos.skeleton.binarise import binarise
from kalamos.storage.parquet import Row, read_rows

SHOWN = ("lcss", "rmse_arc", "pen_up_f1", "complete_trajectory", "stroke_direction", "start_point")
CELLS = (1.0, 2.0)
_AS_ONE = 1e-3
"""Coordinates nearer than this share of the ink's size count as one."""


def cell_px(row: Row) -> float:
    """Return the smallest step between two coordinates of an ink, in pixels of its image; NaN where there is none."""
    xy = row.truth().xy.astype(np.float64)
    gaps = np.concatenate([np.diff(np.unique(xy[:, axis])) for axis in (0, 1)])
    steps = gaps[gaps > _AS_ONE * float(np.ptp(xy, axis=0).max(initial=0.0))]
    return float(np.percentile(steps, 5)) if len(steps) else float("nan")


def line_px(row: Row) -> float:
    """Return the width of the line on the image: four times the mean distance of its pixels to the paper."""
    assert row.image is not None  # noqa: S101 - a prepared task has an image in every row
    mask = binarise(row.image.pixels)
    return 4.0 * float(distance_transform_edt(mask)[mask].mean()) if mask.any() else float("nan")


def moved(truth: Ink, reach_px: float, rng: np.random.Generator) -> Ink:
    """Return an ink whose points are moved evenly by up to ``reach_px`` in x and in y."""
    return truth.with_points(truth.xy + rng.uniform(-reach_px, reach_px, truth.xy.shape), truth.offsets, {})


def scores(rows: Sequence[Row], cells: Floats, share: float) -> dict[str, float]:
    """Return the means of metrics over truths whose points are moved by up to half of ``share`` cells."""
    values = []
    for row, cell in zip(rows, cells, strict=True):
        ink = moved(row.truth(), 0.5 * share * cell, rng_for(0, "grid", row.sample.key))
        pair = Pair(ink, Reference(row.truth(), row.image))
        values.append([METRICS[name].value(pair) for name in SHOWN])
    return dict(zip(SHOWN, np.nanmean(np.array(values), axis=0).tolist(), strict=True))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
def main(file: Path) -> None:
    """Print cells, widths of the line and tolerance of a prepared task, and what points moved within a cell get."""
    task, _ = prepared_task(file)
    rows = [row for row in read_rows(file) if row.truth().n_points > 1]
    cells = np.array([cell_px(row) for row in rows])
    rows = [row for row, cell in zip(rows, cells, strict=True) if np.isfinite(cell)]
    cells = cells[np.isfinite(cells)]
    widths = np.array([line_px(row) for row in rows])
    tolerance = np.array([Reference(row.truth(), row.image).tolerance_px for row in rows])
    click.echo(f"{task.name} v{task.version}, {len(rows)} samples\n")
    click.echo("| px | 5 % | median | 95 % | most |\n|---|--:|--:|--:|--:|")
    for name, found in (("cell of the grid", cells), ("width of the line", widths), ("tolerance", tolerance)):
        quantiles = np.nanpercentile(found, [5, 50, 95, 100])
        click.echo(f"| {name} | " + " | ".join(f"{value:.2f}" for value in quantiles) + " |")
    heads = " | ".join(f"`{name}`" for name in SHOWN)
    click.echo(f"\n| points moved within | {heads} |\n|---" + "|--:" * len(SHOWN) + "|")
    for share in CELLS:
        found_scores = scores(rows, cells, share)
        cells_text = "a cell" if share == 1.0 else f"{share:g} cells"
        click.echo(f"| {cells_text} | " + " | ".join(f"{found_scores[name]:.4f}" for name in SHOWN) + " |")


if __name__ == "__main__":
    main()
