"""A new plug-in: it passes its own tests, and no name of it breaks anything."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kalamos.commands.new import new_plug_in
from kalamos.errors import KalamosError, StoreError
from kalamos.recoverer import load_recoverer


def test_a_new_plug_in_passes_its_own_tests_and_loads(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    written = new_plug_in("my-2nd-model", folder)
    assert sorted(written) == sorted(path for path in folder.rglob("*") if path.is_file())
    left = [path for path in written if any(word in path.read_text() for word in ("NAME", "PACKAGE", "CLASS"))]
    assert not left
    points = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"]["kalamos.recoverers"]
    assert points == {"my-2nd-model": "my_2nd_model.model:My2ndModel"}
    assert load_recoverer(f"{folder}/src/my_2nd_model/model.py:My2ndModel").name == "my-2nd-model"
    paths = os.pathsep.join([str(folder / "src"), *sys.path])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    place = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, env=place, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


SHAPES = ["", "My-Model", "my model", "-x", "x-", "a--b", "2x", "x/../y", "naïve", "x" * 61, "a\nb"]
TAKEN = ["class", "json", "kalamos", "qiao"]


@pytest.mark.parametrize("name", [*SHAPES, *TAKEN])
def test_a_name_that_cannot_be_one_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(KalamosError, match="name"):
        new_plug_in(name, tmp_path / "made")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(StoreError, match="not touched"):
        new_plug_in("my-model", tmp_path)
    with pytest.raises(StoreError, match="not touched"):
        new_plug_in("my-model", tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1
