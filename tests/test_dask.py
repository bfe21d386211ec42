"""Conversion on a real Dask cluster of three worker processes, one of which is killed while it works."""

import hashlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from kalamos.convert import Conversion, convert
from kalamos.renderers import preset
from kalamos.store import read_rows

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
