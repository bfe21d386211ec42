"""Verify an entry that somebody sent: its card, its answers against the task's pins, and the row that is made of it.

An entry is a folder with ``card.toml`` and ``predictions.parquet``, or ``predictions/`` with a file of InkML a sample.
Nothing that it says of its own score, time or memory is read; what else it says of itself stands on its row as said.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from kalamos.benchmark.entries import checked_name
from kalamos.benchmark.isolation import Answer
from kalamos.benchmark.pins import pins_of
from kalamos.benchmark.predictions import read_predictions, write_predictions
from kalamos.benchmark.provenance import provenance
from kalamos.benchmark.result import Result, read_result, write_result
from kalamos.benchmark.run import OpenTask, Progress, no_progress, open_task
from kalamos.benchmark.submission.answers import Judged, judged, sent
from kalamos.benchmark.submission.card import CARD, KEYS, Card, card_findings, read_card, trained_on, training_findings
from kalamos.benchmark.submission.finding import Finding, look, printable, wrong
from kalamos.benchmark.task import Task, load_task
from kalamos.benchmark.version import VERSION
from kalamos.errors import KalamosError, StoreError, TaskError
from kalamos.machinery import engine
from kalamos.machinery.files import sha256_of
from kalamos.storage.parquet import file_metadata, parquet_files, read_rows

PREDICTIONS = "predictions"
_FILE = f"{PREDICTIONS}.parquet"
MOST_ROWS = 10
"""So many rows a sample are read at most: more would be no answers, but a file that is to fill the memory."""
_READ = {CARD, KEYS, _FILE, PREDICTIONS, "README.md", "LICENSE", "LICENSE.txt"}
BELIEVABLE = {"lcss": 0.97, "speed_correlation": 0.7}
"""What no method has reached: 0.926 and 0.512 are the best on any task (docs/leaderboard.md). Above, a person looks."""


@dataclass(frozen=True)
class Verified:
    """What came of an entry.

    Attributes:
        folder: where it lies.
        findings: what is wrong, and what a person should look at.
        result: its row; None where something is wrong.
    """

    folder: Path
    findings: tuple[Finding, ...]
    result: Result | None = None

    @property
    def stands(self) -> bool:
        """Say whether it can stand on a board."""
        return self.result is not None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        findings = [
            {"level": one.level, "what": one.what, "text": one.text, "samples": list(one.samples)}
            for one in self.findings
        ]
        row = None if self.result is None else str(self.result.folder / "result.json")
        return {"folder": str(self.folder), "stands": self.stands, "findings": findings, "row": row}

    def text(self) -> str:
        """Return it in lines."""
        head = f"{printable(str(self.folder))}: {'stands' if self.stands else 'WRONG, no row is written'}"
        return "\n".join([head, *(f"  {finding.line()}" for finding in self.findings)])


def entries_in(folder: Path) -> list[Path]:
    """Return the folders of entries: the folder itself, or those below it.

    Raises:
        TaskError: where there is none.
    """
    if _is_entry(folder):
        return [folder]
    found = sorted(path for path in folder.rglob("*") if path.is_dir() and _is_entry(path)) if folder.is_dir() else []
    if not found:
        raise TaskError(f"{folder} holds no entry: a folder with {CARD} and {_FILE}, or with InkML in {PREDICTIONS}/")
    return [path for path in found if path.name != PREDICTIONS]


def verify(
    folders: Sequence[Path],
    root: Path | None,
    out: Path,
    *,
    tasks: Path | None = None,
    cache: Path | None = None,
    today: datetime.date | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
) -> list[Verified]:
    """Verify entries, and write the rows of those that can stand into ``out/TASK/ENTRY``, as ``bench`` does.

    Args:
        folders: of entries, one each.
        root: the corpus folder, or the folder of all corpora; None for what ``KALAMOS_CORPORA`` names.
        out: folder of all results; a row that an entry had there and that cannot stand any more is removed, one that
            this Kalamos has scored from the same card and predictions is kept.
        tasks: a folder of tasks of one's own, ``NAME.toml``.
        cache: folder of prepared tasks; None for the user's cache folder.
        today: the date after which no entry can have been made; None for the clock's.
        workers: local processes that score.
        progress: called with done, total and what is being done.

    Raises:
        KalamosError: where a task cannot be prepared: that is nobody's entry's fault.
    """
    done: list[Verified] = []
    seen: dict[tuple[str, str], Path] = {}
    ready: dict[str, OpenTask] = {}
    with engine.executor(workers) as pool:
        for folder in folders:
            card, found = _card(folder, today or datetime.datetime.now(datetime.UTC).date())
            task = None
            if card is not None:
                task, wrongs = _task(card, tasks)
                found += wrongs
                if (
                    task is not None
                ):  # before the corpus is asked for: a card that was left as it came names another task
                    found += _of_other_task(_predictions(folder), task)
                twin = seen.setdefault((card.task, card.entry), folder)
                if twin != folder:
                    found.append(wrong("name", f"{twin} is called the same"))
            if card is None or task is None or _is_wrong(found):
                done.append(Verified(folder, tuple(found)))
                continue
            if card.task not in ready:
                place = _place(card.task, tasks)
                ready[card.task] = open_task(place, root, out, cache=cache, limit=None, pool=pool, progress=progress)
            done.append(_verified(folder, card, ready[card.task], found))
    return done


def _card(folder: Path, today: datetime.date) -> tuple[Card | None, list[Finding]]:
    found = list(_file_findings(folder))
    if _is_wrong(found):
        return None, found
    card, faults = read_card(folder)
    return card, [*found, *faults, *(card_findings(card, folder, today) if card else [])]


def _verified(folder: Path, card: Card, opened: OpenTask, found: list[Finding]) -> Verified:
    rows = list(read_rows(opened.task_file))
    keys = [row.sample.key for row in rows]
    found += training_findings(card, opened.task, folder, set(keys))
    place = _predictions(folder)
    try:
        found += _twins(place, card, opened)
        there = sent(place, most=MOST_ROWS * len(keys))
        read = read_predictions(place, keys)
        answers = judged(read, there, rows, pins_of(opened.task), card.values.get("unanswered", ""))
    except (KalamosError, pa.ArrowException, OSError) as error:
        found.append(wrong("predictions", " ".join(str(error).split())[:300]))
        return _fallen(folder, card, opened, found)
    found += answers.findings
    if _is_wrong(found):
        return _fallen(folder, card, opened, found)
    try:
        opened.refuse_other(card.entry, "submission", f"{card.entry} (a submission)")
    except TaskError as error:
        return Verified(folder, (*found, wrong("name", str(error))))
    result = _row(place, folder, card, opened, keys, answers, found)
    unbelievable = _too_good(result)
    looks = [*map(_looked, found), *map(_looked, unbelievable)]
    if looks != result.submission["looks"]:
        result = replace(result, submission={**result.submission, "looks": looks})
        write_result(result, result.folder / "result.json")
    return Verified(folder, (*found, *unbelievable), result)


def _fallen(folder: Path, card: Card, opened: OpenTask, found: list[Finding]) -> Verified:
    """Return an entry that cannot stand; a row that it had before goes."""
    old = opened.folder / card.entry / "result.json"
    try:
        if old.exists() and read_result(old).kind == "submission":
            for name in ("result.json", "scores.parquet", _FILE):
                (old.parent / name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{old} cannot be removed: {error.strerror}") from error
    return Verified(folder, tuple(found))


def _row(
    place: Path,
    folder: Path,
    card: Card,
    opened: OpenTask,
    keys: Sequence[str],
    answers: Judged,
    found: Sequence[Finding],
) -> Result:
    """Write predictions, scores and result of an entry; of its predictions the ink alone is taken over."""
    said = {**_said(card, opened.task), "card_sha256": sha256_of(folder / CARD), "sent_sha256": _sent_hash(place)}
    target = opened.home(card.entry) / _FILE
    kept = _kept(target, said, opened.task)
    if kept is not None:
        return kept
    pairs = ((key, _answer(key, answers)) for key in keys)
    write_predictions(target, pairs, {"entry": card.entry, "task": card.task, "task_hash": opened.task.hash})
    return opened.score(card.entry, "submission", target, submission={**said, "looks": list(map(_looked, found))})


def _kept(predictions: Path, said: Mapping[str, Any], task: Task) -> Result | None:
    """Return the row that the same entry has already, scored by this Kalamos; None where it has to be scored."""
    try:
        old = read_result(predictions.with_name("result.json"))
        old.scores()
        hashed = sha256_of(predictions)
    except (KalamosError, OSError):
        return None
    same = old.submission == {**said, "looks": old.submission.get("looks")} and old.predictions_sha256 == hashed
    made = (old.task_hash, old.benchmark_version, old.provenance.get("scored"))
    return old if same and made == (task.hash, VERSION, provenance()) else None


def _looked(finding: Finding) -> str:
    return f"{finding.what}: {finding.text}"


def _answer(key: str, made: Judged) -> Answer:
    return made.answers.get(key) or Answer(None, "failed", made.reasons[key])


def _said(card: Card, task: Task) -> dict[str, Any]:
    """Return what of a card stands on its row."""
    values = card.values
    code = values["model"]["code"]
    return {
        "run_by": values["run"]["by"],
        "relation": values["run"]["relation"],
        "date": values["run"]["date"],
        "trained_on_this_corpus": trained_on(card, task.corpus),
        "model_by": values["model"].get("by"),
        "code": code if isinstance(code, str) else code["url"],
        "licence": values["licence"],
        "cpu_seconds": None if values["cost"]["cpu_seconds"] == "unknown" else float(values["cost"]["cpu_seconds"]),
        "energy_wh": values["cost"].get("energy_wh"),
    }


def _too_good(result: Result) -> list[Finding]:
    found = []
    for name, bound in BELIEVABLE.items():
        summary = result.metrics.get(name)
        if summary is not None and summary.value > bound:
            text = f"{name} is {summary.value:.3f}; nobody has come above {bound} yet: look at how it was made"
            found.append(look("too good", text))
    return found


def _file_findings(folder: Path) -> Iterator[Finding]:
    """Yield what is wrong with the files of an entry's folder, before any is opened."""
    links = sorted(str(path.relative_to(folder)) for path in (folder, *folder.rglob("*")) if path.is_symlink())
    if links:
        yield wrong("files", f"links are not followed: {', '.join(links)[:200]}")
        return
    names = {path.name for path in folder.iterdir()}
    there = sorted(names & {_FILE, PREDICTIONS})
    if len(there) != 1:
        what = "both" if there else "neither"
        yield wrong("files", f"{what} of {_FILE} and the folder {PREDICTIONS}/ is there; one of them holds the answers")
    for name in there:
        place = folder / name
        held = any(place.glob("*.inkml")) or any(place.glob("*.parquet")) if name == PREDICTIONS else place.is_file()
        if not held:
            yield wrong("files", f"{name} holds no answers: a Parquet file, or a folder with a file of InkML a sample")
    if CARD not in names:
        yield wrong("card", f"{CARD} is missing; `kalamos new results-repository` writes an example")
    rest = sorted(names - _READ)
    if rest:
        yield look(
            "files", f"not read: {', '.join(rest)[:200]}; scores are made here, code and weights stand elsewhere"
        )


