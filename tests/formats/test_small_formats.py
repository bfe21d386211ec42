"""Omniglot, QuickDraw, OLHWDB, the UCI sets, Calliar, stroke arrays and signatures, on files in the true formats."""

from __future__ import annotations

import io
import json
import pickle
import struct

import makers
import numpy as np
import pytest

from kalamos.errors import FormatError
from kalamos.formats import (
    calliar,
    matfile,
    olhwdb,
    omniglot,
    quickdraw,
    recognise,
    signature,
    stroke3,
    uci,
)
from kalamos.formats.report import UnitReport

SEVEN = [[[float(x), float(y)] for x, y in stroke] for stroke in makers.SEVEN]
STROKE3 = np.array([[10, 10, 0], [30, 0, 0], [-20, 50, 1], [-5, -25, 0], [20, 0, 1]], np.int16)
STROKE5 = np.array(
    [[10, 10, 1, 0, 0], [30, 0, 1, 0, 0], [-20, 50, 0, 1, 0], [-5, -25, 1, 0, 0], [20, 0, 0, 1, 0]]
    + [[0, 0, 0, 0, 1]] * 3
)


def read(module, tmp_path, data, name="file"):
    path = tmp_path / name
    path.write_bytes(data)
    report = UnitReport()
    return list(module.read(path, report)), report


def points(sample):
    return [stroke.tolist() for stroke in sample.ink.strokes()]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("unipen", makers.UNIPEN),
        ("unipen", makers.PENDIGITS_ORIG),
        ("omniglot", makers.OMNIGLOT),
        ("quickdraw", makers.QUICKDRAW),
        ("olhwdb", makers.pot_record("啊", makers.SEVEN)),
        ("olhwdb", makers.wptt([("啊", makers.SEVEN)])),
        ("uci", makers.PENDIGITS),
        ("uci", makers.UJI),
        ("uci", makers.trajectories([np.ones((3, 4))], [1], ["a"])),
        ("calliar", makers.CALLIAR),
        ("calliar", makers.CALLIAR_SCRIPT),
        ("stroke3", makers.npz(train=makers.objects(STROKE3))),
        ("signature", makers.SVC2004),
        ("signature", makers.WACOM),
        ("signature", makers.fpg([(0, 0, 9, 1, 1)] * 3)),
    ],
)
def test_each_file_is_recognised_by_its_content_alone(tmp_path, name, data):
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    assert recognise(path)[0] == name


@pytest.mark.parametrize("module", [omniglot, quickdraw, olhwdb, uci, calliar, stroke3, signature])
@pytest.mark.parametrize("data", [b"", b"\0" * 64, b"plain text\n", b"\xff\xd8\xff\xe0JFIF", b'{"a": 1}', b"1 2 3\n"])
def test_other_files_are_neither_recognised_nor_read(tmp_path, module, data):
    assert module.sniff(data) is None
    try:
        got, report = read(module, tmp_path, data)
    except FormatError:
        return
    assert not got
    assert module is quickdraw, "only a list of lines can consist of refusals"
    assert len(report.refusals) == sum(bool(line.strip()) for line in data.splitlines())


def test_omniglot(tmp_path):
    (sample,), report = read(omniglot, tmp_path, makers.OMNIGLOT)
    assert points(sample) == [SEVEN[0], [[15.5, 35.0], [35.0, 35.0]]]
    assert sample.ink.t.tolist() == [0, 0.03, 0.06, 0.2, 0.23]
    assert sample.units == "px" and not report.mendings
    cut, _ = read(omniglot, tmp_path, makers.OMNIGLOT.rpartition(b"BREAK")[0])
    assert points(cut[0]) == points(sample)
    for bad, where in [(b"1,2\n", "line 9"), (b"1,2,x\n", "line 9"), (b"START\n", "line 9")]:
        with pytest.raises(FormatError, match=where):
            read(omniglot, tmp_path, makers.OMNIGLOT + bad)


def test_quickdraw_raw_and_simplified(tmp_path):
    (nose, cat), report = read(quickdraw, tmp_path, makers.QUICKDRAW)
    assert (nose.key, nose.label, nose.time_source) == ("5891796615823360", "nose", "recorded")
    assert points(nose) == SEVEN
    np.testing.assert_allclose(nose.ink.t, [0, 0.03, 0.06, 0.2, 0.23])
    assert points(cat) == [[[1, 3], [2, 4]]] and cat.ink.t is None
    assert report.expected == {"drawings": 2}


@pytest.mark.parametrize(
    "line",
    [
        *("{", "[]", "7", '{"drawing": 5}', '{"drawing": [[[1], [2, 3]]]}', '{"drawing": [["a", "b"]]}'),
        *('{"drawing": []}', '{"drawing": [[[1e999], [1]]]}'),
        '{"drawing": ' + "[" * 100_000,
        '{"drawing": [[[' + "9" * 5000 + "], [1]]]}",
    ],
)
def test_quickdraw_bad_lines_are_refused_and_the_next_is_read(tmp_path, line):
    got, report = read(quickdraw, tmp_path, line.encode() + b"\n" + makers.QUICKDRAW)
    assert len(got) == 2
    assert [refusal.where for refusal in report.refusals] == ["line 1"]


