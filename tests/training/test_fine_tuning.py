"""Going on from weights with one's own ink: from files to weights that recover."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_corpus import LETTERS, letter

from kalamos.cli import main
from kalamos.errors import ModelError
from kalamos.formats.export.inkml import write_inkml
from kalamos.ink import Sample
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.renderers import render
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


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_own(tmp_path / "mine.inkml", 12)
    found = CliRunner().invoke(
        main,
        ["train", str(tmp_path), "--from", "kalamos", "--device", "cuda:77", "--out", str(tmp_path / "run")],
    )
    assert found.exit_code != 0
    assert "cuda:77" in found.output
