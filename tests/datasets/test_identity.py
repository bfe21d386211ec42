"""No person and no ink stands on two sides of a split; what was trained on before stays training data."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from kalamos.datasets import identity, unipen
from kalamos.datasets.clean_splits import Recorded, clean, first_side
from kalamos.datasets.corpus import split_by_writer
from kalamos.datasets.shared_ink import connected, content
from kalamos.errors import CorpusError
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink
from kalamos.machinery.seeding import stable_hash


def names_on(side: str, count: int, skip: int = 0) -> list[str]:
    """Return names of writers whose hash falls on a side."""
    found = [name for name in (f"w{k}" for k in range(2_000)) if split_by_writer("any", name) == side]
    return found[skip : skip + count]


def test_a_person_with_a_session_in_training_is_training():
    (trained,), (tested, other) = names_on("train", 1), names_on("test", 2)
    samples = [Recorded("a", trained, 1), Recorded("b", tested, 2), Recorded("c", other, 3)]
    found = clean("any", samples, lambda name: tested if name == trained else name)
    assert found.writers == {stable_hash(tested): "train"}
    assert not found.inks


def test_an_ink_that_stands_under_two_persons_is_on_one_side_alone():
    (trained,), (checked,), (tested,) = names_on("train", 1), names_on("validation", 1), names_on("test", 1)
    samples = [
        *(Recorded(f"{name}/1", name, 7) for name in (tested, trained)),
        *(Recorded(f"{name}/2", name, 8) for name in (tested, checked)),
        *(Recorded(f"{name}/3", name, number) for number, name in enumerate((tested, checked, trained), 9)),
    ]
    found = clean("any", samples, str)
    assert not found.writers
    assert found.inks == {stable_hash(f"{tested}/1"), stable_hash(f"{tested}/2")}


def test_training_wins_over_validation_over_test():
    assert first_side(["test", "validation"]) == "validation"
    assert first_side(["test", "validation", "train"]) == "train"


def test_tables_are_written_as_they_are_read_and_damage_is_named():
    known = identity.Identities({5: "train", 2**64 - 1: "test"}, frozenset({7}))
    assert identity.parsed(identity.written(known, "one\ntwo"), "") == known
    with pytest.raises(CorpusError, match=r"x\.tsv, line 2"):
        identity.parsed("# head\nink\tzz\n", "x.tsv")


def test_the_place_on_the_paper_does_not_change_what_an_ink_is():
    ink = Ink(np.array([(0, 0), (3, 4), (9, 9)], np.float32), np.array([0, 2, 3], np.int32))
    moved = replace(ink, xy=ink.xy + np.float32(1000))
    cut = replace(ink, offsets=np.array([0, 1, 3], np.int32))
    other = replace(ink, xy=ink.xy * np.float32(2))
    assert content(ink) == content(moved)
    assert len({content(ink), content(cut), content(other)}) == 3


def test_groups_are_connected_through_their_members():
    assert connected([("a", "b"), ("c", "d"), ("b", "c"), ("e", "f")]) == [["a", "b", "c", "d"], ["e", "f"]]


@pytest.mark.parametrize(
    ("writer", "person"),
    [
        ("ibm/r00-04", "ibm/04"),
        ("ibm/r04-04", "ibm/04"),
        ("ibm/bam11", "ibm/bam"),
        ("ap/a_name_2", "ap/a_name"),
        ("ap/a_name", "ap/a_name"),
        ("ce/ABCD1234.B", "ce/ABCD1234"),
        ("scr/d2_ww000140", "scr/ww000140"),
        ("tos/1002", "tos/1002"),
    ],
)
def test_sessions_of_unipen_are_one_person(writer, person):
    assert unipen.person_of(writer) == person


@pytest.mark.parametrize(
    "contributions",
    [
        ("apa", "apb", "apc", "apd", "ape", "app"),
        ("ata", "att"),
        ("bba", "bbb", "bbc", "bbd"),
        ("cea", "ceb", "cec", "ced", "cee", "cef"),
    ],
)
def test_a_writer_is_one_person_in_all_contributions_of_an_institution(contributions, tmp_path):
    text = b'.VERSION 1.0\n.WRITER_ID w17\n.SEGMENT CHARACTER 0 ? "a"\n.PEN_DOWN\n1 1\n2 9\n.PEN_UP\n'
    (tmp_path / "include").mkdir()
    for name in (*contributions, "elsewhere"):
        file = tmp_path / "data" / "1c" / name / "x.dat"
        file.parent.mkdir(parents=True)
        file.write_bytes(text)
    units = unipen.CORPUS.units(tmp_path, categories="1c")
    found = {s.key.split("/")[1]: s for unit in units for s in unipen.CORPUS.read(tmp_path, unit, UnitReport())}
    assert len({(found[name].writer, found[name].split) for name in contributions}) == 1
    assert found["elsewhere"].writer != found[contributions[0]].writer


@pytest.fixture(scope="module")
def isolated(corpora):
    """Return the isolated digits of UNIPEN: as they are now, and under the writers that the files name."""
    root = corpora / "unipen-train_r01_v07"
    recorded = replace(unipen.CORPUS, person_of=str)
    units = unipen.CORPUS.units(root, categories="1a")
    return [
        [(s.key, s.writer, s.split, content(s.ink)) for unit in units for s in corpus.read(root, unit, UnitReport())]
        for corpus in (unipen.CORPUS, recorded)
    ]


@pytest.mark.corpora
def test_no_person_of_the_old_training_side_is_on_another_now(isolated):
    now, before = isolated
    assert [key for key, *_ in now] == [key for key, *_ in before]
    trained = {writer for _, writer, _, _ in before if split_by_writer("unipen", writer) == "train"}
    people = {person for (_, person, _, _), (_, writer, _, _) in zip(now, before, strict=True) if writer in trained}
    assert {split for _, person, split, _ in now if person in people} == {"train"}
    assert len({person for _, person, _, _ in now if person.startswith("ibm/")}) == 12


@pytest.mark.corpora
def test_no_ink_and_no_person_of_unipen_is_on_two_sides(isolated):
    people, inks = defaultdict(set), defaultdict(set)
    for _, person, split, ink in isolated[0]:
        inks[ink].add(split)
        people[person].add(split)
    for found in (inks, people):
        assert {frozenset(sides - {None}) for sides in found.values()} == {
            *(frozenset([side]) for side in ("train", "validation", "test"))
        }
    without = [key for key, _, split, _ in isolated[0] if split is None]
    assert len(without) < 20
