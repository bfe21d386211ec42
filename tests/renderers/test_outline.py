"""The outline: exact areas, agreement with the raster, and files that other programs read."""

import io
import math
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely

from kalamos.ink import Ink
from kalamos.renderers import Style, render
from kalamos.renderers.outline import outline, to_pdf, to_svg

SIGN = Ink.from_strokes([[[0, 0], [30, 40], [60, 5], [10, 44]], [[10, 30]]])
STYLES = {
    "round": Style(width_px=3.3),
    "ellipse": Style(nib_shape="ellipse", nib_angle_deg=-35, nib_aspect=0.3, width_px=5),
    "broad": Style(nib_shape="broad", nib_angle_deg=-50, nib_aspect=0.2, width_px=6),
    "tapered": Style(width_px=4, taper_start_px=10, taper_end_px=10, smoothing="catmull-rom", slant_deg=20),
}


def coverage(geometry, height, width):
    """Return the exact area of a geometry in each pixel."""
    row, column = np.mgrid[0:height, 0:width].reshape(2, -1)
    shapely.prepare(geometry)
    return shapely.area(shapely.intersection(geometry, shapely.box(column, row, column + 1, row + 1))).reshape(
        height, width
    )


@pytest.mark.parametrize("name", STYLES)
def test_the_raster_agrees_with_the_outline(name):
    wanted = coverage(outline(SIGN, STYLES[name]).union(), 64, 64)
    errors = np.abs((255.0 - render(SIGN, STYLES[name]).image.pixels) - 255 * wanted)
    assert errors.mean() <= 0.08
    assert np.quantile(errors, 0.999) <= 5


def test_areas_are_those_of_the_closed_forms():
    dot = outline(Ink.from_strokes([[[3, 4]]]), Style(width_px=10))
    assert dot.union().area == pytest.approx(math.pi * 25, rel=1e-4)
    line = outline(Ink.from_strokes([[[0, 0], [52, 0]]]), Style(width_px=4))
    assert line.union().area == pytest.approx(4 * 52 + math.pi * 4, rel=5e-4)
    broad = outline(Ink.from_strokes([[[3, 4]]]), STYLES["broad"])
    assert broad.union().area == pytest.approx(6 * 6 * 0.2, rel=1e-6)


def test_it_lies_where_the_picture_lies():
    style = Style(elastic_px=3, tremor_px=0.5, rotation_deg=20, smoothing="bspline")
    outlined, drawn = outline(SIGN, style, seed=4, key="k"), render(SIGN, style, seed=4, key="k")
    assert outlined.truth == drawn.truth
    assert outlined.placement == drawn.placement


def test_svg_is_well_formed_and_holds_a_path_a_stroke():
    root = ElementTree.fromstring(to_svg(outline(SIGN)))
    assert root.attrib["viewBox"] == "0 0 64 64"
    paths = root.findall(".//{http://www.w3.org/2000/svg}path")
    assert len(paths) == 2
    assert all(re.fullmatch(r"(M[\d.\- L]+Z)+", path.attrib["d"]) for path in paths)


def test_pdf_has_a_table_that_points_at_its_objects():
    data = to_pdf(outline(SIGN), dpi=72)
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF", data).group(1))
    assert data[start : start + 4] == b"xref"
    offsets = [int(x) for x in re.findall(rb"(\d{10}) 00000 n", data)]
    assert [data[at : at + 7] for at in offsets] == [f"{n} 0 obj".encode() for n in range(1, 5)]
    stream = zlib.decompress(data[data.index(b"stream\n") + 7 : data.index(b"\nendstream")])
    assert stream.startswith(b"q 1.000000 0 0 -1.000000 0 64.0000 cm 0 g\n") and stream.count(b"f*") == 2
    assert b"/MediaBox [0 0 64.0000 64.0000]" in data
    assert data == to_pdf(outline(SIGN), dpi=72)
    assert io.BytesIO(data).read(8) == b"%PDF-1.4"


def test_an_empty_ink_is_an_empty_page():
    blank = outline(Ink.empty())
    assert blank.union().is_empty and (blank.width_px, blank.height_px) == (64, 64)
    assert "path" not in to_svg(blank)
    assert to_pdf(blank).endswith(b"%%EOF\n")
