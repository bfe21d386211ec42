"""Make a task's images from the user's own copy of the corpus: once, stored as bytes, verified at every run.

Those of the built-in task ship with Kalamos, as they are made here: nobody has to compile what makes them.

A pinned task reads exactly the samples of its pins, from the units that hold them, whatever else the copy holds; what
is missing is named. A task of one's own takes the samples with the smallest hash of the key.
"""

from __future__ import annotations

import heapq
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

from kalamos.benchmark.controls import mean_trajectory
from kalamos.benchmark.pins import Pins, differs, pins_of
from kalamos.benchmark.task import Task, file_name, prepared_task_of, shipped
from kalamos.datasets import CORPORA
from kalamos.datasets.convert import rows_in
from kalamos.datasets.corpus import Corpus
from kalamos.datasets.inputs import state_of
from kalamos.datasets.shared_root import find_corpus
from kalamos.errors import CorpusError, KalamosError, TaskError, UnreadableError
from kalamos.formats.report import Refusal, UnitReport
from kalamos.image import OfflineImage
from kalamos.ink import Ink, Sample
from kalamos.machinery.files import replacing
from kalamos.machinery.seeding import rng_for, stable_hash
from kalamos.storage.parquet import Row, file_metadata, read_rows, write_rows

TRAINING_SAMPLES = 500
"""How many samples of the training split the mean trajectory is fitted on."""
TRAINING_SAMPLES_OF_A_UNIT = 25
_NAMED = 5


