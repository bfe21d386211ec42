"""A recovered page in every format, each read back by somebody else's reader."""

from __future__ import annotations

import dataclasses
import gzip
import math
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from kalamos.formats import read_file
from kalamos.formats.recovered import RecoveredPage, samples_of
from kalamos.formats.recovered.inkml import write_inkml
from kalamos.formats.recovered.pagexml import NAMESPACE, write_pagexml
from kalamos.formats.recovered.reading import read_page
from kalamos.formats.recovered.remarkable import write_rm
from kalamos.formats.recovered.svg import write_svg
from kalamos.formats.recovered.xournal import write_xopp
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink
from kalamos.recovery import Alternative, RecoveredLine, RecoveredPiece, Recovery

INKML = "{http://www.w3.org/2003/InkML}"


@pytest.fixture
def recovered() -> RecoveredPage:
    """Two lines: a word of two strokes and one of a dot, then one word that is not to be trusted."""
    first = Ink.from_strokes([[[1, 2], [3, 4.5]], [[5, 6], [7, 8]]], t=[[0.0, 0.1], [0.3, 0.4]])
    dot = Ink.from_strokes([[[20, 5]]], t=[[0.0]])
    second = Ink.from_strokes([[[2, 30], [9, 31], [12, 33]]], t=[[0.0, 0.1, 0.2]])
    lines = (
        RecoveredLine((RecoveredPiece(first, (0, 1, 8, 9)), RecoveredPiece(dot, (18, 3, 22, 7), confidence=0.75))),
        RecoveredLine(
            (RecoveredPiece(second, (1, 29, 13, 34), covered=0.5, warning="only 50% of the <ink> is covered"),)
        ),
    )
    return RecoveredPage(Recovery(lines, "method", "1", "ab" * 32), 'a "scan" & co.png', 40, 50, (2.5, 3.0, 2.0))


def test_inkml_has_traces_at_the_top_and_groups_over_them(recovered, tmp_path):
    write_inkml(recovered, tmp_path / "page.inkml")
    root = ET.parse(tmp_path / "page.inkml").getroot()
    traces = {trace.get("{http://www.w3.org/XML/1998/namespace}id"): trace for trace in root.findall(f"{INKML}trace")}
    assert len(traces) == 4
    [sheet] = root.findall(f"{INKML}traceGroup")
    lines = sheet.findall(f"{INKML}traceGroup")
    words = [line.findall(f"{INKML}traceGroup") for line in lines]
    assert [len(some) for some in words] == [2, 1]
    strokes = [
        [view.get("traceDataRef") for view in word.findall(f"{INKML}traceView")] for line in words for word in line
    ]
    assert strokes == [["#t0", "#t1"], ["#t2"], ["#t3"]]
    last = {note.get("type"): note.text for note in words[1][0].findall(f"{INKML}annotation")}
    assert last == {
        "level": "word",
        "box": "1 29 13 34",
        "covered": "0.5000",
        "warning": "only 50% of the <ink> is covered",
    }
    facts = {note.get("type"): note.text for note in root.findall(f"{INKML}annotation")}
    assert facts["time_source"] == facts["provenance"] == "estimated" and facts["weights"] == "ab" * 32
    widths = [brush.find(f"{INKML}brushProperty").get("value") for brush in root.iter(f"{INKML}brush")]
    assert widths == ["2.50", "3.00", "2.00"]


def test_inkml_reads_back_as_the_same_strokes(recovered, tmp_path):
    write_inkml(recovered, tmp_path / "page.inkml")
    [sample] = read_file(tmp_path / "page.inkml", UnitReport())
    assert sample.time_source == sample.provenance == "estimated"
    strokes = list(sample.ink.strokes())
    assert len(strokes) == 4
    for stroke, wanted in zip(strokes, recovered.recovery.ink.strokes(), strict=True):
        assert np.array_equal(stroke, wanted)


def test_centre_lines_stand_in_the_pictures_coordinates(recovered, tmp_path):
    write_svg(recovered, tmp_path / "page.svg")
    root = ET.parse(tmp_path / "page.svg").getroot()
    assert root.get("viewBox") == "0 0 40 50" and root.get("fill") == "none"
    paths = [path.get("d") for path in root.iter("{http://www.w3.org/2000/svg}path")]
    assert paths[0] == "M1.00,2.00L3.00,4.50" and paths[2] == "M20.00,5.00L20.00,5.00" and len(paths) == 4
    svgelements = pytest.importorskip("svgelements")
    drawn = [
        item for item in svgelements.SVG.parse(tmp_path / "page.svg").elements() if isinstance(item, svgelements.Path)
    ]
    x0, y0, x1, y1 = drawn[3].bbox()
    assert (x0, y0, x1, y1) == pytest.approx((2, 30, 12, 33))


def test_pagexml_holds_lines_words_and_polylines(recovered, tmp_path):
    write_pagexml(recovered, tmp_path / "page.xml")
    root = ET.parse(tmp_path / "page.xml").getroot()
    space = {"p": NAMESPACE}
    sheet = root.find("p:Page", space)
    assert sheet.get("imageFilename") == 'a "scan" & co.png' and sheet.get("imageWidth") == "40"
    assert len(root.findall(".//p:TextLine", space)) == 2 and len(root.findall(".//p:Word", space)) == 3
    strokes = [item.get("value") for item in root.iter(f"{{{NAMESPACE}}}UserAttribute") if item.get("name") == "stroke"]
    assert strokes[0] == "1.00,2.00 3.00,4.50" and len(strokes) == 4


