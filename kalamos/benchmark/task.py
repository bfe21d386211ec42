"""A benchmark task: which samples, rendered how. The records; :mod:`kalamos.benchmark.prepare` makes the images.

A task is a TOML file. The tasks that ship with Kalamos pin their samples, images and truths (``<name>.pins``, see
:mod:`kalamos.benchmark.pins`), but for ``paper-signatures``, of data that users bring; one's own task needs a name, a
version, a title and a corpus, and pins nothing.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from kalamos import geometry
from kalamos.errors import TaskError
from kalamos.ink import Sample, Split
from kalamos.renderers import Style, preset

SUPERSEDED = "superseded"
GROUPS = ("", "writer", "page")
_LATER = ("per_writer", "per_label", "shape", "line_height_px", "groups", "truth", "input", SUPERSEDED)
TRUTHS = ("", "none")
INPUTS = ("", "page")
"""Fields that version 1 did not have: left out of the hash where they say nothing."""


@dataclass(frozen=True)
class Task:
    """What is recovered and scored.

    Attributes:
        name: the task's name; with the version it says what a score was measured on.
        version: grows whenever samples or images change.
        title: one line for people.
        corpus: registered name of the corpus.
        options: the corpus' own choices.
        split: of which writers; None (in TOML ``"all"``) for everybody.
        level: which samples; None for all.
        scripts: ISO 15924 codes; empty for all.
        limit: how many samples at most, those with the smallest hash of the key; None for all.
        style: preset name.
        style_changes: parameters that differ from the preset.
        seed: seed of the sampled parts of the style.
        give_script: whether the recoverer is told the script.
        max_strokes: leave out samples with more strokes; None for no bound.
        per_writer: how many samples of one writer at most, so that no hand outweighs the others; None for no bound.
        per_label: how many samples of one label and script at most; None for no bound.
        truth: ``none`` where nobody knows how the pen moved: the ink is held against the scan, and read by recognisers.
        shape: width over height of the ink's box, at least and at most; empty for any.
        line_height_px: height of a line of writing, by which tolerances grow; None for the image's height.
        groups: ``writer`` or ``page`` where a method may be told which images are of one hand or of one page (the
            sample's source); it sees groups of images and no names. Empty: each image stands alone.
        input: ``page`` where images are whole pages, which are prepared and cut as ``kalamos recover`` does, each piece
            then given to the method; empty: the method is given the images as they are.
        superseded: why a later version took its place; empty where none did.
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
    per_writer: int | None = None
    per_label: int | None = None
    shape: tuple[float, float] | tuple[()] = ()
    line_height_px: float | None = None
    groups: str = ""
    truth: str = ""
    input: str = ""
    superseded: str = ""

    @property
    def hash(self) -> str:
        """Return a short hash of everything that defines the task, the style's parameters included."""
        said = {name: value for name, value in asdict(self).items() if name not in _LATER or value}
        said.pop(SUPERSEDED, None)
        text = json.dumps([said, self.resolved_style().hash], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def resolved_style(self) -> Style:
        """Return the style with the task's changes."""
        return preset(self.style).replace(**self.style_changes)

    @property
    def has_truth(self) -> bool:
        """Return whether it is known how the pen moved."""
        return self.truth != "none"

    def takes(self, sample: Sample) -> bool:
        """Say whether a sample belongs to the task, before the limits."""
        return (
            (sample.ink.n_points > 0) == self.has_truth
            and (self.split is None or sample.split == self.split)
            and (self.level is None or sample.level == self.level)
            and (not self.scripts or sample.script in self.scripts)
            and (self.max_strokes is None or sample.ink.n_strokes <= self.max_strokes)
            and self._shaped(sample)
        )

    def _shaped(self, sample: Sample) -> bool:
        if not self.shape:
            return True
        box = geometry.bounds(sample.ink)
        return box.height > 0 and self.shape[0] <= box.width / box.height <= self.shape[1]


def tasks_folder() -> Path:
    """Return the folder of the tasks that ship with Kalamos."""
    return Path(str(resources.files("kalamos.benchmark.tasks")))


def task_names() -> list[str]:
    """Return the names of the tasks that ship with Kalamos, without those that are superseded."""
    return sorted(path.stem for path in tasks_folder().glob("*.toml"))


def load_task(name: str) -> Task:
    """Load a task by its name, of an earlier version by ``NAME@1``, or from a TOML file.

    Raises:
        TaskError: where there is none, or it holds a field that a task does not have.
    """
    path = Path(name) if name.endswith(".toml") else shipped(name, ".toml")
    if path is None or not path.is_file():
        raise TaskError(f"no task is called {name!r}{_meant(name)}")
    try:
        return task_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise TaskError(f"{path} is not a task: {error}") from error


def task_of(values: Mapping[str, Any]) -> Task:
    """Make a task of the fields of a TOML or JSON file.

    Raises:
        ValueError: where a field is unknown or missing, or holds what it cannot hold.
    """
    known = {item.name for item in fields(Task)}
    unknown = sorted(values.keys() - known)
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, 1)
        raise ValueError(f"a task has no field {unknown[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    missing = [name for name in ("name", "version", "title", "corpus") if name not in values]
    if missing:
        raise ValueError(f"the field {missing[0]!r} is missing")
    made = dict(values)
    if made.get("split") == "all":
        made["split"] = None
    if made.get("split") not in (None, *get_args(Split)):
        raise ValueError(f"split is all, {', '.join(get_args(Split))}; not {made['split']!r}")
    if made.get("groups", "") not in GROUPS:
        raise ValueError(f"groups is {' or '.join(filter(None, GROUPS))}, or left out; not {made['groups']!r}")
    if made.get("truth", "") not in TRUTHS:
        raise ValueError(f"truth is none, or left out; not {made['truth']!r}")
    if made.get("input", "") not in INPUTS:
        raise ValueError(f"input is page, or left out; not {made['input']!r}")
    for name in ("scripts", "shape"):
        made[name] = tuple(made.get(name, ()))
    return Task(**made)


def prepared_task_of(metadata: Mapping[str, str]) -> Task:
    """Return the task that a prepared file's metadata tells."""
    return task_of(json.loads(metadata["task"]))


def shipped(name: str, suffix: str) -> Path | None:
    """Return a file of a task that ships with Kalamos, ``NAME@1`` for one of version 1; None where there is none."""
    plain, _, version = name.partition("@")
    if not plain or "/" in name or "\\" in name or version not in ("", "1"):
        return None
    folder = tasks_folder()
    path = (folder / "v1" if version else folder) / f"{plain}{suffix}"
    return path if path.is_file() else None


def file_name(task: Task) -> str:
    """Return the name by which :func:`load_task` finds a task that ships with Kalamos."""
    return f"{task.name}@{task.version}" if task.superseded else task.name


def _meant(name: str) -> str:
    names = task_names()
    near = difflib.get_close_matches(name, names, 3, 0.5)
    asked = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{asked} The tasks are: {', '.join(names)}; a path to a TOML file is one's own task (docs/protocol.md)"
