"""UNIPEN: the scanner, components and delineations, times, includes, labels, dialects, hostile files."""

from __future__ import annotations

from pathlib import Path

import makers
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalamos.errors import FormatError, UnreadableError
from kalamos.formats import unipen, unipen_document, unipen_reader
from kalamos.formats.report import UnitReport
from kalamos.formats.unipen_scan import scan


def write(tmp_path: Path, text: str | bytes, name: str = "a.dat") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def samples(tmp_path, text, name="a.dat"):
    report = UnitReport()
    document = unipen.read_document(write(tmp_path, text, name), tmp_path)
    return list(unipen.samples(document, document.segments, name, report)), report


def points(sample):
    return [stroke.tolist() for stroke in sample.ink.strokes()]


BLOCKS = """
.COORD X Y
.PEN_DOWN
0 1
1 1
2 1
.PEN_UP
.PEN_DOWN
10 1
11 1
.PEN_UP
5 5
6 6
.PEN_DOWN
20 1
21 1
22 1
"""


@pytest.mark.parametrize(
    ("delineation", "expected"),
    [
        ("0", [[0, 1, 2]]),
        ("0-1", [[0, 1, 2], [10, 11]]),
        ("0-3", [[0, 1, 2], [10, 11], [20, 21, 22]]),
        ("0:1-1:0", [[1, 2], [10]]),
        ("0:1-1", [[1, 2], [10, 11]]),
        ("0-1:0", [[0, 1, 2], [10]]),
        ("3:1", [[21, 22]]),
        ("1:0-1:0", [[10]]),
        ("3,0", [[0, 1, 2], [20, 21, 22]]),
        ("0:0-0:0,1,3:2-3:2", [[0], [10, 11], [22]]),
        ("0:0-0:1,0:2-0:2", [[0, 1, 2]]),
        ("0:0-0:0,0:2-0:2", [[0], [2]]),
        ("0,0:1-0:2", [[0, 1, 2]]),
        ("3:0-3:99", [[20, 21, 22]]),
        ("?", [[0, 1, 2], [10, 11], [20, 21, 22]]),
    ],
)
def test_every_form_of_delineation(tmp_path, delineation, expected):
    text = BLOCKS.replace(".COORD X Y", f'.COORD X Y\n.SEGMENT CHARACTER {delineation} OK "a"')
    (sample,), report = samples(tmp_path, text)
    assert [[x for x, _ in stroke] for stroke in points(sample)] == expected
    assert report.expected == {".SEGMENT CHARACTER": 1}
    assert report.mendings["unipen-slice-clipped"] == (delineation == "3:0-3:99")


@pytest.mark.parametrize("delineation", ["4", "2-9", "1-0", "2", "x", "1-", "0:9", "99999999999"])
def test_a_delineation_that_cannot_be_is_refused_with_its_line(tmp_path, delineation):
    got, report = samples(tmp_path, BLOCKS + f'.SEGMENT CHARACTER {delineation} OK "a"\n.SEGMENT CHARACTER 0 OK "b"')
    assert [sample.label for sample in got] == ["b"]
    (refusal,) = report.refusals
    assert refusal.where.startswith("line 18: CHARACTER")


def test_empty_blocks_do_not_count_and_pen_ups_with_points_do(tmp_path):
    text = ".COORD X Y\n.PEN_UP\n9 9\n.PEN_DOWN\n\n\n.PEN_DOWN\n1 1\n2 2\n.PEN_UP\n.PEN_DOWN\n3 3\n"
    text += '.SEGMENT WORD 0-2 OK "a"'
    (sample,), _ = samples(tmp_path, text)
    assert points(sample) == [[[1, -1], [2, -2]], [[3, -3]]]


def test_ink_taken_out_of_a_release_is_refused_and_keeps_the_numbering(tmp_path):
    text = '.COORD X Y\n.PEN_DOWN\n0 0\n.PEN_UP\n.PEN_DOWN\n1 1\n2 2\n.SEGMENT WORD 0-1 ? "ab"\n.SEGMENT WORD 1 ? "b"'
    (sample,), report = samples(tmp_path, text)
    assert sample.label == "b" and points(sample) == [[[1, -1], [2, -2]]]
    assert "taken out" in report.refusals[0].reason


