"""Run jobs on any :class:`concurrent.futures.Executor`: in this process, on local processes, or on a Dask cluster.

Jobs are pure: each writes its own result and may be run again, so a worker that dies costs only the jobs it held.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from kalamos.errors import KalamosError
from kalamos.machinery.interrupts import was_interrupted
from kalamos.machinery.processes import end_with_parent

Job = TypeVar("Job")
Result = TypeVar("Result")

ATTEMPTS = 3
SCHEDULER_TIMEOUT_S = 10


class InProcess(Executor):
    """An executor that does each job at once, in the calling process: for one worker, and for debugging."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the job and return its finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Workers:
    """Where jobs run: an executor that is made when it is first needed, kept, and replaced where it broke."""

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._make = make
        self._current: Executor | None = None

    def executor(self) -> Executor:
        """Return the executor that is running; make one where there is none."""
        if self._current is None:
            self._current = self._make()
        return self._current

    def discard(self) -> None:
        """Let the executor go, broken or not; the next job gets a new one."""
        if self._current is not None:
            self._current.shutdown(wait=False, cancel_futures=True)
        self._current = None


IN_PROCESS = Workers(InProcess)
"""One worker: the calling process."""


@contextmanager
def executor(workers: int = 1, scheduler: str | None = None) -> Iterator[Workers]:
    """Give the workers that jobs are run on, and let them go at the end.

    Args:
        workers: local processes; 1 works in this process.
        scheduler: address of a Dask scheduler (``tcp://host:port``), used instead of local processes.
    """
    if scheduler is not None:
        with _dask_client(scheduler) as client:
            yield Workers(client.get_executor)
        return
    if workers <= 1:
        yield IN_PROCESS
        return
    pool = Workers(lambda: local_pool(workers))
    try:
        yield pool
    finally:
        pool.discard()


def local_pool(workers: int) -> Executor:
    """Return a pool of fresh processes on this machine, which end with this one, however that ends."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=spawn, initializer=end_with_parent)


def run(
    work: Callable[[Job], Result], jobs: Sequence[Job], workers: Workers = IN_PROCESS, *, at_once: int = 64
) -> Iterator[tuple[Job, Result]]:
    """Yield ``(job, work(job))`` as the jobs end, in no particular order.

    An exception of ``work`` is raised here. A job whose worker died is run again, ``ATTEMPTS`` times in all.

    Raises:
        KalamosError: where the same jobs keep killing their workers.
    """
    waiting = list(reversed(jobs))
    deaths = 0
    while waiting:
        running: dict[Future[Result], Job] = {}
        try:
            pool = workers.executor()
            while waiting or running:
                while waiting and len(running) < (1 if isinstance(pool, InProcess) else at_once):
                    job = waiting.pop()
                    running[pool.submit(work, job)] = job
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    yield running.pop(future), result
        except BrokenExecutor as error:
            workers.discard()
            if was_interrupted():  # Ctrl-C ends the workers too
                raise KeyboardInterrupt from error
            deaths += 1
            waiting += list(running.values())
            if deaths >= ATTEMPTS:
                raise KalamosError(
                    f"worker processes died {deaths} times ({error}); the machine may be out of memory: "
                    "try fewer workers. Finished work is kept; the same command goes on from it."
                ) from error


@contextmanager
def _dask_client(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client  # noqa: PLC0415 - an optional dependency
        from distributed.comm import CommClosedError  # noqa: PLC0415
    except ImportError as error:
        raise KalamosError("--scheduler needs Dask: pip install 'kalamos[dask]'") from error
    with _without_logs():
        try:
            with _nothing_collected():
                client = Client(scheduler, timeout=SCHEDULER_TIMEOUT_S)
        # TypeError: what Dask makes of some addresses that are none; AssertionError: its loop did not start in time
        except (OSError, ValueError, TypeError, AssertionError) as error:
            reason = " ".join(str(error).split())[:200] or "Dask itself did not start"
            raise KalamosError(f"no Dask scheduler answers at {scheduler}: {reason}") from error
        try:
            yield client
        except (CommClosedError, CancelledError, TimeoutError) as error:
            raise KalamosError(
                f"the Dask scheduler at {scheduler} is gone; finished work is kept: "
                "start one and run the same command again"
            ) from error
        finally:
            with suppress(Exception):  # a scheduler that is gone cannot be told goodbye
                client.close(timeout=SCHEDULER_TIMEOUT_S)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep the garbage collector away while a client starts.

    One that failed before closes when it is collected: in the thread that starts another it would wait for ever for
    the lock that this thread holds.
    """
    collects = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@contextmanager
def _without_logs() -> Iterator[None]:
    """Keep Dask from printing the traces of what is raised here, and said, anyway."""
    loggers = [logging.getLogger(name) for name in ("distributed.client", "distributed.core", "distributed.comm")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
