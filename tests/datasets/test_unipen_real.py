"""UNIPEN train_r01_v07 as it is: every segment of every category becomes a sample or is explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kalamos.datasets.unipen import CORPUS
from kalamos.formats.report import UnitReport

pytestmark = pytest.mark.corpora

SEGMENTS = {"1a": 13_089, "1b": 23_662, "1c": 52_806, "1d": 14_541}
"""``.SEGMENT CHARACTER`` lines; those of the release's own table, less the contributions that this copy lacks."""


@pytest.fixture
def root(corpora: Path) -> Path:
    return corpora / "unipen-train_r01_v07"


def read(root: Path, units):
    report = UnitReport()
    return [sample for unit in units for sample in CORPUS.read(root, unit, report)], report


@pytest.mark.slow
@pytest.mark.parametrize(("category", "every"), [("1a", 1), ("1b", 6), ("1c", 6), ("1d", 3)])
def test_every_segment_of_the_isolated_characters(root, category, every):
    units = CORPUS.units(root, categories=category)
    got, report = read(root, units[::every])
    lines = report.expected[".SEGMENT CHARACTER"]
    assert len(got) + len(report.refusals) == lines
    assert lines == SEGMENTS[category] if every == 1 else lines > SEGMENTS[category] / every / 2
    assert {refusal.reason for refusal in report.refusals} <= {"a ligature or delayed stroke, no character"}
    assert category == "1d" or not report.refusals
    assert len({sample.key for sample in got}) == len(got)
    assert set(report.mendings) <= {"unipen-rate-implausible"}


def test_the_same_ink_in_words_and_letters(root):
    """Characters cut from cursive words lie inside their words: the slices of 1c against the words of 7."""
    letters, _ = read(root, ["data/1c/kai/kai2/yklyu5.dat"])
    words, _ = read(root, ["data/7/kai/kai2/yklyu5.dat"])
    placed = {tuple(point) for word in words for point in word.ink.xy.tolist()}
    assert len(letters) > 50
    for letter in letters:
        assert {tuple(point) for point in letter.ink.xy.tolist()} <= placed


def test_components_are_numbered_as_the_labels_need(root):
    """In ``abm`` empty pen-downs stand between the words; were they counted, words would name ink that is not there."""
    for contributor in ("abm", "lex"):
        units = [unit for unit in CORPUS.units(root, categories="7") if f"/{contributor}/" in unit][:4]
        got, report = read(root, units)
        assert got and not report.refusals


def test_y_points_down(root):
    """A ``7`` begins at its top, a ``V`` turns at its bottom."""
    units = [unit for unit in CORPUS.units(root, categories="1a,1b") if "/ibm/" in unit][:20]
    got, _ = read(root, units)
    sevens = [s.ink.xy[:, 1] for s in got if s.label == "7" and s.ink.n_strokes == 1]
    vees = [s.ink.xy[:, 1] for s in got if s.label == "V" and s.ink.n_strokes == 1]
    assert sevens and vees
    assert np.mean([y[0] < y[-1] for y in sevens]) > 0.95
    assert np.mean([0.2 < y.argmax() / len(y) < 0.8 for y in vees]) > 0.95


def test_a_missing_file_of_the_copy_is_named(root):
    got, report = read(root, ["data/7/att/att0/41412304.dat"])
    assert not got
    assert {refusal.reason for refusal in report.refusals} == {
        "the delineation names a component that is not there; an included file is missing (att/data/att0/41412304.dat)"
    }
