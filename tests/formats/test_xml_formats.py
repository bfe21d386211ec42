"""UPX, the XML of IAM-OnDB, KanjiVG and SVG path data."""

from __future__ import annotations

import contextlib

# ruff: noqa: E501 - documents are easier to read unbroken
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalamos.errors import FormatError
from kalamos.formats import iamondb, kanjivg, upx
from kalamos.formats.report import UnitReport
from kalamos.formats.svgpath import polylines

INKML = '<ink><traceGroup xml:id="g"><trace xml:id="a">1 1, 2 2, 3 3</trace><trace xml:id="b">5 5, 6 6</trace></traceGroup></ink>'
UPX = """<?xml version="1.0"?><!DOCTYPE hwDataset SYSTEM "hwDataset.dtd">
<hwDataset><datasetInfo/><hwData id="d" annotationSchemeRef="#s">
<hLevel id="line1" level="LINE" writerRef="#w7"><label id="l" labelSrcRef="#x" labelType="truth">
<alternate rank="2">wrong</alternate><alternate rank="1"> دار شعبان </alternate></label>
<hLevel id="word1" level="WORD"><label labelType="quality"><alternate>good</alternate></label>
<label labelType="truth"><alternate>دار</alternate></label>
<hwTraces><traceView traceDataRef="x.inkml#a" from="2" to="3"/></hwTraces></hLevel>
<hLevel id="word2" level="WORD" writerRef="#w8"><label labelType="truth"><alternate>شعبان</alternate></label>
<hwTraces><traceView traceDataRef="..\\inkml\\x.inkml#b"/></hwTraces></hLevel></hLevel>
<hLevel level="WORD"><label labelType="truth"><alternate>lost</alternate></label>
<hwTraces><traceView traceDataRef="gone.inkml"/></hwTraces></hLevel>
<hLevel level="WORD"><label labelType="truth"><alternate>inline</alternate></label>
<trace>7 7, 8 8</trace></hLevel></hwData></hwDataset>"""


@pytest.fixture
def upx_file(tmp_path: Path) -> Path:
    (tmp_path / "set1" / "upx").mkdir(parents=True)
    (tmp_path / "set1" / "inkml").mkdir()
    (tmp_path / "set1" / "inkml" / "x.inkml").write_text(INKML)
    (tmp_path / "secret.inkml").write_text(INKML)
    file = tmp_path / "set1" / "upx" / "x.upx"
    file.write_text(UPX, encoding="utf-8")
    return file


def test_upx_levels_labels_writers_and_parts_of_traces(upx_file: Path) -> None:
    report = UnitReport()
    found = {sample.key: sample for sample in upx.read(upx_file, report)}
    assert {key: sample.label for key, sample in found.items()} == {
        "x/line1": "دار شعبان",
        "x/word1": "دار",
        "x/word2": "شعبان",
        "x/1.3": "inline",
    }
    assert found["x/line1"].ink.xy[:, 0].tolist() == [2, 3, 5, 6]
    assert found["x/word1"].ink.xy[:, 0].tolist() == [2, 3]
    assert [found[key].writer for key in ("x/line1", "x/word1", "x/word2")] == ["w7", "w7", "w8"]
    assert [found[key].level for key in ("x/line1", "x/word1")] == ["line", "word"]
    assert len(report.refusals) == 1
    assert "gone.inkml" in report.refusals[0].reason


def test_upx_with_ink_of_an_impossible_rate_is_mended_with_a_count(tmp_path: Path) -> None:
    points = ", ".join(f"{k} {k % 7} {8 * k}" for k in range(40))
    shape = '<traceFormat><channel name="X"/><channel name="Y"/><channel name="T" units="s"/></traceFormat>'
    (tmp_path / "x.inkml").write_text(f"<ink>{shape}<trace>{points}</trace></ink>")
    label = '<hLevel level="WORD"><label labelType="truth"><alternate>a</alternate></label>'
    view = '<hwTraces><traceView traceDataRef="x.inkml"/></hwTraces></hLevel>'
    (tmp_path / "x.upx").write_text(f"<hwDataset><hwData>{label}{view}</hwData></hwDataset>")
    report = UnitReport()
    (sample,) = upx.read(tmp_path / "x.upx", report)
    assert sample.ink.t is not None and sample.ink.t[-1] == pytest.approx(0.312)
    assert report.mendings["time-unit-mended"] == 1


@pytest.mark.parametrize("reference", ["../../secret.inkml", "/etc/passwd.inkml", "file:../../secret.inkml"])
def test_upx_reads_nothing_outside_its_corpus(reference: str, upx_file: Path) -> None:
    upx_file.write_text(UPX.replace("gone.inkml", reference), encoding="utf-8")
    report = UnitReport()
    assert "lost" not in [sample.label for sample in upx.read(upx_file, report)]
    assert len(report.refusals) == 1


