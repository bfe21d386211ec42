"""UCI Assamese: what its recorder got wrong, one by one, and the corpus as it is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from kalamos.datasets.assamese import CORPUS, classes
from kalamos.errors import CorpusError, FormatError
from kalamos.formats import assamese, recognise
from kalamos.formats.report import UnitReport

FIRST = ((100, 200), (126, 200), (126, -26))
SECOND = ((300, 40), (326, 66))


def text(*blocks: str, name="A", strokes=2, end=None) -> bytes:
    head = f"CHARACTER_NAME: {name}\nSTROKE_COUNT: {strokes}\n  X           Y   STYLUS_STATE STROKE\n"
    return (head + "\n".join(blocks) + f"\nEND_CHARACTER: {end or name}\n\n").replace("\n", "\r\n").encode()


def points(stroke: int, places, state: int = 1) -> str:
    return "\n".join(f"{x:>4d}{y:>12d}{state:>9d}{stroke:>9d}" for x, y in places)


UP = "PEN_UP                  0"
WHOLE = ("PEN_DOWN", points(1, FIRST), UP, "PEN_DOWN", points(2, SECOND), UP)


def read(tmp_path, data: bytes):
    file, report = tmp_path / "1.1.txt", UnitReport()
    file.write_bytes(data)
    return assamese.read_character(file, report), dict(report.mendings)


CASES = {
    "whole": (WHOLE, {}),
    "a tap after an empty block": (
        ("PEN_DOWN", points(1, FIRST), UP, "PEN_DOWN", UP, points(2, SECOND)),
        {"assamese-point-outside": 1},
    ),
    "two strokes in a block": (
        ("PEN_DOWN", points(1, FIRST), points(2, SECOND), UP),
        {"assamese-block-of-two": 1},
    ),
    "no PEN_UP at the end": (WHOLE[:-1], {"assamese-pen-line-missing": 1}),
    "no PEN_UP in the middle": (WHOLE[:2] + WHOLE[3:], {"assamese-pen-line-missing": 1}),
    "PEN_UP first": ((UP, *WHOLE), {"assamese-pen-line-missing": 1}),
    "a point in the air": (
        ("PEN_DOWN", points(1, FIRST), points(1, [(9, 9)], state=0), UP, *WHOLE[3:]),
        {"assamese-pen-up-point": 1},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_column_stroke_decides(name, tmp_path):
    blocks, mendings = CASES[name]
    character, counted = read(tmp_path, text(*blocks))
    assert counted == mendings
    assert character.name == "A"
    assert character.ink.offsets.tolist() == [0, 3, 5]
    np.testing.assert_array_equal(character.ink.xy, [*FIRST, *SECOND])


def test_the_end_may_name_another_character(tmp_path):
    character, counted = read(tmp_path, text(*WHOLE, end="B"))
    assert (character.name, counted) == ("A", {"assamese-end-name": 1})


@pytest.mark.parametrize(
    ("data", "reason", "where"),
    [
        (text(*WHOLE, strokes=3), "STROKE_COUNT values", "2 strokes, STROKE_COUNT 3"),
        (text("PEN_DOWN", points(2, FIRST), points(1, SECOND), UP), "one after another", ""),
        (text(strokes=0), "STROKE_COUNT values", "0 strokes"),
        (text("PEN_DOWN", "1 2 1", UP, strokes=1), "whole numbers", "line 5"),
        (text("PEN_DOWN", "1 2 1 1 1", UP, strokes=1), "whole numbers", "line 5"),
        (text("PEN_DOWN", "1 2.5 1 1", UP, strokes=1), "whole numbers", "line 5"),
        (text("PEN_DOWN", "1 99999999999999 1 1", UP, strokes=1), "whole numbers", "line 5"),
        (text("PEN_DOWN", "- 2 1 1", UP, strokes=1), "whole numbers", "line 5"),
        (text("PEN_DOWN", points(1, FIRST), "hello", UP, strokes=1), "whole numbers", "line 8"),
        (b"PEN_DOWN\n1 2 1 1\nPEN_UP 0\n", "CHARACTER_NAME", "line 1"),
    ],
)
def test_what_is_none_is_refused_by_line(data, reason, where, tmp_path):
    with pytest.raises(FormatError, match=reason) as caught:
        read(tmp_path, data)
    assert where in caught.value.where


def test_interpreted_and_compiled_agree(tmp_path):
    raw = np.frombuffer(text(*CASES["a tap after an empty block"][0]), np.uint8)
    start = raw.tobytes().index(b"STROKE\r\n") - 40
    both = []
    for run in (assamese._scan.compiled, assamese._scan.interpreted):
        xy, offsets = np.zeros((len(raw), 2), np.float32), np.zeros(len(raw), np.int32)
        both.append((run(raw, start, xy, offsets), xy.tolist(), offsets.tolist()))
    assert both[0] == both[1]


def make(root):
    for writer in (1, 30, 31, 33, 34, 45):
        for number in (1, 53):
            file = root / f"W{writer}" / f"{number}.{writer}.txt"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text(*WHOLE, name={1: "A", 53: "KK"}[number]))
    (root / "W30" / "1.29.txt").write_bytes(text(*WHOLE))
    (root / "W30" / "999.30.txt").write_bytes(text(*WHOLE))
    return root


def test_labels_writers_and_splits(tmp_path):
    root, report = make(tmp_path), UnitReport()
    samples = {s.key: s for unit in CORPUS.units(root) for s in CORPUS.read(root, unit, report)}
    assert list(samples)[:3] == ["W1/1.1", "W1/53.1", "W30/1.30"]
    assert {s.writer: s.split for s in samples.values()} == {
        "W1": "train",
        "W30": "train",
        "W31": "validation",
        "W33": "validation",
        "W34": "test",
        "W45": "test",
    }
    assert samples["W1/1.1"].label == "\u0985"
    assert samples["W1/53.1"].label == "\u0995\u09cd\u0995"
    assert {(r.source, r.where) for r in report.refusals} == {
        ("W30/1.29.txt", "writer 29"),
        ("W30/999.30.txt", "class 999"),
    }
    assert recognise(root / "W1" / "1.1.txt")[0] == "assamese"


def test_a_folder_without_writers(tmp_path):
    with pytest.raises(CorpusError, match="W1, W2"):
        CORPUS.units(tmp_path)


def test_the_classes_are_183_and_each_text_stands_once():
    table = classes()
    assert sorted(table) == list(range(1, 184))
    assert Counter(known.name for known in table.values()).most_common(1)[0][1] == 1


@pytest.mark.corpora
def test_the_corpus_as_it_is(corpora):
    root, report = corpora / "assamese", UnitReport()
    if not root.is_dir():
        pytest.skip("no folder assamese")
    samples = [s for unit in CORPUS.units(root) for s in CORPUS.read(root, unit, report)]
    assert len({s.key for s in samples}) == len(samples) == 8_235
    assert sum(s.ink.n_strokes for s in samples) == 23_743 - 2  # less those of the file that stands twice
    assert [(r.source, r.where) for r in report.refusals] == [("W6/15.5.txt", "writer 5")]
    assert report.mendings == {
        "assamese-point-outside": 134,
        "assamese-block-of-two": 25,
        "assamese-pen-line-missing": 42 + 4 + 3,
        "assamese-end-name": 4,
        "assamese-other-name": 2,
    }
    assert Counter(s.split for s in samples) == {"train": 30 * 183, "validation": 3 * 183, "test": 12 * 183}
