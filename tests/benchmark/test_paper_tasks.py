"""Tasks of paper: characters of which nobody knows how the pen moved, and whole pages, on fixtures in true formats."""

import gzip
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kalamos import geometry
from kalamos.benchmark import make_pins, pins, run, scan_ink
from kalamos.benchmark.board import publish
from kalamos.benchmark.board import table as leaderboard
from kalamos.benchmark.board.page import page_data
from kalamos.benchmark.task import load_task
from kalamos.datasets import CORPORA
from kalamos.datasets.corpus import UnitReport
from kalamos.errors import CorpusError
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Ink, Sample
from kalamos.metrics import Reference
from kalamos.recognition.alphabets import CONSONANTS, candidates
from kalamos.recognition.online import OnlineRecogniser
from kalamos.storage.parquet import Row


def stroke(size, start, end):
    """Return a light stroke on black, as these corpora have it."""
    pixels = np.zeros((size, size), np.uint8)
    for part in np.linspace(0, 1, 60):
        x, y = (int(a + part * (b - a)) for a, b in zip(start, end, strict=True))
        pixels[y : y + 3, x : x + 3] = 255
    return pixels


@pytest.fixture
def paper(tmp_path):
    """Write MNIST's idx files and a few of AHCD's pictures."""
    root = tmp_path / "paper"
    (root / "mnist").mkdir(parents=True)
    (root / "ahcd" / "test").mkdir(parents=True)
    digits = np.stack([stroke(28, (13, 4), (13, 22)), stroke(28, (6, 5), (20, 20)), stroke(28, (12, 5), (12, 21))])
    head = struct.pack(">BBBBiii", 0, 0, 8, 3, 3, 28, 28)
    (root / "mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + digits.tobytes()))
    (root / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">BBBBi", 0, 0, 8, 1, 3) + bytes([1, 7, 1]))
    )
    for number in (1, 2):
        Image.fromarray(stroke(32, (15, 6), (15, 25))).save(root / "ahcd" / "test" / f"id_{number}_label_1.png")
    return root


def test_the_corpus_has_labels_and_pictures_and_no_ink(paper):
    corpus = CORPORA.load("paper-characters")
    units = corpus.units(paper)
    assert units == ["mnist#1", "mnist#7", "ahcd#ا"]
    [first, second] = corpus.read(paper, "mnist#1", UnitReport())
    assert (first.key, first.label, first.ink.n_points, first.writer) == ("mnist/t10k/00000", "1", 0, "")
    assert second.key == "mnist/t10k/00002"
    image, _ = corpus.image(paper, first)
    assert image.pixels.shape == (64, 64)
    assert np.median(image.pixels) == 255  # dark on white, though the file is light on black
    assert corpus.units(paper, part="ahcd") == ["ahcd#ا"]
    for wrong in ({"part": "other"}, {"side": "x"}):
        with pytest.raises(CorpusError):
            corpus.units(paper, **wrong)
    with pytest.raises(CorpusError, match="mnist"):
        corpus.units(paper.parent)


def own_task(folder, *lines):
    head = ['name = "own"', "version = 1", 'title = "t"']
    (folder / "own.toml").write_text("\n".join([*head, *lines]) + "\n")
    return str(folder / "own.toml")


def test_without_a_truth_no_order_is_scored_and_rows_are_ordered_by_what_can_be_read(paper, tmp_path):
    lines = ['corpus = "paper-characters"', 'split = "all"', "per_label = 1", 'truth = "none"']
    results = run.bench(own_task(tmp_path, *lines), ("nearest",), paper, tmp_path / "runs", cache=tmp_path / "cache")
    made = {result.entry: result for result in results}
    nearest = made["nearest"]
    assert nearest.samples == 3  # one of each label
    assert (nearest.writers, nearest.unknown_writers) == (3, 3)
    assert nearest.metrics["lcss"].n == nearest.metrics["complete_trajectory"].n == 0
    assert nearest.metrics["scan_recall"].value > 0.95
    assert nearest.metrics["scan_precision"].value > 0.95
    assert nearest.metrics["recognised"].n == 3
    assert nearest.recognition["digit"]["unpaired"] == 1.0
    assert "truth" not in made  # there is none to be shown
    assert made["dot"].metrics["scan_recall"].value < 0.5
    text = leaderboard.to_markdown(results)
    assert "Nobody knows how the pen moved" in text
    assert "writers unknown" in text
    assert "lcss" not in text
    assert ": recognised (scan_recall)" in publish.full_text(results) + publish.with_short_table("a", results)
    shown = page_data(results)["tasks"][0]["samples"]
    assert [sample["truth"] for sample in shown] == [None] * 3  # and not an empty ink, which no replay can draw
    [board] = leaderboard.tables([replace(nearest, entry="b"), replace(nearest, entry="a"), made["dot"]])
    assert [line.result.entry for line in board.ranked] == ["a", "b"]


