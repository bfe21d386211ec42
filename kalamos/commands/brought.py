"""What ``task-images`` does: make a task ready, and give its images away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kalamos.benchmark.brought.images import ImageSet, write_images
from kalamos.benchmark.prepare import prepare
from kalamos.benchmark.run import user_cache
from kalamos.benchmark.task import load_task


def give_images(
    name: str,
    folder: Path,
    root: Path | None,
    *,
    scale: int = 1,
    cache: Path | None = None,
    limit: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ImageSet:
    """Write the images of a task; see :func:`kalamos.benchmark.brought.images.write_images`.

    Raises:
        CorpusError: where the task's corpus is not there.
        TaskError: where there is no such task, or it differs from its pins.
        StoreError: where a file is there already, or cannot be written.
    """
    task_file = prepare(load_task(name), root, cache or user_cache(), limit=limit)
    return write_images(task_file, folder, scale=scale, overwrite=overwrite, progress=progress)
