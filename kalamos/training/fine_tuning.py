"""Going on from weights with one's own ink: a converted data set, or any files of online handwriting.

    kalamos train --from kalamos my-ink/ --out runs/mine
    kalamos recover scan.png --model "kalamos?weights=runs/mine/best"

A part of every chunk is the built-in corpus, so that the network does not forget what it knew while it learns a hand.
Samples that are marked ``test`` are left out. Where the data have no validation writers, every tenth sample (by a hash
of its key) is held back to choose the best weights by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kalamos.datasets import CORPORA
from kalamos.errors import ModelError
from kalamos.formats.report import UnitReport
from kalamos.ink import Level, Sample, Split
from kalamos.machinery.seeding import stable_hash
from kalamos.models.weights import SHIPPED
from kalamos.storage.parquet import read_rows
from kalamos.storage.weights import load_weights
from kalamos.training.mixture import Source, TrainingInk, load_inks
from kalamos.training.recipe import LEARNERS

FRAMES: dict[Level, str] = {"character": "fixed", "word": "height", "line": "height"}
REHEARSED = 0.3
"""Share of the built-in corpus."""
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


def own_samples(path: Path) -> Iterator[Sample]:
    """Yield the samples of a converted data set, or of any file or folder of online handwriting."""
    if path.suffix == ".parquet" or (path / "plan.json").is_file():
        yield from (row.sample for row in read_rows(path, images=False))
        return
    corpus: Any = CORPORA.load("auto")
    for unit in corpus.units(path):
        yield from corpus.read(path, unit, UnitReport())


def own_inks(path: Path) -> dict[Level, dict[Split, list[TrainingInk]]]:
    """Return one's own ink by level, split into what is trained on and what is held back.

    Raises:
        ModelError: where there is too little of it to hold anything back.
    """
    found: dict[Level, dict[Split, list[TrainingInk]]] = {}
    samples = [sample for sample in own_samples(path) if sample.ink.n_points and sample.level in FRAMES]
    has_validation = any(sample.split == "validation" for sample in samples)
    for sample in samples:
        if sample.split == "test":
            continue
        held_back = sample.split == "validation" if has_validation else stable_hash(sample.key) % 10 == 0
        inks = found.setdefault(sample.level, {"train": [], "validation": []})
        inks["validation" if held_back else "train"].append(TrainingInk(sample.key, sample.ink, sample.script))
    whole = {level: inks for level, inks in found.items() if inks["train"] and inks["validation"]}
    if not whole:
        raise ModelError(
            f"{path} has too little ink to fine-tune on: found {len(samples)} samples of characters, words or lines, "
            "and some of each split are needed (a few dozen are enough)"
        )
    return whole


def fine_tuning(start: str, path: Path) -> tuple[dict[str, Any], list[Mapping[Split, Sequence[TrainingInk]]]]:
    """Return the recipe that goes on from weights with one's own ink, and the inks of its sources.

    Args:
        start: a model that is shipped with weights, or a folder of weights.
        path: of one's own data.

    Raises:
        ModelError: where there are no such weights, or the data are too few.
    """
    folder = SHIPPED / start if start in LEARNERS else Path(start)
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
