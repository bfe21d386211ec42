"""A task's images for a system elsewhere: PNG files under names that say nothing, and what brings their answers back.

The name of an image is a hash of its key: a key may hold the label. The keys stand in ``task-images.json``, which is
for the way back and not for the system; the truth stands nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.benchmark.brought.prompt import SAMPLING, prompt_for
from kalamos.benchmark.prepare import prepared_task
from kalamos.errors import KalamosError, TaskError
from kalamos.formats.reading import read_bytes
from kalamos.machinery.files import Outputs, write_bytes, writing_text
from kalamos.machinery.seeding import stable_hash
from kalamos.storage.parquet import read_rows
from kalamos.storage.png import encode_png

INDEX = "task-images.json"
FORMAT = "kalamos-task-images/1"
MAX_BYTES = 256 * 2**20
MAX_SCALE = 16


@dataclass(frozen=True)
class Frame:
    """An image that was given away.

    Attributes:
        key: of the sample.
        width: in pixels, of the task's own image.
        height: likewise.
    """

    key: str
    width: int
    height: int


@dataclass(frozen=True)
class ImageSet:
    """What was given away.

    Attributes:
        task: name of the task.
        task_version: its version.
        task_hash: its hash.
        scale: pixels of the images given away a pixel of the task's.
        frames: name of an image, without suffix -> what it is.
    """

    task: str
    task_version: int
    task_hash: str
    scale: int
    frames: Mapping[str, Frame]


def write_images(
    task_file: Path,
    folder: Path,
    *,
    scale: int = 1,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ImageSet:
    """Write the images of a prepared task: ``images/NAME.png``, ``requests.jsonl`` with a prompt each, and the index.

    Args:
        task_file: the prepared task.
        folder: where to.
        scale: each pixel becomes so many in either direction, for systems that see little in 64 of them.
        overwrite: whether files of these names may be replaced.
        progress: called with images done and in all.

    Raises:
        TaskError: where the scale is no whole number from 1 to 16, or two keys have one hash.
        StoreError: where a file is there already, or cannot be written.
    """
    if not 1 <= scale <= MAX_SCALE:
        raise TaskError(f"an image is given away {scale} times as large; from 1 to {MAX_SCALE} times is possible")
    task, task_hash = prepared_task(task_file)
    outputs, frames = Outputs(overwrite=overwrite), dict[str, Frame]()
    index, requests = outputs.claim(folder, INDEX), outputs.claim(folder, "requests.jsonl")
    rows = list(read_rows(task_file))
    with writing_text(requests) as file:
        for number, row in enumerate(sorted(rows, key=lambda row: name_of(row.sample.key)), 1):
            name = name_of(row.sample.key)
            if row.image is None or name in frames:
                raise TaskError(f"sample {row.sample.key} has no image, or shares its name with another")
            height, width = row.image.pixels.shape
            frames[name] = Frame(row.sample.key, width, height)
            pixels = np.repeat(np.repeat(row.image.pixels, scale, axis=0), scale, axis=1)
            write_bytes(outputs.claim(folder / "images", name, ".png"), encode_png(pixels))
            asked = prompt_for(width * scale, height * scale, row.image.script if task.give_script else None)
            told = {
                "image": f"{name}.png",
                "width": width * scale,
                "height": height * scale,
                "prompt": asked,
                "sampling": SAMPLING,
            }
            file.write(json.dumps(told, ensure_ascii=False) + "\n")
            progress(number, len(rows))
    made = ImageSet(task.name, task.version, task_hash, scale, frames)
    with writing_text(index) as file:
        file.write(json.dumps({"format": FORMAT, **asdict(made)}, indent=1, ensure_ascii=False) + "\n")
    return made


def read_images(folder: Path) -> ImageSet:
    """Return what was given away, from the folder that :func:`write_images` made.

    Raises:
        TaskError: where there is no index, or it is damaged.
    """
    path = folder / INDEX
    try:
        plain = json.loads(read_bytes(path, MAX_BYTES))
        if plain.pop("format") != FORMAT:
            raise ValueError("another format")
        frames = {name: Frame(**_checked(frame)) for name, frame in plain.pop("frames").items()}
        made = ImageSet(frames=frames, **plain)
        if not isinstance(made.scale, int) or not 1 <= made.scale <= MAX_SCALE or not isinstance(made.task, str):
            raise ValueError("a wrong scale or task")
    except (KalamosError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        text = " ".join(str(error).split())[:200]
        raise TaskError(f"{path} is no index of `kalamos task-images`, or damaged: {text}") from error
    return made


def name_of(key: str) -> str:
    """Return the name of the image of a key: 16 hexadecimal digits that say nothing."""
    return f"{stable_hash(key):016x}"


def _checked(frame: Mapping[str, Any]) -> dict[str, Any]:
    if not all(isinstance(frame[name], int) and 0 < frame[name] < 2**20 for name in ("width", "height")):
        raise ValueError("an image without a size")
    if not isinstance(frame["key"], str):
        raise ValueError("an image without a key")
    return dict(frame)


def names_in(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the files of a folder and those below it with a suffix, in the order of their names."""
    yield from sorted(path for path in folder.rglob(f"*{suffix}") if path.is_file())
