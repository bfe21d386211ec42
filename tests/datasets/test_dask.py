"""Conversion and benchmark on a real Dask cluster of three worker processes: one is killed, or the scheduler is."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from kalamos.benchmark.run import bench
from kalamos.datasets.convert import Conversion, convert
from kalamos.renderers import preset
from kalamos.storage.parquet import read_rows

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

CONVERSION = Conversion("synthetic", Path(), (("scripts", "Latn"), ("writers", "60")), preset("clean"), shards=12)


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        yield cluster


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("*.parquet"))}


def kill_one_worker(cluster, folder):
    """Kill a worker as soon as the first shard is there."""
    deadline = time.time() + 120
    while time.time() < deadline and not list(folder.glob("*.parquet")):
        time.sleep(0.02)
    worker = next(iter(cluster.workers.values()))
    os.kill(worker.process.pid, signal.SIGKILL)


def test_a_killed_worker_loses_nothing_and_the_bytes_are_those_of_one_process(cluster, tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    expected = convert(CONVERSION, alone)
    shared.mkdir()
    killer = threading.Thread(target=kill_one_worker, args=(cluster, shared))
    killer.start()
    report = convert(CONVERSION, shared, scheduler=cluster.scheduler_address)
    killer.join()
    keys = [row.sample.key for row in read_rows(shared, images=False)]
    assert len(keys) == len(set(keys)) == expected.samples == report.samples
    assert digests(shared) == digests(alone)
    assert not [file.name for file in shared.iterdir() if file.name.endswith(".part") and not file.name.startswith(".")]


def test_a_benchmark_on_a_cluster_has_the_scores_of_one_process(cluster, tmp_path):
    tables = {}
    for name, scheduler in (("shared", cluster.scheduler_address), ("alone", None)):
        out = tmp_path / name
        results = bench(
            "synthetic-3scripts", ("nearest", "qiao"), Path(), out,
            cache=tmp_path / "tasks", limit=24, controls=False, scheduler=scheduler,
        )  # fmt: skip
        assert [result.samples for result in results] == [24, 24]
        files = sorted(out.rglob("scores.parquet"))
        tables[name] = {file.parent.name: pq.read_table(file).drop_columns(["seconds"]).to_pydict() for file in files}
    assert tables["shared"].keys() == {"nearest", "qiao"}
    np.testing.assert_equal(tables["shared"], tables["alone"])


def kill_a_busy_worker(cluster, killed):
    """Kill the first worker that is seen at work."""
    deadline = time.time() + 120
    while time.time() < deadline and not killed:
        busy = [address for address, state in list(cluster.scheduler.workers.items()) if state.processing]
        for worker in list(cluster.workers.values()):
            if busy and worker.worker_address in busy:
                os.kill(worker.process.pid, signal.SIGKILL)
                killed.append(worker.worker_address)
                return
        time.sleep(0.002)


def test_a_benchmark_loses_nothing_with_a_killed_worker(cluster, tmp_path):
    tables, killed = {}, []
    for name in ("alone", "shared"):
        killer = threading.Thread(target=kill_a_busy_worker, args=(cluster, killed))
        if name == "shared":
            killer.start()
        (result,) = bench(
            "synthetic-3scripts", ("nearest",), Path(), tmp_path / name, cache=tmp_path / "tasks", limit=24,
            controls=False, scheduler=cluster.scheduler_address if name == "shared" else None,
        )  # fmt: skip
        assert result.samples == 24
        assert not result.failures
        (file,) = (tmp_path / name).rglob("scores.parquet")
        tables[name] = pq.read_table(file).drop_columns(["seconds"]).to_pydict()
    killer.join()
    assert killed
    np.testing.assert_equal(tables["shared"], tables["alone"])


@pytest.fixture
def own_scheduler(tmp_path):
    """Start a scheduler and two workers as a cluster has them: programs of their own, the scheduler first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    where = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
    started = [subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_scheduler", *where], **quiet)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", "2", "--nthreads", "1"]
    started.append(subprocess.Popen([*worker, "--no-dashboard", "--death-timeout", "60"], **quiet))
    yield started[0], address
    for process in started:
        process.kill()
        process.wait()


TASK = """name = "tiny"
version = 1
title = "t"
corpus = "synthetic"
limit = 60
split = "train"
[options]
writers = "20"
scripts = "Latn"
"""


@pytest.mark.long
@pytest.mark.parametrize("command", ["convert", "bench"])
def test_a_scheduler_that_is_killed_is_one_line_and_nothing_is_lost(own_scheduler, tmp_path, command):
    scheduler, address = own_scheduler
    (tmp_path / "tiny.toml").write_text(TASK)
    run = [sys.executable, "-m", "kalamos", command]
    if command == "convert":
        run += ["synthetic", "-", "out", "-o", "writers=300", "-o", "scripts=Latn", "--shards", "60", "--no-images"]
    else:
        run += ["tiny.toml", "-m", "nearest", "-m", "qiao", "--cache", "cache", "--out", "out"]
    running = subprocess.Popen(
        [*run, "--scheduler", address], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.time() + 300
    while time.time() < deadline and not list(tmp_path.glob("out/**/*.parquet")) and running.poll() is None:
        time.sleep(0.01)
    scheduler.kill()
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 1, said
    assert "Traceback" not in said
    assert f"the Dask scheduler at {address} is gone" in " ".join(said.split())
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not [path for path in tmp_path.glob("out/**/*") if path.name.endswith(".part")]
    if command == "convert":
        convert(
            Conversion("synthetic", Path("-"), (("scripts", "Latn"), ("writers", "300")), shards=60), tmp_path / "one"
        )
        assert digests(tmp_path / "out") == digests(tmp_path / "one")
