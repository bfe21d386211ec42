"""What scoring adds to a sample: whether its character is still read right from the recovered ink, and as what.

Two metrics of the family *use*, and for comparison, the same questions put to the true ink (the ceiling) and to the
image (the alternative). They are computed for a chunk at once, as a network wants it.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kalamos.benchmark import scan_ink
from kalamos.benchmark.statistics.estimates import ratio
from kalamos.image import OfflineImage
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Bools
from kalamos.machinery.files import write_text
from kalamos.metrics import METRICS
from kalamos.metrics.metric import Metric
from kalamos.metrics.pair import Pair, Reference
from kalamos.recognition.alphabets import candidates, category
from kalamos.recognition.image import ImageRecogniser
from kalamos.recognition.nearest import NearestRecogniser
from kalamos.recognition.online import OnlineRecogniser


def _of_a_chunk(pair: Pair) -> float:
    raise TypeError("whether a character is recognised is computed for a chunk, by kalamos.recognition")


def _nothing(reference: Reference) -> float:
    return 0.0


def _row(name: str, formula: str, source: str) -> Metric:
    return Metric(name, _of_a_chunk, "", "higher", _nothing, "mean", "use", formula, source)


USE: dict[str, Metric] = {
    "recognised": _row(
        "recognised",
        "[label of the online recogniser = label], among the labels of the sample's category",
        "bidirectional GRU on pen movements without times, trained on true ink of training writers; ours",
    ),
    "recognised_nearest": _row(
        "recognised_nearest",
        "[label of the nearest prototype by DTW = label], among the labels of the sample's category",
        "means of true trajectories of training writers; ours",
    ),
}
"""The metrics of this family; not applicable where a sample has no label of a known alphabet."""
TABLE: dict[str, Metric] = {**METRICS, **USE, **scan_ink.METRICS}
"""Every metric of a scores table: those of a pair, those of use, and those of ink on a scan without a truth."""
FACTS = (
    ("category", pa.string()),
    ("recognised_as", pa.string()),
    ("recognised_nearest_as", pa.string()),
    ("truth_recognised_as", pa.string()),
    ("truth_recognised_nearest_as", pa.string()),
    ("image_recognised_as", pa.string()),
)
"""Columns of ``scores.parquet`` beside the metrics; null where there is nothing to recognise."""


@cache
def _recognisers() -> tuple[OnlineRecogniser, NearestRecogniser, ImageRecogniser]:
    return OnlineRecogniser.load(), NearestRecogniser.load(), ImageRecogniser.load()


@dataclass(frozen=True)
class Questions:
    """What is asked of the recognisers, whatever the method, and what they read without it.

    Attributes:
        samples: how many samples there are.
        places: which of them have a label of a known alphabet.
        categories: the alphabet of each of these.
        labels: the label of each of these.
        read: column -> what was read from the true ink and from the image of each of these.
    """

    samples: int
    places: list[int]
    categories: list[str]
    labels: list[str]
    read: Mapping[str, Sequence[str | None]]


def _of_truth(inks: Sequence[Ink], read: Sequence[str]) -> list[str | None]:
    """Return what was read of the truth; None where there is none."""
    return [label if ink.n_points else None for ink, label in zip(inks, read, strict=True)]


def questions(samples: Sequence[Sample], truths: Sequence[Ink], images: Sequence[OfflineImage]) -> Questions:
    """Read the true inks and the images: the ceiling and the alternative, the same for all methods.

    Args:
        samples: what was to be recovered; label, level, script and corpus say the category.
        truths: what the pen did.
        images: what the methods saw.
    """
    online, nearest, image = _recognisers()
    kinds = [_known(category(sample), sample.label, online.alphabets) for sample in samples]
    places = [k for k, kind in enumerate(kinds) if kind is not None]
    categories = [kind for kind in kinds if kind is not None]
    inks = [truths[k] for k in places]
    read: dict[str, Sequence[str | None]] = {
        "truth_recognised_as": _of_truth(inks, online.recognise(inks, categories) if places else []),
        "truth_recognised_nearest_as": _of_truth(inks, nearest.recognise(inks, categories) if places else []),
        "image_recognised_as": image.recognise([images[k] for k in places], categories) if places else [],
    }
    return Questions(len(samples), places, categories, [samples[k].label for k in places], read)


def columns(asked: Questions, recovered: Sequence[Ink]) -> list[dict[str, object]]:
    """Return for each sample the facts and metrics of use; an empty ink is not recognised."""
    blank: dict[str, object] = {**dict.fromkeys(name for name, _ in FACTS), **dict.fromkeys(USE, math.nan)}
    rows = [dict(blank) for _ in range(asked.samples)]
    if not asked.places:
        return rows
    online, nearest, _ = _recognisers()
    inks = [recovered[k] for k in asked.places]
    made: dict[str, Sequence[str | None]] = {
        "recognised_as": online.recognise(inks, asked.categories),
        "recognised_nearest_as": nearest.recognise(inks, asked.categories),
        **asked.read,
    }
    for at, k in enumerate(asked.places):
        found: dict[str, object] = {name: labels[at] for name, labels in made.items()}
        right = {name: float(found[f"{name}_as"] == asked.labels[at]) for name in USE}
        rows[k].update(category=asked.categories[at], **found, **right)
    return rows


def _known(kind: str | None, label: str, alphabets: dict[str, list[str]]) -> str | None:
    """Return the category where the label is one of its alphabet."""
    try:
        return kind if kind is not None and label in candidates(kind, alphabets)[0] else None
    except KeyError:
        return None


def confusion(table: pa.Table, column: str = "recognised_as") -> dict[tuple[str, str, str], int]:
    """Return (category, label, recognised as) -> how often, of a scores table; sorted."""
    columns = [table.column(name).to_pylist() for name in ("category", "label", column)]
    found = Counter(key for key in zip(*columns, strict=True) if key[0] is not None)
    return dict(sorted(found.items()))


def write_confusion(table: pa.Table, path: Path) -> None:
    """Write what was taken for what as CSV: category, label, recognised as (empty: no answer), count."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["category", "label", "recognised_as", "count"])
    writer.writerows([*key, count] for key, count in confusion(table).items())
    write_text(path, buffer.getvalue())


