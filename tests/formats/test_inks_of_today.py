"""What people write with today: Xournal++, reMarkable, SVG, JSON, tables, Tegaki, signatures, OneNote."""

from __future__ import annotations

# ruff: noqa: E501 - documents are easier to read unbroken
import gzip
import json
import random
import struct
import time
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from kalamos.errors import FormatError, KalamosError
from kalamos.formats import inkobjects, multipart, read_file, recognise, remarkable, svg, table, tegaki, xournal
from kalamos.formats.columns import parse_columns
from kalamos.formats.export import write_xopp
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample

XOPP = b"""<?xml version="1.0" standalone="no"?>
<xournal creator="Xournal++ 1.2.0" fileversion="4"><title>t</title><page width="595.27" height="841.89"><layer>
<stroke tool="pen" color="#000000ff" width="1.41 0.9 1.1">100.0 100.0 110.0 120.0 120.0 100.0</stroke>
<stroke tool="highlighter" width="8.5">90 110 130 110</stroke><stroke tool="eraser" width="9">1 1 2 2</stroke>
<stroke tool="pen" width="1.41">200 100 200 100</stroke><text>typed</text></layer></page>
<page width="1" height="1"><layer/></page>
<page width="1" height="1"><layer><stroke tool="pen" width="1">1 2 3 4</stroke></layer></page></xournal>"""
HEADER = b"reMarkable .lines file, version=%d          "


def old_page(version: int, tools: tuple[int, ...] = (17,)) -> bytes:
    data = HEADER % version + struct.pack("<ii", 1, len(tools))
    for tool in tools:
        data += struct.pack("<iiif", tool, 0, 0, 2.0) + (struct.pack("<i", 0) if version == 5 else b"")
        data += (
            struct.pack("<i", 2) + struct.pack("<6f", 10, 10, 1, 0, 2, 0.5) + struct.pack("<6f", 20, 20, 1, 0, 2, 0.25)
        )
    return data


def tagged(index: int, kind: int, content: bytes) -> bytes:
    return bytes([index << 4 | kind]) + content


def block(kind: int, content: bytes, version: int = 2) -> bytes:
    return struct.pack("<IBBBB", len(content), 0, 1, version, kind) + content


def new_page(deleted: int = 0, tool: int = 15) -> bytes:
    points = struct.pack("<ffHHBB", -10, 10, 4, 8, 0, 255) + struct.pack("<ffHHBB", 20, 30, 4, 8, 0, 51)
    line = tagged(1, 4, struct.pack("<I", tool)) + tagged(2, 4, bytes(4)) + tagged(3, 8, struct.pack("<d", 1.0))
    line += tagged(4, 4, bytes(4)) + tagged(5, 0xC, struct.pack("<I", len(points)) + points) + tagged(6, 0xF, b"\0\1")
    ids = b"".join(tagged(k, 0xF, b"\0\x0b") for k in (1, 2, 3, 4)) + tagged(5, 4, struct.pack("<I", deleted))
    value = b"\3" + line
    return HEADER % 6 + block(5, ids + tagged(6, 0xC, struct.pack("<I", len(value)) + value))