def test_quickdraw_lines_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(quickdraw, "MAX_LINE_BYTES", 100)
    with pytest.raises(FormatError, match="line 1"):
        read(quickdraw, tmp_path, makers.QUICKDRAW)


def test_olhwdb_characters(tmp_path):
    data = makers.pot_record("啊", makers.SEVEN) + makers.pot_record("7", [makers.SEVEN[0]])
    assert data[2:6] == b"\xa1\xb0\0\0", "0x0000B0A1 is stored as A1 B0 00 00"
    (first, second), report = read(olhwdb, tmp_path, data)
    assert (first.label, points(first)) == ("啊", SEVEN)
    assert (second.label, points(second)) == ("7", SEVEN[:1])
    got, report = read(olhwdb, tmp_path, data[:-3])
    assert len(got) == 1 and "cut off" in report.refusals[0].reason
    wrong = makers.pot_record("啊", makers.SEVEN).replace(struct.pack("<H", 2), struct.pack("<H", 3), 1)
    got, report = read(olhwdb, tmp_path, wrong + data)
    assert len(got) == 2 and len(report.refusals) == 1


def test_olhwdb_pages(tmp_path):
    data = makers.wptt([("啊a", makers.SEVEN), ("b\ufffd", [[(1, 2), (3, 4)]])])
    (first, second), report = read(olhwdb, tmp_path, data)
    assert (first.label, first.level, points(first)) == ("啊a", "line", SEVEN)
    assert (second.label, points(second)) == ("b\ufffd", [[[1, 2], [3, 4]]])
    assert report.expected == {"lines": 2}
    for n_bytes in range(8, len(data)):
        with pytest.raises(FormatError):
            read(olhwdb, tmp_path, data[:n_bytes])


def test_pendigits(tmp_path):
    (eight, two), report = read(uci, tmp_path, makers.PENDIGITS + b"1,2,3\n")
    assert (eight.label, two.label) == ("8", "2")
    assert points(eight)[0][:2] == [[47, -100], [27, -81]]
    assert [refusal.where for refusal in report.refusals] == ["line 3"]


def test_uji(tmp_path):
    (a, n), report = read(uci, tmp_path, makers.UJI)
    assert (a.label, a.writer, points(a)) == ("a", "trn_UJI_W01", SEVEN)
    assert (n.label, n.writer) == ("ñ", "tst_UPV_W44")
    broken = makers.UJI.replace(b"POINTS 2 # 15", b"POINTS 9 # 15")
    got, report = read(uci, tmp_path, broken)
    assert [s.label for s in got] == ["ñ"] and report.refusals[0].where == "line 3"


def test_character_trajectories(tmp_path):
    rng = np.random.default_rng(0)
    velocities = [np.pad(rng.normal(size=(3, n)), ((0, 0), (2, 5))) for n in (30, 40)]
    data = makers.trajectories(velocities, [2, 1], ["a", "b"])
    (b, a), _ = read(uci, tmp_path, data)
    assert (b.label, a.label) == ("b", "a")
    assert b.time_source == "rate" and b.ink.t[1] == 1 / 200
    truth = np.cumsum(velocities[0][:2, 2:-5].T, axis=0) * (1, -1)
    np.testing.assert_allclose(b.ink.xy, truth, rtol=1e-5, atol=1e-5)
    for n_bytes in range(0, len(data), 97):
        with pytest.raises(FormatError):
            read(uci, tmp_path, data[:n_bytes])


@pytest.mark.parametrize("compressed", [False, True])
def test_the_matlab_reader_agrees_with_scipy(compressed):
    from scipy.io import loadmat, savemat

    stream = io.BytesIO()
    wanted = {
        "x": np.arange(12.0).reshape(3, 4),
        "small": np.array([[7]], np.uint8),
        "text": "Grüße",
        "cells": makers.objects(np.eye(2), "b"),
        "s": {"field": np.arange(3), "other": "c"},
    }
    savemat(stream, wanted, do_compression=compressed)
    found, peer = matfile.variables(stream.getvalue()), loadmat(io.BytesIO(stream.getvalue()))
    np.testing.assert_array_equal(found["x"], peer["x"])
    np.testing.assert_array_equal(found["small"], peer["small"])
    assert found["text"] == peer["text"][0]
    np.testing.assert_array_equal(found["cells"][0], peer["cells"][0, 0])
    assert found["cells"][1] == "b" and found["s"]["other"] == "c"
    np.testing.assert_array_equal(found["s"]["field"], peer["s"]["field"][0, 0])


