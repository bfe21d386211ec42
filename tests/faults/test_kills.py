"""Runs that are killed at any moment are continued by the same command, to the same bytes."""

from __future__ import annotations

import errno
import gc
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commands import contents, kalamos, tiny_task

from kalamos.machinery import files

FEW, MANY = range(2), range(2, 20)


def numbered(few, many) -> list:
    """Return numbers of kills: a few for every day, the rest in the long run."""
    return [*few, *(pytest.param(k, marks=pytest.mark.long) for k in many)]


def killed(command: list[str], folder: Path, after_s: float) -> bool:
    """Run a command and kill it, and it alone, after a time; say whether it was still running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kalamos", *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def finished(command: list[str], folder: Path) -> float:
    """Run a command to its end and return how long it took."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "kalamos", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun


@pytest.fixture(scope="module")
def conversion(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    command = [
        "convert",
        "synthetic",
        "-",
        "out",
        "-o",
        "writers=30",
        "-o",
        "scripts=Latn",
        "--shards",
        "12",
        "-j",
        "2",
    ]
    return command, finished(command, folder), contents(folder / "out")


@pytest.mark.parametrize("number", numbered(FEW, MANY))
def test_a_killed_conversion_goes_on_to_the_same_bytes(conversion, tmp_path, number):
    command, lasting_s, expected = conversion
    killed(command, tmp_path, random.Random(number).uniform(0.3, 1.0) * lasting_s)
    finished(command, tmp_path)
    assert contents(tmp_path / "out") == expected


def hears_ctrl_c():
    """Undo what a shell does to commands in the background: they ignore Ctrl-C, and so do all that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name != "posix", reason="there are no process groups to interrupt")
def test_an_interrupted_conversion_says_so_and_nothing_more(tmp_path):
    # so many writers that the first shard stands long before the last
    command = ["convert", "synthetic", "-", "out", "-o", "writers=2000", "--shards", "200", "-j", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "kalamos", *command],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,  # noqa: PLW1509 - no thread runs here
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and not list(tmp_path.glob("out/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Aborted" in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def benchmark_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benched")
    command = [
        "bench",
        str(tiny_task(folder)),
        "-m",
        "nearest",
        "-m",
        "qiao",
        "--cache",
        "cache",  # of each run its own: kept scores of controls are written while it is killed
        "--out",
        "runs",
    ]
    return command, finished(command, folder), scores(folder)


def scores(folder: Path) -> dict[str, dict]:
    """Return all scores but the times, which no two runs share."""
    found = sorted((folder / "runs").rglob("scores.parquet"))
    return {path.parent.name: pq.read_table(path).drop_columns(["seconds"]).to_pydict() for path in found}


@pytest.mark.parametrize("number", numbered((), range(10)))
def test_a_killed_benchmark_goes_on_to_the_same_scores(benchmark_run, tmp_path, number):
    command, lasting_s, expected = benchmark_run
    killed(command, tmp_path, random.Random(number).uniform(0.3, 1.0) * lasting_s)
    finished(command, tmp_path)
    assert repr(scores(tmp_path)) == repr(expected)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


RECIPE = """
samples = 768
chunk = 64
budget = 400
warm_up = 32
average = 0.9
validate_every = 3
validation_inks = 8
network = { channels = 32, heads = 2, encoder_layers = 1, decoder_layers = 1, motion_channels = 16 }
ranges = { tier = ["fast"], width_px = [2.0, 3.0] }
[[source]]
corpus = "synthetic"
options = { writers = "12", scripts = "Latn" }
"""


@pytest.fixture(scope="module")
def training_run(tmp_path_factory):
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("trained")
    (folder / "recipe.toml").write_text(RECIPE)
    command = ["train", str(folder / "recipe.toml"), "--out", "run"]
    return command, finished(command, folder), trained(folder / "run")


def trained(run: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return the weights, and the curve without its column of the clock."""
    return contents(run / "best"), [line.partition(",")[2] for line in (run / "curve.csv").read_text().splitlines()]


@pytest.mark.parametrize("number", numbered((), range(5)))
def test_a_killed_training_goes_on_to_the_same_weights(training_run, tmp_path, number):
    command, lasting_s, expected = training_run
    killed(command, tmp_path, random.Random(number).uniform(0.3, 1.0) * lasting_s)
    finished(command, tmp_path)
    assert trained(tmp_path / "run") == expected
    assert not [name for name in contents(tmp_path) if ".part" in name]


@pytest.mark.long
def test_two_benchmarks_in_one_folder_leave_the_scores_of_one(benchmark_run, tmp_path):
    command, _, expected = benchmark_run
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "kalamos", *command], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(2)
    ]
    said = [process.communicate()[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert repr(scores(tmp_path)) == repr(expected)
    assert not [path for path in (tmp_path / "runs").rglob("*") if path.name.startswith(".")]


LOADING = """
import sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
sys.argv = ["kalamos", "convert", "synthetic", "-", "out", "-o", "writers=1"]
from kalamos.__main__ import run
run()
"""


@pytest.mark.parametrize("name", ["kalamos.cli", "click", "numpy", "kalamos.datasets.convert", "pyarrow.parquet"])
def test_an_interrupt_while_a_module_loads_is_no_traceback(tmp_path, name):
    done = subprocess.run(
        [sys.executable, "-c", LOADING.format(name=name)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode in {1, 130}
    assert done.stdout + done.stderr in {"Aborted!\n", "\nAborted!\n"}
    assert not contents(tmp_path)


def test_a_full_disk_under_a_benchmark_is_one_line(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    monkeypatch.chdir(tmp_path)
    arguments = ["bench", tiny_task(tmp_path), "-m", "nearest", "--no-controls", "--cache", "cache", "--out", "runs"]
    assert "No space left" in kalamos(*arguments, code=1)
    assert not [name for name in contents(tmp_path) if name.endswith((".parquet", ".part"))]


def test_a_half_copied_task_does_not_block_later_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["bench", tiny_task(tmp_path), "-m", "nearest", "--no-controls", "--cache", "cache", "--out", "runs"]
    kalamos(*arguments)
    kept = tmp_path / "runs" / "tiny" / "task.parquet"
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    kalamos(*arguments)
    assert kept.read_bytes() == whole


@pytest.mark.parametrize(
    "command",
    [
        ["convert", "synthetic", "-", "x", "--shards", "0"],
        ["convert", "synthetic", "-", "x", "--workers", "-3"],
        ["convert", "synthetic", "-", "x", "--file-timeout", "0"],
        ["bench", "synthetic-3scripts", "--timeout", "-5"],
        ["bench", "synthetic-3scripts", "--memory", "0"],
    ],
)
def test_impossible_settings_are_wrong_usage(command):
    assert "Invalid value" in kalamos(*command, code=2)


@pytest.mark.parametrize(
    "address", ["nowhere", "tcp://", pytest.param("tcp://127.0.0.1:1", marks=pytest.mark.long), "http://x:y", ""]
)
def test_a_bad_address_of_a_scheduler_is_one_line(tmp_path, monkeypatch, address):
    pytest.importorskip("distributed")
    from kalamos.machinery import engine

    monkeypatch.setattr(engine, "SCHEDULER_TIMEOUT_S", 1)
    said = kalamos("convert", "synthetic", "-", tmp_path / "x", "-o", "writers=1", "--scheduler", address, code=1)
    assert "scheduler" in said


def test_clients_that_failed_are_not_collected_while_another_starts(tmp_path, monkeypatch):
    runner = pytest.importorskip("distributed.utils").LoopRunner
    from kalamos.machinery import engine

    collected, start = [], runner.start
    monkeypatch.setattr(engine, "SCHEDULER_TIMEOUT_S", 1)
    monkeypatch.setattr(runner, "start", lambda self: collected.append(gc.isenabled()) or start(self))
    kalamos("convert", "synthetic", "-", tmp_path / "x", "-o", "writers=1", "--scheduler", "nowhere", code=1)
    assert collected and not any(collected)
    assert gc.isenabled()


def test_an_unforeseen_error_is_one_line_and_a_log(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from kalamos.cli import main
    from kalamos.commands import list as lists

    def broken(kind):
        raise RuntimeError("\ud800 who would have thought")

    monkeypatch.setattr(lists, "listed", broken)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = CliRunner().invoke(main, ["list", "tasks"])
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    (log,) = (tmp_path / "kalamos").iterdir()
    assert log.name in done.output.replace("\n", "")
    assert "who would have thought" in log.read_text()
