import pickle

import numpy as np
import pytest

from kalamos.errors import InkError
from kalamos.ink import Ink, Sample

TWO = Ink.from_strokes(
    [[(0, 0), (3, 4)], [(10, 0)]], t=[[0.0, 0.5], [1.0]], pressure=[[0.1, 0.2], [1.0]], tilt=[[1, 2], [3]]
)


def test_records_shapes_types_and_are_locked():
    assert (TWO.n_strokes, TWO.n_points) == (2, 3)
    assert TWO.xy.dtype == np.float32
    assert TWO.offsets.tolist() == [0, 2, 3]
    assert TWO.t is not None
    assert TWO.t.dtype == np.float64
    assert [stroke.tolist() for stroke in TWO.strokes()] == [[[0, 0], [3, 4]], [[10, 0]]]
    with pytest.raises(ValueError, match="read-only"):
        TWO.xy[0, 0] = 5


def test_locking_leaves_the_callers_array_alone():
    xy = np.zeros((2, 2), np.float32)
    Ink(xy, np.array([0, 2], np.int32))
    xy[0, 0] = 1
    assert xy[0, 0] == 1


def test_equality_is_exact_and_covers_every_channel():
    assert pickle.loads(pickle.dumps(TWO)) == TWO
    assert Ink(TWO.xy, TWO.offsets) != TWO
    assert Ink(TWO.xy, TWO.offsets, TWO.t, TWO.pressure) != TWO
    assert Ink(np.nextafter(TWO.xy, np.float32(99)), TWO.offsets, TWO.t, TWO.pressure, TWO.extra) != TWO
    assert Ink.empty() == Ink.from_strokes([])
    assert Ink.empty() != "ink"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([[0, 0]], [0]), "number of points"),
        (([[0, 0]], [0, 0, 1]), "stroke 0 is empty"),
        (([0, 0], [0, 2]), "shape"),
        (([[0, np.nan]], [0, 1]), "not finite"),
        (([[0, np.inf]], [0, 1]), "not finite"),
        (([[0, 0], [1, 1]], [0, 2], [1.0, 0.5]), "time runs backwards at point 1"),
        (([[0, 0], [1, 1]], [0, 2], [1.0]), "channel t"),
        (([[0, 0]], [0, 1], None, [1.5]), "pressure is in 0..1"),
        (([[0, 0]], [0, 1], None, None, {"tilt": [np.nan]}), "channel tilt"),
    ],
)
def test_broken_arrays_are_named(arrays, message):
    with pytest.raises(InkError, match=message):
        Ink(*arrays)


def test_sample_normalises_its_label_and_checks_its_fields():
    assert Sample("a", Ink.empty(), label="e\u0301").label == "\u00e9"
    with pytest.raises(InkError, match="key"):
        Sample("", Ink.empty())
    with pytest.raises(InkError, match="level is one of"):
        Sample("a", Ink.empty(), level="letter")
    with pytest.raises(InkError, match="time_source"):
        Sample("a", Ink.empty(), time_source="recorded")
    with pytest.raises(InkError, match="provenance is one of"):
        Sample("a", Ink.empty(), provenance="scanned")
    timed = Ink.from_strokes([[(0, 0), (1, 1)]], t=[[0, 1]])
    with pytest.raises(InkError, match="equal-interval"):  # no second is known there, so none may be given
        Sample("a", timed, time_source="equal-interval")
    assert Sample("a", Ink.empty(), time_source="equal-interval").ink.t is None
    assert Sample("a", timed, time_source="estimated", provenance="corrected").provenance == "corrected"
