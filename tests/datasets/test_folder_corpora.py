"""The corpora that are folders of small files: units, labels, writers, splits; and the big two on their own layouts."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import makers
import numpy as np
import pytest

from kalamos.datasets import (
    calliar,
    character_trajectories,
    ironoff,
    lipitk,
    olhwdb,
    omniglot,
    omniglot_stroke3,
    pendigits,
    quickdraw,
    ujipenchars,
    unipen,
)
from kalamos.errors import CorpusError
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample

ALL = [
    calliar,
    character_trajectories,
    ironoff,
    lipitk,
    olhwdb,
    omniglot,
    omniglot_stroke3,
    pendigits,
    quickdraw,
    ujipenchars,
    unipen,
]
LIPITK = b".VERSION 1.0 0\n.COORD X Y T\n.SEGMENT CHARACTER\n.POINTS_PER_SECOND 75\n.PEN_DOWN\n1 1 0\n2 2 0\n.PEN_UP\n"


def fill(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def read(corpus, root, **options):
    report = UnitReport()
    return [s for unit in corpus.units(root, **options) for s in corpus.read(root, unit, report)], report


@pytest.mark.parametrize("module", ALL)
def test_the_card_is_complete_and_the_folder_is_checked(module, tmp_path):
    card = module.CORPUS.card
    for name in ("name", "title", "scripts", "levels", "size", "licence", "citation", "obtain", "layout", "verified"):
        assert getattr(card, name), name
    with pytest.raises(CorpusError):
        module.CORPUS.units(tmp_path)
    with pytest.raises(CorpusError):
        module.CORPUS.units(tmp_path / "nothing")
    with pytest.raises(CorpusError, match="no option colour"):
        module.CORPUS.units(tmp_path, colour="red")


def test_a_folder_without_permission_is_named(tmp_path, monkeypatch):
    fill(tmp_path, {"data/1a/aga/x.dat": makers.UNIPEN, "include/a": b""})

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    for corpus in (unipen.CORPUS, omniglot.CORPUS, quickdraw.CORPUS):
        with pytest.raises(CorpusError, match="cannot be read: Permission denied"):
            corpus.units(tmp_path)


def test_unipen(tmp_path):
    fill(
        tmp_path,
        {
            "include/apb/ink.dat": makers.UNIPEN.split(b".SEGMENT")[0],
            "data/1c/apb/one.dat": b'.INCLUDE apb/ink.dat\n.SEGMENT CHARACTER 0-1 ? "t"\n.SEGMENT CHARACTER 9 ? "x"\n',
            "data/1a/apd/two.dat": b'.INCLUDE apb/ink.dat\n.SEGMENT CHARACTER 0-1 ? "7"\n',
            "data/1d/kai/lig.dat": b'.INCLUDE apb/ink.dat\n.SEGMENT CHARACTER 0 ? "\\@"\n',
            "data/7/kai/word.dat": b'.INCLUDE apb/ink.dat\n.SEGMENT WORD 0-1 ? "t\\@o\\@"\n',
            "data/1a/bad/empty.dat": b"",
        },
    )
    got, report = read(unipen.CORPUS, tmp_path)
    assert [(s.key, s.label, s.script, s.writer) for s in got] == [
        ("1c/apb/one.dat#0", "t", "Latn", "ap/w7"),
        ("1a/apd/two.dat#0", "7", "Zyyy", "ap/w7"),
    ]
    assert got[0].split == got[1].split, "one person, two contributions, one split"
    assert [refusal.source for refusal in report.refusals] == ["data/1c/apb/one.dat", "data/1a/bad/empty.dat"]
    got, report = read(unipen.CORPUS, tmp_path, categories="1d, 7")
    assert [(s.label, s.level) for s in got] == [("to", "word")]
    assert "ligature" in report.refusals[0].reason
    with pytest.raises(CorpusError, match="1z"):
        unipen.CORPUS.units(tmp_path, categories="1z")


def test_units_that_include_the_same_ink_are_neighbours(tmp_path):
    fill(tmp_path, {f"data/{c}/a/{n}.dat": b"" for c in ("1a", "1c") for n in "xy"} | {"include/i": b""})
    assert unipen.CORPUS.units(tmp_path) == [f"data/{c}/a/{n}.dat" for n in "xy" for c in ("1a", "1c")]


def drawing(rng):
    """Return a drawing of three strokes with corners of its own, for Omniglot and simplified for Sketch-RNN."""
    strokes = [rng.integers(5, 95, (4, 2)) for _ in range(3)]
    text = b"START\n"
    for k, stroke in enumerate(strokes):
        text += b"".join(b"%d.0,-%d.0,%d\n" % (x, y, 100 * k + n) for n, (x, y) in enumerate(stroke)) + b"BREAK\n"
    points = np.concatenate(strokes) * 5
    steps = np.diff(points, axis=0, prepend=points[:1])
    return text, np.column_stack([steps, np.tile([0, 0, 0, 1], 3)]).astype(np.int16)


def test_sketches_that_may_be_held_out_drawings_are_not_for_training(tmp_path):
    rng = np.random.default_rng(3)
    made = {(c, d): drawing(rng) for c in range(1, 4) for d in range(1, 21)}
    files = {f"strokes_small1/Balinese/character{c:02}/{c:04}_{d:02}.txt": text for (c, d), (text, _) in made.items()}
    others = [drawing(rng)[1] for _ in range(200)]
    sketches = [sketch for _, sketch in made.values()] + others
    ends = np.cumsum([0, *map(len, sketches)]).astype(np.int32)
    fill(tmp_path, {**files, omniglot_stroke3.FILE: makers.npz(stroke3=np.concatenate(sketches), offsets=ends)})
    drawings = omniglot_stroke3.drawings(tmp_path)
    split = {tuple(int(n) for n in s.source.removesuffix(".txt")[-7:].split("_")): s.split for s in drawings}
    assert {"validation", "test"} <= set(split.values())
    got, report = read(omniglot_stroke3.CORPUS, tmp_path)
    assert len(got) == len(sketches) and not report.refusals
    sides = omniglot_stroke3.split_by_likeness([sketch.ink for sketch in got], drawings)
    for number, key in enumerate(made):
        if split[key] != "train":
            assert sides[number] in ("test", split[key]), key
        assert got[number].time_source == "none" and got[number].ink.t is None
    assert sides.count("train") > 100, "most others stay for training"
    loose = [replace(sketch, split="train") for sketch in got]
    held_out = [drawing for drawing in drawings if drawing.split != "train"]
    assert set(omniglot_stroke3.seen_as_sketches(held_out, loose)) == {drawing.key for drawing in held_out}
    split_right = [replace(sketch, split=side) for sketch, side in zip(got, sides, strict=True)]
    assert omniglot_stroke3.seen_as_sketches(held_out, split_right) == []


def test_the_nearest_sketches_and_all_that_are_alike_are_held_out():
    """A sketch that was changed beyond likeness is held out as one of the nearest; the fifth copy as alike."""
    rng = np.random.default_rng(5)

    def wobbly(turn: float) -> Ink:
        angle = np.linspace(0, 6, 40)
        xy = np.stack([np.cos(angle) * (1 + turn * angle), np.sin(angle + turn)], axis=1)
        return Ink.from_strokes([xy * 100])

    held = Sample("held", wobbly(0.1), split="test")
    changed, others = wobbly(0.22), [Ink.from_strokes([rng.normal(0, 99, (30, 2))]) for _ in range(9)]
    likeness = float(omniglot_stroke3.picture(changed) @ omniglot_stroke3.picture(held.ink))
    assert 0.5 < likeness < omniglot_stroke3.ALIKE
    sides = omniglot_stroke3.split_by_likeness([*others, changed], [held])
    assert sides[-1] == "test" and sides.count("test") == 3
    sides = omniglot_stroke3.split_by_likeness([*others, *[held.ink] * 5], [held])
    assert sides[-5:] == ["test"] * 5 and sides.count("test") == 5


def test_the_table_of_held_out_sketches_is_as_it_was_trained_on(tmp_path):
    table = omniglot_stroke3.held_out_sketches()
    assert Counter(table.values()) == {"test": 1_817, "validation": 1_040}
    first = next(iter(table))
    sketches = [drawing(np.random.default_rng(k))[1] for k in range(first + 2)]
    ends = np.cumsum([0, *map(len, sketches)]).astype(np.int32)
    fill(tmp_path, {omniglot_stroke3.FILE: makers.npz(stroke3=np.concatenate(sketches), offsets=ends)})
    got, _ = read(omniglot_stroke3.CORPUS, tmp_path)
    assert [sketch.split for sketch in got] == [table.get(number, "train") for number in range(first + 2)]
    splits = ["train"] * 32_000
    for number, side in table.items():
        splits[number] = side
    packaged = Path(omniglot_stroke3.__file__).parent / "identities" / "omniglot-stroke3.tsv"
    assert omniglot_stroke3.table_of(splits) == packaged.read_text()


def test_omniglot(tmp_path):
    files = {
        f"strokes_{part}/{alphabet}/character01/0001_{d:02}.txt": makers.OMNIGLOT
        for part in ("small1", "small2")
        for alphabet in ("Latin", "Sanskrit" if part == "small2" else "Balinese")
        for d in (1, 2)
    }
    fill(tmp_path, {**files, "images_small1/Latin/character01/0001_01.png": b"x"})
    got, report = read(omniglot.CORPUS, tmp_path)
    assert len(got) == 6 and len({s.key for s in got}) == 6, "Latin stands in both parts and is read once"
    assert {s.script for s in got} == {"Latn", "Deva", "Bali"}
    assert {s.writer for s in got if s.script == "Latn"} == {"Latin/01", "Latin/02"}
    latin, report = read(omniglot.CORPUS, tmp_path, alphabets="Latin")
    assert len(latin) == 2 and report.expected == {"drawings": 2}
    with pytest.raises(CorpusError, match="Klingon"):
        omniglot.CORPUS.units(tmp_path, alphabets="Klingon")


def test_lipitk(tmp_path):
    raw, letters = "projects/numerals/data/raw/usr3/000007t01.txt", "projects/EnglishLower/data/3/3_0.txt"
    fill(tmp_path, {raw: LIPITK, letters: LIPITK, "projects/readme.txt": b"text", "projects/other.txt": LIPITK})
    got, report = read(lipitk.CORPUS, tmp_path)
    assert [(s.label, s.script, s.writer, s.time_source) for s in got] == [
        ("c", "Latn", "", "rate"),
        ("7", "Zyyy", "usr3", "none"),
    ]
    assert got[0].ink.xy.tolist() == [[1, 1], [2, 2]], "the toolkit's y points down"
    assert len(report.refusals) == 2


def test_pendigits_prefers_the_originals(tmp_path):
    fill(tmp_path, {"pendigits.tra": makers.PENDIGITS, "pendigits.tes": makers.PENDIGITS})
    got, _ = read(pendigits.CORPUS, tmp_path)
    assert [s.split for s in got] == ["test", "test", "train", "train"]
    fill(tmp_path, {"pendigits-orig.tra": makers.PENDIGITS_ORIG, "pendigits-orig.tes": makers.PENDIGITS_ORIG})
    got, report = read(pendigits.CORPUS, tmp_path)
    assert [(s.label, s.writer) for s in got] == [("8", "tes/1"), ("4", "tes/12"), ("8", "tra/1"), ("4", "tra/12")]
    assert {s.split for s in got[:2]} == {"test"} and "test" not in {s.split for s in got[2:]}
    assert got[1].ink.n_strokes == 2 and not report.refusals


def test_the_published_splits_are_kept(tmp_path):
    fill(tmp_path, {"uji.txt": makers.UJI})
    a, n = read(ujipenchars.CORPUS, tmp_path)[0]
    assert (a.writer, n.writer, n.split) == ("UJI_W01", "UPV_W44", "test") and a.split != "test"
    pot = makers.pot_record("啊", makers.SEVEN) + makers.pot_record("7", makers.SEVEN)
    fill(tmp_path, {"OLHWDB1.1trn/001.pot": pot, "OLHWDB1.1tst/002.pot": pot})
    got, _ = read(olhwdb.CORPUS, tmp_path)
    assert [(s.writer, s.script) for s in got] == [(w, c) for w in ("001", "002") for c in ("Hani", "Zyyy")]
    assert got[0].split != "test" and got[2].split == "test"


def test_labels_from_names_and_files(tmp_path):
    fill(tmp_path, {"1\u062e\u0627 \u0644.json": makers.CALLIAR, "\u062e copy.json": makers.CALLIAR})
    assert [(s.label, s.level) for s in read(calliar.CORPUS, tmp_path)[0]] == [
        ("\u062e\u0627 \u0644", "line"),
        ("\u062e", "word"),
    ]
    fill(tmp_path, {"mix.mat": makers.trajectories([np.ones((3, 4))], [1], ["q"]), "full.ndjson": makers.QUICKDRAW})
    (q,), _ = read(character_trajectories.CORPUS, tmp_path)
    assert (q.label, q.writer, q.script) == ("q", "1", "Latn")
    assert [s.label for s in read(quickdraw.CORPUS, tmp_path)[0]] == ["nose", "cat"]
    fill(tmp_path, {"on/w1.dat": makers.UNIPEN})
    assert [(s.label, s.writer) for s in read(ironoff.CORPUS, tmp_path)[0]] == [("7", "w7"), ("V", "w7")]


def test_a_broken_file_is_one_refusal_and_the_rest_is_read(tmp_path):
    fill(tmp_path, {"a.ndjson": b"\xff\n", "b.ndjson": makers.QUICKDRAW})
    got, report = read(quickdraw.CORPUS, tmp_path)
    assert len(got) == 2
    assert [(refusal.source, refusal.where) for refusal in report.refusals] == [("a.ndjson", "line 1")]


@pytest.mark.parametrize("module", [lipitk, calliar, omniglot])
@pytest.mark.corpora
def test_real_small_corpora(module, corpora):
    root, least, refused = {
        lipitk: (corpora / "small/lipitk_numerals", 166, 14),
        calliar: (corpora / "small/calliar", 105, 0),
        omniglot: (corpora / "omniglot", 4840, 0),
    }[module]
    options = {"alphabets": "Sanskrit"} if module is omniglot else {}
    got, report = read(module.CORPUS, root, **options)
    assert len(got) == (840 if module is omniglot else least)
    assert len(report.refusals) == refused
    assert len({sample.key for sample in got}) == len(got)


@pytest.mark.corpora
def test_the_sketches_of_omniglot_and_their_splits(corpora):
    got, report = read(omniglot_stroke3.CORPUS, corpora / "omniglot")
    assert not report.refusals
    assert Counter(s.split for s in got) == {"train": 29_143, "test": 1_817, "validation": 1_040}
    drawings, _ = read(omniglot.CORPUS, corpora / "omniglot")
    held_out = [drawing for drawing in drawings if drawing.split in ("validation", "test")]
    assert len(held_out) == 997 - 28
    assert omniglot_stroke3.seen_as_sketches(held_out, got) == []


def test_the_digits_of_pendigits_as_recorded(corpora):
    root = corpora / "pendigits"
    if not root.is_dir():
        pytest.skip("no folder pendigits")
    samples, report = read(pendigits.CORPUS, root)
    assert not report.refusals
    assert len({sample.key for sample in samples}) == len(samples) == 10_992
    assert sum(sample.ink.n_strokes for sample in samples) == 13_690
    assert sum(sample.ink.n_points for sample in samples) == 442_794
    writers = {part: {s.writer for s in samples if s.writer.startswith(part)} for part in ("tra/", "tes/")}
    assert (len(writers["tra/"]), len(writers["tes/"])) == (30, 14)
    assert {s.writer for s in samples if s.split == "test"} == writers["tes/"]
    assert Counter(s.split for s in samples) == {"train": 6_994, "validation": 500, "test": 3_498}
