"""Going on from weights with one's own ink: from files to weights that recover."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_corpus import LETTERS, letter

from kalamos.cli import main
from kalamos.datasets.corpus import split_by_writer
from kalamos.errors import ModelError
from kalamos.formats.export.inkml import write_inkml
from kalamos.ink import Ink, Level, Sample, Split
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.renderers import render
from kalamos.storage.parquet import Row, write_rows
from kalamos.training import fine_tuning


def write_own(path: Path, count: int) -> None:
    """Write letters of one hand, as somebody corrected them."""
    samples = [
        Sample(f"{name}{k}", letter(name, k), name, "character", "Latn", "me", "mine", time_source="recorded")
        for name in LETTERS
        for k in range(count)
    ]
    write_inkml(samples, path)


def test_own_ink_is_split_and_test_samples_are_left_out(tmp_path: Path) -> None:
    write_own(tmp_path / "mine.inkml", 12)
    inks = fine_tuning.own_inks(tmp_path)
    assert set(inks) == {"character"}
    own = inks["character"]
    assert len(own["train"]) + len(own["validation"]) == 48
    assert 0 < len(own["validation"]) < 16
    assert not {ink.key for ink in own["train"]} & {ink.key for ink in own["validation"]}


def test_a_handful_is_refused_with_what_to_do(tmp_path: Path) -> None:
    write_own(tmp_path / "mine.inkml", 0)
    with pytest.raises(ModelError, match="too little ink"):
        fine_tuning.own_inks(tmp_path)


def sample(key: str, seed: int, level: Level = "character", writer: str = "me", split: Split | None = None) -> Sample:
    return Sample(
        key, letter("T", seed), "T" if level == "character" else "TT", level, "Latn", writer, "mine",
        split=split, time_source="recorded",
    )  # fmt: skip


def write_plain(folder: Path, name: str, *inks: Ink) -> None:
    """Write ink one below another as files do that know nothing of levels, writers or times."""
    traces, down = "", 0.0
    for ink in inks:
        for stroke in ink.strokes():
            traces += "<trace>" + ", ".join(f"{x:.2f} {y + down:.2f}" for x, y in stroke) + "</trace>"
        down += 1.5 * float(np.ptp(ink.xy[:, 1]))
    (folder / f"{name}.inkml").write_text(f'<ink xmlns="http://www.w3.org/2003/InkML">{traces}</ink>')


def test_plain_ink_that_says_no_level_is_taken_where_it_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for k in range(12):
        write_plain(tmp_path, f"word{k}", letter("T", k))
    for k in range(3):
        write_plain(tmp_path, f"page{k}", *[letter("T", k)] * 6)
    (tmp_path / "notes.txt").write_text("no ink")
    inks = fine_tuning.own_inks(tmp_path)
    assert {level: sum(map(len, some.values())) for level, some in inks.items()} == {"line": 12}
    assert "3 pages of several lines" in caplog.text
    assert "1 files that cannot be read, notes.txt the first" in caplog.text


@pytest.mark.parametrize("side", ["train", "validation", "test"])
def test_one_hand_alone_is_learnt_whatever_the_hash_of_its_name(side: Split, tmp_path: Path) -> None:
    writer = next(name for name in map(str, range(100)) if split_by_writer("auto", name) == side)
    write_inkml([sample(f"T{k}", k, writer=writer) for k in range(12)], tmp_path / "mine.inkml")
    inks = fine_tuning.own_inks(tmp_path)["character"]
    assert len(inks["train"]) + len(inks["validation"]) == 12
    assert 0 < len(inks["validation"]) < 6


def test_of_every_level_something_is_held_back(tmp_path: Path) -> None:
    words = [sample(f"w{k}", k, "word") for k in range(2)]
    letters = [sample(f"c{k}", k) for k in range(30)]
    write_inkml([*words, *letters], tmp_path / "mine.inkml")
    inks = fine_tuning.own_inks(tmp_path)
    assert {level: sum(map(len, some.values())) for level, some in inks.items()} == {"word": 2, "character": 30}
    assert all(some["train"] and some["validation"] for some in inks.values())


def test_samples_that_somebody_marked_as_test_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sides: list[Split] = ["train", "test"]
    samples = [sample(f"{side}{k}", k, writer=side, split=side) for side in sides for k in range(12)]
    write_rows(tmp_path / "mine.parquet", (Row(one) for one in samples))
    inks = fine_tuning.own_inks(tmp_path / "mine.parquet")["character"]
    assert all(ink.key.startswith("train") for some in inks.values() for ink in some)
    assert "12 marked test" in caplog.text


def test_the_command_goes_on_from_the_shipped_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_own(tmp_path / "mine.inkml", 12)
    monkeypatch.setattr(fine_tuning, "LEAST_SAMPLES", 64)
    monkeypatch.setattr(fine_tuning, "PASSES", 1)
    found = CliRunner().invoke(
        main, ["train", str(tmp_path / "mine.inkml"), "--from", "kalamos", "--out", str(tmp_path / "run")]
    )
    assert found.exit_code == 0, found.output
    ink = Kalamos(tmp_path / "run" / "best").recover([render(letter("T")).image])[0]
    assert ink.n_strokes == 2


@pytest.mark.parametrize("device", ["cuda:77", "tpu", "meta", "hpu", "mps", ""])
def test_a_device_that_is_not_there_is_named(device: str, tmp_path: Path) -> None:
    write_own(tmp_path / "mine.inkml", 12)
    found = CliRunner().invoke(
        main,
        ["train", str(tmp_path), "--from", "kalamos", "--device", device, "--out", str(tmp_path / "run")],
    )
    assert found.exit_code == 1
    assert f"torch cannot use the device {device!r}" in found.output