def test_upx_must_be_upx(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text(INKML)
    with pytest.raises(FormatError, match="not UPX"):
        list(upx.read(file, UnitReport()))


SESSION = """<?xml version="1.0" encoding="ISO-8859-1"?>
<WhiteboardCaptureSession><General><Form id="a" writerID="10084"/></General>
<Transcription><TextLine id="1" text="A MOVE to"/><TextLine id="2" text="stop"/></Transcription>
<WhiteboardDescription><SensorLocation corner="{corner}"/></WhiteboardDescription><StrokeSet>
<Stroke colour="black" start_time="769.05" end_time="769.64"><Point x="10" y="20" time="769.05"/><Point x="12" y="25" time="769.06"/></Stroke>
<Stroke><Point time="770.5" y="4" x="3"/></Stroke></StrokeSet></WhiteboardCaptureSession>"""


@pytest.mark.parametrize(
    ("corner", "first"), [("top_left", [10, 20]), ("top_right", [-10, 20]), ("bottom_left", [10, -20])]
)
def test_iamondb(corner: str, first: list[float], tmp_path: Path) -> None:
    file = tmp_path / "strokes.xml"
    file.write_text(SESSION.format(corner=corner))
    sample = next(iamondb.read(file, UnitReport()))
    assert sample.ink.xy[0].tolist() == first
    assert [len(stroke) for stroke in sample.ink.strokes()] == [2, 1]
    assert sample.ink.t is not None
    assert sample.ink.t.tolist() == [769.05, 769.06, 770.5]
    assert (sample.label, sample.writer, sample.level) == ("A MOVE to\nstop", "10084", "page")


@pytest.mark.parametrize(
    "text",
    [
        "<WhiteboardCaptureSession>",
        "<WhiteboardCaptureSession><Point x='a' y='1' time='2'/></WhiteboardCaptureSession>",
        "<WhiteboardCaptureSession><Point y='1' time='2'/></WhiteboardCaptureSession>",
        "<other/>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><WhiteboardCaptureSession/>",
        "<WhiteboardCaptureSession>" + "<a>" * 1000 + "</a>" * 1000 + "</WhiteboardCaptureSession>",
        "",
    ],
)
def test_iamondb_refuses(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.xml"
    file.write_text(text)
    with pytest.raises(FormatError):
        list(iamondb.read(file, UnitReport()))


KANJI = """<?xml version="1.0" encoding="UTF-8"?>
<!-- licence -->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.0//EN" "http://www.w3.org/TR/2001/REC-SVG-20010904/DTD/svg10.dtd" [
<!ATTLIST g xmlns:kvg CDATA #FIXED "http://kanjivg.tagaini.net" kvg:element CDATA #IMPLIED >
<!ATTLIST path xmlns:kvg CDATA #FIXED "http://kanjivg.tagaini.net" kvg:type CDATA #IMPLIED >
]>
<svg xmlns="http://www.w3.org/2000/svg" width="109" height="109" viewBox="0 0 109 109">
<g id="kvg:StrokePaths_04e8c" style="fill:none;stroke:#000000;stroke-width:3">
<g id="kvg:04e8c" kvg:element="二">
  <path id="kvg:04e8c-s1" kvg:type="㇐" d="M25.25,32.4c1.77,0.37,5.02,0.54,6.78,0.37c10.22-1.02,27.72-3.02,40.1-3.5c2.94-0.12,4.71,0.17,6.18,0.36"/>
  <path id="kvg:04e8c-s2" kvg:type="㇐" d="M12.5,81.98c2.59,0.64,7.34,0.79,9.92,0.64"/>
</g></g>
<g id="kvg:StrokeNumbers_04e8c"><text transform="matrix(1 0 0 1 18 33)">1</text></g></svg>"""


def test_kanjivg(tmp_path: Path) -> None:
    file = tmp_path / "04e8c.svg"
    file.write_text(KANJI, encoding="utf-8")
    sample = next(kanjivg.read(file, UnitReport()))
    assert (sample.label, sample.script, sample.level) == ("二", "Hani", "character")
    assert sample.ink.n_strokes == 2
    assert sample.ink.xy[0].tolist() == pytest.approx([25.25, 32.4])
    assert sample.ink.xy[-1].tolist() == pytest.approx([22.42, 82.62])
    assert sample.ink.t is None


def test_the_code_point_names_a_drawing_without_element(tmp_path: Path) -> None:
    file = tmp_path / "03042.svg"
    file.write_text('<svg><path d="M0,0 5,5"/></svg>')
    sample = next(kanjivg.read(file, UnitReport()))
    assert (sample.label, sample.script) == ("あ", "Hira")


@pytest.mark.parametrize(
    "text",
    [
        '<svg><g transform="scale(2)"><path d="M0,0 5,5"/></g></svg>',
        '<svg><path d="L0,0 5,5"/></svg>',
        '<svg><path d="M0,0 five"/></svg>',
        '<svg><path d="M0,0 C1,2,3"/></svg>',
        '<svg><path d="M0,0 L1e99,3"/></svg>',
        "<ink/>",
    ],
)
def test_drawings_that_cannot_be_read(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.svg"
    file.write_text(text)
    with pytest.raises(FormatError):
        list(kanjivg.read(file, UnitReport()))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("M1,2L3,4", [[[1, 2], [3, 4]]]),
        ("m1 1 2 2-1-1", [[[1, 1], [3, 3], [2, 2]]]),
        ("M1 1h2v3H0V0z", [[[1, 1], [3, 1], [3, 4], [0, 4], [0, 0], [1, 1]]]),
        ("M0 0 1 1z l2 0", [[[0, 0], [1, 1], [0, 0]], [[0, 0], [2, 0]]]),
        ("M0,0L1,1M5,5l1,1", [[[0, 0], [1, 1]], [[5, 5], [6, 6]]]),
        ("M.5.5l.25-.25", [[[0.5, 0.5], [0.75, 0.25]]]),
        ("", []),
    ],
)
def test_straight_paths(data: str, expected: list[list[list[float]]]) -> None:
    assert [line.tolist() for line in polylines(data, 0.1)] == expected


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=8, max_size=8), st.sampled_from([1.0, 0.1, 0.01]))
def test_curves_stay_within_the_tolerance(numbers: list[float], tolerance: float) -> None:
    p = np.array(numbers).reshape(4, 2)
    data = "M{} {}C{} {} {} {} {} {}".format(*(repr(v) for v in numbers))
    line = polylines(data, tolerance)[0]
    u = np.linspace(0, 1, 400)[:, None]
    curve = (1 - u) ** 3 * p[0] + 3 * u * (1 - u) ** 2 * p[1] + 3 * u**2 * (1 - u) * p[2] + u**3 * p[3]
    assert distance(curve, line) <= tolerance * 1.001 + 1e-9
    assert line[0].tolist() == p[0].tolist()
    assert line[-1].tolist() == p[3].tolist()