PACKED = {"x": [1, 2, 3], "y": [2, 3, 4]}
JIIX: dict[str, Any] = {
    "type": "Text", "label": "hi", "version": "3",
    "words": [{"label": "hi", "items": [
        {"timestamp": "2024-05-01 10:00:00.000000", "X": [1, 2, 3], "Y": [2, 3, 4], "F": [0.1, 0.2, 0.3],
         "T": [0, 10, 20], "type": "stroke", "id": "0001"},
        {"timestamp": "2024-05-01 10:00:00.500000", "X": [5, 5], "Y": [2, 4], "F": [0.1, 0.2], "T": [0, 10],
         "type": "stroke", "id": "0002"}]}],
    "chars": [{"label": "h", "items": [{"X": [1, 2, 3], "Y": [2, 3, 4], "type": "stroke", "id": "0001"}]}],
}  # fmt: skip
EXCALIDRAW = {
    "type": "excalidraw", "version": 2, "elements": [
        {"type": "freedraw", "version": 1, "x": 10, "y": 20, "points": [[0, 0], [5, 5]], "pressures": [0.5, 0.7]},
        {"type": "rectangle", "version": 1, "x": 0, "y": 0, "width": 5, "height": 5},
        {"type": "freedraw", "version": 1, "x": 0, "y": 0, "points": [[0, 0]], "isDeleted": True}],
}  # fmt: skip
MS = [1735485141222, 1735485141232]
POINTS = [{"x": 1, "y": 2, "t": MS[0], "p": 0.5}, {"x": 2, "y": 3, "t": MS[1], "p": 0.5}]
JSONS: dict[str, tuple[Any, list[int], list[float] | None]] = {
    "ML Kit": ({"strokes": [{"points": [{"x": 1.0, "y": 2.0, "t": 1000}, {"x": 2.0, "y": 3.0, "t": 1010}]}]}, [0, 2], [0, 0.01]),
    "iink pointers": ([{"pointerType": "PEN", "pointerId": 0, "pointers": POINTS}], [0, 2], [0, 0.01]),
    "iink groups": ({"strokeGroups": [{"strokes": [{**PACKED, "t": [0, 10, 20], "p": [0.1, 0.2, 0.3]}, PACKED]}]}, [0, 3, 6], None),
    "JIIX": (JIIX, [0, 3, 5], [0, 0.01, 0.02, 0.5, 0.51]),
    "signature_pad": ([{"penColor": "black", "points": [{"x": 1, "y": 2, "pressure": 0.5, "time": MS[0]},
                                                        {"x": 2, "y": 3, "pressure": 0.5, "time": MS[1]}]}], [0, 2], [0, 0.01]),
    "Excalidraw": (EXCALIDRAW, [0, 2], None),
    "Google": ({"options": "", "requests": [{"writing_guide": {}, "ink": [[[1, 2], [3, 4], [0, 20]], [[5], [6], [90]]]}]},
               [0, 2, 3], [0, 0.02, 0.09]),
    "points with a pen": ([{"x": 1, "y": 1, "pen": 1}, {"x": 2, "y": 2, "pen": 0}, {"x": 3, "y": 3, "pen": 1}], [0, 1, 2], None),
}  # fmt: skip
TEGAKI = (
    b'<?xml version="1.0"?>\n<character>\n <utf8>a</utf8><width>1000</width><height>1000</height><strokes><stroke>'
    b'<point x="553" y="216" timestamp="0"/><point x="550" y="226" timestamp="13"/></stroke></strokes></character>'
)
MULTIPART = (
    b"--abc\r\nContent-Type: text/html\r\n\r\n<html></html>\r\n--abc\r\nContent-Type: application/inkml+xml; charset=utf-8"
    b'\r\n\r\n<?xml version="1.0" encoding="utf-8"?>\n<i:ink xmlns:i="http://www.w3.org/2003/InkML"><i:trace>1 2,3 4'
    b"</i:trace></i:ink>\r\n--abc--\r\n"
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" %s>%s</svg>'


def all_of(path: Path, data: bytes | str, **chosen: Any) -> tuple[list[Sample], UnitReport]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    report = UnitReport()
    return list(read_file(path, report, **chosen)), report


def only(path: Path, data: bytes | str, **chosen: Any) -> tuple[Sample, Counter[str]]:
    samples, report = all_of(path, data, **chosen)
    assert report.refusals == []
    assert len(samples) == 1
    return samples[0], report.mendings


@pytest.mark.parametrize("packed", [True, False])
def test_xournal_pages_strokes_and_widths(packed: bool, tmp_path: Path) -> None:
    samples, report = all_of(tmp_path / "x", gzip.compress(XOPP) if packed else XOPP)
    first, last = samples
    assert first.ink.offsets.tolist() == [0, 3, 5, 6]
    assert first.ink.xy[:3].tolist() == [[100, 100], [110, 120], [120, 100]]
    assert first.ink.extra["width"].tolist() == pytest.approx([0.9, 1.1, 1.1, 8.5, 8.5, 1.41])
    assert first.points_per_mm == pytest.approx(72 / 25.4) and first.time_source == "none"
    assert (first.key, last.key, last.ink.n_points) == ("x/1", "x/3", 2)
    assert report.mendings == {"left-out-eraser": 1, "left-out-text": 1, "left-out-blank-page": 1}


def test_xournal_faults_are_named(tmp_path: Path) -> None:
    for data, said in (
        (gzip.compress(XOPP)[:-20], "cut off"),
        (b"\x1f\x8b\x08" + b"\0" * 20, "gzip"),
    ):
        with pytest.raises(FormatError, match=said):
            list(xournal.read(_write(tmp_path / "x", data), UnitReport()))
    _, report = all_of(
        tmp_path / "x", b"<xournal><page><stroke>1 2 3</stroke></page><page><stroke>1 a</stroke></page></xournal>"
    )
    assert ["odd number" in refusal.reason or "no number" in refusal.reason for refusal in report.refusals] == [
        True,
        True,
    ]


def test_what_is_written_to_xopp_is_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    xy = rng.uniform(10, 500, (9, 2)).astype(np.float32)
    ink = Ink(xy, [0, 4, 5, 9], extra={"width": rng.uniform(1, 3, 9)})  # type: ignore[arg-type]
    written = [Sample("a", ink, points_per_mm=72 / 25.4), Sample("b", Ink(xy, [0, 9]), units="px")]  # type: ignore[arg-type]
    file = tmp_path / "x.xopp"
    assert write_xopp(written, file) == 2
    assert recognise(file)[0] == "xournal"
    first, second = read_file(file, UnitReport())
    assert np.array_equal(first.ink.xy, xy) and first.ink.offsets.tolist() == [0, 4, 5, 9]
    ends = [3, 8]  # a width belongs to a segment: the last point of a stroke has none of its own
    inner = [k for k in range(9) if k not in ends]
    assert np.array_equal(first.ink.extra["width"][inner], ink.extra["width"][inner])
    assert np.allclose(second.ink.xy, xy * 0.75, atol=1e-4)


@pytest.mark.parametrize("version", [3, 5])
def test_remarkable_pages_of_versions_3_and_5(version: int, tmp_path: Path) -> None:
    sample, counts = only(tmp_path / "x", old_page(version, (17, 6)))
    assert sample.ink.xy.tolist() == [[10, 10], [20, 20]]
    assert sample.ink.pressure is not None and sample.ink.pressure.tolist() == [0.5, 0.25]
    assert sample.points_per_mm == pytest.approx(226 / 25.4)
    assert counts == {"left-out-eraser": 1}


def test_remarkable_pages_of_version_6(tmp_path: Path) -> None:
    sample, counts = only(tmp_path / "x", new_page())
    assert sample.ink.xy.tolist() == [[-10, 10], [20, 30]]
    assert sample.ink.pressure is not None and sample.ink.pressure.tolist() == pytest.approx([1, 0.2])
    assert sample.ink.extra["width"].tolist() == [2, 2]
    for data, rule in ((new_page(tool=6), "left-out-eraser"), (new_page(deleted=1), "left-out-hidden")):
        samples, report = all_of(tmp_path / "x", data)
        assert not samples and report.mendings[rule] == 1
    assert "position-relative-to-text" not in +counts
    with pytest.raises(FormatError, match="version 7"):
        all_of(tmp_path / "x", HEADER % 7)


def test_rmscene_reads_the_same(tmp_path: Path) -> None:
    rmscene = pytest.importorskip("rmscene")
    sample, _ = only(tmp_path / "x", new_page())
    with (tmp_path / "x").open("rb") as file:
        blocks = [item for item in rmscene.read_blocks(file) if type(item).__name__ == "SceneLineItemBlock"]
    assert [(point.x, point.y) for point in blocks[0].item.value.points] == [tuple(p) for p in sample.ink.xy.tolist()]


@pytest.mark.parametrize(
    ("body", "strokes"),
    [
        ('<polyline points="0,0 5,5 10,0" fill="none" stroke="black"/><line x1="0" y1="20" x2="10" y2="20" stroke="#000"/>',
         [[[0, 0], [5, 5], [10, 0]], [[0, 20], [10, 20]]]),
        ('<g transform="translate(10,5)"><path d="M0 0L9 9" stroke="#000" fill="none"/></g>', [[[10, 5], [19, 14]]]),
        ('<g transform="scale(2)"><g transform="translate(1 1)"><path d="M0 0L1 0" stroke="red"/></g></g>', [[[2, 2], [4, 2]]]),
        ('<style>.a{stroke:#000;fill:none}</style><path class="a" d="M1 1L2 2"/>', [[[1, 1], [2, 2]]]),
        ('<defs><path id="p" d="M0 0L1 1" stroke="#000"/></defs><use href="#p" x="5"/>', [[[5, 0], [6, 1]]]),
        ('<clipPath><path d="M0 0L9 9" stroke="#000"/></clipPath><path d="M1 1L2 2" stroke="#000"/>', [[[1, 1], [2, 2]]]),
        ('<symbol><path d="M0 0L9 9" stroke="#000"/></symbol><path d="M1 1L2 2" stroke="#000"/>', [[[1, 1], [2, 2]]]),
        ('<mask><path d="M0 0L9 9" stroke="#000"/></mask><path d="M1 1L2 2" stroke="#000"/>', [[[1, 1], [2, 2]]]),
        ('<g display="none"><path d="M0 0L9 9" stroke="#000"/></g><path d="M1 1L2 2" stroke="#000"/>', [[[1, 1], [2, 2]]]),
        ('<path style="display:none;stroke:red" d="M0 0L9 9"/><path d="M1 1L2 2" stroke="#000"/>', [[[1, 1], [2, 2]]]),
        ('<path visibility="hidden" d="M0 0L9 9" stroke="#000"/><path d="M1 1L2 2" stroke="#000"/>', [[[1, 1], [2, 2]]]),
        ('<path d="M0 0L9 0L9 9Z" fill="#000"/><path d="M1 1L2 2" stroke="#000"/>', [[[1, 1], [2, 2]]]),
        ('<path d="M1 1L2 2"/>', [[[1, 1], [2, 2]]]),
    ],
)  # fmt: skip
def test_svg_is_read_as_a_viewer_shows_it(body: str, strokes: list[Any], tmp_path: Path) -> None:
    sample, _ = only(tmp_path / "x", SVG % ("", body))
    assert [stroke.tolist() for stroke in sample.ink.strokes()] == strokes
    assert sample.provenance == "authored"


def test_svg_of_filled_outlines_is_refused_with_the_reason(tmp_path: Path) -> None:
    for body in ('<path fill="#000" stroke="none" d="M2 2L18 2L18 4L2 4Z"/>', '<path d="M2 2L18 2L18 4L2 4Z"/>'):
        samples, report = all_of(tmp_path / "x", SVG % ('viewBox="0 0 20 20"', body))
        assert not samples and "filled outlines and no stroked path" in report.refusals[0].reason


def test_svg_keeps_its_own_coordinates_and_knows_its_scale(tmp_path: Path) -> None:
    size = 'width="10cm" height="10cm" viewBox="0 0 377 377"'
    sample, _ = only(tmp_path / "x", SVG % (size, '<path d="M0 0L100 100" stroke="#00f"/>'))
    assert sample.ink.xy[-1].tolist() == [100, 100]
    assert sample.points_per_mm == pytest.approx(3.77)


def test_hostile_svg_ends_soon(tmp_path: Path) -> None:
    doubled = "".join(f'<g id="a{k}"><use href="#a{k - 1}"/><use href="#a{k - 1}"/></g>' for k in range(1, 40))
    for body in ('<g id="a"><use href="#a"/></g>', f'<g id="a0"><path d="M0 0L1 1" stroke="#000"/></g>{doubled}'):
        with pytest.raises(FormatError, match="use"):
            all_of(tmp_path / "x", SVG % ("", body))


@pytest.mark.parametrize("name", JSONS)
def test_json_of_many_programs(name: str, tmp_path: Path) -> None:
    content, offsets, times = JSONS[name]
    sample, _ = only(tmp_path / "x", json.dumps(content))
    assert sample.ink.offsets.tolist() == offsets
    if times is None:
        assert sample.ink.t is None
    else:
        assert sample.ink.t is not None and sample.ink.t.tolist() == pytest.approx(times, abs=1e-6)


def test_json_details(tmp_path: Path) -> None:
    sample, counts = only(tmp_path / "x", json.dumps(EXCALIDRAW))
    assert sample.ink.xy.tolist() == [[10, 20], [15, 25]]
    assert counts == {"left-out-shape": 1, "left-out-deleted": 1}
    assert sample.ink.pressure is not None
    sample, _ = only(tmp_path / "x", json.dumps(JIIX))
    assert (sample.label, sample.level) == ("hi", "page")
    sample, _ = only(tmp_path / "x", json.dumps(JIIX), level="word")
    assert (sample.label, sample.level, sample.ink.n_strokes) == ("hi", "word", 2)
    several = [{"label": label, "strokes": [PACKED]} for label in "ab"]
    samples, _ = all_of(tmp_path / "x", json.dumps(several))
    assert [(sample.key, sample.label) for sample in samples] == [("x/0", "a"), ("x/1", "b")]
    lines = "\n".join(json.dumps(item) for item in several)
    assert len(all_of(tmp_path / "x", lines)[0]) == 2
    sample, _ = only(tmp_path / "x", '{"label": "\\ud800a", "strokes": [{"x": [1], "y": [2]}]}')
    assert sample.label == "\ufffda"


def test_json_with_other_keys_is_mapped_and_else_named(tmp_path: Path) -> None:
    data = '{"path": [{"links": 1, "oben": 2, "wann": 0}, {"links": 3, "oben": 4, "wann": 10}]}'
    with pytest.raises(FormatError, match="JSON with the keys path, links, oben, wann, none of them points"):
        all_of(tmp_path / "x", data)
    sample, _ = only(tmp_path / "x", data, columns=parse_columns("x=links,y=-oben,t=wann"))
    assert sample.ink.xy.tolist() == [[1, -2], [3, -4]]
    assert sample.ink.t is not None and sample.ink.t.tolist() == [0, 0.01]


ROWS = [(1, 2, 0, 1), (2, 3, 10, 1), (9, 9, 20, 0), (5, 6, 30, 1), (6, 7, 40, 1)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "  "])
def test_tables_with_any_separator(separator: str, tmp_path: Path) -> None:
    rows = [("X", "y_pos", "time_ms", "pen"), *ROWS]
    text = "# a comment\n" + "\n".join(separator.join(map(str, row)) for row in rows)
    sample, _ = only(tmp_path / "x", text)
    assert sample.ink.xy.tolist() == [[1, 2], [2, 3], [5, 6], [6, 7]]
    assert sample.ink.offsets.tolist() == [0, 2, 4]
    assert sample.ink.t is not None and sample.ink.t.tolist() == pytest.approx([0, 0.01, 0.03, 0.04])


