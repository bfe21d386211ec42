"""Recognisers: their arithmetic, their weights, and what scoring says with them."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalamos.benchmark import recognised as recognition
from kalamos.datasets import CORPORA
from kalamos.errors import ModelError
from kalamos.formats.report import UnitReport
from kalamos.geometry import reverse, transform
from kalamos.image import OfflineImage
from kalamos.ink import Ink, Sample
from kalamos.recognition.alphabets import category
from kalamos.recognition.image import ImageRecogniser
from kalamos.recognition.inputs import sequences, shapes, small_images
from kalamos.recognition.nearest import LEAST, MOST, NearestRecogniser, prototypes
from kalamos.recognition.online import OnlineRecogniser, best
from kalamos.recognition.product import product
from kalamos.recognition.tensors import SHIPPED
from kalamos.renderers import render_batch
from kalamos.storage.weights import Weights

FIXTURE_WRITERS = "20"


@pytest.fixture(scope="module")
def letters():
    corpus = CORPORA.load("synthetic")
    units = corpus.units(Path(), writers=FIXTURE_WRITERS)
    samples = [sample for unit in units for sample in corpus.read(Path(), unit, UnitReport())]
    unseen = [sample for sample in samples if sample.split == "test" and category(sample)]
    return unseen[::2][:200]


@pytest.fixture(scope="module")
def rendered(letters):
    return render_batch([sample.ink for sample in letters], keys=[sample.key for sample in letters])


def test_sequences_in_closed_form():
    ink = Ink.from_strokes([[[0, 0], [0, 47]]])
    (sequence,) = sequences([ink])
    np.testing.assert_allclose(sequence[:, 4], np.linspace(-1, 1, 48), atol=1e-6)
    np.testing.assert_allclose(sequence[1:, 1], 2 / 47, atol=1e-6)
    assert sequence[0, 1] == 0
    assert np.flatnonzero(sequence[:, 2]).tolist() == [47]
    assert not sequence[:, [0, 3]].any()
    dot = sequences([Ink.from_strokes([[[7, 7]]])])[0]
    assert not dot[:, [0, 1, 3, 4]].any()
    assert dot[:, 2].sum() == 1
    letter_i = sequences([Ink.from_strokes([[[0, 10], [0, 57]], [[0, 0]]])])[0]
    assert letter_i[-2:, 2].tolist() == [1, 1]
    assert letter_i[-1, 4] == -1


@given(st.floats(0.01, 1e4), st.floats(-1e4, 1e4), st.floats(0.1, 50))
@settings(max_examples=40, deadline=None)
def test_place_size_and_time_do_not_matter(scale, shift, duration):
    xy = [[[0, 0], [3, 9], [5, 1]], [[1, 1], [8, 2]]]
    t = [np.array([0.0, 0.1, 0.5]) * duration, np.array([0.6, 1.0]) * duration]
    ink = Ink.from_strokes(xy)
    moved = transform(Ink.from_strokes(xy, t), scale=scale, dx=shift * scale, dy=-shift * scale)
    tolerance = 1e-4 + 1e-6 * abs(shift)
    np.testing.assert_allclose(sequences([moved]), sequences([ink]), atol=tolerance)
    np.testing.assert_allclose(shapes([moved]), shapes([ink]), atol=tolerance)


def test_hostile_inks_are_bounded():
    points = np.random.default_rng(0).uniform(0, 64, (500, 1, 2))
    inks = [Ink.empty(), Ink.from_strokes(list(points)), Ink.from_strokes([[[1e6, 1e6]]])]
    assert sequences(inks).shape == (3, 48, 5)
    assert np.isfinite(sequences(inks)).all()
    assert OnlineRecogniser.load().recognise(inks, ["digit"] * 3)[0] == ""
    assert NearestRecogniser.load().recognise(inks, ["digit"] * 3)[0] == ""


def test_small_images_know_paper_from_ink():
    pixels = np.full((64, 64), 200, np.uint8)
    pixels[16:32, 20:40] = 50
    (small,) = small_images([OfflineImage(pixels)])
    assert small[0, 8:16, 10:20].min() == 1
    assert small.sum() == 8 * 10
    wide = np.full((64, 128), 255, np.uint8)
    assert not small_images([OfflineImage(wide)]).any()


def test_the_product_is_the_product():
    rng = np.random.default_rng(0)
    for n, k, m in [(1, 1, 1), (3, 7, 5), (20, 64, 33), (0, 4, 4)]:
        a, b = rng.normal(size=(n, k)).astype(np.float32), rng.normal(size=(k, m)).astype(np.float32)
        np.testing.assert_allclose(product(a, b), a @ b, atol=1e-4)
    with pytest.raises(ValueError, match="cannot be multiplied"):
        product(np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("name", ["online", "image"])
def test_without_torch_as_with_it(name):
    torch = pytest.importorskip("torch")
    from kalamos.training.recogniser_networks import NETWORKS

    torch.manual_seed(0)
    net = NETWORKS[name](7)
    shape = (48, 5) if name == "online" else (1, 32, 32)
    seen = torch.rand(33, *shape) * 2 - 1
    net.train()
    net(seen)  # moves the statistics of the batch norms off their start
    net.eval()
    tensors = {key: value.detach().numpy() for key, value in net.shipped().items()}
    kind = OnlineRecogniser if name == "online" else ImageRecogniser
    plain = kind(Weights({"alphabets": {"a": list("abcdefg")}}, tensors)).logits(seen.numpy())
    np.testing.assert_allclose(plain, net(seen).detach().numpy(), atol=1e-5)


def test_only_the_classes_of_the_category_compete():
    logits = np.array([[5, 0, 1, 9], [5, 0, 1, 1]], np.float32)
    alphabets = {"digit": ["0", "1"], "upper": ["O", "I"]}
    assert best(logits, ["digit", "upper"], alphabets) == ["0", "O"]


@pytest.mark.parametrize(
    ("label", "level", "corpus", "script", "expected"),
    [
        ("7", "character", "unipen", "Zyyy", "digit"),
        ("Q", "character", "unipen", "Latn", "upper"),
        ("q", "character", "anything", "Latn", "lower"),
        ("a", "word", "unipen", "Latn", None),
        ("%", "character", "unipen", "Zyyy", None),
        ("", "character", "unipen", "Latn", None),
        ("Sanskrit/character03", "character", "omniglot", "Deva", "Sanskrit"),
        ("Greek/character03", "character", "omniglot", "Grek", None),
        ("ب", "character", "synthetic", "Arab", "Arab"),
    ],
)
def test_categories(label, level, corpus, script, expected):
    ink = Ink.from_strokes([[[0, 0], [1, 1]]])
    assert category(Sample("k", ink, label, level, script=script, corpus=corpus)) == expected


def test_prototypes_are_means_of_enough_inks():
    rng = np.random.default_rng(0)
    flat, steep = np.zeros((40, 32, 2)), np.zeros((40, 32, 2))
    flat[..., 0] = steep[..., 1] = np.linspace(-1, 1, 32)
    seen = np.concatenate([flat, steep]) + rng.normal(0, 0.02, (80, 32, 2))
    labels = ["-"] * 40 + ["|"] * 40
    tensors, config = prototypes(seen, labels, ["mark"] * 80, seed=0)
    again, _ = prototypes(seen, labels, ["mark"] * 80, seed=0)
    assert np.bincount(tensors["classes"].astype(int)).max() <= min(MOST, 40 // LEAST)
    np.testing.assert_array_equal(tensors["points"], again["points"])
    recogniser = NearestRecogniser(Weights(config, tensors))
    assert recogniser.recognise(
        [Ink.from_strokes([[[0, 5], [9, 5.5]]]), Ink.from_strokes([[[3, 0], [3, 20]]]), Ink.empty()], ["mark"] * 3
    ) == ["-", "|", ""]


def test_the_shipped_recognisers_read_unseen_writers(letters, rendered):
    labels, kinds = [sample.label for sample in letters], [category(sample) for sample in letters]
    inks, images = [one.truth for one in rendered], [one.image for one in rendered]
    found = {
        "online": OnlineRecogniser.load().recognise(inks, kinds),
        "nearest": NearestRecogniser.load().recognise(inks, kinds),
        "image": ImageRecogniser.load().recognise(images, kinds),
    }
    for name, read in found.items():
        assert np.mean([a == b for a, b in zip(read, labels, strict=True)]) > 0.9, name
    backwards = OnlineRecogniser.load().recognise([reverse(ink) for ink in inks], kinds)
    assert np.mean([a == b for a, b in zip(backwards, labels, strict=True)]) < 0.5


def test_the_company_of_others_changes_nothing(letters):
    inks, kinds = [sample.ink for sample in letters[:40]], [category(sample) for sample in letters[:40]]
    recogniser = OnlineRecogniser.load()
    together = recogniser.logits(sequences(inks))
    alone = np.concatenate([recogniser.logits(sequences([ink])) for ink in inks])
    np.testing.assert_array_equal(together, alone)
    assert recogniser.recognise(inks[::-1], kinds[::-1]) == recogniser.recognise(inks, kinds)[::-1]


def test_columns_of_scoring(letters, rendered):
    inks, images = [one.truth for one in rendered], [one.image for one in rendered]
    answers = [Ink.empty() if k % 4 == 0 else ink for k, ink in enumerate(inks)]
    rows = recognition.columns(recognition.questions(letters, inks, images), answers)
    assert all(row["recognised"] == 0 and row["recognised_as"] == "" for row in rows[::4])
    assert [row["recognised_as"] == row["truth_recognised_as"] for row in rows] == [
        k % 4 != 0 for k in range(len(rows))
    ]
    unlabelled = [Sample("k", inks[0], "word", "word", time_source="recorded")]
    (row,) = recognition.columns(recognition.questions(unlabelled, inks[:1], images[:1]), inks[:1])
    assert math.isnan(row["recognised"])
    assert row["category"] is None
    names = [name for name, _ in recognition.FACTS]
    facts = {"label": [s.label for s in letters], "writer": [s.writer for s in letters]}
    table = pa.table({**facts, **{n: [r[n] for r in rows] for n in names}})
    found = recognition.agreement(table)
    assert found["all"]["samples"] == len(letters)
    assert found["all"]["recovered"] == pytest.approx(np.mean([row["recognised"] for row in rows]))
    assert found["all"]["ratio"] == pytest.approx(found["all"]["recovered"] / found["all"]["ceiling"])
    assert not found["all"]["ratio_low"] > found["all"]["ratio"]


def test_confusion_is_that_of_scikit_learn(tmp_path):
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    labels, read = rng.choice(list("0123"), 300), rng.choice(list("0123"), 300)
    table = pa.table({"category": ["digit"] * 300 + [None], "label": [*labels, "x"], "recognised_as": [*read, None]})
    found = recognition.confusion(table)
    matrix = [[found.get(("digit", a, b), 0) for b in "0123"] for a in "0123"]
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(labels, read))
    recognition.write_confusion(table, tmp_path / "confusion.csv")
    lines = (tmp_path / "confusion.csv").read_text().splitlines()
    assert lines[0] == "category,label,recognised_as,count"
    assert sum(int(line.rpartition(",")[2]) for line in lines[1:]) == 300


@pytest.mark.parametrize(("name", "kind"), [("online", OnlineRecogniser), ("image", ImageRecogniser)])
def test_weights_that_were_changed_are_refused(tmp_path, name, kind):
    folder = tmp_path / name
    shutil.copytree(SHIPPED / name, folder)
    kind.load(folder)
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match="has the SHA-256"):
        kind.load(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model": "another"}))
    with pytest.raises(ModelError, match="not to"):
        kind.load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match="holds no weights"):
        kind.load(folder)


def test_weights_are_small_and_have_a_card():
    for folder in SHIPPED.iterdir():
        assert sum(file.stat().st_size for file in folder.iterdir()) < 1_500_000
        assert (folder / "CARD.md").is_file()


def test_scoring_needs_no_torch():
    asked = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Absent())
import kalamos.benchmark.score
from kalamos.recognition.online import OnlineRecogniser
from kalamos.ink import Ink

print(OnlineRecogniser.load().recognise([Ink.from_strokes([[[3, 0], [3, 20]]])], ["digit"])[0])
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_training_continues_as_if_unbroken(letters, rendered, tmp_path):
    pytest.importorskip("torch")
    from kalamos.training.recogniser_data import Labelled
    from kalamos.training.recognisers import train

    kept = [k for k, sample in enumerate(letters) if category(sample) == "Arab"] or list(range(40))
    kept = kept[:40]
    inks = [letters[k].ink for k in kept]
    labelled = Labelled(
        [letters[k].label for k in kept],
        [category(letters[k]) for k in kept],
        ["synthetic"] * len(kept),
        ["w"] * len(kept),
        sequences(inks).astype(np.float16),
        shapes(inks).astype(np.float16),
        np.zeros((len(kept), 32, 32), np.uint8),
    )
    whole = list(train("online", labelled, labelled, tmp_path / "a", seed=0, epochs=2))
    next(train("online", labelled, labelled, tmp_path / "b", seed=0, epochs=2))
    rest = list(train("online", labelled, labelled, tmp_path / "b", seed=0, epochs=2))
    assert len(rest) == 1
    assert {**rest[0], "seconds": 0} == {**whole[1], "seconds": 0}


@pytest.mark.corpora
@pytest.mark.long
def test_unipen_writers_never_seen(corpora):
    import tempfile

    from kalamos.benchmark.evaluate_recognisers import read
    from kalamos.training.recogniser_data import gather

    with tempfile.TemporaryDirectory() as cache:
        labelled = gather(corpora, "test", Path(cache))
    right = read(labelled)["online"] == np.array(labelled.labels, object)
    kinds = np.array([f"{c} {k}" for c, k in zip(labelled.corpora, labelled.categories, strict=True)])
    for kind, floor in [("unipen digit", 0.93), ("unipen upper", 0.88), ("unipen lower", 0.82)]:
        assert right[kinds == kind].mean() > floor, kind
