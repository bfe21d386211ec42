"""No input costs unbounded work, and no text ends a conversion."""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import struct
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from kalamos.datasets.convert import Conversion, convert
from kalamos.errors import FormatError, KalamosError, UnreadableError
from kalamos.formats import FORMATS, omniglot, read_samples
from kalamos.formats.report import UnitReport
from kalamos.formats.svgpath import polylines
from kalamos.geometry import turning_points
from kalamos.machinery.timelimit import limited, time_limit
from kalamos.scans.load import load
from kalamos.storage.parquet import read_rows

INPUTS = Path(__file__).parent / "inputs"

REPEATED = [
    *(b"\n", b" ", b"\r\n", b"1", b"1 ", b"1,", b"-", b"a", b"a ", b"// x\n", b"<", b"<!--", b"<!-- -->", b"<?x?>"),
    *(b"<!DOCTYPE a [", b"{", b'{"', b'{"a":', b"[", b'[{"a":"', b".", b"\n.", b"START 1,", b"stroke_1 = [", b"\0"),
    *(b"WORD a b NUMSTROKES", b"1.1.", b"e+-", b"\xff\xfe", b"<a b='", b"\xc2\xa0"),
]
BEGINNINGS = [b"", b"<?xml version='1.0' ", b"START ", b"10\n", b'[{"', b"<!DOCTYPE a [", b"WORD ", b"PK\x03\x04"]


