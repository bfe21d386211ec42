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
