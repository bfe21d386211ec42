"""POH-Db: a small corpus in the true layout, and the real one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from poh_pages import page, word, write_corpus

from kalamos.datasets.poh_db import CORPUS
from kalamos.errors import CorpusError
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_corpus(tmp_path)
    return tmp_path


def everything(root: Path, **options: str) -> tuple[list[Sample], UnitReport]:
    report = UnitReport()
    samples = [sample for unit in CORPUS.units(root, **options) for sample in CORPUS.read(root, unit, report)]
    return samples, report


def test_lines_have_the_words_of_the_ground_truth(root: Path) -> None:
    samples, report = everything(root)
    words = [sample for sample in samples if sample.level == "word"]
    assert [sample.label for sample in words] == ["شدت", "کم", "خوراک", "ذرات"]
    assert [sample.key for sample in words] == [f"WordGroup/1/{k}" for k in range(4)]
    assert [sample.ink.n_strokes for sample in words] == [2, 2, 2, 2]
    heights = [float(sample.ink.xy[:, 1].mean()) for sample in words]
    assert heights == sorted(heights)
    assert report.expected == Counter(word=8, line=4)


def test_a_page_with_a_word_left_out_is_refused_with_its_lines(root: Path) -> None:
    _, report = everything(root)
    assert [(refusal.source, refusal.where) for refusal in report.refusals] == [
        ("Writepads/WordGroup/2.inkml", "4 lines")
    ]
    assert "does not fall into the expected lines" in report.refusals[0].reason


def test_numbers_are_lines_in_arabic_digits(root: Path) -> None:
    samples, _ = everything(root, types="NumberGroup")
    assert [(sample.label, sample.level, sample.script) for sample in samples] == [
        (label, "line", "Arab") for label in ("۱۲", "۳", "۴", "۵")
    ]


def test_pages_stay_whole(root: Path) -> None:
    samples, report = everything(root, level="page")
    assert {sample.key: sample.label for sample in samples}["Text/4"] == "متن کوتاه"
    assert {sample.key: sample.label for sample in samples}["WordGroup/1"] == "شدت\nکم\nخوراک\nذرات"
    assert report.expected["page"] == 6
    assert sorted(refusal.reason for refusal in report.refusals) == [
        "no ground truth belongs to the page",
        "the page holds no ink",
    ]


def test_times_are_seconds_over_the_page(root: Path) -> None:
    page_of_words = next(s for s in everything(root, level="page")[0] if s.key == "WordGroup/1")
    t = page_of_words.ink.t
    assert t is not None
    assert page_of_words.time_source == "recorded"
    assert t[0] == 0
    assert t[1] == pytest.approx(0.008)
    second = int(page_of_words.ink.offsets[1])
    assert t[second] == pytest.approx((8 * 12 + 100) / 1000)


def test_pressure_is_kept_only_where_it_is_real(root: Path) -> None:
    samples, report = everything(root)
    by_type = {sample.key.split("/")[0]: sample.ink for sample in samples}
    assert by_type["WordGroup"].pressure is not None
    assert by_type["NumberGroup"].pressure is None
    assert report.mendings["poh-pressure-constant"] == 2
    assert set(by_type["WordGroup"].extra) == {"tilt_x"}


def test_writers_are_split_whole_and_nothing_personal_is_read(root: Path) -> None:
    samples, _ = everything(root)
    assert {sample.writer for sample in samples} == {"w-a"}
    assert len({sample.split for sample in samples}) == 1
    assert "secret" not in repr(samples)


def test_levels_and_types(root: Path) -> None:
    assert len(CORPUS.units(root)) == 3
    assert len(CORPUS.units(root, level="word")) == 2
    assert len(CORPUS.units(root, level="page")) == 6
    assert CORPUS.units(root, level="page", types="Text")[0] == "Writepads/Text/4.inkml#page"
    for options in ({"level": "letter"}, {"types": "Text"}, {"colour": "red"}):
        with pytest.raises(CorpusError):
            CORPUS.units(root, **options)
    with pytest.raises(CorpusError, match="Writepads"):
        CORPUS.units(root / "Writers")


def test_pressure_beyond_its_declared_range_is_divided_by_its_maximum(root: Path) -> None:
    text = page(word(0, 0, np.random.default_rng(0)), kind="Text", truth=9, writer="w").replace(" 0.33 ", " 4 ")
    (root / "Writepads/Text/4.inkml").write_text(text, encoding="utf-8")
    samples, report = everything(root, level="page", types="Text")
    assert samples[0].ink.pressure is not None
    assert samples[0].ink.pressure.max() == 1
    assert report.mendings["pressure-own-maximum"] == 1


def test_broken_pages_are_refusals(root: Path) -> None:
    file = root / "Writepads/WordGroup/1.inkml"
    whole = file.read_bytes()
    for data in (whole[:900], whole[: len(whole) // 2], b"", b"\0" * 100, whole.replace(b"t1.0", b"")[:-9]):
        file.write_bytes(data)
        report = UnitReport()
        assert list(CORPUS.read(root, "Writepads/WordGroup/1.inkml", report)) == []
        assert len(report.refusals) == 1


@pytest.mark.corpora
def test_real_pages(corpora: Path) -> None:
    """A twentieth of the real pages: all parse, and nearly all of them fall into the lines of their ground truth."""
    root = corpora / "poh-db"
    units = CORPUS.units(root, level="page")
    assert len(units) == sum(1 for _ in (root / "Writepads").rglob("*.inkml"))  # of 9,308, whatever part lies here
    report = UnitReport()
    pages = [sample for unit in units[::20] for sample in CORPUS.read(root, unit, report)]
    assert len(pages) + len(report.refusals) == len(units[::20])
    assert {refusal.reason for refusal in report.refusals} <= {"the page holds no ink"}
    assert all(sample.ink.t is not None and sample.label and sample.writer for sample in pages)
    lines = UnitReport()
    cut = [sample for unit in CORPUS.units(root)[::20] for sample in CORPUS.read(root, unit, lines)]
    assert len(cut) > 0.95 * (lines.expected["word"] + lines.expected["line"])


@pytest.mark.corpora
def test_mutated_real_pages_are_read_or_refused(corpora: Path, tmp_path: Path) -> None:
    """Bytes set, cut, doubled and moved in real pages: only refusals, never another error."""
    root = corpora / "poh-db"
    units = CORPUS.units(root, level="page")
    rng = np.random.default_rng(5)
    (tmp_path / "GroundTruths").symlink_to(root / "GroundTruths")
    file = tmp_path / "Writepads" / "x.inkml"
    file.parent.mkdir()
    sizes = {unit: (root / unit.partition("#")[0]).stat().st_size for unit in units[:200]}
    short = [unit for unit, size in sizes.items() if size < 60_000]
    outcomes: Counter[str] = Counter()
    for number in range(300):
        data = bytearray((root / short[number % len(short)].partition("#")[0]).read_bytes())
        for _ in range(rng.integers(1, 4)):
            place, length = int(rng.integers(len(data))), int(rng.integers(1, 400))
            match int(rng.integers(5)):
                case 0:
                    data[place] = int(rng.integers(256))
                case 1:
                    del data[place : place + length]
                case 2:
                    data[place:place] = data[place : place + length]
                case 3:
                    target = int(rng.integers(len(data)))
                    data[target:target] = data[place : place + length]
                case 4:
                    digits = [k for k in range(place, min(place + length, len(data))) if 48 <= data[k] <= 57]
                    for k in digits[:3]:
                        data[k] = rng.choice(list(b"9-eE.#'\"*?,"))
        file.write_bytes(data)
        report = UnitReport()
        samples = list(CORPUS.read(tmp_path, "Writepads/x.inkml#page", report))
        assert len(samples) + len(report.refusals) == 1
        outcomes["read" if samples else "refused"] += 1
    assert outcomes["read"] > 10
    assert outcomes["refused"] > 10
