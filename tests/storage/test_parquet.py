from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalamos.errors import StoreError
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Ink, Sample
from kalamos.storage.parquet import Row, file_metadata, read_rows, write_rows

CLOCK = np.linspace(0, 1, 60)


@st.composite
def rows(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    made = []
    for number in range(draw(st.integers(1, 6))):
        sizes = rng.integers(1, 9, rng.integers(0, 5))
        n = int(sizes.sum())
        t = np.sort(rng.random(n)) if rng.random() < 0.5 else None
        pressure = rng.random(n) if rng.random() < 0.5 else None
        extra = {name: rng.normal(size=n) for name in ("tilt_x", "azimuth") if rng.random() < 0.4}
        ink = Ink(rng.normal(size=(n, 2)) * 1e4, np.concatenate([[0], np.cumsum(sizes)]), t, pressure, extra)
        image = OfflineImage(rng.integers(0, 256, (rng.integers(1, 9), rng.integers(1, 9)), np.uint8))
        placed = rng.random() < 0.7
        sample = Sample(
            f"k/{number}",
            ink,
            label="ك\u0301é",
            writer="w",
            split="test",
            script="Arab",
            points_per_mm=None if rng.random() < 0.5 else 3.7,
            time_source=("none", "equal-interval")[number % 2] if t is None else ("estimated", "synthetic")[number % 2],
            provenance=("recorded", "authored", "traced", "synthetic", "estimated", "corrected")[number],
        )
        made.append(Row(sample, image, Placement(1.5, -2.0, 0.1), "abc") if placed else Row(sample))
    return made


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows())
def test_what_is_written_is_read_back_exactly(tmp_path, made):
    path = tmp_path / "rows.parquet"
    assert write_rows(path, made) == len(made)
    for before, after in zip(made, read_rows(path), strict=True):
        assert after.sample == before.sample
        assert after.placement == before.placement
        assert after.style == before.style
        assert (after.image is None) == (before.image is None)
        if before.image is not None:
            np.testing.assert_array_equal(after.image.pixels, before.image.pixels)


def one(key="a"):
    ink = Ink.from_strokes([[(0, 0), (1, 2)], [(3, 3)]], t=[[0, 1], [2]])
    return Row(Sample(key, ink, time_source="recorded"), OfflineImage(np.zeros((4, 6), np.uint8)), Placement(1, 0, 0))


@pytest.mark.parametrize(
    ("corpus", "provenance", "times"),
    [("unipen", "recorded", "recorded"), ("kanjivg", "authored", "recorded"), ("calliar", "traced", "recorded"),
     ("synthetic", "synthetic", "synthetic")],
)  # fmt: skip
def test_files_of_version_0_1_say_nothing_of_provenance_and_are_read(tmp_path, corpus, provenance, times):
    row = one()
    write_rows(tmp_path / "new.parquet", [Row(replace(row.sample, corpus=corpus), row.image, row.placement)])
    pq.write_table(pq.read_table(tmp_path / "new.parquet").drop_columns(["provenance"]), tmp_path / "old.parquet")
    (old,) = read_rows(tmp_path / "old.parquet")
    assert (old.sample.provenance, old.sample.time_source) == (provenance, times)


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_rows(tmp_path / name, [one(str(k)) for k in range(3000)], {"note": "x"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert file_metadata(tmp_path / "a")["note"] == "x"


def test_floats_are_split_by_byte_and_compressed(tmp_path):
    write_rows(tmp_path / "a.parquet", [one()])
    group = pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(0)
    columns = {group.column(k).path_in_schema: group.column(k) for k in range(group.num_columns)}
    for name in ("x", "y", "t", "pressure"):
        assert "BYTE_STREAM_SPLIT" in columns[f"{name}.list.element.list.element"].encodings
    assert all(column.compression == "ZSTD" for column in columns.values())


def test_huggingface_datasets_shows_images_and_strokes(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    write_rows(tmp_path / "a.parquet", [one()])
    loaded = datasets.load_dataset("parquet", data_files=str(tmp_path / "a.parquet"), cache_dir=str(tmp_path / "hf"))
    item = loaded["train"][0]
    assert item["image"].size == (6, 4)
    assert item["x"] == [[0.0, 1.0], [3.0]]
    assert item["t"] == [[0.0, 1.0], [2.0]]


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def broken():
        yield one()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(tmp_path / "a.parquet", broken())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named():
    with pytest.raises(StoreError, match="cannot be written"):
        write_rows(Path("/proc/nowhere/a.parquet"), [one()])


def test_foreign_files_are_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(StoreError, match=r"a\.parquet"):
        list(read_rows(tmp_path / "a.parquet"))
    with pytest.raises(StoreError, match="no Parquet file here"):
        list(read_rows(tmp_path / "none"))