def test_start_set_begins_to_number_again(tmp_path):
    one = '.COORD X Y\n.PEN_DOWN\n1 1\n2 1\n.SEGMENT CHARACTER 0 ? "a"\n'
    got, report = samples(tmp_path, one + '.START_SET second\n.PEN_DOWN\n7 1\n8 1\n.SEGMENT CHARACTER 0 ? "b"\n')
    assert [(s.label, points(s)[0][0][0]) for s in got] == [("a", 1), ("b", 7)]
    _, report = samples(tmp_path, one.replace("CHARACTER 0", "CHARACTER 0-1") + ".START_SET x\n.PEN_DOWN\n7 1\n")
    assert len(report.refusals) == 1, "a segment does not reach into the next set"


def test_segments_that_delineate_nothing_take_what_follows(tmp_path):
    text = ".COORD X Y\n.SEGMENT WORD\n.PEN_DOWN\n1 1\n.PEN_DOWN\n2 2\n.SEGMENT WORD\n.PEN_DOWN\n3 3\n"
    got, _ = samples(tmp_path, text)
    assert [points(s) for s in got] == [[[[1, 1]], [[2, 2]]], [[[3, 3]]]], "the toolkits' dialect: y points down"


def test_coordinates_in_any_order_and_extra_channels(tmp_path):
    text = '.COORD T P Y X RHO\n.PEN_DOWN\n0 50 1 10 7\n10 100 2 20 8\n.SEGMENT CHARACTER 0 ? "a"'
    (sample,), _ = samples(tmp_path, text)
    assert points(sample) == [[[10, -1], [20, -2]]]
    assert sample.ink.t.tolist() == [0, 0.01] and sample.time_source == "recorded"
    assert sample.ink.pressure.tolist() == [0.5, 1]
    assert sample.ink.extra["rho"].tolist() == [7, 8]


def test_times_follow_from_the_rate_pen_ups_and_elapsed_times(tmp_path):
    text = (
        ".COORD X Y\n.POINTS_PER_SECOND 100\n.PEN_DOWN\n1 1\n2 2\n.PEN_UP\n3 3\n4 4\n.DT 500\n.PEN_DOWN\n5 5\n"
        '.SEGMENT W 0-2 ? "a"\n.SEGMENT W 2 ? "b"'
    )
    (sample, alone), _ = samples(tmp_path, text)
    assert sample.time_source == "rate"
    np.testing.assert_allclose(sample.ink.t, [0, 0.01, 0.54], atol=1e-12)
    assert alone.ink.t.tolist() == [0]


@pytest.mark.parametrize(
    ("rate", "timed"), [("100", True), ("9600", False), ("10", False), ("x", False), ("-5", False)]
)
def test_rates_that_no_pen_has_are_ignored(tmp_path, rate, timed):
    text = f'.COORD X Y\n.POINTS_PER_SECOND {rate}\n.PEN_DOWN\n1 1\n2 2\n.SEGMENT W 0 ? "a"'
    (sample,), report = samples(tmp_path, text)
    assert (sample.time_source == "rate") is timed
    assert report.mendings["unipen-rate-implausible"] == (rate in ("9600", "10"))


def test_a_clock_that_stands_still_gives_way_to_the_rate(tmp_path):
    text = '.COORD X Y T\n.POINTS_PER_SECOND 50\n.PEN_DOWN\n1 1 0\n2 2 0\n.SEGMENT W 0 ? "a"'
    (sample,), report = samples(tmp_path, text)
    assert sample.time_source == "rate" and sample.ink.t.tolist() == [0, 0.02]
    assert report.mendings == {"unipen-time-constant": 1}


def test_resolution_and_aspect(tmp_path):
    text = '.COORD X Y\n.X_POINTS_PER_MM 20\n.Y_POINTS_PER_INCH 254\n.PEN_DOWN\n1 1\n2 2\n.SEGMENT W 0 ? "a"'
    (sample,), _ = samples(tmp_path, text)
    assert sample.points_per_mm == 20
    np.testing.assert_allclose(sample.ink.xy, [[1, -2], [2, -4]])


