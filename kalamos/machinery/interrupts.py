"""Ctrl-C that nothing can swallow.

Python raises ``KeyboardInterrupt`` wherever the main thread happens to be; in a callback of the garbage collector or of
a weak reference it is printed and forgotten. Whoever then sees only that all workers died would start new ones. So the
interrupt is noted before it is raised, and asked for where workers died.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

_noted = threading.Event()


def note_interrupts() -> None:
    """Note every Ctrl-C of this process before it is raised; where somebody else handles it, do nothing."""
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _note)


def was_interrupted() -> bool:
    """Say whether Ctrl-C was pressed."""
    return _noted.is_set()


def _note(number: int, frame: FrameType | None) -> None:
    _noted.set()
    signal.default_int_handler(number, frame)
