"""What there is: corpora, formats, models, metrics, tasks and styles, each with one line about it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from kalamos.errors import KalamosError
from kalamos.registry import Registry


def listed(kind: str) -> list[tuple[str, str]]:
    """Return ``(name, one line)`` of everything of a kind, in the order of its registry.

    A thing that cannot be loaded is listed with the reason: a broken plug-in does not hide the others.
    """
    return _KINDS[kind]()


def names(kind: str) -> list[str]:
    """Return the names of a kind as a shell completes them, without loading what they stand for."""
    return _NAMES[kind]()


def _corpora() -> list[tuple[str, str]]:
    from kalamos.datasets import CORPORA  # noqa: PLC0415 - each kind pulls in its own room only
    from kalamos.datasets.known import KNOWN_AND_NOT_READ  # noqa: PLC0415

    read = _each(CORPORA, lambda corpus: f"{corpus.card.title}; {', '.join(corpus.card.scripts)}; {corpus.card.size}")
    return [*read, *((name, f"known and not read: {what}") for name, what in KNOWN_AND_NOT_READ.items())]


def _formats() -> list[tuple[str, str]]:
    from kalamos.formats import FORMATS  # noqa: PLC0415

    return _each(FORMATS, _first_line)


def _models() -> list[tuple[str, str]]:
    from kalamos.recoverer import RECOVERERS  # noqa: PLC0415

    return _each(RECOVERERS, _first_line)


def _metrics() -> list[tuple[str, str]]:
    from kalamos.benchmark.recognised import TABLE  # noqa: PLC0415

    better = {"lower": "lower is better", "higher": "higher is better", "one": "told, not ranked"}
    return [(name, f"{metric.family}; {metric.unit}; {better[metric.direction]}") for name, metric in TABLE.items()]


def _tasks() -> list[tuple[str, str]]:
    from kalamos.benchmark.task import load_task, task_names  # noqa: PLC0415

    tasks = [load_task(name) for name in task_names()]
    return [(task.name, f"v{task.version}: {task.title}") for task in tasks]


def _styles() -> list[tuple[str, str]]:
    from kalamos.renderers import PRESETS  # noqa: PLC0415

    return [(name, f"hash {style.hash}") for name, style in PRESETS.items()]


_KINDS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "corpora": _corpora,
    "formats": _formats,
    "models": _models,
    "metrics": _metrics,
    "tasks": _tasks,
    "styles": _styles,
}


def _corpus_names() -> list[str]:
    from kalamos.datasets import CORPORA  # noqa: PLC0415

    return CORPORA.names()


def _model_names() -> list[str]:
    from kalamos.recoverer import RECOVERERS  # noqa: PLC0415

    return RECOVERERS.names()


def _task_names() -> list[str]:
    from kalamos.benchmark.task import task_names  # noqa: PLC0415

    return task_names()


def _style_names() -> list[str]:
    from kalamos.renderers import PRESETS  # noqa: PLC0415

    return list(PRESETS)


_NAMES: dict[str, Callable[[], list[str]]] = {
    "corpora": _corpus_names,
    "models": _model_names,
    "tasks": _task_names,
    "styles": _style_names,
}


def _each(registry: Registry, about: Callable[[Any], str]) -> list[tuple[str, str]]:
    lines = []
    for name in registry.names():
        try:
            lines.append((name, about(registry.load(name))))
        except KalamosError as error:
            lines.append((name, f"not available: {error}"))
    return lines


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]