@pytest.mark.parametrize(
    ("written", "label"),
    [
        (r'"a"', "a"),
        (r'"\""', '"'),
        (r'"\\"', "\\"),
        (r'"\"', "\\"),
        ('"say "No" twice"', 'say "No" twice'),
        (r'"\@"', r"\@"),
        ('"two\nlines"', "two lines"),
        ('"é"', "é"),
        ('""', ""),
        (r'"a\tb"', "a b"),
        ('"open', "open"),
    ],
)
def test_labels(tmp_path, written, label):
    (sample,), _ = samples(tmp_path, f".COORD X Y\n.PEN_DOWN\n1 1\n.SEGMENT CHARACTER 0 OK {written}\n.COMMENT x\n")
    assert sample.label == label


def test_latin_1_labels(tmp_path):
    (sample,), _ = samples(tmp_path, '.COORD X Y\n.PEN_DOWN\n1 1\n.SEGMENT CHARACTER 0 OK "é"'.encode("latin-1"))
    assert sample.label == "é"


def test_writers_change_where_they_are_declared(tmp_path):
    text = (
        '.COORD X Y\n.WRITER_ID a\n.PEN_DOWN\n1 1\n.WRITER_ID b\n.PEN_DOWN\n2 2\n.SEGMENT W 0 ? "x"\n.SEGMENT W 1 ? "y"'
    )
    got, _ = samples(tmp_path, text)
    assert [sample.writer for sample in got] == ["a", "b"]


def test_lines_of_the_wrong_length_are_dropped_and_counted(tmp_path):
    (sample,), report = samples(tmp_path, '.COORD X Y\n.PEN_DOWN\n1 1\n2\n3 3 3\nx 4\n5 5\n.SEGMENT W 0 ? "a"')
    assert points(sample) == [[[1, -1], [5, -5]]]
    assert report.mendings == {"unipen-line-malformed": 3}


def test_points_may_share_lines_and_line_ends_may_be_any(tmp_path):
    (sample,), report = samples(tmp_path, b'.COORD X Y\r.PEN_DOWN 1 1 2\r2\r\n  .PEN_UP\r\n.SEGMENT W 0 ? "a"\r')
    assert points(sample) == [[[1, -1], [2, -2]]] and not report.mendings


def test_included_files_stand_where_they_are_included(tmp_path):
    write(tmp_path, ".COORD X Y\n.WRITER_ID me\n", "include/set/head.doc")
    write(tmp_path, ".PEN_DOWN\n1 1\n2 2\n", "include/set/data/ink.dat")
    text = '.INCLUDE set/head.doc\n.INCLUDE set/data/ink.dat\n.SEGMENT W 0 ? "a"'
    (sample,), _ = samples(tmp_path, text, "data/1a/set/ink.dat")
    assert sample.writer == "me" and sample.source.endswith("line 3")


def test_a_missing_include_is_named_where_ink_is_missing(tmp_path):
    got, report = samples(
        tmp_path, '.COORD X Y\n.INCLUDE gone.dat\n.PEN_DOWN\n1 1\n.SEGMENT W 0 ? "a"\n.SEGMENT W 1 ? "b"'
    )
    assert len(got) == 1 and "gone.dat" in report.refusals[0].reason


@pytest.mark.parametrize("name", ["../outside.dat", "/etc/passwd", "x/../../outside.dat", "link.dat"])
def test_includes_never_leave_the_root(tmp_path, name):
    secret = write(tmp_path, ".PEN_DOWN\n1 1\n", "outside.dat")
    root = tmp_path / "root"
    path = write(root, f".INCLUDE {name}\n")
    (root / "link.dat").symlink_to(secret)
    with pytest.raises(FormatError, match="leads out of the folder"):
        unipen.read_document(path, root)