def test_table_details(tmp_path: Path) -> None:
    file = tmp_path / "x"
    sample, _ = only(file, "x;y;t_s\n1,5;2,5;0\n2,5;3,5;0,01\n".encode("utf-16"))
    assert sample.ink.xy.tolist() == [[1.5, 2.5], [2.5, 3.5]]
    signed = "X Y TStamp Pres EndPts\n1 1 0 5 0\n2 2 10 6 1\n3 3 20 5 0\n4 4 30 5 1\n"
    sample, counts = only(file, signed)
    assert sample.ink.offsets.tolist() == [0, 2, 4] and "strokes-not-told" not in counts
    text = "sample,label,writer,stroke,x,y\na,A,w,0,1,1\na,A,w,1,2,2\nb,B,w,0,3,3\n"
    samples, _ = all_of(file, text)
    assert [(s.key, s.label, s.writer, s.ink.n_strokes) for s in samples] == [
        ("x/a", "A", "w", 2),
        ("x/b", "B", "w", 1),
    ]
    sample, counts = only(file, "x,y\n1,1\n2,2\n")
    assert counts == {"strokes-not-told": 1}
    sample, counts = only(file, "x,y,pressure\n1,1,9\n2,2,0\n3,3,9\n")
    assert sample.ink.offsets.tolist() == [0, 1, 2]
    samples, report = all_of(file, "x,y,pen\n1,1,7\n")
    assert not samples and "pen is 0 or 1" in report.refusals[0].reason


