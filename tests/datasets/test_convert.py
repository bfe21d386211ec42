import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kalamos.datasets.convert import Conversion, convert
from kalamos.errors import CorpusError, StoreError
from kalamos.machinery.files import remove_abandoned, replacing
from kalamos.renderers import preset
from kalamos.storage.parquet import read_rows

OPTIONS = (("scripts", "Latn"), ("writers", "40"))


WRITES_ONE = """
import os, signal
from pathlib import Path
from kalamos.machinery.files import replacing
with replacing(Path({folder!r}) / "x.parquet") as part:
    part.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_only_what_dead_processes_left_is_removed(tmp_path):
    subprocess.run([sys.executable, "-c", WRITES_ONE.format(folder=str(tmp_path))], check=False)
    (left,) = tmp_path.iterdir()
    theirs = [tmp_path / f".x.parquet.elsewhere-{pid}-0.part" for pid in (1, 2)]
    for part in theirs:
        part.write_bytes(b"half")
    os.utime(theirs[0], (time.time() - 90_000,) * 2)
    stranger = tmp_path / ".mine.part"
    stranger.touch()
    with replacing(tmp_path / "y.parquet") as part:
        part.write_bytes(b"being written")
        assert remove_abandoned(tmp_path) == 2
        assert sorted(tmp_path.iterdir()) == sorted([part, theirs[1], stranger])
    assert not left.exists()


def conversion(**changes):
    settings = {"corpus": "synthetic", "root": Path(), "options": OPTIONS, "style": preset("clean"), "shards": 6}
    return Conversion(**{**settings, **changes})


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one-worker")
    return folder, convert(conversion(), folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"nowhere does not exist"):
        convert(Conversion("unipen", tmp_path / "nowhere"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_announced_sample_is_there_once(converted):
    folder, report = converted
    keys = [row.sample.key for row in read_rows(folder, images=False)]
    assert report.samples == len(keys) == len(set(keys)) == sum(report.expected.values())
    assert report.refusals == ()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sum(file["rows"] for file in manifest["files"]) == len(keys)


def test_truth_lies_on_the_ink(converted):
    folder, _ = converted
    for row, _ in zip(read_rows(folder), range(200), strict=False):
        columns, rows = row.truth().xy.astype(int).T
        assert (row.image.pixels[rows, columns] < 128).all()


def test_two_workers_give_the_same_bytes(converted, tmp_path):
    convert(conversion(), tmp_path, workers=2)
    assert digests(tmp_path) == digests(converted[0])


SCRIPT = """
from pathlib import Path
from kalamos.datasets.convert import Conversion, convert
from kalamos.renderers import preset
convert(Conversion("synthetic", Path(), {options!r}, preset("clean"), shards=6), Path({folder!r}))
"""


def shard_of(file: Path) -> str:
    """Return the number of the shard of which a file holds one split."""
    return file.name.split("-")[1]


def shards_begun(folder: Path) -> set[str]:
    return {shard_of(file) for file in folder.glob("*.parquet")}


def test_a_run_killed_half_way_is_continued_to_the_same_bytes(converted, tmp_path):
    command = [sys.executable, "-c", SCRIPT.format(options=OPTIONS, folder=str(tmp_path))]
    running = subprocess.Popen(command)
    while len(shards_begun(tmp_path)) < 2:
        assert running.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    *done, last = sorted(shards_begun(tmp_path))
    finished = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.parquet") if shard_of(file) in done}
    assert finished
    assert not last.startswith("00003"), "the run was over before it was killed"
    convert(conversion(), tmp_path)
    assert {file: file.stat().st_mtime_ns for file in finished} == finished, "a finished shard was made again"
    assert digests(tmp_path) == digests(converted[0]), "or a temporary file of the killed run is still there"


def test_two_runs_of_the_same_command_at_once(converted, tmp_path):
    command = [sys.executable, "-c", SCRIPT.format(options=OPTIONS, folder=str(tmp_path))]
    runs = [subprocess.Popen(command) for _ in range(2)]
    assert [run.wait(120) for run in runs] == [0, 0]
    assert digests(tmp_path) == digests(converted[0])


def test_a_damaged_shard_is_named_and_made_anew(converted, tmp_path):
    shutil.copytree(converted[0], tmp_path, dirs_exist_ok=True)
    damaged = sorted(tmp_path.glob("*.parquet"))[2]
    for content in (damaged.read_bytes()[:-100], b""):
        damaged.write_bytes(content)
        with pytest.raises(StoreError, match=rf"{damaged} is damaged.*delete it"):
            convert(conversion(), tmp_path)
    damaged.unlink()
    convert(conversion(), tmp_path)
    assert digests(tmp_path) == digests(converted[0])


def test_a_damaged_plan_is_named(converted, tmp_path):
    (tmp_path / "plan.json").write_text('{"corpus": "synth')
    with pytest.raises(StoreError, match=r"plan\.json cannot be read"):
        convert(conversion(), tmp_path)


LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n" + SCRIPT


def test_a_write_that_fails_half_way_is_an_error_and_the_next_run_goes_on(converted, tmp_path):
    """The kernel stops each file at 60 kB, as a full disk does in the middle of a shard."""
    command = [sys.executable, "-c", LIMITED.format(options=OPTIONS, folder=str(tmp_path))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 1
    assert "StoreError" in run.stderr
    assert "then run the same command again" in run.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == [".inputs.json", "plan.json"]
    convert(conversion(), tmp_path)
    assert digests(tmp_path) == digests(converted[0])


@pytest.fixture
def small_disk(converted, tmp_path):
    """A file system that holds three fifths of the conversion, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    room = 3 * sum(file.stat().st_size for file in converted[0].iterdir()) // 5
    command = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_an_error_and_with_more_room_the_same_command_goes_on(converted, small_disk):
    with pytest.raises(StoreError, match=r"No space left on device.*Free some space.*same command again"):
        convert(conversion(), small_disk)
    assert not [file.name for file in small_disk.iterdir() if file.name.startswith(".") and file.name != ".inputs.json"]
    finished = {file: file.stat().st_mtime_ns for file in small_disk.glob("*.parquet")}
    assert finished, "the disk was full before the first shard was done"
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    convert(conversion(), small_disk)
    assert {file: file.stat().st_mtime_ns for file in finished} == finished
    assert digests(small_disk) == digests(converted[0])


