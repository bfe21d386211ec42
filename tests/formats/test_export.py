"""What is written is read back: the same ink, exactly where the format can hold it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kalamos.errors import StoreError
from kalamos.formats import read_samples, recognise
from kalamos.formats.export import WRITERS, write_inkml, write_json, write_rm, write_stroke3, write_svg, write_unipen
from kalamos.formats.report import UnitReport
from kalamos.formats.sample_fields import sample_of
from kalamos.ink import Ink, Provenance, Sample, TimeSource

UNTIMED = ["none", "equal-interval"]
TIMED = [name for name in get_args(TimeSource) if name not in UNTIMED]
COORDINATES = st.floats(-1e6, 1e6, width=32)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12)


def column(n: int, elements: st.SearchStrategy[float], dtype: Any) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(dtype, n, elements=elements)


@st.composite
def inks(draw: st.DrawFn, channels: bool = True) -> Ink:
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    n = sum(lengths)
    xy = draw(hnp.arrays(np.float32, (n, 2), elements=COORDINATES))
    t = pressure = None
    extra = {}
    if channels:
        if draw(st.booleans()):
            t = np.sort(draw(column(n, st.floats(0, 1e5), np.float64)))
        if draw(st.booleans()):
            pressure = draw(column(n, st.floats(0, 1, width=32), np.float32))
        if draw(st.booleans()):
            extra = {
                "tilt_x": draw(column(n, COORDINATES, np.float32)),
                "own": draw(column(n, COORDINATES, np.float32)),
            }
    return Ink(xy, np.concatenate([[0], np.cumsum(lengths)]), t, pressure, extra)


@st.composite
def samples(draw: st.DrawFn, channels: bool = True) -> Sample:
    ink = draw(inks(channels))
    return Sample(
        "key/" + draw(TEXT),
        ink,
        draw(TEXT),
        draw(st.sampled_from(["character", "word", "line", "page"])),
        draw(st.sampled_from(["Latn", "Arab", "Zyyy"])),
        draw(TEXT),
        "corpus",
        draw(st.sampled_from([None, "train", "test"])),
        draw(st.sampled_from(["px", "mm", "device"])),
        draw(st.sampled_from([None, 3.7])),
        draw(st.sampled_from(UNTIMED if ink.t is None else TIMED)),
        draw(TEXT),
        draw(st.sampled_from(get_args(Provenance))),
    )


def test_fields_of_version_0_1_gain_their_provenance() -> None:
    ink = Ink.from_strokes([[(0, 0), (1, 1)]], t=[[0, 1]])
    old = {"key": "a", "corpus": "synthetic", "time_source": "recorded"}
    assert (sample_of(old, ink).provenance, sample_of(old, ink).time_source) == ("synthetic", "synthetic")
    assert sample_of({**old, "corpus": "poh-db"}, ink).provenance == "recorded"


def back(path: Path) -> list[Sample]:
    report = UnitReport()
    found = list(read_samples(path, report))
    assert report.refusals == []
    return found


@pytest.mark.parametrize(("write", "name"), [(write_inkml, "inkml"), (write_json, "inkjson")])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(samples(), min_size=1, max_size=3))
def test_inkml_and_json_lose_nothing(write: Any, name: str, written: list[Sample], tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert write(written, file) == len(written)
    assert recognise(file)[0] == name
    found = back(file)
    assert [sample.ink for sample in found] == [sample.ink for sample in written]
    for a, b in zip(found, written, strict=True):
        assert dataclasses.replace(a, ink=b.ink) == b


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(samples(channels=False), min_size=1, max_size=3))
def test_svg_keeps_positions_and_fields(written: list[Sample], tmp_path: Path) -> None:
    file = tmp_path / "x.svg"
    write_svg(written, file)
    found = back(file)
    assert [sample.ink for sample in found] == [sample.ink for sample in written]
    for a, b in zip(found, written, strict=True):
        assert dataclasses.replace(a, ink=b.ink) == b


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(inks(channels=False), min_size=1, max_size=3))
def test_stroke3_keeps_positions_and_pen_lifts(written: list[Ink], tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    write_stroke3([Sample(f"{k}", ink) for k, ink in enumerate(written)], file)
    with np.load(file) as arrays:
        offsets, rows = arrays["offsets"], arrays["stroke3"]
    for k, ink in enumerate(written):
        part = rows[offsets[k] : offsets[k + 1]]
        assert np.allclose(np.cumsum(part[:, :2], axis=0), ink.xy, rtol=1e-6, atol=1e-6)
        assert (np.flatnonzero(part[:, 2]) + 1).tolist() == ink.offsets[1:].tolist()
    found = back(file)
    assert [sample.ink.n_strokes for sample in found] == [ink.n_strokes for ink in written]
    for sample, ink in zip(found, written, strict=True):
        assert np.allclose(sample.ink.xy, ink.xy, rtol=1e-6, atol=1e-3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_unipen_keeps_positions_times_labels_and_writers(data: st.DataObject, tmp_path: Path) -> None:
    written = []
    for k in range(data.draw(st.integers(1, 3))):
        lengths = data.draw(st.lists(st.integers(2, 5), min_size=1, max_size=3))
        n = sum(lengths)
        # no repeated points, times that advance, no stroke at the origin: what UNIPEN's reader would mend
        xy = np.cumsum(data.draw(hnp.arrays(np.float32, (n, 2), elements=st.integers(1, 99).map(float))), axis=0)
        t = np.cumsum(data.draw(column(n, st.integers(1, 50).map(float), np.float64))) / 1000
        ink = Ink(xy / np.float32(7), np.concatenate([[0], np.cumsum(lengths)]), t)
        label = data.draw(st.text('abcš "\\سل', min_size=1, max_size=6)).strip() or "x"
        label = " ".join(label.split())
        written.append(Sample(f"k{k}", ink, label, "word", "Latn", f"w{k}", time_source="recorded"))
    file = tmp_path / "x.dat"
    write_unipen(written, file)
    assert recognise(file)[0] == "unipen"
    found = back(file)
    assert [sample.label for sample in found] == [sample.label for sample in written]
    assert [sample.writer for sample in found] == [sample.writer for sample in written]
    for a, b in zip(found, written, strict=True):
        assert np.array_equal(a.ink.xy, b.ink.xy)
        assert np.array_equal(a.ink.offsets, b.ink.offsets)
        assert a.ink.t is not None and b.ink.t is not None
        assert np.allclose(a.ink.t - a.ink.t[0], b.ink.t - b.ink.t[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_and_empty_inks_are_written(name: str, tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert WRITERS[name]([], file) == 0
    assert file.is_file()
    assert WRITERS[name]([Sample("blank", Ink.empty())], file) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_failed_write_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("old")

    def broken() -> Any:
        yield Sample("a", Ink.from_strokes([[[0, 0], [1, 1]]]))
        raise KeyError("the source failed")

    with pytest.raises(KeyError):
        WRITERS[name](broken(), file)
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_that_cannot_be_is_a_store_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        WRITERS[name]([], tmp_path / "file" / "x")


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    sample = Sample("a", Ink.from_strokes([[[0, 0.1], [1, 1]]], t=[[0, 0.1]]), "x", time_source="recorded")
    for name, write in WRITERS.items():
        write([sample], tmp_path / f"1.{name}")
        write([sample], tmp_path / f"2.{name}")
        assert (tmp_path / f"1.{name}").read_bytes() == (tmp_path / f"2.{name}").read_bytes()


def test_remarkable_keeps_a_page_of_the_tablet(tmp_path: Path) -> None:
    ink = Ink.from_strokes([[[-10.5, 10], [20, 30.25]], [[0, 2000]]])
    ink = dataclasses.replace(ink, extra={"width": np.array([2, 2.5, 7], np.float32)})
    ink = dataclasses.replace(ink, pressure=np.array([0, 0.2, 1], np.float32))
    write_rm([Sample("page", ink, level="page", points_per_mm=226 / 25.4)], tmp_path / "a.rm")
    [found] = back(tmp_path / "a.rm")
    assert np.array_equal(found.ink.xy, ink.xy) and np.array_equal(found.ink.offsets, ink.offsets)
    assert np.array_equal(found.ink.extra["width"], ink.extra["width"])
    assert found.ink.pressure is not None and np.allclose(found.ink.pressure, [0, 0.2, 1], atol=1e-6)
    write_rm([found], tmp_path / "b.rm")
    assert (tmp_path / "a.rm").read_bytes() == (tmp_path / "b.rm").read_bytes()
    far = Sample("far", Ink.from_strokes([[[9000, -50], [9100, 50]]]), units="px")
    write_rm([far], tmp_path / "far.rm")
    assert np.abs(back(tmp_path / "far.rm")[0].ink.xy[:, 0]).max() < 702
    with pytest.raises(StoreError, match="one page"):
        write_rm([far, far], tmp_path / "two.rm")
