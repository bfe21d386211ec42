"""Models that misbehave: each a named failure, the others' rows unharmed, no process and no file left behind."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from commands import contents, kalamos

from kalamos.benchmark import isolation, wire
from kalamos.benchmark.isolation import IsolatedRecoverer
from kalamos.benchmark.run import IncompleteError, bench
from kalamos.errors import TaskError
from kalamos.image import OfflineImage
from kalamos.ink import Ink

HEAD = """
import ctypes, os, signal, socket, subprocess, sys, threading, time
import numpy as np
from kalamos.ink import Ink

CALLS = [0]

def good(image):
    return Ink.from_strokes([[[20.0, 30.0], [40.0, 32.0]]])

class M:
    name = "bad"
    def recover(self, images):
        CALLS[0] += 1
        inks = [good(image) for image in images]
        first = CALLS[0] == 1
"""

BAD: dict[str, tuple[str, str]] = {
    "raises": ("if not first: raise ValueError('no\\nway')", "ValueError: no way"),
    "raises a surrogate": ("if not first: raise ValueError('\\ud800')", "ValueError"),
    "raises without text": (
        "class E(Exception):\n    def __str__(self): raise E\nif not first: raise E",
        "text cannot be made",
    ),
    "leaves": ("if not first: sys.exit(3)", "exit code 3"),
    "dies": ("if not first: os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
    "aborts": ("if not first: os.abort()", "signal 6"),
    "hangs": ("if not first: time.sleep(3600)", "no answer"),
    "hangs in C": ("if not first: ctypes.CDLL(None).sleep(3600)", "no answer"),
    "closes the socket": ("if not first: os.close(int(sys.argv[1])); time.sleep(3600)", "ended its process"),
    "writes junk": ("if not first: os.write(int(sys.argv[1]), b'x' * 100); time.sleep(3600)", "broke the connection"),
    "writes a part": (
        "if not first: os.write(int(sys.argv[1]), b'KLM1\\x10\\0\\0\\0\\0\\0\\0\\0{'); time.sleep(3600)",
        "no answer",
    ),
    "answers a gigabyte": (
        "if not first: os.write(int(sys.argv[1]), b'KLM1' + b'\\xff' * 8); time.sleep(3600)",
        "broke the connection",
    ),
    "answers nothing": ("inks = inks if first else None", "returned NoneType"),
    "answers too much": ("inks = inks if first else inks * 3", "inks for 1 images"),
    "answers NaN": (
        "for ink in inks if not first else []:\n"
        "    object.__setattr__(ink, 'xy', np.array([[np.nan, 1], [2, 3]], np.float32))",
        "not finite",
    ),
    "answers evil": (
        "class Evil:\n    def __reduce__(self): return os.system, ('touch evil',)\n"
        "for ink in inks if not first else []: object.__setattr__(ink, 'extra', {'x': Evil()})",
        "the ink cannot be read",
    ),
    "answers strings": (
        "for ink in inks if not first else []: object.__setattr__(ink, 'offsets', 'abc')",
        "the ink cannot be read",
    ),
    "answers a million points": ("inks = inks if first else [Ink.from_strokes([np.zeros((10**6, 2))])]", "more than"),
    "answers far away": ("inks = inks if first else [Ink.from_strokes([[[1e7, 1e7]]])]", "far outside"),
    "takes all memory": (
        "if not first:\n    kept = [np.ones(2**24) for _ in range(40)]\n    time.sleep(3600)",
        "used more than 700 MB",
    ),
    "takes memory in a child": (
        "if not first:\n"
        "    code = 'import time; x = bytes([1]) * 10**9; time.sleep(99)'\n"
        "    subprocess.Popen([sys.executable, '-c', code])\n"
        "    time.sleep(3600)",
        "used more than 700 MB",
    ),
    "stops its supervisor": (
        "if not first: os.kill(os.getppid(), signal.SIGKILL); time.sleep(3600)",
        "ended its process",
    ),
}


def script(folder: Path, body: str, name: str = "bad") -> str:
    code = HEAD.replace('"bad"', repr(name)) + textwrap.indent(body, " " * 8) + "\n        return inks\n"
    (folder / f"{name}.py").write_text(code)
    return f"{folder / name}.py:M"


def below() -> set[psutil.Process]:
    return {p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE}


def blank() -> OfflineImage:
    return OfflineImage(np.full((64, 64), 255, np.uint8))


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_model_is_a_named_failure_and_leaves_nothing(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(isolation, "CLOSE_TIMEOUT_S", 5.0)
    monkeypatch.chdir(tmp_path)
    body, message = BAD[kind]
    before = below()  # of other tests in this process: a browser, a server of the pool's
    recoverer = IsolatedRecoverer(script(tmp_path, body), timeout_s=20.0 if "memory" in kind else 1.0, memory_mb=700)
    try:
        (answer,) = recoverer.recover([blank()])
    finally:
        recoverer.close()
    assert answer.ink is None
    assert message in answer.message
    answer.message.encode()
    deadline = time.monotonic() + 10
    while below() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not below() - before
    assert set(contents(tmp_path)) <= {"bad.py", "__pycache__/bad.cpython-311.pyc"}


def test_a_model_that_does_not_start_again_fails_its_samples_alone(tmp_path, monkeypatch):
    body = (
        "if not first:\n    open('gone', 'w').close(); os._exit(1)\nif os.path.exists('gone'): raise OSError('licence')"
    )
    monkeypatch.chdir(tmp_path)
    recoverer = IsolatedRecoverer(script(tmp_path, body), timeout_s=5.0)
    answers = recoverer.recover([blank() for _ in range(4)])
    recoverer.close()
    assert [answer.status for answer in answers] == ["crashed", "failed", "failed", "failed"]
    assert "not tried" in answers[3].message
    assert "licence" in answers[3].message


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), file=open(sys.argv[1], "w"), flush=True)
        time.sleep(3600)
    os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="subreapers are of Linux")
def test_no_grandchild_outlives_the_model_even_in_a_session_of_its_own(tmp_path):
    (tmp_path / "daemon.py").write_text(DAEMON)
    body = f"subprocess.run([sys.executable, {str(tmp_path / 'daemon.py')!r}, {str(tmp_path / 'pid')!r}])"
    recoverer = IsolatedRecoverer(script(tmp_path, body), timeout_s=20.0)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    assert psutil.pid_exists(pid)
    recoverer.close()
    assert not psutil.pid_exists(pid)


def test_what_a_model_prints_goes_to_a_log_and_json_stays_json(tmp_path):
    body = "print('GARBAGE {not json' * 3, flush=True); os.write(1, b'RAW\\n'); os.write(2, b'ERR\\n')"
    command = [sys.executable, "-m", "kalamos", *command_line(script(tmp_path, body, "noisy")), "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "noisy" in json.dumps(json.loads(done.stdout))
    (log,) = tmp_path.rglob("model.log")
    assert {"RAW", "ERR"} <= set(log.read_text().split())


def test_a_model_that_prints_without_end_does_not_fill_the_disk(tmp_path):
    recoverer = IsolatedRecoverer(script(tmp_path, "print('x' * 5_000_000)"), log=tmp_path / "log")
    assert recoverer.recover([blank()])[0].status == "ok"
    recoverer.close()
    assert (tmp_path / "log").stat().st_size < isolation.MAX_LOG_BYTES + 100


@pytest.fixture(scope="module", autouse=True)
def tiny(tmp_path_factory):
    """Write a task of one's own that is made in a moment, and let all tests use its images."""
    folder = tmp_path_factory.mktemp("task")
    lines = ['name = "tiny"', "version = 1", 'title = "t"', 'corpus = "synthetic"', "limit = 3", 'split = "train"']
    (folder / "tiny.toml").write_text("\n".join([*lines, "[options]", 'writers = "3"', 'scripts = "Latn"']) + "\n")
    SETTINGS.update(task=str(folder / "tiny.toml"), cache=folder / "cache")


SETTINGS: dict[str, object] = {}


def run(tmp_path: Path, *models: str) -> dict[str, object]:
    results = bench(SETTINGS["task"], models, Path(), tmp_path / "runs", cache=SETTINGS["cache"], controls=False)
    return {result.entry: result for result in results}


def command_line(*models: str) -> list[str]:
    asked = [word for model in models for word in ("-m", model)]
    return ["bench", str(SETTINGS["task"]), *asked, "--no-controls", "--cache", str(SETTINGS["cache"]), "--out", "runs"]


def test_the_rows_of_others_are_unharmed(tmp_path, monkeypatch):
    alone = run(tmp_path, "nearest")["nearest"]
    bad = script(tmp_path, BAD["answers NaN"][0])
    broken = script(tmp_path, "raise OSError('no weights')", "broken")
    with pytest.raises(IncompleteError, match="no weights") as error:
        run(tmp_path / "2", bad, broken, "nearest")
    beside = {result.entry: result for result in error.value.results}
    assert beside["bad"].coverage == 0.0
    assert beside["nearest"].metrics == alone.metrics
    assert "broken" not in beside
    monkeypatch.chdir(tmp_path)
    output = kalamos(*command_line(broken, "nearest"), code=1)
    assert "nearest" in output
    assert "no weights" in output


def test_names_that_clash_are_told_and_nothing_is_written_over(tmp_path):
    (tmp_path / "other").mkdir()
    mine, other = script(tmp_path, "", "same"), script(tmp_path / "other", "", "same")
    assert set(run(tmp_path, mine)) == {"same"}
    before = contents(tmp_path / "runs")
    with pytest.raises(IncompleteError, match="holds the results of"):
        run(tmp_path, other)
    with pytest.raises(IncompleteError, match="both called 'same'"):
        run(tmp_path / "2", mine, other)
    with pytest.raises(IncompleteError, match="built in"):
        run(tmp_path, script(tmp_path, "", "kalamos"))
    with pytest.raises(IncompleteError, match="cannot be called"):
        (tmp_path / "up.py").write_text(HEAD.replace('"bad"', '"../../up"') + "        return inks\n")
        run(tmp_path, f"{tmp_path / 'up.py'}:M")
    assert contents(tmp_path / "runs") == before


@pytest.mark.parametrize("name", ["..", "../../x", "nearest", "truth", "x" * 300, "a/b", "", ".hidden", "a\0"])
def test_names_of_submissions_are_checked_at_the_door(tmp_path, name):
    (tmp_path / "p.parquet").write_bytes(b"")
    settings = ["--task", SETTINGS["task"], "--out", tmp_path / "runs", "--name", name]
    assert "cannot be called" in kalamos("score", tmp_path / "p.parquet", *settings, code=1)
    assert set(contents(tmp_path)) == {"p.parquet"}


@pytest.mark.parametrize("name", ["../../escaped", "x" * 300, "/tmp/escaped", "."])
def test_names_of_tasks_are_checked_at_the_door(tmp_path, name):
    lines = [f"name = {json.dumps(name)}", "version = 1", 'title = "t"', 'corpus = "synthetic"', "limit = 5"]
    (tmp_path / "own.toml").write_text("\n".join(lines))
    with pytest.raises(TaskError, match="cannot be called"):
        bench(str(tmp_path / "own.toml"), ("nearest",), Path(), tmp_path / "a/b/runs", cache=tmp_path / "a/b/cache")
    assert set(contents(tmp_path)) == {"own.toml"}


def test_an_edited_model_does_not_resume_its_old_answers(tmp_path, monkeypatch):
    from kalamos.benchmark import predict

    monkeypatch.setattr(predict, "CHUNK", 1)
    spec = script(tmp_path, "if CALLS[0] == 3: raise OSError('cut short')")
    ask, asked = predict._predict_chunk, []

    def cut_short(job):
        asked.append(job)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return ask(job)

    monkeypatch.setattr(predict, "_predict_chunk", cut_short)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, spec)
    monkeypatch.setattr(predict, "_predict_chunk", ask)
    script(tmp_path, "pass")
    with pytest.raises(Exception, match="before its code or weights were changed"):
        run(tmp_path, spec)
    script(tmp_path, "if CALLS[0] == 3: raise OSError('cut short')")
    assert run(tmp_path, spec)["bad"].samples == 3


def talk(data: bytes) -> str:
    """Return what the benchmark makes of bytes that come from a model's process."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        try:
            head, body = wire.receive(ours, 1.0)
            wire.unpack_inks(head.get("inks"), body, 1)
        except (wire.BrokenMessageError, EOFError) as error:
            return type(error).__name__
    return "sound"


def message(head: object, body: bytes = b"") -> bytes:
    text = json.dumps(head).encode() if not isinstance(head, bytes) else head
    return struct.pack("<4sII", b"KLM1", len(text), len(body)) + text + body


INK = {"points": 1, "ends": 2, "channels": []}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"KLM1",
        message({}),
        message([]),
        message(b"[" * 100_000),
        message(b"\xff\xfe"),
        message({"inks": 3}),
        message({"inks": [3]}),
        message({"inks": [{}]}),
        message({"inks": [{**INK, "points": -1}]}),
        message({"inks": [{**INK, "points": 1e9}]}),
        message({"inks": [{**INK, "points": 10**30}]}),
        message({"inks": [{**INK, "ends": 0}]}),
        message({"inks": [{**INK, "channels": "t"}]}),
        message({"inks": [{**INK, "channels": [["t"]]}]}),
        message({"inks": [{**INK, "channels": ["t", "t"]}]}, bytes(100)),
        message({"inks": [INK]}, bytes(7)),
        message({"inks": [INK, INK]}, bytes(100)),
    ],
)
def test_messages_that_lie_are_broken_messages(data):
    assert talk(data) in {"BrokenMessageError", "EOFError"}


def test_random_messages_never_do_anything_else():
    rng = np.random.default_rng(0)
    sound = message({"inks": [{**INK, "channels": ["t", "tilt_x"]}]}, bytes(32))
    assert talk(sound) == "sound"
    for _ in range(2000):
        data = bytearray(sound)
        for _ in range(rng.integers(1, 4)):
            data[rng.integers(len(data))] = rng.integers(256)
        talk(bytes(data[: rng.integers(len(data) + 1)] if rng.random() < 0.3 else data))


def test_inks_cross_whole():
    rng = np.random.default_rng(1)
    inks = [
        Ink.empty(),
        Ink.from_strokes([rng.normal(size=(5, 2)), rng.normal(size=(1, 2))]),
        Ink.from_strokes([rng.normal(size=(3, 2))], [[0.0, 0.1, 0.1 + 0.2]], [[0, 0.5, 1]], tilt_x=[[1, 2, 3]]),
    ]
    told, body = wire.pack_inks(inks)
    assert wire.unpack_inks(json.loads(json.dumps(told)), body, len(inks)) == inks


CONVERTS = """
import sys
from pathlib import Path
from kalamos.datasets.convert import Conversion, convert
if __name__ == "__main__":
    convert(Conversion("synthetic", Path(), (("writers", "400"),)), Path(sys.argv[1]), workers=2)
"""


def test_no_worker_outlives_a_killed_conversion_or_benchmark(tmp_path):
    (tmp_path / "converts.py").write_text(CONVERTS)
    slow = script(tmp_path, "if not first: time.sleep(3600)", "slow")
    asks = [sys.executable, "-m", "kalamos", *command_line(slow)]
    for command in ([sys.executable, "converts.py", str(tmp_path / "out")], asks):
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + 120
        children: list[psutil.Process] = []
        while len(children) < 2 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
            children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.send_signal(signal.SIGKILL)
        process.wait()
        _, alive = psutil.wait_procs(children, timeout=20)
        for left in alive:
            left.kill()
        assert not alive
