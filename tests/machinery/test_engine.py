import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from kalamos.errors import KalamosError
from kalamos.machinery import engine


def square(x):
    return x * x


def die_once(path):
    """Kill this worker the first time the job is tried."""
    if not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def fail(x):
    raise ValueError(x)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once(workers):
    with engine.executor(workers) as make:
        assert sorted(engine.run(square, range(200), make)) == [(k, k * k) for k in range(200)]


def test_errors_of_the_work_are_raised():
    with engine.executor(1) as make, pytest.raises(ValueError, match="3"):
        list(engine.run(fail, [3], make))


def test_a_worker_that_dies_costs_only_a_second_try(tmp_path):
    with engine.executor(2) as make:
        assert list(engine.run(die_once, [str(tmp_path / "tried")], make)) == [(str(tmp_path / "tried"), "alive")]


def test_jobs_that_keep_killing_workers_are_an_error():
    with engine.executor(2) as make, pytest.raises(KalamosError, match="worker processes died"):
        list(engine.run(die, [1], make))


def test_no_scheduler_is_an_error(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine, "SCHEDULER_TIMEOUT_S", 1)
    with pytest.raises(KalamosError, match="no Dask scheduler answers"), engine.executor(1, "tcp://127.0.0.1:9"):
        pass


def test_workers_that_died_of_ctrl_c_are_not_replaced(monkeypatch):
    # where the interrupt itself was raised in a callback of the garbage collector, it is printed and forgotten
    class Dead:
        def executor(self):
            raise BrokenExecutor

        def discard(self):
            pass

    monkeypatch.setattr(engine, "was_interrupted", lambda: True)
    with pytest.raises(KeyboardInterrupt):
        list(engine.run(abs, [1], Dead()))


def test_an_interrupt_that_is_swallowed_is_noted(tmp_path):
    script = """
import gc, os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a command in the background ignores it
from kalamos.machinery.interrupts import note_interrupts, was_interrupted
note_interrupts()
gc.callbacks.append(lambda phase, info: os.kill(os.getpid(), signal.SIGINT) if phase == "start" else None)
try:
    gc.collect()
    for _ in range(1000):
        pass
except KeyboardInterrupt:
    pass
gc.callbacks.clear()
print(was_interrupted())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr
