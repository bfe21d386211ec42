"""The audit finds what was hidden on purpose: an ink under two names, a copy on another scale."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from kalamos.cli import main
from kalamos.datasets.audit import Facts, audit, effective_number
from kalamos.datasets.corpus import split_by_writer
from kalamos.datasets.shared_ink import alike_pairs, content, groups_of, shape
from kalamos.ink import Ink


def scribble(seed: int, n: int = 60, scale: float = 300.0) -> Ink:
    rng = np.random.default_rng(seed)
    turns = np.cumsum(rng.normal(0, 0.5, n))
    xy = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)
    return Ink(np.rint(xy * scale / 10).astype(np.float32), np.array([0, n // 2, n], np.int32))


def unipen_of(writer: str, ink: Ink, label: str = "a") -> str:
    strokes = "".join(
        ".PEN_DOWN\n" + "".join(f"{x:.0f} {-y:.0f}\n" for x, y in ink.xy[a:b].tolist()) + ".PEN_UP\n"
        for a, b in zip(ink.offsets[:-1], ink.offsets[1:], strict=True)
    )
    head = f".VERSION 1.0\n.HIERARCHY CHARACTER\n.COORD X Y\n.WRITER_ID {writer}\n"
    return f'{head}.SEGMENT CHARACTER 0-1 OK "{label}"\n{strokes}'


def on(side: str, count: int = 1) -> list[str]:
    return [name for name in (f"w{k}" for k in range(500)) if split_by_writer("auto", name) == side][:count]


def test_an_ink_resampled_rescaled_and_rounded_is_alike_and_no_other_is():
    inks = [scribble(seed) for seed in range(40)]
    first = inks[3]
    dense = np.concatenate(
        [
            np.stack(
                [np.interp(np.linspace(0, 29, 90), np.arange(30), first.xy[a : a + 30, k]) for k in (0, 1)], axis=1
            )
            for a in (0, 30)
        ]
    )
    copy = Ink((dense * 0.4 + 1000).round(1).astype(np.float32), np.array([0, 90, 180], np.int32))
    merged = Ink(first.xy, np.array([0, 60], np.int32))
    shapes = [shape(ink) for ink in [*inks, copy, merged]]
    assert alike_pairs(shapes).tolist() == [[3, 40]]


def test_straight_strokes_and_dots_are_not_compared():
    line = Ink(np.stack([np.arange(20), np.arange(20)], axis=1).astype(np.float32), np.array([0, 20], np.int32))
    dot = Ink(np.ones((9, 2), np.float32), np.array([0, 9], np.int32))
    assert shape(line) is None
    assert shape(dot) is None
    assert alike_pairs([None, None]).shape == (0, 2)


def test_groups_join_what_is_identical_and_what_is_alike():
    inks = [scribble(1), scribble(2), scribble(1), Ink(scribble(1).xy * np.float32(3), scribble(1).offsets)]
    assert groups_of([content(ink) for ink in inks], [shape(ink) for ink in inks]) == [[0, 2, 3]]


def test_kish():
    assert effective_number([5, 5, 5]) == 3
    assert effective_number([98, 1, 1]) == pytest.approx(100**2 / (98**2 + 2))
    assert effective_number([]) == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of one's own: a copy of a training writer's ink under a test writer, and one of no writer."""
    (trained, other), (tested,) = on("train", 2), on("test")
    files = {
        "a": (trained, scribble(1)),
        "b": (other, scribble(2)),
        "c": (tested, scribble(3)),
        "copy": (tested, scribble(1)),
        "nobody": ("?", scribble(5)),
    }
    for name, (writer, ink) in files.items():
        (tmp_path / f"{name}.dat").write_text(unipen_of(writer, ink))
    return tmp_path


def test_a_folder_of_ones_own(folder):
    found = audit("auto", folder)
    assert {split: (side.samples, side.writers, side.unknown) for split, side in found.splits.items()} == {
        "train": (2, 2, 0),
        "test": (2, 1, 0),
        "none": (1, 0, 1),
    }
    ((left, right),) = found.on_two_sides
    assert isinstance(left, Facts)
    assert {left.split, right.split} == {"train", "test"}
    assert {left.key.partition(".")[0], right.key.partition(".")[0]} == {"a", "copy"}
    assert not found.is_clean


def test_the_command_says_so_and_fails_on_request(folder):
    asked = ["audit", "auto", str(folder)]
    shown = CliRunner().invoke(main, asked)
    assert shown.exit_code == 0
    assert "of these on two sides of a split: 1" in shown.output
    assert shown.stderr == ""
    checked = CliRunner().invoke(main, [*asked, "--check"])
    assert checked.exit_code == 1
    assert checked.stderr == "kalamos: a person or an ink of auto stands on two sides\n"
    report = json.loads(CliRunner().invoke(main, [*asked, "--json"]).output)
    assert report["on_two_sides"] == 1
    (folder / "copy.dat").unlink()
    assert CliRunner().invoke(main, [*asked, "--check"]).exit_code == 0


def test_ink_of_another_corpus_is_found_there(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "x.dat").write_text(unipen_of(on("validation")[0], scribble(2)))
    found = audit("auto", folder, against=[("auto", other)])
    assert any({"b.dat", "x.dat"} == {one.key.partition("#")[0] for one in group} for group in found.on_two_sides)


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "note.md").write_text("hello")
    shown = CliRunner().invoke(main, ["audit", "auto", str(tmp_path)])
    assert shown.exit_code == 1
    assert "holds no sample" in shown.output