PEAK = """
import resource, sys
from pathlib import Path
from kalamos.datasets.convert import Conversion, convert
from kalamos.renderers import preset
settings = Conversion("unipen", Path({root!r}), (("categories", "1c"),), preset("clean"), shards=4)
report = convert(settings, Path({folder!r}))
print(report.samples, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
"""


def characters(folder, files):
    """Write UNIPEN files of 250 characters of 60 points each."""
    data = folder / "data" / "1c" / "tst"
    data.mkdir(parents=True)
    (folder / "include").mkdir()
    walks = np.cumsum(np.random.default_rng(0).integers(-40, 41, (250, 60, 2)), axis=1).tolist()
    blocks = [
        f'.SEGMENT CHARACTER {number} ? "a"\n.PEN_DOWN\n' + "\n".join(f"{x} {y}" for x, y in walk) + "\n.PEN_UP\n"
        for number, walk in enumerate(walks)
    ]
    for number in range(files):
        heading = f".VERSION 1.0\n.COORD X Y\n.POINTS_PER_SECOND 100\n.WRITER_ID w{number}\n"
        (data / f"w{number:03d}.dat").write_text(heading + "".join(blocks))


@pytest.mark.long
def test_ten_times_the_corpus_takes_the_same_memory(tmp_path):
    peaks = []
    for files in (20, 200):
        root = tmp_path / str(files)
        characters(root, files)
        script = PEAK.format(root=str(root), folder=str(tmp_path / f"out-{files}"))
        printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        samples, peak_kb = map(int, printed.split())
        assert samples == 250 * files
        peaks.append(peak_kb)
    assert peaks[1] < 1.25 * peaks[0], f"peak memory grew from {peaks[0]} to {peaks[1]} kB"