@pytest.mark.parametrize("name", FORMATS.names())
def test_recognition_takes_linear_time(name):
    """A head of 64 kB takes milliseconds; what backtracks takes hours."""
    module = FORMATS.load(name)
    for beginning, token, end in itertools.product(BEGINNINGS, REPEATED, (b"", b"x", b'"]', b"\n<a>")):
        begun = time.process_time()
        with time_limit(name, 5.0):
            module.sniff((beginning + token * (60_000 // len(token)))[:65_500] + end)
        assert time.process_time() - begun < 1.0, (beginning, token, end)


@pytest.mark.parametrize("path", sorted(INPUTS.iterdir()), ids=lambda path: path.name)
def test_known_files_end_soon_and_with_a_reason(path):
    if path.suffix == ".png":
        pytest.skip("a picture")
    begun, report = time.process_time(), UnitReport()
    try:
        list(read_samples(path, report))
    except FormatError as error:
        assert error.reason
    assert time.process_time() - begun < 5.0


def array_file(shape: str, descr: str = "'<f4'", content: bytes = b"") -> bytes:
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + content


def pickled(code: bytes) -> bytes:
    return array_file("(1,)", "'|O'", b"\x80\x02" + code)


BOMBS = {
    "empty planes": array_file("(100000000, 0, 3)"),
    "empty rows": array_file("(0, 100000000, 3)"),
    "memo": pickled(b"Nr\xff\xff\xff\x0f."),
    "made by its class": pickled(b"cnumpy\nndarray\n(J\x00\x00\x00\x40\x85X\x01\x00\x00\x00Ot R."),
    "made by its maker": pickled(
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(J\x00\x00\x00\x40tX\x01\x00\x00\x00Ot R."
    ),
    "idna": pickled(b"c_codecs\nencode\n(X\x05\x00\x00\x00aaaaaX\x04\x00\x00\x00idnatR."),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_arrays_take_no_more_than_they_hold(tmp_path, name):
    (tmp_path / "x.npy").write_bytes(BOMBS[name])
    report, begun = UnitReport(), time.process_time()
    try:
        samples = list(read_samples(tmp_path / "x.npy", report))
    except FormatError:
        samples = []
    assert not samples
    assert len(report.refusals) <= 1
    assert time.process_time() - begun < 1.0


def test_many_empty_drawings_are_refused_together(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros((2, 3)), offsets=np.zeros(3_000_000, np.int64))
    with pytest.raises(FormatError, match="2999999 drawings of 2 points"):
        list(read_samples(tmp_path / "x.npz"))


def test_elements_of_nothing_are_counted(tmp_path):
    body = zlib.compress(struct.pack("<II", 14, 8 * 2_000_000) + struct.pack("<II", 14, 0) * 2_000_000)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "x.mat").write_bytes(head + struct.pack("<II", 15, len(body)) + body)
    with pytest.raises(FormatError, match="elements"):
        list(read_samples(tmp_path / "x.mat"))


def test_data_included_again_and_again_are_refused(tmp_path):
    (tmp_path / "data.inc").write_bytes(b".PEN_DOWN\n" + b"1 2\n3 4\n" * 20_000 + b".PEN_UP\n")
    (tmp_path / "x.dat").write_bytes(b".VERSION 1.0\n.COORD X Y\n" + b".INCLUDE data.inc\n" * 900)
    with pytest.raises(FormatError, match="MB again"):
        list(read_samples(tmp_path / "x.dat"))


def test_a_loop_of_links_behind_an_include_is_an_error_of_the_file(tmp_path):
    (tmp_path / "loop1").symlink_to("loop2")
    (tmp_path / "loop2").symlink_to("loop1")
    (tmp_path / "x.dat").write_bytes((INPUTS / "loopinc.dat").read_bytes())
    with pytest.raises(FormatError, match="loop1"):
        list(read_samples(tmp_path / "x.dat"))


def test_arcs_are_read_in_one_pass():
    begun = time.process_time()
    with pytest.raises(ValueError, match="path data"):
        polylines("M0 0A" + "1" * 100_000 + "x", 0.1)
    assert time.process_time() - begun < 2.0
    (packed,) = polylines("M0 0a1 1 0 01.5.5", 0.1)
    (spaced,) = polylines("M0 0a1 1 0 0 1 .5 .5", 0.1)
    assert np.array_equal(packed, spaced)


def endless():
    yield 1
    while True:
        sum(range(1000))


def test_a_file_that_takes_too_long_is_refused_wherever_it_is_read():
    def consume(found):
        try:
            for item in limited(endless(), "slow", 0.3):
                found.append(item)
        except KalamosError as error:
            found.append(str(error))

    for call in (consume, lambda found: [t := threading.Thread(target=consume, args=(found,)), t.start(), t.join()]):
        found: list[object] = []
        call(found)
        assert found[0] == 1
        assert "slow: took more than 0.3 s" in str(found[1])


def test_waiting_costs_no_time_of_the_processor():
    def slow_drive():
        time.sleep(0.5)
        yield 1

    assert list(limited(slow_drive(), "slow", 0.3)) == [1]


def test_a_slow_file_is_a_refusal_of_the_conversion(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for name in "ab":
        (tmp_path / "in" / name).write_text("START\n1,1,0\n2,2,10\nBREAK\n")
    read = omniglot.read

    def slow(path, report):
        if path.name == "a":
            yield from itertools.islice(endless(), 1, None)
        yield from read(path, report)

    monkeypatch.setattr(omniglot, "read", slow)
    report = convert(Conversion("auto", tmp_path / "in", file_timeout_s=0.3), tmp_path / "out")
    assert report.samples == 1
    assert [refusal.source for refusal in report.refusals] == ["a"]
    assert "processor time" in report.refusals[0].reason


def test_texts_that_are_no_unicode_are_mended_and_counted(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    lines = [
        {"kalamos": 1, "key": f"k{k}\ud800", "label": "\ud800x", "strokes": [{"x": [1, 2], "y": [3, 4]}]}
        for k in (1, 2)
    ]
    (folder / "ink.json").write_text("\n".join(map(json.dumps, lines)))
    for name in (b"\xfe", b"\xff"):
        (folder / os.fsdecode(name)).write_bytes(b"START\n1,1,0\n2,2,10\nBREAK\n")
    report = convert(Conversion("auto", folder), tmp_path / "out")
    assert report.samples == 4
    assert report.mendings["text-not-unicode"] == 4
    samples = [row.sample for row in read_rows(tmp_path / "out")]
    assert len({sample.key for sample in samples}) == 4
    assert {sample.label for sample in samples} == {"\ufffdx", ""}


def test_lines_are_simplified_in_bounded_time():
    """A speed curve that trembles less and less splits off one point at a time: quadratic in the plain rule."""
    x = np.arange(60_000.0)
    zigzag = np.stack([x, np.where(x % 2, 100.0 - x / 1000, 0.0)], axis=1)
    begun = time.process_time()
    kept = turning_points(zigzag, 0.1)
    assert time.process_time() - begun < 10
    assert len(kept) == len(zigzag)
    straight = np.stack([x, x], axis=1)
    assert len(turning_points(straight, 0.1)) <= 60_000 // 2048 + 2


PICTURES = [*sorted((Path(__file__).parent / "found").iterdir()), *sorted(INPUTS.glob("*.png"))]
"""Pictures that once broke a reader or took minutes: what fuzzing finds goes to `found`, under a telling name."""


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_damaged_and_odd_pictures_end_soon_and_with_a_reason(path):
    begun = time.process_time()
    try:
        load(path)
    except FormatError as error:
        assert error.reason
    assert time.process_time() - begun < 5.0


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EMFILE])
def test_a_disk_that_fails_is_no_fault_of_a_picture(tmp_path, monkeypatch, code):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise OSError(code, os.strerror(code))

    (tmp_path / "x.png").write_bytes(b"")
    monkeypatch.setattr("kalamos.scans.read.Path.open", lambda *_: Failing())
    with pytest.raises(UnreadableError, match=r"x\.png"):
        load(tmp_path / "x.png")
