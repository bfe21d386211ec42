"""Conversion and benchmark on a real Dask cluster of three worker processes; in the conversion one is killed."""

import hashlib
import os
import signal
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