def agreement(table: pa.Table) -> dict[str, dict[str, float]]:
    """Return, for all labelled characters and by category, the shares that are read right.

    ``recovered`` and ``ceiling``: the online recogniser on the recovered and the true ink (NaN where none is known);
    ``image``: the image recogniser; ``ratio``: recovered over ceiling, NaN where the ceiling is 0, from ``ratio_low``
    to ``ratio_high`` (95 % by writer, both drawn together); ``nearest_ratio``: the same with nearest prototypes;
    ``samples``: how many.
    """
    names = ["category", "label", "writer", *(name for name, _ in FACTS[1:])]
    columns = {name: np.array(table.column(name).to_pylist(), object) for name in names}
    labelled = np.array([kind is not None for kind in columns["category"]], bool)
    parts = {"all": labelled} | {
        kind: columns["category"] == kind for kind in sorted(set(columns["category"][labelled]))
    }
    return {part: _shares(columns, chosen) for part, chosen in parts.items() if chosen.any()}


def _shares(columns: dict[str, NDArray[np.object_]], chosen: Bools) -> dict[str, float]:
    right = {name: (columns[name] == columns["label"])[chosen].astype(np.float64) for name, _ in FACTS[1:]}
    unknown = np.array([label is None for label in columns["truth_recognised_as"][chosen]], bool)
    for name in ("truth_recognised_as", "truth_recognised_nearest_as"):
        right[name][unknown] = np.nan
    shares = {
        "samples": float(chosen.sum()),
        "recovered": float(right["recognised_as"].mean()),
        "ceiling": float(right["truth_recognised_as"].mean()),
        "image": float(right["image_recognised_as"].mean()),
    }
    writers = columns["writer"][chosen].tolist()
    for prefix in ("", "nearest_"):
        found = ratio(right[f"recognised_{prefix}as"], right[f"truth_recognised_{prefix}as"], writers)
        name = f"{prefix}ratio"
        shares |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    return shares
