"""Independent pieces of array work side by side: for what lets go of the interpreter, on as many cores as there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return ``work(item)`` of each item, in their order, whatever the number of threads.

    The first error that an item raises is raised here, once the items that had begun are done.
    """
    several = list(items)
    threads = min(len(several), cores())
    if threads <= 1:
        return [work(item) for item in several]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, several))
