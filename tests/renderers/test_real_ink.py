"""Presets on real ink: the truth stays on what is drawn, and nothing in a corpus stops the renderer."""

from itertools import islice

import numpy as np
import pytest

from kalamos.datasets import CORPORA
from kalamos.formats.report import UnitReport
from kalamos.renderers import PRESETS, render_batch

FOLDERS = {"unipen": "unipen-train_r01_v07", "poh-db": "poh-db", "omniglot": "omniglot"}


@pytest.mark.corpora
@pytest.mark.parametrize("name", FOLDERS)
def test_presets_keep_the_truth_on_real_ink(corpora, name):
    corpus = CORPORA.load(name)
    units = list(corpus.units(corpora / FOLDERS[name]))
    chosen = [units[int(k)] for k in np.linspace(0, len(units) - 1, 6)]
    samples = [s for unit in chosen for s in islice(corpus.read(corpora / FOLDERS[name], unit, UnitReport(unit)), 4)]
    assert samples
    for preset, style in PRESETS.items():
        fitted = style.replace(frame="height", dry_gaps=0.0)
        for sample, drawn in zip(samples, render_batch([s.ink for s in samples], fitted), strict=True):
            assert drawn.truth.n_points == sample.ink.n_points
            column, row = np.floor(drawn.truth.xy.T).astype(int)
            paper = np.median(drawn.image.pixels)
            on_ink = drawn.image.pixels[row, column] < paper
            assert on_ink.mean() > 0.95, (preset, sample.key)
