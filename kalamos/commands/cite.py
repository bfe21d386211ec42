"""What a table has to cite: task versions, corpora, sources of the metrics, Kalamos.

Nothing is added to what is known: a corpus is cited as its card says, a metric by its row's source. Neither is taken
apart into authors and titles, which would be guessed; BibTeX gets the whole sentence as its note.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import kalamos
from kalamos.benchmark.board.latex import escaped, label_text, unique
from kalamos.benchmark.board.selection import UNUSABLE, names_among
from kalamos.benchmark.board.table import MAIN, find_results
from kalamos.benchmark.exchange.facts import task_of_result
from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import Result
from kalamos.benchmark.task import Task, load_task, shipped
from kalamos.datasets import CORPORA
from kalamos.datasets.corpus import Card
from kalamos.errors import KalamosError, TaskError, UnknownNameError

AUTHORS = "The Kalamos authors"
TITLE = "Kalamos: dataset toolkit and benchmark for handwriting trajectory recovery"
RELEASED = {"0.1.0": "2026-11-22"}
"""Version -> day of its release, as CITATION.cff says; what was not released has none."""

Kind = Literal["task", "corpus", "metric", "software"]
_HEADS: dict[Kind, str] = {"task": "Tasks", "corpus": "Corpora", "metric": "Metrics", "software": "Software"}
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Work:
    """Something to cite.

    Attributes:
        kind: task, corpus, metric or software.
        name: its name in Kalamos; of a task with its version.
        title: its name in print.
        text: what is known of it, as its card or row says; empty where nothing is.
        author: as it is known by itself, empty where it stands in ``text``.
        year: likewise.
        url: where it is published; empty where unknown.
        published: whether it goes into a list of references: a corpus or metric does where a year or address is known.
        key: of its BibTeX entry.
    """

    kind: Kind
    name: str
    title: str
    text: str
    author: str = ""
    year: str = ""
    url: str = ""
    published: bool = True
    key: str = ""


def works(what: Sequence[str], *, metrics: Sequence[str] = (), all_metrics: bool = False) -> list[Work]:
    """Return what is to be cited for results and tasks.

    Args:
        what: files and folders of results, names of tasks, TOML files of tasks; a path that is there goes first.
        metrics: those that the table shows; empty for those of the short table that the results have.
        all_metrics: whether it shows every metric.

    Raises:
        TaskError: where one is neither, or a folder holds no sound result.
        UnknownNameError: where a metric is not known.
    """
    names_among(metrics, TABLE, "metric")
    results = [result for name in what if _is_results(name) for result in _sound(Path(name))]
    asked = [load_task(name) for name in what if not _is_results(name)]
    tasks: dict[tuple[str, int, str], tuple[Task | None, bool]] = {
        (task.name, task.version, task.hash): (task, False) for task in asked
    }
    for result in results:
        known = tasks.get(_place(result), (None, False))
        tasks[_place(result)] = (known[0] or task_of_result(result), known[1] or result.partial)
    found = [_task_work(*place, *known) for place, known in sorted(tasks.items(), key=lambda item: item[0])]
    found += [_corpus_work(name) for name in sorted({task.corpus for task, _ in tasks.values() if task})]
    found += [_metric_work(name) for name in metrics or _shown(results, bool(asked), all_metrics)]
    found += [_software(version) for version in _versions(results, bool(asked))]
    taken: set[str] = set()
    return [replace(work, key=unique(f"kalamos:{work.kind}:{label_text(work.name)}", taken)) for work in found]


def as_text(found: Iterable[Work]) -> str:
    """Return the works as text, by kind."""
    found = list(found)
    parts = []
    for kind, head in _HEADS.items():
        lines = [f"  {_line(work)}" for work in found if work.kind == kind]
        if lines:
            parts.append("\n".join([head, *lines]))
    return "\n\n".join(parts)


def as_bibtex(found: Iterable[Work]) -> str:
    """Return the works that go into a list of references, as BibTeX."""
    return "\n".join(_entry(work) for work in found if work.published)


def as_json(found: Iterable[Work]) -> str:
    """Return the works as a JSON array; ``key`` is empty where there is no BibTeX entry."""
    plain = [asdict(work if work.published else replace(work, key="")) for work in found]
    return json.dumps(plain, ensure_ascii=False, indent=1)


def _is_results(name: str) -> bool:
    path = Path(name)
    return path.is_dir() or (path.is_file() and path.suffix != ".toml")


def _sound(path: Path) -> list[Result]:
    found = find_results([path])
    sound = [result for result in found if result.task != UNUSABLE]
    if not sound:
        raise TaskError(f"{path} holds no result that can be used: {found[0].entry}")
    return sound


def _place(result: Result) -> tuple[str, int, str]:
    return result.task, result.task_version, result.task_hash


def _shown(results: Sequence[Result], asked: bool, all_metrics: bool) -> list[str]:
    names = TABLE if all_metrics else MAIN
    return [n for n in names if asked or any(n in r.metrics and r.metrics[n].n for r in results)]


def _versions(results: Sequence[Result], asked: bool) -> list[str]:
    """Return the versions of Kalamos that scored; this one where nothing was, or a result does not say."""
    said = {result.provenance.get("scored", {}).get("kalamos", kalamos.__version__) for result in results}
    return sorted(said | ({kalamos.__version__} if asked or not said else set()))


def _task_work(name: str, version: int, task_hash: str, task: Task | None, partial: bool) -> Work:
    facts = [f"hash {task_hash}", f"corpus {task.corpus}" if task else "corpus unknown: the task's file is not at hand"]
    facts += ["a first look at fewer samples, which is not the task"] if partial else []
    shown = f"Task {name}, version {version}" + (f": {task.title}" if task else "")
    author = AUTHORS if task and _ships(task) else ""
    return Work("task", f"{name}-v{version}", shown, "; ".join(facts), author)


def _ships(task: Task) -> bool:
    names = [name for name in (task.name, f"{task.name}@{task.version}") if shipped(name, ".toml")]
    return any(load_task(name).hash == task.hash for name in names)


def _corpus_work(name: str) -> Work:
    try:
        card: Card = CORPORA.load(name).card
    except (UnknownNameError, KalamosError) as error:
        return Work("corpus", name, name, f"its card cannot be read: {error}", published=False)
    published = bool(card.url) or _YEAR.search(card.citation) is not None  # "that of the files" is no reference
    text = f"{card.citation}; licence: {card.licence}"
    return Work("corpus", name, card.title, text, url=card.url, published=published)


def _metric_work(name: str) -> Work:
    source = TABLE[name].source
    return Work("metric", name, f"Metric {name}", source, published=_YEAR.search(source) is not None)


def _software(version: str) -> Work:
    return Work("software", version, TITLE, f"version {version}", AUTHORS, RELEASED.get(version, "")[:4])


def _line(work: Work) -> str:
    by = f"{work.author}{f' ({work.year})' if work.year else ''}: " if work.author else ""
    title = f"{work.name}: " if work.kind == "metric" else f"{work.title}. "
    url = f" {work.url}" if work.url and work.url not in work.text else ""
    key = f" [{work.key}]" if work.published else ""
    return f"{by}{title}{work.text}.{url}{key}"


def _entry(work: Work) -> str:
    fields = {
        "author": f"{{{_bib(work.author)}}}" if work.author else "",
        "title": f"{{{_bib(work.title)}}}",
        "year": work.year,
        "note": _bib(work.text),
        "howpublished": rf"\url{{{_url(work.url)}}}" if work.url else "",
        "key": "" if work.author else _bib(work.name),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{work.key},", *lines, "}", ""])


def _bib(text: str) -> str:
    """Return a text for a field: BibTeX counts braces, those behind a backslash too."""
    return escaped(text).replace(r"\{", r"\textbraceleft{}").replace(r"\}", r"\textbraceright{}")


def _url(text: str) -> str:
    return re.sub(r"[\s{}\\]", lambda found: f"%{ord(found[0]):02X}", text)