def test_circles_and_endless_includes_end(tmp_path, monkeypatch):
    with pytest.raises(FormatError, match="circle"):
        unipen.read_document(write(tmp_path, ".INCLUDE a.dat\n"), tmp_path)
    write(tmp_path, ".INCLUDE a.dat\n", "b.dat")
    with pytest.raises(FormatError, match="circle"):
        unipen.read_document(write(tmp_path, ".INCLUDE b.dat\n"), tmp_path)
    for k in range(20):
        write(tmp_path, f".INCLUDE f{k + 1}.dat\n.INCLUDE f{k + 1}.dat\n", f"f{k}.dat")
    with pytest.raises(FormatError, match="includes deep"):
        unipen.read_document(tmp_path / "f0.dat", tmp_path)
    monkeypatch.setattr(unipen_reader, "MAX_DEPTH", 30)
    with pytest.raises(FormatError, match="1000 in all"):
        unipen.read_document(tmp_path / "f0.dat", tmp_path)


def test_sizes_are_bounded(tmp_path, monkeypatch):
    path = write(tmp_path, makers.UNIPEN)
    monkeypatch.setattr(unipen_reader, "MAX_FILE_BYTES", 100)
    with pytest.raises(FormatError, match="larger than"):
        unipen.read_document(path.rename(tmp_path / "b.dat"), tmp_path)


def test_overlapping_segments_cannot_ask_for_endless_work(tmp_path, monkeypatch):
    monkeypatch.setattr(unipen_document, "MAX_DELINEATED", 10)
    many = write(tmp_path, BLOCKS + '.SEGMENT W 0-3 ? "a"\n' * 9)
    report = UnitReport()
    document = unipen.read_document(many, tmp_path)
    document._budget = 10
    assert len(list(unipen.samples(document, document.segments, "a", report))) == 2
    assert len(report.refusals) == 7


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"hello\nworld", bytes(range(256)) * 9, b"PK\x03\x04", b"<ink/>"])
def test_what_is_no_unipen_is_refused(tmp_path, data):
    assert unipen.sniff(data) is None
    with pytest.raises(FormatError, match="holds no UNIPEN keyword"):
        list(unipen.read(write(tmp_path, data), UnitReport()))


def test_missing_files_and_folders_are_refused(tmp_path):
    for path, error in ((tmp_path, FormatError), (tmp_path / "nothing", UnreadableError)):
        with pytest.raises(error, match=r"cannot be read|is not a file"):
            unipen.read_document(path)


def test_reading_alone_takes_the_smallest_segments_or_the_whole(tmp_path):
    assert unipen.sniff(makers.UNIPEN) is not None
    report = UnitReport()
    got = list(unipen.read(write(tmp_path, makers.UNIPEN), report))
    assert [(s.label, s.level, s.writer, s.ink.n_strokes) for s in got] == [
        ("7", "character", "w7", 2),
        ("V", "character", "w7", 1),
    ]
    np.testing.assert_allclose(got[0].ink.t, [0, 0.01, 0.02, 0.2, 0.215])
    (whole,) = unipen.read(write(tmp_path, ".COORD X Y\n.PEN_DOWN\n1 1\n2 2\n.PEN_DOWN\n3 3\n"), report)
    assert whole.ink.n_strokes == 2


numbers = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-99999, max_value=99999).map(str),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(numbers, max_size=30), st.sampled_from([" ", "\t", "\n", "\r\n", "  "]))
def test_the_scanner_reads_numbers_as_python_does(words, separator):
    found = scan((".PEN_DOWN\n" + separator.join(words)).encode())
    np.testing.assert_allclose(found.values, [float(word) for word in words], rtol=1e-15)
    assert found.junk.sum() == 0


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_the_scanner_survives_any_bytes(data):
    found = scan(b".PEN_DOWN\n" + data)
    assert found.starts[-1] == len(found.values)
    assert (np.diff(found.starts) >= 0).all()


def test_scans_are_kept_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(unipen_reader, "CACHE_FILES", 3)
    for k in range(9):
        unipen_reader.cached_scan(write(tmp_path, makers.UNIPEN, f"{k}.dat"))
    assert len(unipen_reader._CACHE) <= 3
    path = tmp_path / "8.dat"
    assert unipen_reader.cached_scan(path) is unipen_reader.cached_scan(path)
