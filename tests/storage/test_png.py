import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from kalamos.errors import KalamosError
from kalamos.ink import Ink
from kalamos.renderers import preset, render
from kalamos.storage.deflate import MAX_DISTANCE, MAX_MATCH, MIN_MATCH, deflate_rows
from kalamos.storage.png import decode_png, encode_png


def inflated(block):
    return zlib.decompress(block, wbits=-15)


def deflated(raw, row_bytes):
    return deflate_rows(raw, row_bytes, 2 * len(raw) + 16)


few_greys = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60)), elements=st.sampled_from([0, 9, 255])
)
any_grey = arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)))


@settings(max_examples=150, deadline=None)
@given(few_greys | any_grey)
def test_every_image_comes_back(pixels):
    for level in (1, 6):
        data = encode_png(pixels, level)
        np.testing.assert_array_equal(decode_png(data), pixels)
        with Image.open(io.BytesIO(data)) as image:
            image.verify()


@pytest.mark.parametrize("length", [*range(MIN_MATCH - 1, MAX_MATCH + 3), 2 * MAX_MATCH, 5000])
def test_every_length_of_a_run(length):
    raw = np.concatenate([np.full(length, 200, np.uint8), np.array([3], np.uint8)])
    assert inflated(deflated(raw, 0)) == raw.tobytes()


@pytest.mark.parametrize(
    "row", [2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 64, 65, 257, 4097, 24577, MAX_DISTANCE, MAX_DISTANCE + 1]
)
def test_every_class_of_distance(row):
    line = np.random.default_rng(row).integers(0, 256, row, np.uint8)
    raw = np.concatenate([line, line, line])
    block = deflated(raw, row)
    assert inflated(block) == raw.tobytes()
    if 8 < row <= MAX_DISTANCE:
        assert len(block) < 0.6 * len(raw), "the row above was not found"


def test_all_bytes_as_literals():
    raw = np.arange(256, dtype=np.uint8)
    assert inflated(deflated(raw, 0)) == raw.tobytes()


def test_what_does_not_fit_the_limit_is_declined():
    noise = np.random.default_rng(0).integers(0, 256, 4000, np.uint8)
    assert deflate_rows(noise, 64, 2000) is None
    assert deflate_rows(np.full(4000, 255, np.uint8), 64, 2000) is not None


def test_textured_paper_is_left_to_zlib():
    noise = np.random.default_rng(0).integers(0, 64, (64, 64), np.uint8)
    rows = np.pad(noise, ((0, 0), (1, 0)))
    assert zlib.compress(rows.tobytes(), 1) in encode_png(noise)


def test_ink_takes_no_more_room_than_with_zlib():
    rng = np.random.default_rng(1)
    own = by_zlib = 0
    for _ in range(30):
        ink = Ink.from_strokes([np.cumsum(rng.normal(size=(40, 2)), axis=0) for _ in range(2)])
        raw = np.pad(render(ink, preset("clean")).image.pixels, ((0, 0), (1, 0)))
        own += len(deflated(raw.reshape(-1), raw.shape[1]))
        by_zlib += len(zlib.compress(raw.tobytes(), 1))
    assert own < 1.05 * by_zlib


def test_the_bytes_of_an_image_never_change():
    data = encode_png(np.full((2, 300), 255, np.uint8))
    start = data.index(b"IDAT") + 4
    assert data[start:-16].hex() == "780163f83f0a8806a38145020000e20455c7"


def test_no_image_is_an_error():
    with pytest.raises(KalamosError, match="cannot be decoded"):
        decode_png(b"\x89PNG\r\n\x1a\n")
