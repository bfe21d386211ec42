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
from kalamos.storage.png import decode_png, encode_png

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


@pytest.mark.parametrize("level", [1, 9])
def test_rows_have_no_filter_and_the_stream_is_whole(level):
    """A decoder that checks nothing would pass over a wrong checksum, length or filter."""
    pixels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    data = encode_png(pixels, level)
    size = int.from_bytes(data[33:37], "big")
    rows = zlib.decompress(data[41 : 41 + size])
    assert rows == b"".join(b"\0" + row.tobytes() for row in pixels)
    assert data[41 + size : 45 + size] == zlib.crc32(data[37 : 41 + size]).to_bytes(4, "big")
    assert data[45 + size :] == b"\0\0\0\0IEND\xaeB`\x82"


def test_a_view_of_another_picture_comes_back():
    pixels = np.arange(240, dtype=np.uint8).reshape(12, 20)
    for view in (pixels[::2, ::-3], pixels.T, pixels[3:4, 5:6]):
        np.testing.assert_array_equal(decode_png(encode_png(view)), view)


@pytest.mark.parametrize("style", ["clean", "scan"])
def test_pictures_take_no_more_room_than_with_zlib(style):
    rng = np.random.default_rng(1)
    fast = slow = 0
    for _ in range(30):
        ink = Ink.from_strokes([np.cumsum(rng.normal(size=(40, 2)), axis=0) for _ in range(2)])
        pixels = render(ink, preset(style)).image.pixels
        fast += len(encode_png(pixels))
        slow += len(zlib.compress(np.pad(pixels, ((0, 0), (1, 0))).tobytes(), 1))
    assert fast < 1.1 * slow


def test_no_image_is_an_error():
    with pytest.raises(KalamosError, match="cannot be decoded"):
        decode_png(b"\x89PNG\r\n\x1a\n")
