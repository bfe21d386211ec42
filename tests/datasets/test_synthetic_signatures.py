"""Signature-like ink: a hand signs alike each time, unlike others, fast, and across itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kalamos.datasets.synthetic import CORPUS, Writer
from kalamos.datasets.synthetic.signatures import sign, signature
from kalamos.errors import CorpusError
from kalamos.formats.report import UnitReport
from kalamos.machinery.seeding import rng_for


def hands(count: int) -> list[Writer]:
    return [Writer.from_seed(3, number) for number in range(count)]


def test_a_hand_signs_with_the_same_strokes_and_never_twice_the_same() -> None:
    for writer in hands(6):
        first, second = (sign(writer, rng_for(0, writer.name, k)) for k in range(2))
        assert first.n_strokes == second.n_strokes == len(signature(writer))
        assert first != second
        assert first == sign(writer, rng_for(0, writer.name, 0))


def test_signatures_are_quick_and_run_back_on_themselves() -> None:
    inks = [sign(writer, rng_for(0, writer.name)) for writer in hands(12)]
    assert len({ink.n_strokes for ink in inks}) > 2
    backwards = []
    for ink in inks:
        assert ink.t is not None
        step = np.diff(ink.xy[:, 0])
        backwards.append(-step[step < 0].sum() / np.abs(step).sum())
        assert np.isfinite(ink.xy).all()
        assert np.all(np.diff(ink.t) >= 0)
    assert np.mean(backwards) > 0.25  # text of Latin letters has about a fifth


def test_the_corpus_gives_signatures_on_request_only() -> None:
    root, report = Path(), UnitReport()
    units = CORPUS.units(root, writers="10", kind="signature")
    samples = [sample for unit in units for sample in CORPUS.read(root, unit, report)]
    assert len(samples) == report.expected["samples"] == 40
    assert len({sample.key for sample in samples}) == 40
    assert {sample.provenance for sample in samples} == {"synthetic"}
    assert CORPUS.units(root, writers="10") == ["writers/0000-0009"]
    with pytest.raises(CorpusError, match="kind"):
        CORPUS.units(root, kind="doodle")
