"""Nothing of the user's is written over: names that clash, files that are there, inputs, a disk that is full."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from commands import contents, kalamos
from PIL import Image

from kalamos.errors import BusyError, StoreError
from kalamos.formats.export import write_inkml
from kalamos.ink import Ink, Sample
from kalamos.machinery import files
from kalamos.machinery.files import Outputs, replacing, safe_name, sole_run, write_bytes

INK = Ink.from_strokes([[(0, 0), (30, 9), (4, 41)]])


def picture(path: Path, size: int = 60) -> Path:
    """Draw a cross; two sizes give two inks."""
    pixels = np.full((size, size), 255, np.uint8)
    pixels[size // 2 - 2 : size // 2 + 2, 8:-8] = 0
    pixels[8:-8, size // 2 - 2 : size // 2 + 2] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_recover_gives_every_picture_an_output_of_its_own(tmp_path):
    pictures = [picture(tmp_path / place, size) for place, size in [("a/x.png", 60), ("a/x.jpg", 80), ("b/x.png", 100)]]
    kalamos("recover", *pictures, "-m", "nearest", "--to", "inkml", "--out", tmp_path / "out")
    made = contents(tmp_path / "out")
    assert set(made) == {"a/x.png.inkml", "a/x.jpg.inkml", "b/x.inkml"}
    assert len(set(made.values())) == 3


def test_recover_does_not_touch_its_input_nor_a_file_that_is_there(tmp_path):
    own, other = picture(tmp_path / "own.gif"), picture(tmp_path / "other.png")
    (tmp_path / "other.inkml").write_text("the truth")
    before = contents(tmp_path)
    for extra in ([], ["--overwrite"]):
        assert "never written over" in kalamos("recover", own, "-m", "nearest", "--to", "gif", *extra, code=1)
    assert "--overwrite" in kalamos("recover", other, "-m", "nearest", "--to", "inkml", code=1)
    assert contents(tmp_path) == before
    kalamos("recover", other, "-m", "nearest", "--to", "inkml", "--overwrite")
    assert (tmp_path / "other.inkml").read_bytes() != before["other.inkml"]


@pytest.fixture
def inks(tmp_path):
    """Return a folder of two files whose samples have the same keys."""
    for place, reach in [("a", 10), ("b", 90)]:
        (tmp_path / "ink" / place).mkdir(parents=True)
        samples = [Sample(key, Ink.from_strokes([[(0, 0), (reach, 5)]])) for key in ("s/1", "s_1", "../s")]
        write_inkml(samples, tmp_path / "ink" / place / "page.inkml")
    return tmp_path / "ink"


@pytest.mark.parametrize("command", [["render"], ["export", "--to", "png"]])
def test_drawn_samples_never_share_a_file_and_stay_in_their_folder(inks, tmp_path, command):
    out = tmp_path / "drawn"
    kalamos(*command, inks, out)
    made = contents(out)
    assert len(made) == 6
    assert {Path(name).parent.as_posix() for name in made} == {"a", "b"}
    assert len(contents(tmp_path)) == 2 + 6
    assert "--overwrite" in kalamos(*command, inks, out, code=1)
    kalamos(*command, inks, out, "--overwrite")
    assert contents(out) == made


def test_commands_that_write_one_file_ask_first(inks, tmp_path):
    ink, there = inks / "a" / "page.inkml", tmp_path / "there"
    there.write_text("mine")
    for command in (
        ["export", ink, there, "--to", "json"],
        ["inspect", ink, "--png", there],
        ["show", ink, "--svg", there],
        ["show", ink, "--gif", there],
        ["leaderboard", tmp_path, "--csv", there],
    ):
        assert "--overwrite" in kalamos(*command, code=1)
        assert there.read_text() == "mine"
    assert "never written over" in kalamos("export", inks, ink, "--to", "inkml", "--overwrite", code=1)


def test_a_full_disk_leaves_no_file_under_a_final_name(inks, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    pixels = picture(tmp_path / "p.png")
    before = contents(tmp_path)
    monkeypatch.setattr(files.os, "fsync", full)
    ink = inks / "a" / "page.inkml"
    for command in (
        ["render", ink, tmp_path / "out"],
        ["export", ink, tmp_path / "e.npz", "--to", "stroke3"],
        ["recover", pixels, "-m", "nearest"],
        ["convert", "auto", inks, tmp_path / "converted"],
    ):
        assert "No space left" in kalamos(*command, code=1)
        assert contents(tmp_path) == before


def test_two_runs_that_end_together_do_not_replace_each_other(tmp_path):
    start, wins = threading.Barrier(8), []

    def write(number):
        start.wait()
        try:
            write_bytes(tmp_path / "one", bytes([number]) * 100, overwrite=False)
        except StoreError:
            return
        wins.append(number)

    threads = [threading.Thread(target=write, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1
    assert contents(tmp_path) == {"one": bytes(wins) * 100}


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path):
    held = []

    def wait():
        with sole_run(tmp_path, waiting=held.append):
            held.append("second")

    with sole_run(tmp_path):
        with pytest.raises(BusyError, match="another run is at work"), sole_run(tmp_path):
            pass
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.3)
        held.append("first")
    thread.join()
    assert held[0].startswith(".run.")
    assert held[1:] == ["first", "second"]
    assert not contents(tmp_path)


def test_a_run_that_was_killed_holds_nothing(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".run.{files._HOST}-{dead.pid}-1.lock").touch()
    with sole_run(tmp_path):
        pass
    assert not contents(tmp_path)
    (tmp_path / ".run.elsewhere-1-1.lock").touch()  # of a machine that cannot be asked
    with pytest.raises(BusyError, match="another run is at work"), sole_run(tmp_path):
        pass
    os.utime(tmp_path / ".run.elsewhere-1-1.lock", (time.time() - 100,) * 2)  # and that has not shown itself since
    with sole_run(tmp_path):
        pass
    assert not contents(tmp_path)


def test_a_long_run_shows_that_it_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_TOUCHED_S", 0.05)
    with sole_run(tmp_path):
        (mine,) = tmp_path.iterdir()
        os.utime(mine, (1, 1))
        deadline = time.monotonic() + 10
        while mine.stat().st_mtime < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert mine.stat().st_mtime > 2


@pytest.mark.parametrize(
    "text", ["../../x", "..", ".", "", "/etc/passwd", "a\0b", "x" * 300, "ж" * 300, "CON", "nul.txt", "\ud800", "a:b"]
)
def test_any_text_gives_one_visible_name_below_the_folder(tmp_path, text):
    name = safe_name(text)
    (tmp_path / f"{name}.png").write_bytes(b"")
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.png"]
    assert not name.startswith(".")


def test_long_keys_that_differ_at_their_end_keep_different_names():
    assert safe_name("x" * 300 + "a") != safe_name("x" * 300 + "b")


def test_names_that_differ_by_case_alone_are_two_files(tmp_path):
    outputs = Outputs()
    assert outputs.claim(tmp_path, "A", ".png").name == "A.png"
    assert outputs.claim(tmp_path, "a", ".png").name == "a-2.png"


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    target = tmp_path / ("n" * 250)
    with replacing(target) as part:
        part.write_bytes(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_conversion_does_not_take_a_folder_with_a_readme_of_its_own(inks, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "README.md").write_text("mine")
    assert "README.md" in kalamos("convert", "auto", inks, tmp_path / "home", code=1)
    assert contents(tmp_path / "home") == {"README.md": b"mine"}
