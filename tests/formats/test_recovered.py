"""A recovered page in every format, each read back by somebody else's reader."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from kalamos.formats import read_file
from kalamos.formats.recovered import RecoveredPage, samples_of
from kalamos.formats.recovered.inkml import write_inkml
from kalamos.formats.recovered.pagexml import NAMESPACE, write_pagexml
from kalamos.formats.recovered.svg import write_svg
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink
from kalamos.recovery import RecoveredLine, RecoveredPiece, Recovery

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
    strokes = [stroke for sample in read_file(tmp_path / "page.inkml", UnitReport()) for stroke in sample.ink.strokes()]
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
