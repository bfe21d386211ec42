"""What ``croissant`` does: a folder that says what a task is, for machines and the hub, and holds none of its data."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from kalamos.benchmark.entries import checked_name
from kalamos.benchmark.pins import Pins, pins_of
from kalamos.benchmark.task import Task, load_task, shipped
from kalamos.datasets import CORPORA
from kalamos.datasets.corpus import Card
from kalamos.datasets.croissant import NAME, of_task
from kalamos.machinery.files import Outputs, sha256_of, write_bytes, write_text

PIN_COLUMNS = ("key", "unit", "image", "truth")


def describe_task(name: str, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write what a task is into ``folder``, and return the files.

    ``croissant.json``, the task's TOML, ``README.md`` with the head of a hub's card, ``eval.yaml`` by which a hub knows
    a benchmark, and for a pinned task ``samples.csv``: which samples it has, with checksums of image and truth. Of the
    corpus nothing is there but keys, so that the folder may be published whatever the licence of the corpus.

    Raises:
        TaskError: where there is no such task.
        StoreError: where one of the files is there already and ``overwrite`` is not given.
    """
    task = load_task(name)
    checked_name(task.name, "a task")
    card, pins = CORPORA.load(task.corpus).card, pins_of(task)
    outputs = Outputs(overwrite=overwrite)
    tables = {"samples.csv": _samples(pins)} if pins.samples else {}
    tables[f"{task.name}.toml"] = _source(name)
    paths = {file: outputs.claim(folder, file) for file in [NAME, "README.md", "eval.yaml", *tables]}
    for file, content in tables.items():
        write_bytes(paths[file], content)
    facts = _facts(task, pins)
    described = of_task(
        name=task.name,
        title=task.title,
        version=task.version,
        identity=task.hash,
        card=card,
        facts=facts,
        files={file: sha256_of(paths[file]) for file in tables},
    )
    write_text(paths["README.md"], _card(task, card, facts, pinned=bool(pins.samples)))
    write_text(paths["eval.yaml"], _eval(task))
    write_text(paths[NAME], described)
    return sorted(paths.values())


def _source(name: str) -> bytes:
    path = Path(name) if name.endswith(".toml") else shipped(name, ".toml")
    assert path is not None  # noqa: S101 - load_task found it
    return path.read_bytes()


def _samples(pins: Pins) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(PIN_COLUMNS)
    table.writerows((key, pin.unit, pin.image, pin.truth) for key, pin in sorted(pins.samples.items()))
    return text.getvalue().encode()


def _facts(task: Task, pins: Pins) -> list[str]:
    chosen = {
        "split": task.split or "all",
        "level": task.level or "all",
        "scripts": ", ".join(task.scripts) or "all",
        "samples": len(pins.samples) or task.limit or "all",
        "of one writer at most": task.per_writer or "all",
        "options": dict(task.options) or "none",
    }
    said = ", ".join(f"{what} {value}" for what, value in chosen.items())
    style = f"Images rendered with the style {task.style} (hash {task.resolved_style().hash}), seed {task.seed}"
    return [f"Samples of the corpus {task.corpus}: {said}", style]


def _card(task: Task, card: Card, facts: list[str], *, pinned: bool) -> str:
    """Return the card; the head is YAML in the form that JSON shares with it."""
    tags = json.dumps(["benchmark", "handwriting", "trajectory-recovery", "kalamos", f"corpus-{card.name}"])
    files = [{"split": "test", "path": ["samples.csv"]}]
    configs = [f"configs: {json.dumps([{'config_name': 'default', 'data_files': files}])}"] if pinned else []
    lines = [
        "---",
        f"pretty_name: {json.dumps(f'{task.name} v{task.version}', ensure_ascii=False)}",
        'license: "mit"',
        f"tags: {tags}",
        *configs,
        "---",
        f"# {task.name}, version {task.version}",
        "",
        f"{task.title}. Hash {task.hash}.",
        "",
        *(f"- {fact}" for fact in facts),
        f"- corpus: {card.title}; its licence: {card.licence}; cite: {card.citation}",
        f"- how to get it: {card.obtain}",
        "",
        "This folder names the samples and holds none of them: `kalamos bench` makes the images from your own copy",
        "of the corpus, and compares each with `samples.csv`." if pinned else "of the corpus.",
        "",
    ]
    return "\n".join(lines)


def _eval(task: Task) -> str:
    told = {
        "name": f"Kalamos {task.name} v{task.version}",
        "description": task.title,
        "evaluation_framework": "kalamos",
        "tasks": [{"id": task.name, "config": "default", "split": "test"}],
    }
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in told.items())
