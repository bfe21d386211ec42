"""A word while numba compiles: it happens once after an installation, takes seconds, and looks like a hang."""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import Any

PATIENCE_S = 0.5
"""So much compiling passes without a word."""
SAID = (
    "compiling once for this machine, which may take half a minute; later runs start at once "
    "(`kalamos warm-up` does it ahead)"
)
NOT_KEPT = (
    "compiling, which may take half a minute, in every run anew: neither Kalamos' folder nor the user's cache can "
    "be written; set NUMBA_CACHE_DIR to a folder that can"
)

_log = logging.getLogger("kalamos")
_lock = threading.Lock()
_wanted = False
_listening = False
_kept = True


def say_when_compiling() -> None:
    """Let the log of Kalamos say once in this process that kernels are being compiled, where that takes time.

    Without a handler of the user's the line goes to the terminal, as warnings do.
    """
    global _wanted  # noqa: PLW0603 - one switch for a process
    _wanted = True
    listen()


def nothing_is_kept() -> None:
    """Note that there is no folder for compiled code: an image that is read only, a service without a home."""
    global _kept  # noqa: PLW0603 - true of a process
    _kept = False


def listen() -> None:
    """Listen to numba, where somebody wants to be told and numba is loaded.

    To load it takes a quarter of a second, which small work does without: so whoever loads numba, or what may load it,
    calls this afterwards.
    """
    global _listening  # noqa: PLW0603 - one listener for a process
    if not _wanted or "numba" not in sys.modules:
        return
    from numba.core import event  # noqa: PLC0415 - see above

    with _lock:
        if not _listening:
            event.register("numba:compile", _listener(event))
            _listening = True


def _listener(event: Any) -> Any:
    class Listener(event.Listener):  # type: ignore[misc]
        """Adds up the outermost compilations; those of inner functions lie within."""

        def __init__(self) -> None:
            self.depth, self.began, self.spent_s, self.said = 0, 0.0, 0.0, False

        def on_start(self, _: Any) -> None:
            if self.depth == 0:
                self.began = time.monotonic()
            self.depth += 1

        def on_end(self, _: Any) -> None:
            self.depth -= 1
            spent_s = self.spent_s + time.monotonic() - self.began
            if self.depth == 0:
                self.spent_s = spent_s
            if not self.said and spent_s > PATIENCE_S:
                self.said = True
                _log.warning(SAID if _kept else NOT_KEPT)

    return Listener()