def test_tables_without_names_are_numbered_or_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="3 columns of numbers without names"):
        all_of(tmp_path / "x", "1,2,3\n4,5,6\n")
    sample, _ = only(tmp_path / "x", "1,2,3\n4,5,6\n", columns=parse_columns("x=2,y=3"))
    assert sample.ink.xy.tolist() == [[2, 3], [5, 6]]
    with pytest.raises(FormatError, match="no column '9'"):
        all_of(tmp_path / "x", "1,2,3\n", columns=parse_columns("x=2,y=9"))
    for wrong in ("x=1", "x=1,y", "x=1,y=2,colour=3", "x=1,x=2,y=3"):
        with pytest.raises(KalamosError, match="--columns"):
            parse_columns(wrong)


def test_tegaki(tmp_path: Path) -> None:
    sample, _ = only(tmp_path / "x", TEGAKI)
    assert (sample.label, sample.ink.xy.tolist()) == ("a", [[553, 216], [550, 226]])
    assert sample.ink.t is not None and sample.ink.t.tolist() == [0, 0.013]
    body = TEGAKI.partition(b"\n")[2]
    samples, _ = all_of(
        tmp_path / "x", b"<character-collection><set name='b'>" + body * 2 + b"</set></character-collection>"
    )
    assert [sample.key for sample in samples] == ["x/1", "x/2"]