def test_a_whole_page_is_cut_recovered_and_scored(tmp_path):
    lines = ['corpus = "paper-pages"', 'split = "test"', 'input = "page"', "line_height_px = 90.0"]
    task = own_task(tmp_path, *lines, 'options = { kinds = "word", seed = "3" }')
    [result] = run.bench(task, ("qiao",), None, tmp_path / "runs", cache=tmp_path / "cache", controls=False)
    assert result.samples == 1
    assert result.metrics["scan_recall"].value > 0.97
    assert result.metrics["scan_precision"].value > 0.97
    assert result.metrics["lcss"].n == 1


def test_pages_are_of_test_writers_and_the_same_every_time():
    corpus = CORPORA.load("paper-pages")
    [unit] = corpus.units(Path(), kinds="line", seed="2")
    [sample] = corpus.read(Path(), unit, UnitReport())
    assert sample.split == "test"
    image, placement = corpus.image(Path(), sample)
    box = geometry.bounds(placement.to_pixels(sample.ink))
    assert 0 < box.x0 < box.x1 < image.width_px
    for options in ({"kinds": "wrong"}, {"pages": "0"}, {"seed": "x"}, {"other": "1"}):
        with pytest.raises(CorpusError):
            corpus.units(Path(), **options)


def test_ink_beside_the_truth_costs_precision_and_ink_left_out_costs_recall():
    truth = Ink.from_strokes([[(10, 10), (110, 10)], [(10, 40), (110, 40)]])
    reference = Reference(truth, OfflineImage(np.full((64, 120), 255, np.uint8)))
    assert scan_ink.page_shares(truth, reference) == (1.0, 1.0)
    half = Ink.from_strokes([[(10, 10), (110, 10)]])
    assert scan_ink.page_shares(half, reference) == pytest.approx((0.5, 1.0), abs=0.01)
    more = Ink.from_strokes([*truth.strokes(), [(10, 25), (110, 25)]])
    assert scan_ink.page_shares(more, reference) == pytest.approx((1.0, 2 / 3), abs=0.01)
    pixels = np.full((64, 120), 255, np.uint8)
    pixels[9:12, 10:110] = 0
    assert scan_ink.scan_precision(half, pixels) == 1.0
    assert scan_ink.scan_precision(truth, pixels) == pytest.approx(0.5, abs=0.01)


def test_a_pin_without_a_truth_knows_its_picture():
    def row(pixels):
        sample = Sample("k", Ink.empty())
        return Row(sample, OfflineImage(pixels), Placement(1.0, 0.0, 0.0))

    pixels = np.full((64, 64), 255, np.uint8)
    pixels[20:40, 26:34] = 0
    pin = pins.Pin("u", pins.NOT_PINNED, pins.sketch_of(row(pixels)))
    near, other, mirrored = pixels.copy(), pixels.copy(), pixels[:, ::-1].copy()
    near[0, 0] -= 1
    other[20:40, 34:38] = 0
    assert pins.differs(pin, row(near)) == ""
    assert pins.differs(pin, row(other)) == "truth"
    assert pins.differs(pin, row(mirrored)) == "truth"
    assert pins.differs(pin, row(pixels[:32])) == "truth"


def test_the_shipped_tasks_of_paper_are_pinned():
    for name, count in (("paper-characters", 840), ("paper-pages", 31)):
        known = pins.pins_of(load_task(name))
        assert load_task(name).version == 2
        assert len(known.samples) == count
        assert all(pin.truth.startswith(pins.SKETCHED) for pin in known.samples.values())
    assert "paper-pages" in make_pins.NOT_EXACT


def test_scanned_consonants_are_told_apart_from_consonants_alone():
    alphabets = OnlineRecogniser.load().alphabets
    labels, classes = candidates(CONSONANTS, alphabets)
    assert len(labels) == 33
    first = sum(len(members) for name, members in alphabets.items() if name < "Deva")
    assert classes == [first + alphabets["Deva"].index(label) for label in labels]
    assert candidates("digit", alphabets)[0] == [str(k) for k in range(10)]
