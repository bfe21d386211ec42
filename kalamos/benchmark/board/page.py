"""The leaderboard as one self-contained HTML page: tables, plots, and replays of truth and recovery side by side.

Nothing is fetched: style, script and data stand in the file, which opens from ``file://``. What the page does is in
``site/page.js``; here its data is put together and kept small.
"""

from __future__ import annotations

import base64
import json
import math
import string
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

import kalamos
from kalamos.benchmark.board.selection import EVERYTHING, UNUSABLE, Selection
from kalamos.benchmark.board.table import MAIN, Line, Table, said_texts, tables
from kalamos.benchmark.certainty import SAID as SAID_OF_ITSELF
from kalamos.benchmark.predictions import Predictions, read_predictions
from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import PARTS, Result
from kalamos.errors import KalamosError
from kalamos.geometry import length, resample, stroke_durations
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes
from kalamos.machinery.files import write_text
from kalamos.machinery.seeding import stable_hash
from kalamos.storage.parquet import Row, read_rows
from kalamos.storage.png import encode_png

PAGE_BYTES = 14_500_000
"""What a page may take; it shows fewer samples where their replays would take more than tables and script leave."""
SITE_BYTES = 60_000
"""More than style, script and frame of the page take."""
POINT_PX = 2.5
"""Path between two points of a replayed ink, within the bounds of :data:`POINTS`."""
POINTS = (24, 160)
MANY_STROKES, POINTS_A_STROKE = 60, 10
"""An ink of more strokes is a page, and has so many points a stroke."""
MAX_SHOWN = 2000
GREYS = 15
"""Grey levels of a shown image, besides paper: enough to the eye, and half of the bytes."""
_PER_PX, _PER_S = 4, 250
_DIGITS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


DOCS = "https://github.com/kalamos/kalamos/blob/main/docs/"
SAID = {
    "lcss": "how much of both pen paths is common, in order and direction: 1 is the whole path, ranks the entries",
    "rmse_arc": "how far the pen is from where it should be, all along the path, each place four tolerances at most",
    "pen_up_f1": "whether the pen lifts where it lifted",
    "complete_trajectory": "share of samples whose whole path is right within the tolerance",
    "stroke_order_tau": "whether strokes come in the right order: 1 right, 0 chance, -1 reversed",
    "start_point": "share of samples that begin in the right place",
    "stroke_count": "share of samples with the right number of strokes",
    "speed_correlation": "whether the pen is fast and slow where the writer's was; 0 for constant speed",
    "recognised": "share of characters that a recogniser of pen movements still reads right",
    "scan_recall": "share of the ink on the paper that the path runs over",
    "scan_precision": "share of the path that lies on ink",
    "length_ratio": "how long the drawn path is, by the true one: filling and doubling show here; ranks nothing",
    "points_ratio": "how many points there are, by the true ones: dilution shows here; ranks nothing",
}
"""What the metrics of the short table say, in plain words."""


def write_page(results: Sequence[Result], path: Path, *, selection: Selection = EVERYTHING) -> None:
    """Write the page of some results to ``path``."""
    write_text(path, page(results, selection=selection))


