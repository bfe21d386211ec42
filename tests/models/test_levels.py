"""Pictures of paper brought to white paper and black ink."""

from __future__ import annotations

import numpy as np
from tiny_corpus import LETTERS, letter

from kalamos.models.levels import levelled
from kalamos.renderers import Style, render
from kalamos.renderers.presets import PRESETS


def test_a_clean_picture_comes_back_as_it_is():
    pixels = render(letter(next(iter(LETTERS)), 0), Style()).image.pixels
    assert levelled(pixels) is pixels


def test_a_scan_and_a_photograph_come_near_to_the_clean_picture():
    for name in list(LETTERS)[:4]:
        clean = render(letter(name, 0), Style()).image.pixels.astype(float)
        for style in ("scan", "photo"):
            seen = render(letter(name, 0), PRESETS[style]).image.pixels
            made = levelled(seen).astype(float)
            assert np.median(made) == 255
            assert np.abs(made - 255)[made > 128].mean() < 12  # grain and shadows are gone
            assert (made < 128).mean() < 3 * (clean < 128).mean() + 0.02


def test_what_cannot_be_told_apart_is_left_alone():
    flat = np.full((64, 64), 200, np.uint8)
    assert levelled(flat) is flat
    faint = flat.copy()
    faint[20:24] = 190
    assert levelled(faint) is faint
