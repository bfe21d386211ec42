"""Wacom's Universal Ink Model: read as Wacom's own package wrote it, and what its files may hold beside."""

import numpy as np
import pytest
from uim_files import BY_WACOM, field, packed_stroke, plain_stroke, uim

from kalamos.errors import FormatError
from kalamos.formats import read_file, recognise
from kalamos.formats.report import UnitReport


def read(tmp_path, data):
    path = tmp_path / "note"
    path.write_bytes(data)
    report = UnitReport()
    return list(read_file(path, report)), report


def test_what_wacom_wrote_comes_back_point_by_point(tmp_path):
    (sample,), report = read(tmp_path, BY_WACOM)
    assert recognise(tmp_path / "note")[0] == "uim"
    assert (sample.level, sample.time_source, report.expected["stroke"], sum(report.mendings.values())) == (
        "page", "recorded", 2, 0,
    )  # fmt: skip
    k = np.arange(6)
    for number, stroke in enumerate(sample.ink.strokes()):
        truth = np.stack([10 * number + 1.5 * k, 20 + number + 3 * np.sin(k)], axis=1)
        assert np.allclose(stroke, truth, atol=1e-5)
    assert np.allclose(sample.ink.t, np.concatenate([0.01 * k, 2 + 0.01 * k]), atol=1e-6)
    assert np.allclose(sample.ink.pressure, np.tile(np.linspace(0.2, 0.8, 6), 2), atol=1e-6)


def test_packed_coordinates_have_their_power_of_ten(tmp_path):
    stroke = packed_stroke([100, 100, -250, 375, 375], [0, 0, 5, -5, -5], 2)
    (sample,), _ = read(tmp_path, uim([stroke]))
    assert np.allclose(sample.ink.xy, [[1, 0], [-2.5, 0.05], [3.75, -0.05]])
    assert sample.ink.t is None
    assert sample.time_source == "none"


def test_control_points_that_lead_in_and_out_are_not_on_the_line(tmp_path):
    (sample,), _ = read(tmp_path, uim([plain_stroke([0, 1, 2, 3, 9], [0, 0, 0, 0, 9])]))
    assert sample.ink.xy.tolist() == [[1, 0], [2, 0], [3, 0]]
    (dot,), _ = read(tmp_path, uim([plain_stroke([4], [5])]))
    assert dot.ink.xy.tolist() == [[4, 5]]


def test_a_stroke_that_was_cut_ends_where_its_spline_is_cut(tmp_path):
    cut = plain_stroke([0, 1, 2, 3, 4, 5], [0] * 6, field(3, 0.5), field(4, 0.25))
    (sample,), _ = read(tmp_path, uim([cut]))
    assert np.allclose(sample.ink.xy[[0, -1], 0], [1.5, 3.25])


def test_the_matrix_of_the_file_is_applied(tmp_path):
    matrix = field(3, field(1, 2.0) + field(4, 10.0) + field(6, 3.0) + field(8, -1.0))
    (sample,), _ = read(tmp_path, uim([plain_stroke([0, 1, 2, 2], [0, 1, 2, 2])], matrix=matrix))
    assert sample.ink.xy.tolist() == [[12, 2], [14, 5]]


def test_a_stroke_says_which_sensor_values_are_its_points(tmp_path):
    channel = field(1, b"T") + field(2, b"will://input/3.0/channel/Timestamp") + field(7, 3)
    context = field(1, field(5, field(2, field(2, channel))))
    said = field(1, b"S") + field(4, 5000) + field(5, field(1, b"T") + field(2, bytes([0, 20, 20, 20, 20, 20])))
    sensors = context + field(2, said)
    xs = [0, 0, 1, 2, 2]
    mapped = plain_stroke(xs, xs, field(15, b"S"), field(16, bytes([0, 2, 5])))
    (sample,), _ = read(tmp_path, uim([mapped], sensors=sensors))
    assert np.allclose(sample.ink.t, [0, 0.02, 0.05])
    late = plain_stroke(xs, xs, field(15, b"S"), field(14, 4))  # there are six values, and it wants the eighth
    (sample,), report = read(tmp_path, uim([mapped, late], sensors=sensors))
    assert sample.ink.t is None
    assert report.mendings["channel-in-few-strokes"] == 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (uim([plain_stroke([0, 1], [0, 1])], version=(3, 0, 0)), "version 3.0"),
        (uim([plain_stroke([0, 1], [0, 1])], packing=1), "packed"),
        (uim([plain_stroke([0, 1, 2], [0, 1])]), "3 x and 2 y"),
        (BY_WACOM[:400], "cut off"),
        (BY_WACOM[:18], "damaged"),
        (b"RIFF\x04\0\0\0UINK", "heading is missing"),
        (uim([b"\x0b\xff"]), "kind 3"),
        (uim([field(2, b"\0")]), "whole number"),
    ],
)
def test_what_is_damaged_or_another_version_is_refused_by_name(tmp_path, data, why):
    with pytest.raises(FormatError, match=why):
        read(tmp_path, data)


def test_a_file_without_strokes_is_counted(tmp_path):
    samples, report = read(tmp_path, uim([]))
    assert samples == []
    assert report.mendings["left-out-blank-page"] == 1


def test_no_cut_and_no_changed_byte_is_more_than_a_refusal(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(0, len(BY_WACOM), 7):
        data = bytearray(BY_WACOM[:k] if k % 2 else BY_WACOM)
        for at in rng.integers(0, max(len(data), 1), 3) if data else ():
            data[at] = rng.integers(256)
        (tmp_path / "note").write_bytes(bytes(data))
        try:
            list(read_file(tmp_path / "note", UnitReport()))
        except FormatError:
            continue
