"""Going on from weights with one's own ink: a converted data set, or any files of online handwriting.

    kalamos train --from kalamos my-ink/ --out runs/mine
    kalamos recover scan.png --model "kalamos?weights=runs/mine/best"

A part of every chunk is the built-in corpus, so that the network does not forget what it knew while it learns a hand.
Samples that are marked ``test`` are left out. Where the data have no validation writers, every tenth sample (by a hash
of its key) is held back to choose the best weights by. What was left out is told.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.datasets import CORPORA
from kalamos.datasets.corpus import split_by_writer
from kalamos.errors import ModelError
from kalamos.formats.report import UnitReport
from kalamos.ink import Level, Sample, Split
from kalamos.machinery.seeding import stable_hash
from kalamos.storage.parquet import read_rows
from kalamos.storage.weights import load_weights
from kalamos.training.mixture import Source, TrainingInk, load_inks
from kalamos.training.recipe import LEARNERS, weights_folder

_log = logging.getLogger("kalamos")
FRAMES: dict[Level, str] = {"character": "fixed", "word": "height", "line": "height"}
REHEARSED = 0.3
"""Share of the built-in corpus."""
LEAST_INKS = 10
HELD_BACK = 10
"""One in so many is held back where no sample is marked for validation."""
TALLEST = 0.4
"""The tallest stroke of a line of writing takes this share of its height at least."""
PASSES, LEAST_SAMPLES, MOST_SAMPLES = 30, 2_000, 60_000
REHEARSAL = (
    Source("synthetic", share=0.5, options={"seed": "1", "writers": "20"}),
    Source(
        "synthetic",
        share=0.5,
        frame="height",
        options={"seed": "1", "writers": "10", "level": "word"},
        levels=("word",),
    ),
)
RANGES = {
    "tier": ["fast"], "width_px": [1.6, 3.4], "slant_deg": [-8.0, 8.0], "rotation_deg": [-5.0, 5.0],
    "aspect": [0.85, 1.18], "scale": [0.85, 1.0],
}  # fmt: skip


def own_samples(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the samples of a converted data set, or of any file or folder of online handwriting; refusals are told."""
    if path.suffix == ".parquet" or (path / "plan.json").is_file():
        yield from (row.sample for row in read_rows(path, images=False))
        return
    corpus: Any = CORPORA.load("auto")
    for unit in corpus.units(path):
        yield from corpus.read(path, unit, report)


def own_inks(path: Path) -> dict[Level, dict[Split, list[TrainingInk]]]:
    """Return one's own ink by level, split into what is trained on and what is held back; what is left out is logged.

    Ink that says no level, as most files do, is taken where it is one line of writing.

    Raises:
        ModelError: where there is too little of it to hold anything back; says what was found and left out.
    """
    report, left_out, found = UnitReport(), Counter[str](), dict[Level, list[Sample]]()
    for sample in own_samples(path, report):
        level = _level(sample)
        if level is None:
            left_out["pages of several lines (cut them into words or lines)"] += 1
        elif sample.ink.n_points:
            found.setdefault(level, []).append(sample)
    whole = {level: _in_splits(samples, left_out) for level, samples in found.items()}
    usable = {level: inks for level, inks in whole.items() if inks["train"] and inks["validation"]}
    for level in whole.keys() - usable.keys():
        left_out[f"{level}s that are too few to hold one back"] += sum(map(len, whole[level].values()))
    if report.refusals:
        left_out[f"files that cannot be read, {report.refusals[0].source} the first"] = len(report.refusals)
    told = "; left out: " + ", ".join(f"{count} {what}" for what, count in left_out.items()) if left_out else ""
    count = sum(len(inks["train"]) + len(inks["validation"]) for inks in usable.values())
    if count < LEAST_INKS:
        raise ModelError(
            f"{path} has too little ink to fine-tune on: {count} characters, words or lines, and {LEAST_INKS} are "
            f"needed at least (a few dozen teach something){told}"
        )
    if told:
        _log.warning("%s: %d characters, words or lines taken%s", path, count, told)
    return usable


def _level(sample: Sample) -> Level | None:
    """Return the level of a sample; of a page, which files are that say none, whether it is a line."""
    if sample.level != "page":
        return sample.level
    heights = [float(np.ptp(stroke[:, 1])) for stroke in sample.ink.strokes()]
    whole = float(np.ptp(sample.ink.xy[:, 1])) if sample.ink.n_points else 0.0
    return "line" if heights and max(heights) >= TALLEST * whole else None


def _in_splits(samples: Sequence[Sample], left_out: Counter[str]) -> dict[Split, list[TrainingInk]]:
    """Return what is trained on and held back: as the samples say, else one in ten by a hash of the key.

    A hand alone that was put on a side for the hash of its name, as ``auto`` does, is on none.
    """
    sides = {sample.split for sample in samples}
    says_nothing = len(sides) == 1 and all(
        sample.split == "validation" or sample.split == split_by_writer("auto", sample.writer) for sample in samples
    )
    if not says_nothing and "test" in sides:
        left_out["marked test"] += sum(sample.split == "test" for sample in samples)
        samples = [sample for sample in samples if sample.split != "test"]
    held_back = {sample.key for sample in samples if sample.split == "validation"}
    if says_nothing or not held_back:
        order = sorted((sample.key for sample in samples), key=stable_hash)
        held_back = {key for key in order if stable_hash(key) % HELD_BACK == 0} or set(order[:1])
    inks: dict[Split, list[TrainingInk]] = {"train": [], "validation": []}
    for sample in samples:
        side: Split = "validation" if sample.key in held_back else "train"
        inks[side].append(TrainingInk(sample.key, sample.ink, sample.script))
    return inks


def fine_tuning(start: str, path: Path) -> tuple[dict[str, Any], list[Mapping[Split, Sequence[TrainingInk]]]]:
    """Return the recipe that goes on from weights with one's own ink, and the inks of its sources.

    Args:
        start: a model that is shipped with weights, or a folder of weights.
        path: of one's own data.

    Raises:
        ModelError: where there are no such weights, or the data are too few.
    """
    folder = weights_folder(start)
    config = load_weights(folder, *LEARNERS).config
    own = own_inks(path)
    count = sum(len(inks["train"]) for inks in own.values())
    sources = [
        Source("own", str(path), (1 - REHEARSED) * len(inks["train"]) / count, FRAMES[level], levels=(level,))
        for level, inks in own.items()
    ]
    sources += [Source(**{**vars(one), "share": REHEARSED * one.share}) for one in REHEARSAL]
    samples = min(MOST_SAMPLES, max(LEAST_SAMPLES, PASSES * count))
    recipe = {
        "model": config["model"], "network": config["sizes"], "init_from": str(folder), "samples": samples,
        "chunk": min(1024, samples), "budget": 5000, "learning_rate": 2e-4, "warm_up": 500, "decay": 0.8,
        "average": 0.99, "validate_every": 2, "validation_inks": 64, "patience": 20, "hide_script": 0.1,
        "ranges": RANGES, "source": tuple(sources),
    }  # fmt: skip
    return recipe, [*own.values(), *(load_inks(one) for one in REHEARSAL)]
