"""A benchmark task: which samples, rendered how; made once, stored as bytes, verified at every run.

A task is a TOML file. Its checksums (``<name>.sha256``, a line a sample: SHA-256 of height, width and pixels, then key)
pin the samples and their images; images are made from the user's own copy of the corpus, and a difference is reported
by sample, because scores on other images cannot be compared.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

from kalamos.benchmark.controls import mean_trajectory
from kalamos.datasets import CORPORA
from kalamos.datasets.convert import Conversion, read_corpus, rows_of
from kalamos.datasets.corpus import Corpus
from kalamos.errors import KalamosError, TaskError
from kalamos.formats.report import Refusal, UnitReport
from kalamos.ink import Ink, Sample, Split
from kalamos.machinery.arrays import Bytes
from kalamos.machinery.files import write_text
from kalamos.machinery.seeding import rng_for, stable_hash
from kalamos.renderers import Style, preset
from kalamos.storage.parquet import Row, file_metadata, read_rows, write_rows

TRAINING_SAMPLES = 500
"""How many samples of the training split the mean trajectory is fitted on."""
TRAINING_SAMPLES_OF_A_UNIT = 25


@dataclass(frozen=True)
class Task:
    """What is recovered and scored.

    Attributes:
        name: the task's name; with the version it says what a score was measured on.
        version: grows whenever samples or images change.
        title: one line for people.
        corpus: registered name of the corpus.
        options: the corpus' own choices.
        split: of which writers.
        level: which samples; None for all.
        scripts: ISO 15924 codes; empty for all.
        limit: how many samples at most, those with the smallest hash of the key; None for all.
        style: preset name.
        style_changes: parameters that differ from the preset.
        seed: seed of the sampled parts of the style.
        give_script: whether the recoverer is told the script.
        max_strokes: leave out samples with more strokes; None for no bound.
    """

    name: str
    version: int
    title: str
    corpus: str
    options: Mapping[str, str] = field(default_factory=dict)
    split: Split | None = "test"
    level: str | None = None
    scripts: tuple[str, ...] = ()
    limit: int | None = None
    style: str = "clean"
    style_changes: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    give_script: bool = True
    max_strokes: int | None = None

    @property
    def hash(self) -> str:
        """Return a short hash of everything that defines the task, the style's parameters included."""
        text = json.dumps([asdict(self), self.resolved_style().hash], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def resolved_style(self) -> Style:
        """Return the style with the task's changes."""
        return preset(self.style).replace(**self.style_changes)

    def takes(self, sample: Sample) -> bool:
        """Say whether a sample belongs to the task, before the limit."""
        return (
            sample.ink.n_points > 0
            and (self.split is None or sample.split == self.split)
            and (self.level is None or sample.level == self.level)
            and (not self.scripts or sample.script in self.scripts)
            and (self.max_strokes is None or sample.ink.n_strokes <= self.max_strokes)
        )


def task_names() -> list[str]:
    """Return the names of the tasks that ship with Kalamos."""
    folder = resources.files("kalamos.benchmark.tasks")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_task(name: str) -> Task:
    """Load a task by its name, or from a TOML file.

    Raises:
        TaskError: where there is none, or it holds a field that a task does not have.
    """
    path = Path(name) if name.endswith(".toml") else _shipped(f"{name}.toml")
    if path is None or not path.is_file():
        raise TaskError(f"no task is called {name!r}; known are: {', '.join(task_names())}, or a path to a TOML file")
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        return Task(**{**fields, "scripts": tuple(fields.get("scripts", ()))})
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise TaskError(f"{path} is not a task: {error}") from error


def prepare(
    task: Task,
    root: Path,
    cache: Path,
    *,
    limit: int | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> Path:
    """Return the Parquet file with the task's samples and images; make it where it is not there yet.

    Args:
        task: the task.
        root: the corpus folder (ignored by the built-in corpus).
        cache: folder for prepared tasks.
        limit: a smaller number of samples for a first look; its file and its results are marked.
        progress: is told in words what goes on.

    Raises:
        TaskError: where the images made here differ from the pinned ones, or no sample was found.
    """
    count = _smaller(task.limit, limit)
    suffix = "" if count == task.limit else f"-first{count}"
    path = cache / f"{task.name}-v{task.version}-{task.hash}{suffix}.parquet"
    if not path.exists():
        progress(f"making the images of {task.name} from {task.corpus}")
        report = UnitReport()
        samples = select(task, root, count, report)
        if not samples:
            raise TaskError(f"task {task.name}: no sample found in {root}; {_reasons(report)}")
        rows = rows_of(iter(samples), task.resolved_style(), task.seed, report)
        metadata = {"task": json.dumps(asdict(task), sort_keys=True), "task_hash": task.hash}
        metadata["limited"] = "" if count == task.limit else str(count)
        metadata["mean_trajectory"] = json.dumps(_mean_trajectory(task, root, report))
        write_rows(path, rows, metadata)
    verify(task, path)
    return path


def select(task: Task, root: Path, count: int | None, report: UnitReport) -> list[Sample]:
    """Return the task's samples in the order of their keys: the ``count`` with the smallest hash of the key."""
    options = _options(task, CORPORA.load(task.corpus))
    conversion = Conversion(task.corpus, root, tuple(sorted(options.items())))
    taken = (sample for sample in read_corpus(conversion, report) if task.takes(sample))
    chosen: Iterable[Sample] = taken
    if count is not None:
        chosen = heapq.nsmallest(count, taken, key=lambda sample: (stable_hash(sample.key), sample.key))
    return sorted(chosen, key=lambda sample: sample.key)


def _mean_trajectory(task: Task, root: Path, report: UnitReport) -> list[list[float]]:
    """Return the mean of trajectories of the training split, in pixels ``(256, 2)``: a control of every table."""
    samples = islice(_training_samples(task, root, report), TRAINING_SAMPLES)
    inks = (row.truth() for row in rows_of(samples, task.resolved_style(), task.seed, report))
    mean = mean_trajectory(inks)(Ink.empty(), rng_for(0))
    return [[float(x), float(y)] for x, y in mean.xy]


def _training_samples(task: Task, root: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield training samples, a few of each unit, units in the order of a hash: many writers for little reading."""
    training = replace(task, split="train" if task.split else None)
    corpus: Corpus = CORPORA.load(task.corpus)
    units = corpus.units(root, **_options(training, corpus))
    for unit in sorted(units, key=lambda unit: (stable_hash(unit), unit)):
        try:
            yield from islice(filter(training.takes, corpus.read(root, unit, report)), TRAINING_SAMPLES_OF_A_UNIT)
        except KalamosError as error:
            report.refusals.append(Refusal(unit, "", str(error)))


def _options(task: Task, corpus: Corpus) -> dict[str, str]:
    """Return the corpus' choices, and the split too where the corpus need not read the others."""
    has_split = any(name == "split" for name, _ in corpus.card.options)
    return dict(task.options) | ({"split": task.split} if has_split and task.split else {})


def verify(task: Task, path: Path) -> None:
    """Compare a prepared task with the pinned checksums, sample by sample.

    Raises:
        TaskError: where a sample is missing or an image differs; names the first ones.
    """
    pinned = checksums(task)
    if not pinned:
        return
    made = {row.sample.key: image_checksum(row) for row in read_rows(path)}
    unknown = sorted(made.keys() - pinned.keys())
    differing = sorted(key for key in made.keys() & pinned.keys() if made[key] != pinned[key])
    missing = [] if "-first" in path.name else sorted(pinned.keys() - made.keys())
    if unknown or differing or missing:
        raise TaskError(
            f"task {task.name} v{task.version}: {len(differing)} images differ from the pinned ones, {len(missing)} "
            f"are missing, {len(unknown)} unknown (first: {', '.join((differing + missing + unknown)[:5])}). Scores on "
            f"other images cannot be compared: check that your copy of {task.corpus} is complete, then delete {path} "
            "and run again."
        )


def checksums(task: Task) -> dict[str, str]:
    """Return key -> checksum of each image as pinned; empty for a task of one's own."""
    path = _shipped(f"{task.name}.sha256")
    if path is None or not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {key: digest for digest, key in (line.split(" ", 1) for line in lines if line)}


def pin(path: Path, target: Path) -> int:
    """Write the checksums of a prepared task to ``target``; return how many."""
    lines = [f"{image_checksum(row)} {row.sample.key}" for row in read_rows(path)]
    write_text(target, "\n".join(lines) + "\n")
    return len(lines)


def image_checksum(row: Row) -> str:
    """Return 16 hex digits of the SHA-256 of an image's height, width and pixels."""
    if row.image is None:
        raise TaskError(f"sample {row.sample.key} has no image")
    return pixels_checksum(row.image.pixels)


def pixels_checksum(pixels: Bytes) -> str:
    """Return 16 hex digits of the SHA-256 of height, width and pixels."""
    head = f"{pixels.shape[0]} {pixels.shape[1]} ".encode()
    return hashlib.sha256(head + pixels.tobytes()).hexdigest()[:16]


def prepared_task(path: Path) -> tuple[Task, str]:
    """Return the task that a prepared file was made for, and its hash."""
    metadata = file_metadata(path)
    if "task" not in metadata:
        raise TaskError(f"{path} is not a prepared task; make one with `kalamos bench`")
    fields = json.loads(metadata["task"])
    return Task(**{**fields, "scripts": tuple(fields["scripts"])}), metadata["task_hash"]


def _shipped(name: str) -> Path | None:
    path = Path(str(resources.files("kalamos.benchmark.tasks") / name))
    return path if path.is_file() else None


def _smaller(a: int | None, b: int | None) -> int | None:
    return min((value for value in (a, b) if value is not None), default=None)


def _reasons(report: UnitReport) -> str:
    return "; ".join(sorted({refusal.reason for refusal in report.refusals})[:3]) or "the corpus is empty"
