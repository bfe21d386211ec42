"""The synthetic corpus as a corpus: units, keys, splits, determinism, options."""

import itertools
import subprocess
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from kalamos.datasets import CORPORA
from kalamos.datasets.corpus import UnitReport, split_by_writer
from kalamos.datasets.synthetic import CORPUS, SCRIPTS, Writer, letters, synthesise, words
from kalamos.errors import CorpusError
from kalamos.machinery.seeding import rng_for

NOWHERE = Path("/nonexistent")


def read(unit):
    return list(CORPUS.read(NOWHERE, unit, UnitReport()))


@pytest.fixture(scope="module")
def samples():
    units = CORPUS.units(NOWHERE, writers="2", level="character,word")
    return [sample for unit in units for sample in read(unit)]


def test_it_is_registered():
    assert CORPORA.load("synthetic") is CORPUS


def test_units_are_ranges_of_writers():
    assert len(CORPUS.units(NOWHERE)) == 20
    assert CORPUS.units(NOWHERE, writers="25") == ["writers/0000-0009", "writers/0010-0019", "writers/0020-0024"]
    assert CORPUS.units(NOWHERE, writers="10", seed="0") == ["writers/0000-0009"]
    assert CORPUS.units(NOWHERE, writers="1", seed="3", level="word") == ["writers/0000-0000#level=word&seed=3"]


def test_samples_say_what_they_are(samples):
    for sample in samples:
        assert sample.corpus == "synthetic"
        assert (sample.units, sample.points_per_mm, sample.time_source) == ("mm", 1.0, "synthetic")
        assert unicodedata.is_normalized("NFC", sample.label)
        assert sample.script == ("Zyyy" if sample.label.isdecimal() else sample.key.split("/")[0])
        assert sample.writer in sample.key
        assert sample.split == split_by_writer("synthetic", sample.writer)
    assert len({sample.key for sample in samples}) == len(samples)


def test_every_writer_writes_every_letter_and_word(samples):
    written = defaultdict(set)
    for sample in samples:
        written[sample.writer, sample.level].add(sample.label)
    assert len({writer for writer, _ in written}) == 2
    for (_, level), labels in written.items():
        wanted = itertools.chain.from_iterable((letters if level == "character" else words)(one) for one in SCRIPTS)
        assert {unicodedata.normalize("NFC", text) for text in wanted} <= labels


def test_the_report_expects_what_comes():
    report = UnitReport()
    got = list(CORPUS.read(NOWHERE, "writers/0003-0004", report))
    assert report.expected["samples"] == len(got)
    assert not report.refusals


def test_no_writer_is_in_two_splits():
    splits = defaultdict(set)
    for unit in CORPUS.units(NOWHERE, writers="40", scripts="Arab"):
        for sample in read(unit):
            splits[sample.writer].add(sample.split)
    assert all(len(found) == 1 for found in splits.values())
    assert set.union(*splits.values()) == {"train", "validation", "test"}


def test_a_unit_is_the_same_alone_and_in_another_process():
    unit = "writers/0020-0020#scripts=Taml"
    here = read(unit)
    program = (
        "import hashlib, sys; from pathlib import Path; from kalamos.datasets.synthetic import CORPUS;"
        "from kalamos.formats.report import UnitReport\n"
        "digest = hashlib.sha256()\n"
        f"for s in CORPUS.read(Path(), {unit!r}, UnitReport()):"
        " digest.update(s.key.encode() + s.ink.xy.tobytes() + s.ink.offsets.tobytes() + s.ink.t.tobytes())\n"
        "print(digest.hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True) for _ in "ab"]
    assert runs[0].stdout == runs[1].stdout
    again = read(unit)
    assert [(one.key, one.ink) for one in here] == [(one.key, one.ink) for one in again]


def test_a_longer_population_begins_with_the_shorter():
    one = read(CORPUS.units(NOWHERE, writers="10", scripts="Arab")[0])
    other = read(CORPUS.units(NOWHERE, writers="100", scripts="Arab")[0])
    assert [(sample.key, sample.ink) for sample in one] == [(sample.key, sample.ink) for sample in other]


def test_seeds_are_different_populations():
    one, other = (read(f"writers/0000-0000#scripts=Latn&seed={seed}") for seed in (1, 2))
    assert {sample.key for sample in one}.isdisjoint(sample.key for sample in other)
    assert all(a.ink != b.ink for a, b in zip(one, other, strict=True))


def test_ink_depends_on_seed_and_key_alone():
    for sample in read("writers/0001-0001#scripts=Deva&seed=4")[::9]:
        again = synthesise(sample.label, "Deva", Writer.from_seed(4, 1), rng_for(4, "synthetic", sample.key))
        assert again == sample.ink


def test_positions_lie_on_the_tablets_grid(samples):
    xy = np.concatenate([sample.ink.xy for sample in samples[:500]]).astype(np.float64)
    np.testing.assert_allclose(xy * 100, np.round(xy * 100), atol=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"writer": "5"}, "no option 'writer'"),
        ({"writers": "0"}, "writers is a whole number from 1"),
        ({"writers": "many"}, "'many'"),
        ({"writers": "99999999999"}, "1000000"),
        ({"seed": "-1"}, "seed is"),
        ({"scripts": "Latn,Grek"}, "Latn, Arab, Deva, Taml"),
        ({"level": "page"}, "character, word"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(CorpusError, match=message):
        CORPUS.units(NOWHERE, **options)


@pytest.mark.parametrize("unit", ["", "writers/", "writers/5", "writers/0009-0000", "pages/0000-0009", "writers/a-b"])
def test_bad_units_are_refused(unit):
    with pytest.raises(CorpusError, match="not a unit"):
        read(unit)
