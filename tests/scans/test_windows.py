"""Windows by doubling say what the filters of scipy say, whose windows end with the picture too."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from scipy.ndimage import maximum_filter, minimum_filter

from kalamos.scans import windows
from kalamos.scans.windows import closed, largest, smallest

shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))
odd = st.integers(0, 20).map(lambda k: 2 * k + 1)


@settings(max_examples=80, deadline=None)
@given(shapes.flatmap(lambda shape: hnp.arrays(st.sampled_from([np.uint8, np.bool_]), shape)), odd, odd, st.booleans())
def test_windows_are_those_of_the_filters(values, rows, columns, small_bands):
    before = windows._BAND_BYTES
    windows._BAND_BYTES = 1 if small_bands else before
    try:
        found = largest(values, rows, columns), smallest(values, rows, columns)
    finally:
        windows._BAND_BYTES = before
    for one, filtered in zip(found, (maximum_filter, minimum_filter), strict=True):
        assert one.dtype == values.dtype
        np.testing.assert_array_equal(one, filtered(values, (rows, columns), mode="nearest"))


def test_a_closing_fills_what_is_narrow():
    page = np.full((60, 70), 200, np.uint8)
    page[30:33] = 10
    page[:, 20:40] = 50
    filled = closed(page, 9)
    assert (filled[:, :18] == 200).all()
    assert (filled[:, 25:35] == 50).all()
