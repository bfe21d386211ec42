import importlib.metadata
import os

import pytest

from kalamos.errors import KalamosError, UnknownNameError
from kalamos.registry import Registry, load_object

COLOURS = Registry("colour", "kalamos.colours", {"red": "math:pi", "broken": "kalamos.nothing_here:X"})


def test_names_and_loading():
    assert COLOURS.names() == ["red", "broken"]
    assert COLOURS.load("red") == pytest.approx(3.14159, abs=1e-4)
    assert COLOURS.load("math:e") == pytest.approx(2.71828, abs=1e-4)


def test_an_unknown_name_says_what_comes_near():
    with pytest.raises(UnknownNameError, match="did you mean red"):
        COLOURS.load("rad")
    with pytest.raises(UnknownNameError, match="known are: red, broken"):
        COLOURS.load("zzz")


def test_a_broken_module_is_named_with_its_reason():
    with pytest.raises(KalamosError, match=r"colour 'broken' \(kalamos.nothing_here:X\).*ModuleNotFoundError"):
        COLOURS.load("broken")


def test_objects_from_files(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("class Model: pass\nvalue = 3\n")
    assert load_object(f"{file}:value") == 3
    with pytest.raises(KalamosError, match="has no 'Modell'; it defines Model, value"):
        load_object(f"{file}:Modell")
    with pytest.raises(KalamosError, match="is not a file"):
        load_object(f"{tmp_path / 'other.py'}:X")


def test_packages_are_looked_through_once_until_a_folder_of_packages_changes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    registry, asked = Registry("corpus", "kalamos.corpora", {}), []
    looked = importlib.metadata.entry_points
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **group: asked.append(group) or looked(**group))
    before = registry.names()
    assert registry.names() == before
    assert len(asked) == 1
    about = tmp_path / "later-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: later\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[kalamos.corpora]\nlater = later:CORPUS\n")
    os.utime(tmp_path, ns=(1, 1))  # an installation may fall into the same tick of the clock
    assert "later" in registry.names()
