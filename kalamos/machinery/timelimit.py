"""A limit on the processor time that reading a file may take, for what no bound of a reader foresees.

Processor time and not the clock: a busy machine or a slow network drive must not decide what a conversion holds. The
limit starts anew with each item, so that a long file that goes on giving samples is read to its end.
"""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from kalamos.errors import FormatError

Item = TypeVar("Item")

FILE_TIMEOUT_S = 60.0
"""Far above what the longest real file takes between two samples, the compilation of kernels included."""
_POLL_S = 0.2


class _OutOfTimeError(BaseException):
    """Raised in the midst of a reader; no ``except Exception`` of it may swallow this."""


def limited(
    items: Iterator[Item], path: object, limit_s: float = FILE_TIMEOUT_S, what: str = "a sample"
) -> Iterator[Item]:
    """Yield the items; each may take ``limit_s`` seconds of processor time. ``what`` they are, an error says.

    Raises:
        FormatError: where one takes longer; the rest of the file is lost.
    """
    while True:
        with time_limit(path, limit_s, what):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


@contextmanager
def time_limit(path: object, limit_s: float = FILE_TIMEOUT_S, what: str = "a sample") -> Iterator[None]:
    """Bound the processor time of what is done inside; an error names the file, ``path``, and ``what`` was awaited.

    Compiled code is not interrupted: what it does must be bounded by itself.

    Raises:
        FormatError: where it takes longer.
    """
    of_process = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    try:
        with _alarm_of_process(limit_s) if of_process else _WATCH.alarm(limit_s):
            yield
    except _OutOfTimeError:
        reason = f"took more than {limit_s:g} s of processor time without giving {what} (see --file-timeout)"
        raise FormatError(path, reason) from None


@contextmanager
def _alarm_of_process(limit_s: float) -> Iterator[None]:
    """Let the system's timer of processor time interrupt the main thread, even within a regular expression."""

    def stop(number: int, frame: object) -> None:
        raise _OutOfTimeError

    before = signal.signal(signal.SIGPROF, stop)
    try:
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


class _Watch:
    """A thread that watches the processor time of others: where workers are threads, or there is no timer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[int, tuple[Callable[[], float], float]] = {}
        self._runs = False

    @contextmanager
    def alarm(self, limit_s: float) -> Iterator[None]:
        """Raise ``_OutOfTimeError`` in the calling thread when it has used up its time."""
        mine = threading.get_ident()
        clock = _clock_of(mine)
        with self._lock:
            self._ends[mine] = clock, clock() + limit_s
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._watch, daemon=True, name="kalamos-time-limit").start()
        try:
            yield
        finally:
            with self._lock:
                self._ends.pop(mine, None)

    def _watch(self) -> None:
        idle = 0
        while idle < 50:
            time.sleep(_POLL_S)
            with self._lock:
                idle = 0 if self._ends else idle + 1
                for thread, (clock, end) in list(self._ends.items()):
                    if clock() > end:
                        del self._ends[thread]
                        raised = ctypes.py_object(_OutOfTimeError)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
                if idle >= 50:
                    self._runs = False


_WATCH = _Watch()


def _clock_of(thread: int) -> Callable[[], float]:
    """Return a clock of a thread's processor time; where there is none, that of the process."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.process_time
    number = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(number)
