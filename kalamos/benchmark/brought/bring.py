"""From foreign answers to ``predictions.parquet``: failures counted, nothing repaired, whoever brought them named."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import kalamos
from kalamos.benchmark.brought import inksight, trace, vision_language
from kalamos.benchmark.brought.images import ImageSet, read_images
from kalamos.benchmark.brought.prompt import VERSION, prompt_hash
from kalamos.benchmark.brought.strokes import Found, Strokes
from kalamos.benchmark.entries import checked_name, reserved
from kalamos.benchmark.isolation import Answer
from kalamos.benchmark.predictions import write_predictions
from kalamos.benchmark.run import LONGEST_NAME
from kalamos.errors import InkError, TaskError
from kalamos.ink import Ink
from kalamos.machinery.files import Outputs, sha256_of, write_text
from kalamos.recoverer import fault

CARD = "card.toml"


@dataclass(frozen=True)
class Recipe:
    """A system whose answers can be brought.

    Attributes:
        name: as it is asked for.
        about: one line.
        read: its parser.
        paper: what to cite.
        code: where its program is published; empty where it is not.
        licence: of that program, as it is stated; empty where unknown.
    """

    name: str
    about: str
    read: Callable[[Path, ImageSet], Iterator[Found]]
    paper: str = ""
    code: str = ""
    licence: str = ""


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "inksight",
            "InkSight: a folder of its InkML in one mode, or JSON lines with its tokens",
            inksight.read,
            "B. Mitrevski, A. Rak, J. Schnitzler, C. Li, A. Maksai, J. Berent, C. Musat: InkSight. TMLR 2025,"
            " arXiv:2402.05804",
            "https://github.com/google-research/inksight",
            "Apache-2.0",
        ),
        Recipe(
            "trace",
            "TRACE: all_data.npy of its evaluation, or a folder of NAME.npy",
            trace.read,
            "T. Archibald, M. Poggemann, A. Chan, T. Martinez: TRACE. ICDAR 2021, arXiv:2105.11559",
            "https://github.com/Tahlor/simple_hwr",
        ),
        Recipe(
            "vision-language",
            "a vision-language model that was asked with the prompt of `kalamos task-images`: JSON lines",
            vision_language.read,
        ),
    )
}


@dataclass(frozen=True)
class Brought:
    """What came of foreign answers.

    Attributes:
        answered: images with strokes.
        failed: why -> how many images have an answer that is none.
        unanswered: images without any.
        put_aside: why -> how many answers belong to no image, or to one that has an answer already.
    """

    answered: int
    failed: Mapping[str, int]
    unanswered: int
    put_aside: Mapping[str, int]


def bring(
    kind: str, source: Path, folder: Path, out: Path, *, by: str, name: str, overwrite: bool = False
) -> tuple[Brought, list[Path]]:
    """Read foreign answers and write them as predictions, with the draft of a card beside them.

    Args:
        kind: a name of :data:`RECIPES`.
        source: the answers.
        folder: what ``kalamos task-images`` wrote for the system.
        out: the predictions; ``card.toml`` comes beside.
        by: who brings them.
        name: the entry's.
        overwrite: whether files of these names may be replaced.

    Returns:
        What came of them, and the files.

    Raises:
        TaskError: where the kind or the name cannot be, the index is damaged, or no answer belongs to an image.
        FormatError: where the answers are not in the form of their kind.
        StoreError: where a file is there already, or cannot be written.
    """
    if kind not in RECIPES:
        raise TaskError(f"no recipe is called {kind!r}; there are: {', '.join(RECIPES)}")
    if not by.strip() or not by.isprintable() or len(by) > LONGEST_NAME:
        raise TaskError(f"say in one line of at most {LONGEST_NAME} characters who brings these predictions")
    if checked_name(name, "an entry") in reserved():
        raise TaskError(f"{name!r} is built in: give the entry another name")
    outputs, images = Outputs([source], overwrite=overwrite), read_images(folder)
    paths = [outputs.claim(out.parent, out.name), outputs.claim(out.parent, CARD)]
    answers, put_aside = _answers(RECIPES[kind].read(source, images), images)
    if not answers:
        some = ", ".join(sorted(images.frames)[:2])
        raise TaskError(f"{source}: none of its answers belongs to an image of {folder}; names look like {some}")
    told = {
        "kalamos": kalamos.__version__,
        "brought_by": by,
        "recipe": kind,
        "source_sha256": sha256_of(source) if source.is_file() else "",
        **({"prompt": f"{VERSION}-{prompt_hash()}"} if kind == "vision-language" else {}),
    }
    metadata = {"entry": name, "task": images.task, "task_hash": images.task_hash, "provenance": json.dumps(told)}
    write_predictions(paths[0], sorted(answers.items()), metadata)
    write_text(paths[1], _card(RECIPES[kind], images, by, name))
    failed = Counter(answer.message for answer in answers.values() if answer.status != "ok")
    unanswered = len(images.frames) - len(answers)
    brought = Brought(len(answers) - failed.total(), dict(failed.most_common()), unanswered, dict(put_aside))
    return brought, paths


def _answers(found: Iterator[Found], images: ImageSet) -> tuple[dict[str, Answer], Counter[str]]:
    answers: dict[str, Answer] = {}
    put_aside: Counter[str] = Counter()
    for name, strokes in found:
        frame = images.frames.get(name)
        if frame is None:
            put_aside["no image of this name"] += 1
        elif frame.key in answers:
            put_aside["another answer to the same image: the first counts"] += 1
        else:
            answers[frame.key] = answer_of(strokes, frame.width, frame.height)
    return answers, put_aside


def answer_of(strokes: Strokes | str, width: int, height: int) -> Answer:
    """Return an answer of strokes in pixels of an image, failed where it cannot be one."""
    if isinstance(strokes, str):
        return Answer(None, "failed", strokes, float("nan"))
    try:
        lengths = [len(stroke) for stroke in strokes]
        with np.errstate(over="ignore"):  # what is too large for a coordinate becomes infinite, which no ink may be
            xy = np.concatenate(strokes).astype(np.float32) if strokes else np.empty((0, 2), np.float32)
        ink = Ink(xy, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    except (InkError, ValueError, OverflowError) as error:
        return Answer(None, "failed", f"broken ink: {error}", float("nan"))
    why = fault(ink, width, height)
    return Answer(None, "failed", why, float("nan")) if why else Answer(ink, "ok", "", float("nan"))


def _card(recipe: Recipe, images: ImageSet, by: str, name: str) -> str:
    """Return the draft of a card: what is known stands there, and the rest asks to be put in."""
    said = {"by": by, "relation": "third_party", "date": "YYYY-MM-DD"}
    code = f'"..."  # {{ url = "{recipe.code}", commit = "..." }}' if recipe.code else '"unpublished"'
    lines = [
        "# A draft: put in what is known where ... stands; `kalamos verify-submission` then checks it.",
        'format = "kalamos-card/1"',
        f"entry = {json.dumps(name)}",
        f"task = {json.dumps(images.task)}",
        f"task_version = {images.task_version}",
        f"task_hash = {json.dumps(images.task_hash)}",
        'licence = "..."  # of the predictions',
        "",
        "[run]  # who brought these predictions",
        *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in said.items()),
        "",
        "[model]",
        f"about = {json.dumps(recipe.about.partition(':')[0])}",
        *([f"paper = {json.dumps(recipe.paper)}"] if recipe.paper else []),
        f"licence = {json.dumps(recipe.licence or '...')}",
        f"code = {code}",
        'weights = "unpublished"',
        "",
        "[training]",
        'corpora = "unknown"',
        "",
        "[cost]",
        'cpu_seconds = "unknown"',
        "",
    ]
    return "\n".join(lines)
