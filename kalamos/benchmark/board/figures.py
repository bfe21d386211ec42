"""Figures for a paper, as PDF as wide as a column: risk against coverage, and a metric by the strokes of the truth.

Lines differ by colour, dash and marker, so that they can be told apart in grey too. The same results give the same
bytes. Needs matplotlib: ``pip install 'kalamos[plots]'``.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.benchmark.board.selection import EVERYTHING, Selection
from kalamos.benchmark.board.table import Line, Table, tables
from kalamos.benchmark.certainty import risk_coverage
from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import Result
from kalamos.errors import KalamosError
from kalamos.machinery.arrays import Floats
from kalamos.machinery.files import Outputs, write_bytes

WIDTH_IN, HEIGHT_IN = 3.33, 2.4
"""A column of most proceedings."""
MOST_LINES = 6
"""So many entries are drawn where none was chosen: more cannot be told apart. They are the first of the table."""
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_MARKERS = "osD^vPX"
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_FONT_PT = 7


def write_figures(
    results: Sequence[Result], folder: Path, *, selection: Selection = EVERYTHING, overwrite: bool = False
) -> list[Path]:
    """Write the figures of some results into a folder, and return their paths.

    Of each task: ``TASK-METRIC-by-strokes.pdf`` for each chosen metric (the one that orders the table where none was
    chosen), and ``TASK-risk-coverage.pdf`` where an entry states how sure it is.

    Raises:
        KalamosError: where matplotlib is missing, or there is nothing to draw.
        StoreError: where a file exists and ``overwrite`` is not set, or cannot be written.
    """
    _ready()
    outputs, made = Outputs(overwrite=overwrite), []
    for table in tables(results, selection=selection):
        lines, named = _drawn(table, selection), _file_name(table)
        drawn = {f"{named}-risk-coverage": _risk(lines)}
        for metric in selection.metrics or table.metrics[:1]:
            drawn[f"{named}-{metric}-by-strokes"] = _by_strokes(lines, metric)
        for name, data in drawn.items():
            if data is not None:
                made.append(outputs.claim(folder, name, ".pdf"))
                write_bytes(made[-1], data)
    if not made:
        raise KalamosError(
            "there is nothing to draw: no entry states how sure it is, and no metric is known by the number of strokes"
        )
    return made


def _ready() -> None:
    try:
        import matplotlib  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise KalamosError("figures need matplotlib: pip install 'kalamos[plots]'") from error


def _drawn(table: Table, selection: Selection) -> list[Line]:
    """Return the rows that are drawn: what was chosen, or the first of those that rank."""
    if selection.entries:
        return list(table.lines)
    return list(table.ranked[:MOST_LINES])


def _file_name(table: Table) -> str:
    result = table.lines[0].result
    return re.sub(r"[^\w.-]+", "-", f"{result.task}-v{result.task_version}")


def _risk(lines: Sequence[Line]) -> bytes | None:
    """Draw the share of wrong paths among the surest, against how many those are."""
    curves: dict[str, Floats] = {}
    for line in lines:
        if not line.result.certainty.get("stated"):
            continue
        scores = line.result.scores()
        right = scores.column("complete_trajectory").to_numpy()
        sure = scores.column("confidence").to_numpy(zero_copy_only=False)
        known = ~np.isnan(right)
        sure = np.where(np.isnan(sure), 1.0 - right, sure)
        curves[line.result.entry] = risk_coverage(sure[known], right[known] > 0.5)
    if not curves:
        return None

    def fill(axes: Any) -> None:
        for k, (entry, curve) in enumerate(curves.items()):
            share = np.arange(1, len(curve) + 1) / len(curve)
            axes.plot(share, curve, label=entry, color=_COLOURS[k % 7], linestyle=_DASHES[k % 7], linewidth=1.2)
        axes.set(xlabel="share of samples, the surest first", ylabel="share of wrong paths", xlim=(0, 1))
        axes.set_ylim(bottom=0)

    return _pdf(fill)


def _by_strokes(lines: Sequence[Line], metric: str) -> bytes | None:
    """Draw the mean of a metric against the number of strokes of the truth."""
    parts = sorted({part for line in lines for part in line.result.by_strokes})
    found: dict[str, list[float]] = {}
    for line in lines:
        rows: Mapping[str, Mapping[str, float]] = line.result.by_strokes
        values = [rows.get(part, {}).get(metric, math.nan) for part in parts]
        if any(value is not None and math.isfinite(value) for value in values):
            found[line.result.entry] = values
    if not found:
        return None

    def fill(axes: Any) -> None:
        for k, (entry, values) in enumerate(found.items()):
            look = {"color": _COLOURS[k % 7], "linestyle": _DASHES[k % 7], "marker": _MARKERS[k % 7]}
            axes.plot(parts, values, label=entry, linewidth=1.2, markersize=3.5, **look)
        arrow = {"lower": " (lower is better)", "higher": " (higher is better)"}.get(TABLE[metric].direction, "")
        axes.set(xlabel="strokes of the truth", ylabel=f"{metric}{arrow}")

    return _pdf(fill)


def _pdf(fill: Callable[[Any], None]) -> bytes:
    """Return a figure of one panel as PDF, with its letters embedded as outlines of their font."""
    import matplotlib  # noqa: PLC0415 - an extra, and half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    file = io.BytesIO()
    with matplotlib.rc_context({"font.size": _FONT_PT, "pdf.fonttype": 42, "axes.spines.top": False}):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
        axes = figure.subplots()
        fill(axes)
        axes.spines["right"].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.5)
        axes.legend(frameon=False, fontsize=_FONT_PT - 1)
        figure.savefig(file, format="pdf", metadata={"CreationDate": None, "ModDate": None})
    return file.getvalue()