def test_onenote_answers_are_cut_open(tmp_path: Path) -> None:
    sample, counts = only(tmp_path / "x", MULTIPART)
    assert sample.ink.xy.tolist() == [[1, 2], [3, 4]]
    assert counts == {"left-out-part": 1}
    with pytest.raises(FormatError, match="none is InkML"):
        all_of(tmp_path / "x", MULTIPART.replace(b"inkml+xml", b"pdf"))


def test_xml_that_declares_another_encoding_than_it_has(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><ink><trace>1 2, 3 4</trace></ink>'
    sample, counts = only(tmp_path / "x", text)
    assert sample.ink.xy.tolist() == [[1, 2], [3, 4]] and counts == {"xml-encoding-mended": 1}
    sample, counts = only(tmp_path / "x", text.encode("utf-16"))
    assert sample.ink.n_points == 2 and not counts


def test_signatures_in_columns(tmp_path: Path) -> None:
    sample, _ = only(tmp_path / "x", "16068 26546 228\r\n16085 26621 246\r\n16097 26700 0\r\n")
    assert sample.ink.offsets.tolist() == [0, 3]
    sample, _ = only(tmp_path / "x", "ABC-001_001_001 3\n\t 6781 18581    6\n\t 6782 18590   60\n\t 6783 18600   70\n")
    assert sample.ink.offsets.tolist() == [0, 3] and sample.ink.t is None
    sample, _ = only(tmp_path / "x", "1 1 5\n2 2 6\n3 3 0\n9 9 0\n5 5 4\n6 6 0\n")
    assert [stroke.tolist() for stroke in sample.ink.strokes()] == [[[1, -1], [2, -2], [3, -3]], [[5, -5], [6, -6]]]
    with pytest.raises(FormatError, match="columns of numbers"):
        all_of(tmp_path / "x", "1 1 0\n2 2 10\n3 3 20\n")  # the third may be a time


SEEDS: list[tuple[ModuleType, bytes]] = [
    (xournal, XOPP), (xournal, gzip.compress(XOPP)), (remarkable, old_page(3)), (remarkable, old_page(5)),
    (remarkable, new_page()), (tegaki, TEGAKI), (multipart, MULTIPART),
    (svg, (SVG % ("", '<g transform="rotate(5)"><path d="M0 0C1 1 2 2 3 3A1 2 0 0 1 4 4" stroke="#000"/></g>')).encode()),
    (table, b"x,y,t,pen\n1,2,0,1\n2,3,10,1\n"),
    *((inkobjects, json.dumps(content).encode()) for content, _, _ in JSONS.values()),
]  # fmt: skip
TOKENS = [
    b"nan",
    b"1e400",
    b"-1",
    b"null",
    b"[",
    b"}",
    b'"',
    b"<",
    b"\0",
    b"9" * 25,
    b",",
    b"\xff\xff\xff\xff",
    b"{}",
    b"\n",
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("index", range(len(SEEDS)))
def test_mutated_files_are_read_or_refused(index: int, tmp_path: Path) -> None:
    module, seed = SEEDS[index]
    rng = random.Random(index)
    for _ in range(80):
        data = bytearray(seed)
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(data) + 1)
            kind = rng.randrange(4)
            if kind == 0 and at < len(data):
                data[at] = rng.randrange(256)
            elif kind == 1:
                del data[at : at + rng.randint(1, 20)]
            elif kind == 2:
                data[at:at] = rng.choice(TOKENS)
            else:
                data[at:at] = data[: rng.randint(1, 40)]
        _read_or_refuse(module, tmp_path / "file", bytes(data))


def _read_or_refuse(module: ModuleType, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    module.sniff(data[:65_536])
    begin = time.process_time()
    report = UnitReport()
    try:
        for sample in module.read(path, report):
            assert sample.ink.n_strokes
    except FormatError as error:
        assert str(path) in str(error)
    assert all(refusal.reason for refusal in report.refusals)
    assert time.process_time() - begin < 5


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
