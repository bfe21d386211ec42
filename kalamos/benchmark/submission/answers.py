"""What cannot be right about answers: missing, foreign or broken ones, another task's, and those that are the truth.

The truths of public corpora are public, so a copy is looked for. The bounds are set by what honest methods reach, since
nobody sees in a picture where between two pixels the tip of the pen was (docs/results-repository.md has the figures).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import shapely

from kalamos import geometry
from kalamos.benchmark.isolation import Answer
from kalamos.benchmark.pins import NOT_PINNED, SKETCHED, Pins, truth_checksum
from kalamos.benchmark.predictions import Predictions
from kalamos.benchmark.submission.finding import Finding, look, wrong
from kalamos.errors import TaskError
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.recoverer import MAX_POINTS, fault
from kalamos.storage.parquet import Row, parquet_files

COPY_PX = 0.05
"""Distance from the truth below which an answer is a copy; of honest ones it is 0.116 px at least."""
MEDIAN_PX = 0.2
"""Median distance below which answers are copies as a whole; of honest ones it is 0.30 px at least."""
COPIES = 3
"""So many copies are no chance."""
MIN_LENGTH_PX = 10.0
"""Truths that are shorter (dots) say nothing."""
MIN_POINTS = 20
SAME_COUNTS = 0.2
"""Share of answers with as many points in every stroke as the truth, from which on they are copies; of honest ones it
is 0.011 at most: a picture does not show how often the pen was looked at."""


@dataclass(frozen=True)
class Sent:
    """What was sent, before anything of it was put aside.

    Attributes:
        keys: every key, in its order.
        failed: those of which the file says that the method gave no answer.
    """

    keys: tuple[str, ...]
    failed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Judged:
    """What was found of answers.

    Attributes:
        findings: what is wrong, or should be looked at.
        answers: key -> answer, of those that can be scored, without what they say of their own time.
        reasons: key -> why a sample has no answer.
    """

    findings: tuple[Finding, ...]
    answers: Mapping[str, Answer]
    reasons: Mapping[str, str]


def judged(read: Predictions, sent: Sent, rows: Sequence[Row], pins: Pins, excuse: str) -> Judged:
    """Judge the answers that were sent to a task.

    Args:
        read: the answers.
        sent: what was sent, before anything of it was put aside.
        rows: the task's samples, with images.
        pins: the task's; of no samples where it is one's own.
        excuse: why samples are not answered, as the card says; empty where it does not.
    """
    answers: dict[str, Answer] = {}
    reasons: dict[str, str] = {}
    broken: dict[str, str] = {}
    for row in rows:
        key, reason = row.sample.key, _reason(read.answers.get(row.sample.key), row, sent)
        if reason:
            (broken if reason.startswith("broken") else reasons)[key] = reason
        else:
            answers[key] = replace(read.answers[key], status="ok", message="", seconds=math.nan)
    found = [*_key_findings(sent.keys, [row.sample.key for row in rows]), *_broken(broken), *_coverage(reasons, excuse)]
    inks = {key: answer.ink for key, answer in answers.items() if answer.ink is not None}
    return Judged((*found, *_copies(inks, rows, pins)), answers, reasons | broken)


def sent(path: Path, most: int) -> Sent:
    """Return what stands in a file or folder of predictions; of InkML the names of the files.

    Raises:
        TaskError: where there are more than ``most``, or more numbers than so many answers can have.
    """
    if path.is_dir() and any(path.glob("*.inkml")):
        names = sorted(file.stem for file in path.glob("*.inkml"))
        if len(names) > most:
            raise TaskError(f"{len(names)} files of InkML; {most} are read at most")
        return Sent(tuple(names))
    for file in parquet_files(path):
        about = pq.read_metadata(file)
        groups = [about.row_group(k) for k in range(about.num_row_groups)]
        numbers = sum(max(g.column(k).num_values for k in range(g.num_columns)) for g in groups if g.num_columns)
        if about.num_rows > most or numbers > most * MAX_POINTS:
            raise TaskError(
                f"{file.name} has {about.num_rows} rows with {numbers} numbers; {most} rows are read at most"
            )
    keys: list[str] = []
    failed: set[str] = set()
    for file in parquet_files(path):
        there = [name for name in ("key", "status") if name in pq.read_schema(file).names]
        for row in pq.read_table(file, columns=there).to_pylist():
            keys.append(str(row.get("key")))
            if row.get("status") not in (None, "ok"):
                failed.add(keys[-1])
    return Sent(tuple(keys), frozenset(failed))


def _reason(answer: Answer | None, row: Row, sent: Sent) -> str:
    """Return why there is no answer; that it failed is all that a file says of itself."""
    if answer is None:
        return "not answered"
    if row.sample.key in sent.failed:
        return "failed, as the file says"
    if answer.ink is None:
        return answer.message if answer.message.startswith("broken ") else "empty ink"
    assert row.image is not None  # noqa: S101 - a prepared task has an image in every row
    return fault(answer.ink, row.image.width_px, row.image.height_px) or ""


def _key_findings(sent: Sequence[str], keys: Sequence[str]) -> Iterator[Finding]:
    known = {*keys, *(key.replace("/", "_") for key in keys)}
    foreign = sorted({key for key in sent if key not in known})
    if foreign:
        yield wrong("foreign keys", f"{len(foreign)} keys are not of the task; its own look like {keys[0]!r}", foreign)
    seen: set[str] = set()
    twice = sorted({key for key in sent if key in seen or seen.add(key)})  # type: ignore[func-returns-value]
    if twice:
        yield wrong("duplicate keys", f"{len(twice)} samples are answered more than once", twice)


def _broken(reasons: Mapping[str, str]) -> Iterator[Finding]:
    for reason in sorted(set(reasons.values())):
        keys = [key for key, said in reasons.items() if said == reason]
        yield wrong("broken ink", f"{len(keys)} x {reason.removeprefix('broken ink: ')}", keys)


def _coverage(reasons: Mapping[str, str], excuse: str) -> Iterator[Finding]:
    for reason in sorted(set(reasons.values())):
        keys = [key for key, said in reasons.items() if said == reason]
        if excuse:
            yield look("coverage", f"{len(keys)} x {reason}; the card says: {excuse}", keys)
        else:
            yield wrong("coverage", f"{len(keys)} x {reason}; say why as `unanswered` on the card", keys)


def _copies(inks: Mapping[str, Ink], rows: Sequence[Row], pins: Pins) -> Iterator[Finding]:
    """Yield what says that answers are made of the truth."""
    same, near, counted = [], [], []
    distances, many = [], 0
    for row in rows:
        key, truth, ink = row.sample.key, row.truth(), inks.get(row.sample.key)
        if ink is None or geometry.length(truth) < MIN_LENGTH_PX:
            continue
        distance = apart_px(ink, truth)
        distances.append(distance)
        if _is_truth(ink, truth, pins, key):
            same.append(key)
        elif distance < COPY_PX:
            near.append(key)
        if truth.n_points >= MIN_POINTS:
            many += 1
            if has_its_counts(ink, truth):
                counted.append(key)
    if same:
        yield wrong("the truth itself", f"{len(same)} answers are the truth, point by point", same)
    if near:
        told = f"{len(near)} answers are nearer to the truth than {COPY_PX} px, which no picture shows"
        yield (wrong if len(near) >= COPIES else look)("nearer than can be seen", told, near)
    if len(distances) >= COPIES and not same and np.median(distances) < MEDIAN_PX:
        told = f"the median distance from the truth is {np.median(distances):.2f} px; below {MEDIAN_PX} px none is seen"
        yield wrong("nearer than can be seen", told)
    if len(counted) >= COPIES and len(counted) > SAME_COUNTS * many and not same:
        told = f"{len(counted)} of {many} answers have as many points a stroke as the truth, which no picture shows"
        yield wrong("points of the truth", told, counted)


def _is_truth(ink: Ink, truth: Ink, pins: Pins, key: str) -> bool:
    """Say whether an answer has the points of the truth, in any order and direction of the strokes, or is as pinned."""
    pin = pins.samples.get(key)
    if pin is not None and not pin.truth.startswith((SKETCHED, NOT_PINNED)) and truth_checksum(ink) == pin.truth:
        return True
    if ink.n_points != truth.n_points or ink.n_points < COPIES:
        return False
    return np.array_equal(_sorted(ink), _sorted(truth))


def _sorted(ink: Ink) -> Floats:
    xy = ink.xy.astype(np.float64)
    return xy[np.lexsort(xy.T)]


def has_its_counts(ink: Ink, truth: Ink) -> bool:
    """Say whether an answer has as many points in every stroke as the truth."""
    return np.array_equal(np.diff(ink.offsets), np.diff(truth.offsets))


def apart_px(ink: Ink, truth: Ink) -> float:
    """Return how far an answer is from the truth whatever its order: the larger of two root mean squares, in px.

    Of the distance of each point of one from the path of the other, both ways.
    """
    return max(_off(ink, _path(truth)), _off(truth, _path(ink)))


def _off(ink: Ink, path: shapely.Geometry) -> float:
    distances = shapely.distance(shapely.points(ink.xy.astype(np.float64)), path)
    return float(np.sqrt((distances**2).mean()))


def _path(ink: Ink) -> shapely.Geometry:
    strokes = [stroke.astype(np.float64) for stroke in ink.strokes()]
    parts = [shapely.linestrings(s) if len(s) > 1 else shapely.points(s[0]) for s in strokes]
    path = shapely.geometrycollections(parts)
    shapely.prepare(path)
    return path
