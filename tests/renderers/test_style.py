"""Styles: TOML both ways, stable hashes, sampling, and errors that name the parameter."""

import math
import pickle

import numpy as np
import pytest
from click.testing import CliRunner

from kalamos.cli import main
from kalamos.errors import StyleError, UnknownNameError
from kalamos.machinery.seeding import rng_for
from kalamos.renderers import PRESETS, Style, preset, read_style


@pytest.mark.parametrize("name", PRESETS)
def test_toml_gives_the_same_style_again(name):
    again = Style.from_toml(PRESETS[name].to_toml())
    assert again == PRESETS[name]
    assert again.hash == PRESETS[name].hash
    assert hash(again) == hash(PRESETS[name])
    assert pickle.loads(pickle.dumps(again)) == again


def test_presets_differ_from_each_other():
    assert len({style.hash for style in PRESETS.values()}) == len(PRESETS)


def test_the_hash_is_stable_and_sees_every_parameter():
    assert Style().hash == Style().hash
    for name, item in Style.parameters().items():
        other = (
            item["choices"][-1]
            if "choices" in item
            else item["low"]
            if item["default"] != item["low"]
            else item["high"]
        )
        changed = Style.from_mapping({name: other})
        assert changed.hash != Style().hash, name
        assert getattr(Style.from_toml(changed.to_toml()), name) == other


def test_every_parameter_says_what_it_is():
    for name, item in Style.parameters().items():
        assert item["meaning"] and item["group"], name
        if "choices" in item:
            assert item["default"] in item["choices"]
        else:
            assert item["unit"] and item["low"] <= item["default"] <= item["high"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widht_px": 3}, "did you mean width_px"),
        ({"width_px": 1e9}, "width_px lies in 0.1..400 px"),
        ({"width_px": math.nan}, "width_px lies in"),
        ({"width_px": "wide"}, "width_px is a number"),
        ({"width_px": True}, "width_px is a number"),
        ({"nib_shape": "elipse"}, "did you mean 'ellipse'"),
        ({"nib_shape": ["round"]}, "nib_shape is one of"),
        ({"image_width_px": 64.5}, "image_width_px is a whole number"),
    ],
)
def test_a_bad_value_is_refused_by_name(values, message):
    with pytest.raises(StyleError, match=message):
        Style.from_mapping(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width_px = ", "TOML"),
        ("[pen]\nwidth_px = 2", r"\[pen\] is no group"),
        ("[ink]\nwidth_px = 2", r"belongs under \[nib\]"),
        ("widthpx = 2", "did you mean width_px"),
    ],
)
def test_a_bad_toml_is_refused(text, message):
    with pytest.raises(StyleError, match=message):
        Style.from_toml(text)


def test_toml_needs_no_tables():
    assert Style.from_toml("width_px = 3\nnib_shape = 'broad'") == Style(width_px=3, nib_shape="broad")


def test_sampling_stays_in_range_and_does_not_depend_on_the_order_of_ranges():
    ranges = {"width_px": (1, 4), "nib_shape": ["round", "ellipse"], "jpeg_quality": (30, 90)}
    drawn = [Style.sample(rng_for(0, k), ranges) for k in range(200)]
    assert {style.nib_shape for style in drawn} == {"round", "ellipse"}
    widths = np.array([style.width_px for style in drawn])
    assert widths.min() >= 1 and widths.max() <= 4 and widths.std() == pytest.approx(3 / math.sqrt(12), rel=0.15)
    assert all(isinstance(style.jpeg_quality, int) and 30 <= style.jpeg_quality <= 90 for style in drawn)
    assert Style.sample(rng_for(0, 1), dict(reversed(ranges.items()))) == drawn[1]
    assert Style.sample(rng_for(0, 1), {}, PRESETS["photo"]) == PRESETS["photo"]
    with pytest.raises(StyleError, match="from low to high"):
        Style.sample(rng_for(0), {"width_px": (4, 1)})
    with pytest.raises(StyleError, match="width_px lies in"):
        Style.sample(rng_for(0), {"width_px": (0, 1)})


def test_millimetres_become_pixels():
    assert Style(width_mm=0.5, dpi=254).nib_width_px == pytest.approx(5)
    assert Style(width_px=3).nib_width_px == 3


def test_what_distorts_and_what_is_plain():
    assert not Style().distorts and Style().is_plain
    assert Style(slant_deg=1).distorts and Style(smoothing="bspline").distorts and Style(perspective=0.1).distorts
    assert not PRESETS["qalam"].distorts and not PRESETS["qalam"].is_plain


def test_an_unknown_preset_is_named():
    with pytest.raises(UnknownNameError, match="did you mean fountain"):
        preset("fontain")


def test_the_names_of_styles_outlive_new_parameters():
    assert Style().hash == "eb8c05eb13436886"
    assert Style(motion_px=0.0).hash == Style().hash != Style(motion_px=1.0).hash


def test_a_scaled_style_grows_in_pixels_alone():
    style = preset("scan").scaled(2)
    assert style.image_width_px == 128 and style.width_px == 4.0 and style.ruling_spacing_px == 36.0
    assert style.darkness == preset("scan").darkness and style.ruling_angle_deg == preset("scan").ruling_angle_deg
    assert Style(width_px=300).scaled(10).width_px == 400  # as far as the parameter goes
    assert preset("photo").scaled(1) == preset("photo")
    for factor in (0, -1, math.nan, math.inf):
        with pytest.raises(StyleError, match="positive"):
            Style().scaled(factor)


def test_a_style_is_read_by_name_or_from_a_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(preset("qalam").replace(motion_px=2.0).to_toml())
    assert read_style("qalam") == preset("qalam")
    assert read_style(str(file)) == preset("qalam").replace(motion_px=2.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"\xff\xfe", "cannot be read as text"),
        (b"widht_px = 2", "did you mean width_px"),
        (b"motion_px = nan", "motion_px lies in 0..30 px"),
    ],
)
def test_a_bad_style_file_is_named_by_library_and_command_line(tmp_path, content, message):
    file, ink = tmp_path / "mine.toml", tmp_path / "ink.inkml"
    ink.write_text('<ink xmlns="http://www.w3.org/2003/InkML"><trace>0 0, 9 9</trace></ink>')
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StyleError, match=message) as caught:
        read_style(str(file))
    assert "mine.toml" in str(caught.value)
    done = CliRunner().invoke(main, ["render", str(ink), str(tmp_path / "out"), "--style", str(file)])
    assert done.exit_code == 1 and message in done.output and "mine.toml" in done.output