def test_calliar(tmp_path):
    (sample,), _ = read(calliar, tmp_path, makers.CALLIAR)
    assert points(sample) == [*SEVEN, [[5, 5]]]
    got, _ = read(calliar, tmp_path, makers.CALLIAR_SCRIPT + b"stroke_2 = [[[1, 2],[3\n")
    assert [points(drawing) for drawing in got] == [SEVEN, [[[1, 2], [3, 4]]]]
    for bad in ([{"a": "M1,1 Q"}], [{"a": [[1]]}], {"a": 1}, [1], []):
        with pytest.raises(FormatError):
            read(calliar, tmp_path, json.dumps(bad).encode())


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (makers.npz(train=makers.objects(STROKE3, STROKE3)), 2),
        (makers.npz(stroke3=np.concatenate([STROKE3, STROKE3]), offsets=np.array([0, 5, 10])), 2),
        (makers.npz(a=STROKE3), 1),
        (makers.npz(a=np.stack([STROKE5, STROKE5])), 2),
        (makers.npz(a=STROKE5.astype(np.float32)), 1),
    ],
)
def test_stroke_arrays(tmp_path, data, count):
    got, report = read(stroke3, tmp_path, data)
    assert [points(sample) for sample in got] == [SEVEN] * count
    assert not report.refusals


def test_stroke_arrays_name_the_published_splits(tmp_path):
    got, _ = read(stroke3, tmp_path, makers.npz(train=makers.objects(STROKE3), valid=makers.objects(STROKE3)))
    assert [sample.split for sample in got] == ["train", "validation"]


def test_a_pickle_that_runs_a_program_is_refused(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    array = np.empty(1, object)
    array[0] = Bomb()
    with pytest.raises(FormatError, match="only arrays of numbers are read"):
        read(stroke3, tmp_path, makers.npz(train=array))
    assert not (tmp_path / "written").exists()
    assert pickle.dumps(array), "the array itself is a sound pickle"


def test_stroke_arrays_that_are_none_are_refused(tmp_path):
    _, report = read(stroke3, tmp_path, makers.npz(a=np.zeros((4, 4))))
    assert len(report.refusals) == 1
    for offsets in ([0, 99], [-1, 5], [5, 0]):
        with pytest.raises(FormatError, match="offsets"):
            read(stroke3, tmp_path, makers.npz(a=STROKE3, offsets=np.array(offsets)))
    data = makers.npz(a=STROKE3)
    for n_bytes in range(4, len(data), 7):
        with pytest.raises(FormatError):
            read(stroke3, tmp_path, data[:n_bytes])


def test_svc2004(tmp_path):
    (sample,), report = read(signature, tmp_path, makers.SVC2004)
    assert points(sample) == SEVEN
    np.testing.assert_allclose(sample.ink.t, [0, 0.01, 0.02, 0.04, 0.05])
    assert sample.time_source == "recorded" and sample.ink.pressure is None and not report.mendings
    with pytest.raises(FormatError, match="cut off"):
        read(signature, tmp_path, makers.SVC2004.replace(b"6\n", b"9\n", 1))
    with pytest.raises(FormatError, match="line 3"):
        read(signature, tmp_path, makers.SVC2004.replace(b"40 -10 10 1", b"40 -10 x 1"))
    _, report = read(signature, tmp_path, makers.SVC2004.replace(b"6\n", b"5\n", 1))
    assert report.mendings == {"signature-count-wrong": 1}


def test_wacom(tmp_path):
    (sample,), report = read(signature, tmp_path, makers.WACOM)
    assert sample.ink.offsets.tolist() == [0, 2, 3]
    assert sample.ink.xy[0].tolist() == [4034, 7509]
    np.testing.assert_allclose(sample.ink.t, [0, 0.008, 0.024])
    np.testing.assert_allclose(sample.ink.pressure, [0.5, 10997 / 21704, 1], rtol=1e-6)
    np.testing.assert_allclose(sample.ink.extra["azimuth_deg"], [119, 118, 117])
    assert report.mendings == {"pressure-own-maximum": 1}
    converted = b"2\n1.5 2.5 0.0 1 5 5 0.25\n1.6 2.5 0.007 1 5 5 0.5\n"
    (sample,), report = read(signature, tmp_path, converted)
    assert sample.ink.t.tolist() == [0, 0.007] and sample.ink.pressure.tolist() == [0.25, 0.5] and not report.mendings


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_mcyt(tmp_path, bits):
    vectors = [(0, 0, 512, 90, 60), (5, 7, 1024, 91, 61), (9, 9, 0, 0, 0), (-3, 2, 256, 92, 62)]
    data = makers.fpg(vectors, bits=bits)
    (sample,), report = read(signature, tmp_path, data)
    assert points(sample) == [[[0, 0], [5, -7]], [[-3, -2]]]
    assert sample.time_source == "rate"
    np.testing.assert_allclose(sample.ink.t, [0, 0.01, 0.03])
    assert sample.ink.pressure.tolist() == [0.5, 1, 0.25] and not report.mendings
    assert sample.ink.extra["altitude_deg"].tolist() == [60, 61, 62]
    for n_bytes in range(8, len(data)):
        with pytest.raises(FormatError):
            read(signature, tmp_path, data[:n_bytes])
