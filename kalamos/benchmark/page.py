"""The leaderboard as one self-contained HTML page: tables, plots, and replays of truth and recovery side by side.

Nothing is fetched: style, script and data stand in the file, which opens from ``file://``. What the page does is in
``site/page.js``; here its data is put together and kept small.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

import kalamos
from kalamos.benchmark.leaderboard import MAIN, Line, Table, tables
from kalamos.benchmark.predictions import Predictions, read_predictions
from kalamos.benchmark.recognition.columns import TABLE
from kalamos.benchmark.result import Result
from kalamos.geometry import resample, stroke_durations
from kalamos.ink import Ink
from kalamos.png import encode_png
from kalamos.seeding import stable_hash
from kalamos.store import Row, read_rows, write_text

BUDGET_BYTES = 14_000_000
"""What all replays of a page may take together; the page shows fewer samples where they would take more."""
POINTS = 48
"""Points that a replayed ink keeps, at most, besides one for each stroke."""
MAX_SHOWN = 2000


def write_page(results: Sequence[Result], path: Path) -> None:
    """Write the page of some results to ``path``."""
    write_text(path, page(results))


def page(results: Sequence[Result]) -> str:
    """Return the page as HTML text."""
    site = resources.files("kalamos.benchmark") / "site"
    data = json.dumps(page_data(results), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    parts = {
        "STYLE": (site / "page.css").read_text(encoding="utf-8"),
        "SCRIPT": (site / "page.js").read_text(encoding="utf-8"),
        "DATA": data.replace("</", "<\\/"),
    }
    html = (site / "page.html").read_text(encoding="utf-8")
    for name, text in parts.items():
        html = html.replace(f"/*{name}*/", text, 1)
    return html


def page_data(results: Sequence[Result]) -> dict[str, Any]:
    """Return everything that the page shows, as JSON knows it."""
    boards = tables(results, all_metrics=True)
    budget = BUDGET_BYTES // max(len(boards), 1)
    about = {
        name: {"unit": m.unit, "direction": m.direction, "family": m.family, "formula": m.formula}
        for name, m in TABLE.items()
    }
    return {
        "version": kalamos.__version__,
        "metrics": about,
        "main": [name for name in MAIN if name in TABLE],
        "tasks": [_task_data(board, budget) for board in boards],
    }


def _task_data(board: Table, budget: int) -> dict[str, Any]:
    lines = [*board.ranked, *board.controls]
    first = lines[0].result
    return {
        "title": board.title,
        "note": board.note.replace("`", ""),
        "metrics": list(board.metrics),
        "entries": [_entry_data(line) for line in lines],
        "samples": _samples(first.folder.parent / "task.parquet", [line.result for line in lines], budget),
        "provenance": first.provenance,
    }


def _entry_data(line: Line) -> dict[str, Any]:
    result = line.result
    return {
        "name": result.entry,
        "kind": result.kind,
        "coverage": result.coverage,
        "ms": result.milliseconds,
        "failures": dict(result.failures),
        "cells": {
            name: [*map(_number, (cell.summary.value, cell.summary.low, cell.summary.high)), cell.summary.n, cell.mark]
            for name, cell in line.cells.items()
        },
        "by": {"script": _numbers(result.by_script), "strokes": _numbers(result.by_strokes)},
    }


def _samples(task_file: Path, results: Sequence[Result], budget: int) -> list[dict[str, Any]]:
    """Return the replays: as many samples as the budget holds, chosen by the hash of their keys."""
    if not task_file.exists():
        return []
    rows = {row.sample.key: row for row in read_rows(task_file)}
    order = sorted(rows, key=lambda key: (stable_hash(key), key))[:MAX_SHOWN]
    answers = [read_predictions(result.folder / "predictions.parquet", rows) for result in results]
    scores = [_scores_by_key(result) for result in results]
    shown: list[dict[str, Any]] = []
    used = 0
    for key in order:
        sample = _sample_data(rows[key], results, answers, [found.get(key, {}) for found in scores])
        used += len(json.dumps(sample, ensure_ascii=False, separators=(",", ":")))
        if used > budget:
            break
        shown.append(sample)
    return shown


def _scores_by_key(result: Result) -> dict[str, dict[str, float | None]]:
    table = result.scores()
    names = [name for name in MAIN if name in table.column_names]
    columns = [table.column(name).to_pylist() for name in names]
    return {
        key: {name: _number(values[row]) for name, values in zip(names, columns, strict=True)}
        for row, key in enumerate(table.column("key").to_pylist())
    }


def _sample_data(
    row: Row, results: Sequence[Result], answers: Sequence[Predictions], scores: Sequence[Mapping[str, float | None]]
) -> dict[str, Any]:
    assert row.image is not None  # noqa: S101 - a prepared task has an image in every row
    sample, truth = row.sample, row.truth()
    inks = {}
    for result, read in zip(results, answers, strict=True):
        answer = read.answers.get(sample.key)
        inks[result.entry] = None if answer is None or answer.ink is None else _ink_data(answer.ink)
    return {
        "key": sample.key,
        "label": sample.label,
        "script": sample.script,
        "strokes": truth.n_strokes,
        "w": row.image.width_px,
        "h": row.image.height_px,
        "png": base64.b64encode(encode_png(row.image.pixels, level=9)).decode(),
        "truth": _ink_data(truth),
        "inks": inks,
        "scores": {result.entry: dict(found) for result, found in zip(results, scores, strict=True)},
    }


def _ink_data(ink: Ink) -> list[list[int]]:
    """Return one flat list ``x, y, ms, x, y, ms, ...`` a stroke, in tenths of a pixel; ms is -1 where unknown."""
    n = min(max(POINTS, 2 * ink.n_strokes), max(ink.n_points, 2 * ink.n_strokes))
    by_time = ink.t is not None and float(stroke_durations(ink).sum()) > 0
    thin = resample(ink, by="time" if by_time else "arc", n=n) if ink.n_points > n else ink
    ms = np.full(thin.n_points, -1.0) if thin.t is None else (thin.t - thin.t[0]) * 1000
    flat = np.round(np.column_stack([thin.xy.astype(np.float64) * 10, ms])).astype(np.int64)
    return [flat[a:b].ravel().tolist() for a, b in zip(thin.offsets[:-1], thin.offsets[1:], strict=True)]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


def _numbers(parts: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    return {part: {name: _number(value) for name, value in values.items()} for part, values in parts.items()}