def test_samples_say_that_nobody_recorded_them(recovered):
    words = samples_of(recovered)
    assert len(words) == 3 and {word.time_source for word in words} == {"estimated"}
    assert {word.provenance for word in words} == {"estimated"}
    assert samples_of(recovered, "page")[0].ink == recovered.recovery.ink


def test_other_paths_stand_where_nothing_is_drawn_and_come_back(recovered, tmp_path):
    first, second = recovered.recovery.lines
    ways = (
        Alternative(Ink.from_strokes([[[5, 6], [7, 8]], [[3, 4.5], [1, 2]]], t=[[0.0, 0.1], [0.3, 0.4]]), -1.25),
        Alternative(Ink.from_strokes([[[7, 8], [1, 2]]]), -math.inf),
    )
    piece = dataclasses.replace(second.pieces[0], alternatives=ways)
    page = dataclasses.replace(
        recovered, recovery=Recovery((first, RecoveredLine((piece,))), recovered.recovery.method)
    )
    write_inkml(page, tmp_path / "page.inkml")
    root = ET.parse(tmp_path / "page.inkml").getroot()
    assert len(root.findall(f"{INKML}trace")) == 4
    strokes = [stroke for sample in read_file(tmp_path / "page.inkml", UnitReport()) for stroke in sample.ink.strokes()]
    assert len(strokes) == 4
    back = read_page(tmp_path / "page.inkml").recovery
    assert [len(one.alternatives) for one in back.pieces] == [0, 0, 2]
    assert back.ink == recovered.recovery.ink
    for found, wanted in zip(back.pieces[2].alternatives, ways, strict=True):
        assert np.array_equal(found.ink.xy, wanted.ink.xy) and np.array_equal(found.ink.offsets, wanted.ink.offsets)
        assert found.log_probability == wanted.log_probability


def test_xournal_draws_the_page_at_its_size(recovered, tmp_path):
    write_xopp(recovered, tmp_path / "page.xopp")
    [sample] = read_file(tmp_path / "page.xopp", UnitReport())
    assert np.allclose(sample.ink.xy, 0.75 * recovered.recovery.ink.xy, atol=1e-3)
    assert sample.ink.offsets.tolist() == [0, 2, 4, 5, 8]
    assert np.unique(sample.ink.extra["width"]).tolist() == pytest.approx([1.5, 1.88, 2.25], abs=0.01)
    large = dataclasses.replace(recovered, width_px=4000, height_px=3000)
    write_xopp(large, tmp_path / "large.xopp")
    sheet = ET.fromstring(gzip.decompress((tmp_path / "large.xopp").read_bytes())).find("page")
    # an A4 lying on its side holds it, just
    assert float(sheet.get("height")) == pytest.approx(595.28, abs=0.1) and float(sheet.get("width")) < 841.9
    program = shutil.which("xournalpp")
    if program is None:
        pytest.skip("Xournal++ is not installed")
    drawn = tmp_path / "drawn.png"
    env = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run([program, f"--create-img={drawn}", str(tmp_path / "page.xopp")], check=True, env=env)
    ink = np.asarray(Image.open(drawn).convert("L")) < 160
    scale = ink.shape[1] / 40
    for x, y in recovered.recovery.ink.xy.tolist():
        assert ink[int(y * scale) - 1 : int(y * scale) + 2, int(x * scale) - 1 : int(x * scale) + 2].any()
    assert not ink[int(12 * scale) : int(28 * scale)].any()


def test_remarkable_holds_the_page_about_its_middle(recovered, tmp_path):
    write_rm(recovered, tmp_path / "page.rm")
    [sample] = read_file(tmp_path / "page.rm", UnitReport())
    scale = 226 / 96
    wanted = scale * (recovered.recovery.ink.xy - [20, 0])
    assert np.allclose(sample.ink.xy, wanted, atol=1e-4)
    assert sample.ink.offsets.tolist() == [0, 2, 4, 5, 8]
    assert sample.ink.extra["width"][0] == pytest.approx(2.5 * scale, abs=0.13)
    large = dataclasses.replace(recovered, width_px=4000, height_px=3000)
    write_rm(large, tmp_path / "large.rm")
    [sample] = read_file(tmp_path / "large.rm", UnitReport())
    assert np.allclose(sample.ink.xy, 0.351 * (recovered.recovery.ink.xy - [2000, 0]), atol=1e-3)
    rmscene = pytest.importorskip("rmscene")
    with (tmp_path / "page.rm").open("rb") as file:
        assert not [one for one in rmscene.read_blocks(file) if type(one).__name__ == "UnreadableBlock"]
    with (tmp_path / "page.rm").open("rb") as file:
        drawn = [[(point.x, point.y) for point in line.points] for line in rmscene.read_tree(file).walk()]
    assert [len(points) for points in drawn] == [2, 2, 2, 3]
    assert drawn[3] == [pytest.approx(point, abs=1e-4) for point in wanted[5:].tolist()]


def test_a_page_of_no_ink_is_a_page_of_every_format(tmp_path):
    blank = RecoveredPage(Recovery((), "method"), "a.png", 40, 50)
    for write, name in ((write_xopp, "a.xopp"), (write_rm, "a.rm"), (write_inkml, "a.inkml")):
        write(blank, tmp_path / name)
        assert list(read_file(tmp_path / name, UnitReport())) == []
