"""Processes that end with whoever started them, and trees of processes: their memory, and their end.

On Linux the system itself ends a child whose parent is gone, and hands orphans to the nearest *subreaper*, so that a
grandchild cannot slip away by making a session of its own. Elsewhere a thread waits for the parent's end, and orphans
that have left the tree before it was looked at are not found.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import wait

import psutil

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def end_with_parent() -> None:
    """Let this worker of a process pool end when its parent does, however that ends: for a pool's ``initializer``.

    Ctrl-C, which a terminal sends to both, ends it without a word: the parent says what there is to say.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    kill_with_parent()

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="kalamos-parent-watch").start()


def kill_with_parent() -> None:
    """Ask Linux to kill this process when the thread that started it ends; elsewhere do nothing."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Ask Linux to make orphans below this process its children; elsewhere do nothing."""
    if sys.platform == "linux":
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def resident_bytes() -> int:
    """Return the memory that all processes below this one hold together; what they share counts for each."""
    total = 0
    for process in _below():
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def kill_all_below(rounds: int = 50) -> None:
    """Kill all processes below this one, also those that they start meanwhile."""
    for _ in range(rounds):
        found = [process for process in _below() if _is_running(process)]
        if not found:
            return
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=1.0)


def _below() -> list[psutil.Process]:
    try:
        return list(psutil.Process().children(recursive=True))
    except psutil.Error:
        return []


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # without a C library that has it there is nothing to ask
        ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), 0, 0, 0)