def page(results: Sequence[Result], *, selection: Selection = EVERYTHING) -> str:
    """Return the page as HTML text."""
    site = resources.files("kalamos.benchmark.board") / "site"
    data = json.dumps(
        page_data(results, selection=selection), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    parts = {
        "STYLE": (site / "page.css").read_text(encoding="utf-8"),
        "SCRIPT": (site / "page.js").read_text(encoding="utf-8"),
        "DATA": data.replace("<", "\\u003c"),  # nothing in it can end the script, or begin a comment
    }
    html = (site / "page.html").read_text(encoding="utf-8")
    for name, text in parts.items():
        html = html.replace(f"/*{name}*/", text, 1)
    return html


def page_data(results: Sequence[Result], *, selection: Selection = EVERYTHING) -> dict[str, Any]:
    """Return everything that the page shows, as JSON knows it."""
    boards = tables(results, all_metrics=True, selection=selection)
    main = selection.metrics or MAIN
    about = {
        name: {"unit": m.unit, "direction": m.direction, "family": m.family, "formula": m.formula, "source": m.source}
        | {"said": SAID.get(name, "")}
        for name, m in TABLE.items()
    }
    return {
        "version": kalamos.__version__,
        "metrics": about,
        "docs": DOCS,
        "main": [name for name in main if name in TABLE],
        "controls": selection.controls,
        "intervals": selection.intervals,
        "tasks": _tasks_data(boards, main),
    }


def _tasks_data(boards: Sequence[Table], main: Sequence[str]) -> list[dict[str, Any]]:
    """Return the tasks; replays share evenly what the rest leaves, and what a small task leaves goes to the larger."""
    made = [_task_data(board) for board in boards]
    left = PAGE_BYTES - len(json.dumps(made, ensure_ascii=False).encode()) - SITE_BYTES
    by_size = sorted(range(len(boards)), key=lambda place: (_lines(boards[place])[0].result.samples, place))
    for done, place in enumerate(by_size):
        made[place]["samples"], used = _samples(boards[place], max(left, 0) // (len(boards) - done), main)
        left -= used
    return made


def _lines(board: Table) -> list[Line]:
    return list(board.lines)


def _replayed(board: Table) -> list[Result]:
    return [line.result for line in board.ranked or board.controls]  # controls are made of the truth


def _task_data(board: Table) -> dict[str, Any]:
    """Return what the page shows of a task beside its samples."""
    lines = _lines(board)
    sections = board.sections()
    return {
        "cards": board.has_cards,
        "sections": [section.head for section in sections],
        "title": board.title,
        "note": board.note.replace("`", ""),
        "metrics": list(board.metrics),
        "entries": [_entry_data(line, k) for k, section in enumerate(sections) for line in section.lines],
        "stated": _stated_data(board),
        "replayed": [result.entry for result in _replayed(board)],
        "provenance": lines[0].result.provenance,
    }


def _stated_data(board: Table) -> dict[str, Any]:
    """Return what entries state of themselves: columns with their meaning, and a row an entry."""
    found = board.beside()
    return {
        "columns": {name: SAID_OF_ITSELF[name] for name in found.columns},
        "rows": {
            entry: [list(map(_number, cells[name])) for name in found.columns] for entry, cells in found.rows.items()
        },
    }


def _entry_data(line: Line, section: int) -> dict[str, Any]:
    result = line.result
    return {
        "section": section,
        "ranked": result.is_ranked,
        "said": list(said_texts(result)),
        "looks": list(result.submission.get("looks", ())),
        "name": result.entry,
        "kind": result.kind,
        "coverage": result.coverage,
        "failures": dict(result.failures),
        "losses": {part: _number(value) for part, value in result.losses.items()},
        "cells": {
            name: [*map(_number, (cell.summary.value, cell.summary.low, cell.summary.high)), cell.summary.n, cell.mark]
            for name, cell in line.cells.items()
        },
        "by": {name.removeprefix("by_"): _numbers(getattr(result, name)) for name in PARTS},
    }


def _samples(board: Table, budget: int, main: Sequence[str]) -> tuple[list[dict[str, Any]], int]:
    """Return the replays and their bytes: as many samples as the budget holds, chosen by the hash of their keys."""
    results = _replayed(board)
    task_file = _lines(board)[0].result.folder.parent / "task.parquet"
    if board.ranked and board.ranked[0].result.task == UNUSABLE:
        return [], 0
    rows = _rows(task_file)
    order = sorted(rows, key=lambda key: (stable_hash(key), key))[:MAX_SHOWN]
    answers = [_answers(result, rows) for result in results]
    scores = [_scores_by_key(result, main) for result in results]
    shown: list[dict[str, Any]] = []
    used = 0
    for key in order:
        sample = _sample_data(rows[key], results, answers, [found.get(key, []) for found in scores])
        size = len(json.dumps(sample, ensure_ascii=False, separators=(",", ":")).encode()) + 1
        if used + size > budget:
            break
        used += size
        shown.append(sample)
    return shown, used


def _rows(task_file: Path) -> dict[str, Row]:
    """Return the samples of a task by key; none where the file is not there, or is no sound one."""
    try:
        rows = {row.sample.key: row for row in read_rows(task_file)} if task_file.exists() else {}
        return rows if all(row.image is not None and row.placement is not None for row in rows.values()) else {}
    except KalamosError:
        return {}


def _answers(result: Result, rows: Mapping[str, Row]) -> Predictions:
    """Return the answers of an entry; none where they are not there or cannot be read: the table stands without."""
    try:
        return read_predictions(result.folder / "predictions.parquet", rows)
    except KalamosError:
        return Predictions({})


def _scores_by_key(result: Result, main: Sequence[str]) -> dict[str, list[float | int | None]]:
    """Return key -> values of the main metrics, in their order."""
    table = result.scores()
    columns = [
        table.column(name).to_pylist() if name in table.column_names else [None] * table.num_rows for name in main
    ]
    return {
        key: [_number(values[row], 4) for values in columns] for row, key in enumerate(table.column("key").to_pylist())
    }


def _sample_data(
    row: Row, results: Sequence[Result], answers: Sequence[Predictions], scores: Sequence[list[float | int | None]]
) -> dict[str, Any]:
    assert row.image is not None  # noqa: S101 - a prepared task has an image in every row
    sample, truth = row.sample, row.truth()
    inks = {}
    for result, read in zip(results, answers, strict=True):
        answer = read.answers.get(sample.key)
        inks[result.entry] = None if answer is None or answer.ink is None else _packed(answer.ink)
    return {
        "key": sample.key,
        "label": sample.label,
        "script": sample.script,
        "strokes": truth.n_strokes,
        "w": row.image.width_px,
        "h": row.image.height_px,
        "png": base64.b64encode(encode_png(_fewer_greys(row.image.pixels), level=9)).decode(),
        "truth": _packed(truth) if truth.n_points else None,
        "inks": inks,
        "scores": {result.entry: found for result, found in zip(results, scores, strict=True)},
    }


def _packed(ink: Ink) -> str:
    """Return an ink as text: for each point x and y in quarter pixels and the time in 4 ms, as differences.

    A number is written low digits first in base 32, its sign in the lowest bit, 32 added to all digits but the last;
    strokes are parted by commas, and a ``~`` in front says that there are no times.
    """
    few, most = POINTS
    if ink.n_strokes > MANY_STROKES:
        most = POINTS_A_STROKE * ink.n_strokes
    n = max(2 * ink.n_strokes, min(max(round(length(ink) / POINT_PX), few), most))
    by_time = ink.t is not None and float(stroke_durations(ink).sum()) > 0
    thin = resample(ink, by="time" if by_time else "arc", n=n) if ink.n_points > n else ink
    columns = [thin.xy.astype(np.float64) * _PER_PX]
    if thin.t is not None:
        columns.append((thin.t[:, None] - thin.t[0]) * _PER_S)
    places = np.round(np.concatenate(columns, axis=1)).astype(np.int64)
    steps = np.diff(places, axis=0, prepend=np.zeros_like(places[:1]))
    bounds = zip(thin.offsets[:-1], thin.offsets[1:], strict=True)
    strokes = ("".join(map(_digits, steps[a:b].ravel().tolist())) for a, b in bounds)
    return ("" if thin.t is not None else "~") + ",".join(strokes)


@lru_cache(maxsize=4096)
def _digits(value: int) -> str:
    rest = -2 * value + 1 if value < 0 else 2 * value
    text = ""
    while rest > 31:
        text += _DIGITS[32 + rest % 32]
        rest //= 32
    return text + _DIGITS[rest]


def _fewer_greys(pixels: Bytes) -> Bytes:
    """Return the image with its grey levels rounded, paper left white."""
    return (np.round(pixels / (255 / GREYS)) * (255 // GREYS)).astype(np.uint8)


def _number(value: float | None, figures: int = 7) -> float | int | None:
    if value is None or not math.isfinite(value):
        return None
    short = float(f"{value:.{figures}g}")
    return int(short) if short.is_integer() else short


def _numbers(parts: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | int | None]]:
    return {part: {name: _number(value) for name, value in values.items()} for part, values in parts.items()}