def test_smooth_and_quadratic_curves_are_those_written_out() -> None:
    smooth = polylines("M0,0C0,5,5,5,5,0s5,-5,5,0", 0.01)[0]
    plain = polylines("M0,0C0,5,5,5,5,0C5,-5,10,-5,10,0", 0.01)[0]
    assert np.allclose(smooth, plain)
    assert np.allclose(polylines("M0,0Q2,4,4,0T8,0", 0.01)[0], polylines("M0,0Q2,4,4,0Q6,-4,8,0", 0.01)[0])


@pytest.mark.parametrize("flags", ["0 1", "0,0", "11", "10"])
def test_arcs_lie_on_their_circle(flags: str) -> None:
    """From (0, 10) over a quarter or three quarters, at a radius of 10, to (10, 0)."""
    line = polylines(f"M0,10A10,10,0,{flags} 10,0", 0.01)[0]
    large, sweep = flags[0] == "1", flags[-1] == "1"
    centre = np.array([10, 10]) if large != sweep else np.array([0, 0])
    assert np.allclose(np.hypot(*(line - centre).T), 10)
    assert np.hypot(*np.diff(line, axis=0).T).sum() == pytest.approx(math.pi * (15 if large else 5), rel=1e-2)


def distance(points: np.ndarray, line: np.ndarray) -> float:
    """Return the largest distance of points from a polyline."""
    a, d = line[:-1], np.diff(line, axis=0)
    length = np.maximum((d**2).sum(1), 1e-300)
    along = (((points[:, None] - a) * d).sum(2) / length).clip(0, 1)
    return float(np.hypot(*np.moveaxis(points[:, None] - a - along[..., None] * d, 2, 0)).min(1).max())


@settings(max_examples=200, deadline=None)
@given(st.text("MmLlHhVvCcSsQqTtAaZz0123456789.,-+e ", max_size=50))
def test_any_path_data_are_read_or_refused(data: str) -> None:
    try:
        lines = polylines(data, 0.05)
    except ValueError:
        return
    assert all(np.isfinite(line).all() for line in lines)


@pytest.mark.parametrize(
    ("module", "text"),
    [(upx, UPX), (iamondb, SESSION.format(corner="top_left")), (kanjivg, KANJI)],
    ids=["upx", "iamondb", "kanjivg"],
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutations_are_read_or_refused(module: Any, text: str, data: st.DataObject, tmp_path: Path) -> None:
    mutated = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        match data.draw(st.sampled_from(["set", "digit", "delete", "copy"])):
            case "set":
                mutated[place] = data.draw(st.integers(0, 255))
            case "digit":
                digits = [k for k, byte in enumerate(mutated) if 48 <= byte <= 57]
                if digits:
                    mutated[data.draw(st.sampled_from(digits))] = data.draw(st.sampled_from(b"9-.eE,# "))
            case "delete":
                del mutated[place : place + data.draw(st.integers(1, 20))]
            case "copy":
                mutated[place:place] = mutated[place : place + data.draw(st.integers(1, 60))]
        if not mutated:
            return
    file = tmp_path / "x.inkml"
    file.write_bytes(mutated)
    with contextlib.suppress(FormatError):
        list(module.read(file, UnitReport()))