def prepare(
    task: Task,
    root: Path | None,
    cache: Path,
    *,
    limit: int | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> Path:
    """Return the Parquet file with the task's samples and images; make it where it is not there yet.

    Args:
        task: the task.
        root: the corpus folder, or the folder of all corpora; None for what the environment names.
        cache: folder for prepared tasks.
        limit: a smaller number of samples for a first look; its file and its results are marked.
        progress: is told in words what goes on.

    Raises:
        CorpusError: where the corpus is not there.
        TaskError: where what is made here differs from what is pinned, or no sample was found.
    """
    pins = pins_of(task)
    count = _smaller(len(pins.samples) or task.limit, limit)
    whole = count == (len(pins.samples) or task.limit)
    path = cache / f"{task.name}-v{task.version}-{task.hash}{'' if whole else f'-first{count}'}.parquet"
    ready = ready_made(task)
    if not pins.samples:  # nothing but the corpus says what its images are: another copy has a file of its own
        path = path.with_stem(f"{path.stem}-{_state(task, find_corpus(task.corpus, root, _holds(task, pins)))}")
    if not path.exists() and ready is not None:
        _take(ready, pins.first(count), path, count, whole)
    elif not path.exists():
        progress(f"making the images of {task.name} from {task.corpus}")
        _make(task, pins.first(count), root, path, count, whole)
    verify(task, path, pins)
    return path


def ready_made(task: Task) -> Path | None:
    """Return the file with a task's samples and images that ships with Kalamos; None for all but the built-in one."""
    path = shipped(file_name(task), ".parquet")
    return path if path is not None and file_metadata(path).get("task_hash") == task.hash else None


def _take(ready: Path, pins: Pins, path: Path, count: int | None, whole: bool) -> None:
    """Take a prepared task, or those of its samples that are wanted, from the file that ships."""
    if whole:
        with replacing(path) as part:
            shutil.copyfile(ready, part)
    else:
        rows = (row for row in read_rows(ready) if row.sample.key in pins.samples)
        write_rows(path, rows, file_metadata(ready) | {"limited": str(count)})


def _state(task: Task, folder: Path) -> str:
    """Return a hash of where a corpus is, and of the size and time of its files."""
    corpus: Corpus = CORPORA.load(task.corpus)
    try:
        units = corpus.units(folder, **_options(task, corpus))
    except OSError as error:
        raise UnreadableError(folder, f"cannot be listed: {error.strerror or error}") from error
    states = [state_of(folder, unit) for unit in units]
    place = str(folder.resolve()) if any(states) else ""
    return f"{stable_hash(chr(10).join([place, *units, *states])):016x}"


def make(task: Task, root: Path | None, path: Path) -> None:
    """Write a whole task, made from the corpus, to ``path``; arguments and errors as in :func:`prepare`."""
    pins = pins_of(task)
    _make(task, pins, root, path, len(pins.samples) or task.limit, whole=True)


def _make(task: Task, pins: Pins, root: Path | None, path: Path, count: int | None, whole: bool) -> None:
    folder = find_corpus(task.corpus, root, _holds(task, pins))
    report = UnitReport()
    samples = (
        pinned(task, pins, folder, report)
        if pins.samples
        else [sample for _, sample in select(task, folder, count, report)]
    )
    if not samples:
        raise TaskError(f"task {task.name}: no sample found in {folder}; {_reasons(report)}")
    corpus: Corpus = CORPORA.load(task.corpus)
    rows = rows_in(corpus, folder, iter(samples), task.resolved_style(), task.seed, report)
    metadata = {"task": json.dumps(asdict(task), sort_keys=True), "task_hash": task.hash}
    metadata["limited"] = "" if whole else str(count)
    mean = [list(place) for place in pins.mean] if pins.samples and pins.mean else fitted_mean(task, folder)
    metadata["mean_trajectory"] = json.dumps(mean) if mean else ""
    write_rows(path, rows, metadata)


def pinned(task: Task, pins: Pins, root: Path, report: UnitReport) -> list[Sample]:
    """Return the pinned samples in the order of their keys, read from their units alone.

    Raises:
        TaskError: where some are missing: which, in which files, and how to get them.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for key, pin in pins.samples.items():
        wanted[pin.unit].add(key)
    found: dict[str, Sample] = {}
    corpus: Corpus = CORPORA.load(task.corpus)
    units = corpus.units(root, **_options(task, corpus)) if "" in wanted else sorted(wanted)
    for sample in _of_units(task, units, root, report):
        if sample.key in pins.samples and (sample.ink.n_points > 0) == task.has_truth:
            found.setdefault(sample.key, sample)
    missing = sorted(pins.samples.keys() - found.keys())
    if missing:
        raise TaskError(_missing_text(task, pins, missing, root, report))
    return [found[key] for key in sorted(found)]


def _of_units(task: Task, units: Iterable[str], root: Path, report: UnitReport) -> Iterator[Sample]:
    corpus: Corpus = CORPORA.load(task.corpus)
    for unit in units:
        try:
            yield from corpus.read(root, unit, report)
        except UnreadableError as error:
            if not root.is_dir() or Path(error.path).exists():
                raise
            report.refusals.append(Refusal(unit, "", str(error)))  # a smaller copy: told as what is missing
        except OSError as error:
            raise UnreadableError(root / unit, f"cannot be read: {error.strerror or error}") from error
        except KalamosError as error:
            report.refusals.append(Refusal(unit, "", str(error)))


def _missing_text(task: Task, pins: Pins, missing: list[str], root: Path, report: UnitReport) -> str:
    files = Counter(pins.samples[key].unit for key in missing)
    card = CORPORA.load(task.corpus).card
    places = ", ".join(unit for unit, _ in files.most_common(_NAMED) if unit)
    return (
        f"task {task.name} v{task.version}: {len(missing)} of its {len(pins.samples)} samples are not in {root} "
        f"(first: {', '.join(missing[:_NAMED])})"
        + (f"; they are in {len(files)} files: {places}, ..." if places else "")
        + ". A part of the task cannot be compared with the whole. "
        + f"How to get all of {card.title}: {card.obtain.rstrip('.')}"
        + (f". Refused on reading: {_reasons(report)}" if report.refusals else "")
    )


def select(task: Task, root: Path, count: int | None, report: UnitReport) -> list[tuple[str, Sample]]:
    """Return a task's samples by its rule, each with its unit, in the order of their keys.

    At most ``per_writer`` of a writer and ``per_label`` of a label and script, those with the smallest hash of the key;
    of these the ``count`` with the smallest.
    """
    corpus: Corpus = CORPORA.load(task.corpus)
    units = corpus.units(root, **_options(task, corpus))
    taken: Iterable[tuple[str, Sample]] = (
        (unit, sample) for unit in units for sample in _of_units(task, [unit], root, report) if task.takes(sample)
    )
    if task.per_writer is not None:
        taken = _capped(taken, task.per_writer, lambda sample: sample.writer)
    if task.per_label is not None:
        taken = _capped(taken, task.per_label, lambda sample: f"{sample.script} {sample.label}")
    if count is not None:
        taken = heapq.nsmallest(count, taken, key=_place)
    return sorted(taken, key=lambda pair: pair[1].key)


def _capped(
    samples: Iterable[tuple[str, Sample]], most: int, of: Callable[[Sample], str]
) -> Iterator[tuple[str, Sample]]:
    parts: dict[str, list[tuple[str, Sample]]] = defaultdict(list)
    for pair in samples:
        kept = parts[of(pair[1])]
        kept.append(pair)
        if len(kept) > 2 * most:
            kept.sort(key=_place)
            del kept[most:]
    for kept in parts.values():
        yield from sorted(kept, key=_place)[:most]


def _place(pair: tuple[str, Sample]) -> tuple[int, str]:
    return stable_hash(pair[1].key), pair[1].key


def fitted_mean(task: Task, root: Path) -> list[list[float]]:
    """Return the mean of trajectories of training writers in pixels, ``(256, 2)``; empty where there are none."""
    if task.split is None or not task.has_truth or task.input:
        return []
    report = UnitReport()
    samples = islice(_training_samples(task, root, report), TRAINING_SAMPLES)
    corpus: Corpus = CORPORA.load(task.corpus)
    rows = rows_in(corpus, root, samples, task.resolved_style(), task.seed, report)
    inks = [row.truth() for row in rows]
    if not any(ink.n_points for ink in inks):
        return []
    mean = mean_trajectory(inks)(Ink.empty(), rng_for(0))
    return [[round(float(x), 2), round(float(y), 2)] for x, y in mean.xy]


def _training_samples(task: Task, root: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield training samples, a few of each unit, units in the order of a hash: many writers for little reading."""
    training = replace(task, split="train")
    corpus: Corpus = CORPORA.load(task.corpus)
    units = corpus.units(root, **_options(training, corpus))
    for unit in sorted(units, key=lambda unit: (stable_hash(unit), unit)):
        try:
            yield from islice(filter(training.takes, corpus.read(root, unit, report)), TRAINING_SAMPLES_OF_A_UNIT)
        except KalamosError as error:
            report.refusals.append(Refusal(unit, "", str(error)))


def verify(task: Task, path: Path, pins: Pins | None = None) -> None:
    """Compare a prepared task with its pins, sample by sample.

    Raises:
        TaskError: where a sample is missing, or an image or a truth differs; names the first ones.
    """
    known = pins_of(task) if pins is None else pins
    if not known.samples:
        return
    limited = file_metadata(path).get("limited", "")
    wanted = known.first(int(limited) if limited else None).samples
    made: set[str] = set()
    wrong: dict[str, list[str]] = {"image": [], "truth": [], "unknown": []}
    for row in read_rows(path):
        key = row.sample.key
        made.add(key)
        fault = differs(wanted[key], row) if key in wanted else "unknown"
        if fault:
            wrong[fault].append(key)
    missing = sorted(wanted.keys() - made)
    if any(wrong.values()) or missing:
        first = [*wrong["image"], *wrong["truth"], *missing, *wrong["unknown"]][:_NAMED]
        raise TaskError(
            f"task {task.name} v{task.version}: {len(wrong['image'])} images and {len(wrong['truth'])} truths differ "
            f"from the pinned ones, {len(missing)} are missing, {len(wrong['unknown'])} unknown (first: "
            f"{', '.join(first)}). Scores on others cannot be compared. Delete {path} and run again, so that it is "
            f"made anew from your copy of {task.corpus}; where that does not help, the copy is not the published one."
        )


def prepared_task(path: Path) -> tuple[Task, str]:
    """Return the task that a prepared file was made for, and its hash.

    Raises:
        TaskError: where it is none.
    """
    metadata = file_metadata(path)
    if "task" not in metadata:
        raise TaskError(f"{path} is not a prepared task; make one with `kalamos bench`")
    return prepared_task_of(metadata), metadata["task_hash"]


def shown(row: Row, give_script: bool) -> OfflineImage:
    """Return what a method is shown of a sample: its image, its script only where the task tells it."""
    assert row.image is not None  # noqa: S101 - a prepared task has an image in every row
    return row.image if give_script else OfflineImage(row.image.pixels)


def _holds(task: Task, pins: Pins) -> Callable[[Path], bool]:
    """Return what says whether a folder holds a task's corpus: the files of its first pins, or any unit."""
    units = sorted({pin.unit.partition("#")[0] for pin in pins.samples.values() if pin.unit})
    corpus: Corpus = CORPORA.load(task.corpus)

    def holds(folder: Path) -> bool:
        if units:
            return any((folder / unit).exists() for unit in units)
        try:
            return bool(corpus.units(folder, **_options(task, corpus)))
        except CorpusError:
            return False

    return holds


def _options(task: Task, corpus: Corpus) -> dict[str, str]:
    """Return the corpus' choices, and the split too where the corpus need not read the others."""
    has_split = any(name == "split" for name, _ in corpus.card.options)
    return dict(task.options) | ({"split": task.split} if has_split and task.split else {})


def _smaller(a: int | None, b: int | None) -> int | None:
    return min((value for value in (a, b) if value is not None), default=None)


def _reasons(report: UnitReport) -> str:
    return "; ".join(sorted({refusal.reason for refusal in report.refusals})[:3]) or "the corpus is empty"
