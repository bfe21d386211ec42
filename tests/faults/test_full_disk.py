"""A disk that is really full, a small tmpfs, under each command that writes: one line, no half file, and on it goes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from commands import contents, kalamos, tiny_task
from PIL import Image

from kalamos.formats.export import write_inkml
from kalamos.ink import Ink, Sample

SIZE_KB = 4096


@pytest.fixture
def disk(tmp_path):
    """Mount a disk of 4 MB; skip where that is not allowed (the tests with an injected error run everywhere)."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, but_kb: int) -> Path:
    """Fill the disk but for some pages of 4 kB."""
    filler = disk / "filler"
    filler.write_bytes(bytes((SIZE_KB - but_kb) * 1024))
    return filler


def inks(folder: Path) -> Path:
    folder.mkdir()
    for k in range(6):
        ink = Ink.from_strokes([[(0, 0), (30 + k, 9), (4, 41)]])
        write_inkml([Sample(str(k), ink)], folder / f"{k}.inkml")
    return folder


def picture(path: Path) -> Path:
    pixels = np.full((60, 60), 255, np.uint8)
    pixels[28:32, 8:-8] = 0
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.skipif(not Path("/proc/mounts").exists(), reason="there is no tmpfs")
@pytest.mark.parametrize("command", ["convert", "render", "recover", "bench"])
def test_a_full_disk_leaves_whole_files_alone_and_the_same_command_goes_on(disk, tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures = [picture(tmp_path / f"{k}.png") for k in range(6)]
    ink, out = inks(tmp_path / "ink"), disk / "out"
    arguments = {
        "convert": ["auto", ink, out, "--shards", "3"],
        "render": [ink, out, "--overwrite"],
        "recover": [*pictures, "-m", "nearest", "--to", "inkml", "--out", out, "--overwrite"],
        "bench": [
            tiny_task(tmp_path),
            "-m",
            "nearest",
            "--no-controls",
            "--cache",
            disk / "cache",
            "--out",
            disk / "out",
        ],
    }[command]
    filler = fill(disk, {"convert": 20, "render": 12, "recover": 12, "bench": 40}[command])
    assert "No space left" in kalamos(command, *arguments, code=1)
    filler.write_bytes(b"")
    half = contents(disk)
    kalamos(command, *arguments)
    whole = contents(disk)
    assert not [name for name in whole if ".part" in name]
    assert [name for name in half if half[name] != whole.get(name)] in ([], [".running.json"])