def test_other_settings_do_not_continue_a_run(converted):
    with pytest.raises(StoreError, match=r"other settings \(seed\)"):
        convert(conversion(seed=1), converted[0])


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.parquet").touch()
    with pytest.raises(StoreError, match="something else"):
        convert(conversion(), tmp_path)


def unipen(folder, bad):
    """Write a UNIPEN tree of three good files and some bad ones."""
    data = folder / "data" / "1a" / "tst"
    data.mkdir(parents=True)
    (folder / "include").mkdir()
    good = (
        '.VERSION 1.0\n.COORD X Y\n.WRITER_ID w{n}\n.SEGMENT CHARACTER 0 ? "{n}"\n.PEN_DOWN\n0 0\n{n} 9\n5 5\n.PEN_UP\n'
    )
    for number in range(3):
        (data / f"good{number}.dat").write_text(good.format(n=number + 1))
    for name, content in bad.items():
        (data / name).write_bytes(content)
    return folder


def test_bad_files_are_reported_and_the_rest_is_converted(tmp_path):
    bad = {
        "empty.dat": b"",
        "binary.dat": bytes(range(256)) * 40,
        "cut.dat": b'.VERSION 1.0\n.COORD X Y\n.SEGMENT CHARACTER 0-3 ? "a"\n.PEN_DOWN\n0 0\n1',
        "climbs.dat": b'.VERSION 1.0\n.INCLUDE ../../../../../../etc/passwd\n.SEGMENT CHARACTER 0 ? "a"\n',
        "itself.dat": b'.VERSION 1.0\n.INCLUDE tst/itself.dat\n.INCLUDE itself.dat\n.SEGMENT CHARACTER 0 ? "a"\n',
        "huge.dat": b'.VERSION 1.0\n.COORD X Y\n.SEGMENT CHARACTER 0 ? "a"\n.PEN_DOWN\n1e400 0\n2 2\n3 3\n.PEN_UP\n',
    }
    root = unipen(tmp_path / "corpus", bad)
    settings = Conversion("unipen", root, (("categories", "1a"),), preset("clean"), shards=2)
    report = convert(settings, tmp_path / "out")
    assert report.samples >= 3
    named = {refusal.source for refusal in report.refusals}
    for name in ("binary.dat", "cut.dat", "climbs.dat", "itself.dat"):
        assert any(name in source for source in named), f"{name} is not in the report"
    assert any("leads out of the folder" in refusal.reason for refusal in report.refusals)
    with pytest.raises(CorpusError, match="--strict stops at the first"):
        convert(Conversion("unipen", root, (("categories", "1a"),), None, shards=2, strict=True), tmp_path / "strict")


@pytest.mark.parametrize("corpus", ["unipen", "poh-db", "omniglot"])
def test_a_folder_that_is_no_such_corpus_is_named(corpus, tmp_path):
    with pytest.raises(CorpusError, match=str(tmp_path)):
        convert(Conversion(corpus, tmp_path), tmp_path / "out")


@pytest.mark.corpora
@pytest.mark.slow
def test_the_whole_of_unipen_characters(corpora, tmp_path):
    report = convert(Conversion("unipen", corpora / "unipen-train_r01_v07", style=preset("clean")), tmp_path, workers=2)
    announced = report.expected[".SEGMENT CHARACTER"]
    assert announced == 89_557
    assert report.samples > 0.99 * announced
    assert report.samples + len(report.refusals) >= announced


@pytest.mark.corpora
@pytest.mark.slow
@pytest.mark.parametrize(
    ("corpus", "announced"), [("omniglot", 4840), pytest.param("poh-db", 16854, marks=pytest.mark.long)]
)
def test_the_whole_of_the_others(corpora, tmp_path, corpus, announced):
    report = convert(Conversion(corpus, corpora / corpus), tmp_path, workers=2)
    assert sum(report.expected.values()) >= announced  # copies of POH-Db grow
    assert report.samples > 0.97 * sum(report.expected.values())