def _task(card: Card, tasks: Path | None) -> tuple[Task | None, list[Finding]]:
    """Return the task of a card, and whether the card means the same as this Kalamos."""
    try:
        checked_name(card.task, "a task")
        task = load_task(_place(card.task, tasks))
    except TaskError as error:
        return None, [wrong("task", str(error))]
    found = []
    if task.version != card.values["task_version"]:
        said = card.values["task_version"]
        found.append(wrong("task version", f"the card says version {said} of {task.name}; here it is {task.version}"))
    hashed = card.values.get("task_hash", task.hash)
    if hashed != task.hash:
        found.append(wrong("task version", f"the card's task has the hash {hashed}; here {task.name} is {task.hash}"))
    return task, found


def _place(name: str, tasks: Path | None) -> str:
    own = None if tasks is None else tasks / f"{name}.toml"
    return name if own is None or not own.is_file() else str(own)


def _of_other_task(place: Path, task: Task) -> list[Finding]:
    """Return whether a Parquet file that Kalamos wrote says that it answers something else, or is a control's."""
    found: list[Finding] = []
    try:
        files = [] if any(place.glob("*.inkml")) else parquet_files(place)
        metadata = list(map(file_metadata, files))
    except (KalamosError, pa.ArrowException, OSError):
        return []  # said where the answers are read
    for said in metadata:
        if said.get("task", task.name) != task.name or said.get("task_hash", task.hash) != task.hash:
            what = f"{said.get('task', '?')[:100]} ({said.get('task_hash', '?')[:16]})"
            found.append(wrong("task version", f"the file answers {what}, not {task.name} ({task.hash})"))
        if said.get("kind") == "control":
            found.append(wrong("control", "the file holds a control's answers, which are made of the truth or cheat"))
    return found


def _twins(place: Path, card: Card, opened: OpenTask) -> Iterator[Finding]:
    """Yield the entries on the board whose predictions are the same file."""
    hashed = _sent_hash(place)
    for path in sorted(opened.folder.glob("*/result.json")):
        if path.parent.name != card.entry and read_result(path).submission.get("sent_sha256") == hashed:
            yield look("twin", f"the predictions are those of {path.parent.name}")


def _predictions(folder: Path) -> Path:
    file = folder / _FILE
    return file if file.exists() else folder / PREDICTIONS


def _sent_hash(place: Path) -> str:
    """Return the SHA-256 of a file; of a folder that of the names and hashes of its files."""
    if place.is_file():
        return sha256_of(place)
    lines = [f"{sha256_of(file)} {file.name}\n" for file in sorted(place.iterdir()) if file.is_file()]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _is_entry(folder: Path) -> bool:
    names = (CARD, _FILE, PREDICTIONS)
    return any((folder / name).exists() or (folder / name).is_symlink() for name in names)


def _is_wrong(found: Iterable[Finding]) -> bool:
    return any(finding.level == "wrong" for finding in found)
