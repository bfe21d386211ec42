"""Packed inks: what a rendering shows of them stays, and a file that does not fit its recipe is refused."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from tiny_corpus import LETTERS, letter

from kalamos.errors import KalamosError, ModelError, StoreError
from kalamos.ink import Ink
from kalamos.renderers import Style, render
from kalamos.training.mixture import Source, TrainingInk
from kalamos.training.packed import main, pack, unpack

SOURCES = (Source("tiny"), Source("tiny", levels=("word",)))


def inks() -> list[TrainingInk]:
    timed = [TrainingInk(f"{name}/{k}", letter(name, k), "Latn") for name in LETTERS for k in range(3)]
    untimed = [TrainingInk(f"{ink.key}/-", Ink(ink.ink.xy * 7000 - 90, ink.ink.offsets), "Arab") for ink in timed]
    dot = TrainingInk("dot", Ink.from_strokes([[[3.0, 4.0]]], t=[[0.5]]), "Zyyy")
    return [*timed, *untimed, dot]


def test_packed_inks_look_and_last_as_before(tmp_path: Path) -> None:
    split = {"train": inks(), "validation": inks()[:2]}
    pack(SOURCES, [split, {"train": inks()[5:], "validation": []}], tmp_path / "a.inks")
    first, second = unpack(SOURCES, tmp_path / "a.inks")
    assert [ink.key for ink in second["train"]] == [ink.key for ink in inks()[5:]]
    assert not second["validation"]
    for before, after in zip(inks(), first["train"], strict=True):
        assert (before.key, before.script) == (after.key, after.script)
        assert after.ink.n_strokes == before.ink.n_strokes
        assert (after.ink.t is None) == (before.ink.t is None)
        if before.ink.t is not None and after.ink.t is not None:
            assert np.ptp(after.ink.t) == pytest.approx(np.ptp(before.ink.t), abs=2e-3)
        seen = [render(ink.ink, Style()).image.pixels.astype(float) for ink in (before, after)]
        assert np.abs(seen[0] - seen[1]).mean() < 1.0


def test_the_same_inks_give_the_same_bytes(tmp_path: Path) -> None:
    split = {"train": inks(), "validation": inks()}
    for name in ("a", "b"):
        pack(SOURCES[:1], [split], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_of_other_sources_or_a_cut_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.inks"
    pack(SOURCES[:1], [{"train": inks(), "validation": inks()}], path)
    with pytest.raises(ModelError, match="other sources"):
        unpack(SOURCES, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="no file of packed inks"):
        unpack(SOURCES[:1], path)


def test_a_full_disk_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.inks"
    path.write_text("before")

    def full(file: IO[bytes], **arrays: object) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(StoreError, match=r"a\.inks cannot be written: No space left"):
        pack(SOURCES[:1], [{"train": inks(), "validation": inks()}], path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.inks"]
    assert path.read_text() == "before"


def test_a_file_of_another_kind_is_refused_and_nobody_is_told_to_unpickle_it(tmp_path: Path) -> None:
    path = tmp_path / "a.inks"
    path.write_bytes(b"PAR1 and so on")
    with pytest.raises(ModelError, match="no file of packed inks") as told:
        unpack(SOURCES, path)
    assert "pickle" not in str(told.value)


def test_the_program_says_in_a_line_what_cannot_be_packed(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("samples = 5")
    with pytest.raises(SystemExit, match=r"kalamos: .*mine\.toml: source is"):
        main([str(tmp_path / "mine.toml"), "--out", str(tmp_path / "mine.inks")])


def test_a_damaged_file_is_refused_wherever_the_damage_is(tmp_path: Path) -> None:
    path = tmp_path / "a.inks"
    pack(SOURCES[:1], [{"train": inks(), "validation": inks()}], path)
    whole = path.read_bytes()
    for place in range(40, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(KalamosError):
            unpack(SOURCES[:1], path)
