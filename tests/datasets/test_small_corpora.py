"""ImadocSen-OnDB, George Washington online, gestures of the $-family, and the faults of IAM-OnDB's transcripts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kalamos.commands.list import listed as corpora_listed
from kalamos.datasets import auto, gw_online, iam_ondb, imadocsen, mmg, zhuyin
from kalamos.datasets.known import KNOWN_AND_NOT_READ
from kalamos.datasets.obtain import obtain
from kalamos.errors import CorpusError
from kalamos.formats.report import UnitReport


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def read(module, root: Path, **options):
    report = UnitReport()
    units = module.CORPUS.units(root, **options)
    return {s.key: s for unit in units for s in module.CORPUS.read(root, unit, report)}, report


def truth(kind: str, label: str) -> str:
    return f'<annotationXML type="Ground truth"><type>{kind}</type><label>{label}</label></annotationXML>'


def sentence(words: list[tuple[str, str]], whole: str = "") -> str:
    groups = "".join(
        f"<traceGroup>{truth('Word', word)}<trace contextRef='#c'>{points}</trace></traceGroup>"
        for word, points in words
    )
    return (
        "<ink><definitions><inkSource id='s'><traceFormat id='f'><channel name='X' type='integer' units='ink'/>"
        "<channel name='Y' type='integer' units='ink'/></traceFormat></inkSource>"
        "<context id='c' inkSourceRef='#s'/></definitions>"
        "<annotationXML type='Writer characteristics'><name>writer-x</name><age>16-25</age></annotationXML>"
        f"<traceGroup><annotationXML type='Input zone'><page>1</page></annotationXML>{truth('Sentence', 'you take')}"
        f"{groups}{whole}</traceGroup></ink>"
    )


WORDS = [("you", "1 9, 2 8, 3 9"), ("take", "20 9, 25 8")]
TASK = "## training set ##\n\nwriter10\nwriter13b\n\n## test set ##\n\nwriter12\nwriter12b\n"


def test_imadocsen(tmp_path):
    for session in ("writer10", "writer12b", "writer77"):
        put(tmp_path, f"data/words/{session}/sentence1.inkml", sentence(WORDS))
        put(tmp_path, f"data/sentences/{session}/sentence1.inkml", sentence([], "<trace>1 9, 2 8, 3 9</trace>"))
    put(tmp_path, "data/words/notes/sentence1.inkml", sentence(WORDS))
    put(tmp_path, "data/words/writer10/sentence2.inkml", "<ink><trace>1 2</trace></ink>")
    put(tmp_path, "task1.txt", TASK)
    words, report = read(imadocsen, tmp_path, level="word")
    assert report.expected == {"word": 6}
    assert sorted(r.reason for r in report.refusals) == [
        "no group says that it is a word",
        "the folder is not named as a session, as writer12b is",
    ]
    first, second = words["words/writer12b/sentence1/1"], words["words/writer12b/sentence1/2"]
    assert (first.label, first.level, first.writer, first.split) == ("you", "word", "writer12", "test")
    assert second.label == "take"
    np.testing.assert_array_equal(second.ink.xy, [(20, 9), (25, 8)])
    assert words["words/writer10/sentence1/1"].split in ("train", "validation")
    assert words["words/writer77/sentence1/1"].split is None, "the authors' lists do not name this writer"
    lines, _ = read(imadocsen, tmp_path)
    assert {s.label for s in lines.values()} == {"you take"}
    assert {s.level for s in lines.values()} == {"line"}
    with pytest.raises(CorpusError, match="line, word"):
        imadocsen.CORPUS.units(tmp_path, level="page")


def test_convert_auto_keeps_the_truth_of_imadocsen(tmp_path):
    put(tmp_path, "a.inkml", sentence(WORDS))
    found, report = read(auto, tmp_path)
    assert [s.label for s in found.values()] == ["you take"]
    assert report.expected["labelled group"] == 3
    assert report.mendings["left-out-word"] == 2
    words, report = read(auto, tmp_path, level="word")
    assert {s.key: (s.label, s.level, s.ink.n_points) for s in words.values()} == {
        "a.inkml#1": ("you", "word", 3),
        "a.inkml#2": ("take", "word", 2),
    }
    assert report.mendings["left-out-line"] == 1
    none, report = read(auto, tmp_path, level="character")
    assert not none
    assert report.mendings == {"left-out-word": 2, "left-out-page": 1}


def test_george_washington_online(tmp_path):
    put(tmp_path, "2700270/1426619929868_you.txt", "you\n420 292 0\n420 295 0\n419 301 1\n500 300 0\n500 310 1\n")
    put(tmp_path, "2700270/1_x.txt", "x\n1 2\n")
    put(tmp_path, "2700270/2_x.txt", "x\n1 2 7\n")
    put(tmp_path, "2700270/3_x.txt", "x\n")
    put(tmp_path, "README.txt", "a\n1 2 1\n")
    found, report = read(gw_online, tmp_path)
    (word,) = found.values()
    assert (word.label, word.level, word.writer, word.split, word.time_source) == ("you", "word", "1", None, "none")
    assert word.ink.offsets.tolist() == [0, 3, 5]
    assert word.ink.xy[0].tolist() == [420, -292], "y is turned"
    assert {(r.where, r.reason) for r in report.refusals} >= {
        ("line 2", "expected x, y and a pen state"),
        ("line 2", "the pen state is 0 or 1"),
    }
    assert len(report.refusals) == 4


GESTURE = (
    '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n'
    '<Gesture Name="arrowhead~01" Subject="10" InputType="stylus" Speed="FAST" NumPts="4">'
    '<Stroke index="1"><Point X="0" Y="0" T="1000"/><Point X="10" Y="5" T="1010"/></Stroke>'
    '<Stroke index="2"><Point X="9" Y="9" T="1200"/><Point X="12" Y="20" T="1210"/></Stroke></Gesture>'
)
UNISTROKE = '<Gesture Name="arrow01"><Point X="1" Y="2" T="0"/><Point X="3" Y="4" T="20"/></Gesture>'


@pytest.mark.parametrize(("module", "script"), [(mmg, "Zyyy"), (zhuyin, "Bopo")])
def test_gestures(module, script, tmp_path):
    put(tmp_path, "10-stylus-FAST/a.xml", GESTURE)
    put(tmp_path, "b.xml", UNISTROKE)
    put(tmp_path, "c.xml", GESTURE.replace('X="9"', 'X="nine"'))
    put(tmp_path, "d.xml", "<Drawing/>")
    put(tmp_path, "e.xml", '<Gesture Name="x"/>')
    found, report = read(module, tmp_path)
    first, second = found.values()
    assert (first.label, first.writer, first.script, first.units) == ("arrowhead", "10", script, "px")
    assert first.split is not None
    assert first.ink.offsets.tolist() == [0, 2, 4]
    np.testing.assert_allclose(np.diff(first.ink.t), [0.01, 0.19, 0.01])
    assert (second.label, second.writer, second.split) == ("arrow", "", None)
    assert len(report.refusals) == 3


def test_a_gesture_is_recognised_and_loses_its_clock_where_a_point_has_none(tmp_path):
    put(tmp_path, "a.xml", GESTURE.replace(' T="1010"', ""))
    found, report = read(auto, tmp_path)
    assert [s.time_source for s in found.values()] == ["none"]
    assert any(name.startswith("gesture: ") for name in report.recognised)


def test_transcripts_of_iam_with_breaks_and_gaps(tmp_path):
    session = (
        '<WhiteboardCaptureSession><StrokeSet><Stroke><Point x="1" y="2" time="9.5"/><Point x="3" y="4" time="9.6"/>'
        "</Stroke></StrokeSet></WhiteboardCaptureSession>"
    )
    for line in range(1, 6):
        put(tmp_path, f"lineStrokes/a01/a01-000/a01-000u-0{line}.xml", session)
    text = "first line %%%%% second line\nPlease Enter Transcription here\n100 % sure\n"
    put(tmp_path, "ascii/a01/a01-000/a01-000u.txt", f"CSR:\n{text}")
    found, report = read(iam_ondb, tmp_path)
    assert [s.label for s in found.values()] == ["first line", "second line", "100 % sure"]
    assert [(r.where, r.reason) for r in report.refusals] == [
        ("line 3", "the line was not transcribed"),
        ("line 5 of 4", "the text of the form has fewer lines"),
    ]
    assert report.mendings["iam-writer-unknown"] == 3
    assert {s.split for s in found.values()} == {None}


def test_what_is_known_and_not_read_is_listed_as_such():
    listed = dict(corpora_listed("corpora"))
    assert set(KNOWN_AND_NOT_READ) <= set(listed)
    for name, what in KNOWN_AND_NOT_READ.items():
        assert listed[name] == f"known and not read: {what}"
        with pytest.raises(CorpusError, match="known and not read"):
            obtain(name, Path())
