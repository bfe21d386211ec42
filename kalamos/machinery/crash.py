"""What becomes of an error that nobody foresaw: one line for the user, the trace in a file to send along."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kalamos
from kalamos.errors import KalamosError


def unforeseen(error: Exception) -> str:
    """Keep the trace of an error in a log file and return one line that says so.

    With ``KALAMOS_TRACEBACK`` set in the environment the error is raised again instead.
    """
    if os.environ.get("KALAMOS_TRACEBACK"):
        raise error
    what = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}".rstrip(": ")
    if isinstance(error, MemoryError):
        return "the memory of this machine is not enough for this; try smaller files, a --limit or fewer workers"
    if isinstance(error, OSError) and error.errno is not None:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or what}"
    path = _keep(error)
    where = f"; the trace is in {path}" if path else ""
    return f"an error of Kalamos itself, please report it: {what}{where}"


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """End a program of its own (``python -m kalamos...``) with one line where its user can do something about it."""
    try:
        yield
    except KalamosError as error:
        sys.exit(f"kalamos: {error}")


def _keep(error: Exception) -> Path | None:
    head = f"kalamos {kalamos.__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}\n\n"
    trace = "".join(traceback.format_exception(error))
    name = f"kalamos-error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    for folder in (Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "kalamos", _temporary()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(head + trace, encoding="utf-8", errors="backslashreplace")
        except (OSError, RuntimeError):
            continue
        return folder / name
    return None


def _temporary() -> Path:
    return Path(tempfile.gettempdir())
