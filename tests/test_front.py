"""What ``import kalamos`` offers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kalamos
from kalamos.errors import InkError, KalamosError, UnknownNameError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair
from kalamos.recoverer import recover_groups
from kalamos.recovery import Alternative, RecoveredPiece, Recovery, in_lines

TRACER = "nearest"


def seven(dx: float = 0.0, dy: float = 0.0) -> Ink:
    return Ink.from_strokes([[(dx, dy), (6 + dx, dy), (2 + dx, 10 + dy)]])


def page() -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Return a sheet with three sevens, two above and one below, and where their middles are."""
    made = kalamos.render(seven(), "clean").image.pixels
    sheet = np.full((300, 300), 255, np.uint8)
    places = [(20, 30), (150, 36), (40, 190)]
    for x, y in places:
        sheet[y : y + 64, x : x + 64] = made
    return sheet, [(x + 32.0, y + 32.0) for x, y in places]


def test_the_package_loads_nothing_heavy() -> None:
    code = (
        "import time; t = time.perf_counter(); import kalamos, sys; s = time.perf_counter() - t;"
        "heavy = {'numpy', 'numba', 'scipy', 'torch', 'pyarrow', 'PIL', 'click', 'onnxruntime'} & set(sys.modules);"
        "print(heavy or 'nothing', s)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    heavy, seconds = done.stdout.split()
    assert heavy == "nothing"
    assert float(seconds) < 0.5  # 0.02 s on an idle machine


def test_python_m_kalamos_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "kalamos", "--version"], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == f"kalamos, version {kalamos.__version__}"


@pytest.mark.parametrize("kind", ["path", "text", "pil", "array", "colour", "mask"])
def test_any_kind_of_picture_gives_the_same_ink_on_the_picture(tmp_path: Path, kind: str) -> None:
    sheet, middles = page()
    file = tmp_path / "sheet.png"
    Image.fromarray(sheet).save(file)
    pictures = {
        "path": file, "text": str(file), "pil": Image.fromarray(sheet), "array": sheet,
        "colour": np.repeat(sheet[:, :, None], 3, axis=2), "mask": sheet > 127,
    }  # fmt: skip
    found = kalamos.recover(pictures[kind], model=TRACER, level="word")
    assert [len(line.pieces) for line in found.lines] == [2, 1]
    for piece, (x, y) in zip(found.pieces, middles, strict=True):
        assert np.abs(piece.ink.xy.mean(axis=0) - (x, y)).max() < 12
        assert piece.box[0] < x < piece.box[2]
        assert piece.box[1] < y < piece.box[3]
        assert piece.covered > 0.95
    assert found.ink.n_strokes == sum(piece.ink.n_strokes for piece in found.pieces)
    assert found.method == TRACER


def test_an_offline_image_is_one_piece_as_it_is() -> None:
    made = kalamos.render(seven(), "clean")
    found = kalamos.recover(made.image, model=TRACER)
    assert found.pieces[0].box == (0, 0, 64, 64)
    assert kalamos.score(found, made.truth, metrics=["rmse_arc"])["rmse_arc"] < 8


def test_a_blank_sheet_has_no_lines() -> None:
    found = kalamos.recover(np.full((50, 50), 255, np.uint8), model=TRACER)
    assert (found.lines, found.ink.n_points, found.covered) == ((), 0, 1.0)


@pytest.mark.parametrize("picture", [np.zeros((4, 4)), np.zeros((3, 3, 5), np.uint8), np.zeros((0, 3), np.uint8), 7])
def test_what_is_no_picture_is_named(picture: object) -> None:
    with pytest.raises(KalamosError, match=r"got|channels"):
        kalamos.recover(picture, model=TRACER)


def test_a_corpus_is_iterated_by_split_and_has_a_card() -> None:
    corpus = kalamos.load("synthetic", scripts="Latn", writers="3")
    whole = [sample.key for sample in corpus]
    parts = [sample.key for part in (corpus.train, corpus.validation, corpus.test) for sample in part]
    assert sorted(parts) == sorted(whole)
    assert len(whole) > 20
    assert corpus.card.name == "synthetic"
    with pytest.raises(UnknownNameError, match="synthetic"):
        kalamos.load("syntetic")


def test_scores_of_arrays_inks_and_recoveries_agree_with_the_table() -> None:
    truth, found = seven(), kalamos.Ink.from_strokes([[(0, 0), (6, 1), (2, 9)]])
    told = METRICS["rmse_arc"].value(Pair(found, truth))
    piece = RecoveredPiece(found, (0, 0, 9, 9))
    for a, b in ((found, truth), (found.xy, truth.xy), ((found.xy, found.offsets), truth), (piece, truth)):
        assert kalamos.metrics.rmse_arc(a, b) == told
        assert kalamos.score(a, b, metrics=["rmse_arc"]) == {"rmse_arc": told}
    assert set(kalamos.score(found, truth)) == set(METRICS)
    assert all(callable(getattr(kalamos.metrics, name)) for name in METRICS)
    with pytest.raises(UnknownNameError, match="rmse"):
        kalamos.score(found, truth, metrics=["rmse"])
    with pytest.raises(InkError):
        kalamos.score("scan.png", truth)


class Two:
    """Answers with one alternative an image."""

    name, version, weights = "two", "3", "abc"

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        return [seven(20, 20) for _ in images]

    def recover_many(self, groups: Sequence[Sequence[OfflineImage]], n_best: int) -> list[Recovery]:
        more = (Alternative(seven(30, 20), -2.0),)[: n_best - 1]
        pieces = [[RecoveredPiece(seven(20, 20), (0, 0, 64, 64), alternatives=more) for _ in group] for group in groups]
        return [Recovery(in_lines(some), self.name, self.version, self.weights) for some in pieces]


def test_alternatives_are_placed_on_the_picture_like_the_ink() -> None:
    sheet, _ = page()
    found = kalamos.recover(sheet, model=Two(), level="word", n_best=2)
    assert (found.method, found.version, found.weights) == ("two", "3", "abc")
    for piece in found.pieces:
        shift = piece.alternatives[0].ink.xy - piece.ink.xy
        assert np.allclose(shift, (10 / piece.placement.scale, 0), atol=1e-3)
    assert not kalamos.recover(sheet, model=Two(), level="word").pieces[0].alternatives


def test_a_method_of_inks_alone_answers_groups_with_the_share_it_covers() -> None:
    made = kalamos.render(seven(), "clean")
    half = Ink.from_strokes([made.truth.xy[:2]])

    class Half:
        name = "half"

        def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
            return [half, made.truth][: len(images)]

    first, second = recover_groups(Half(), [[made.image], [made.image]])
    assert 0.2 < first.covered < 0.7
    assert second.covered == 1.0
    assert first.pieces[0].confidence is None


def test_an_answer_for_another_number_of_images_is_refused() -> None:
    class Short(Two):
        def recover_many(self, groups: Sequence[Sequence[OfflineImage]], n_best: int) -> list[Recovery]:
            return super().recover_many([group[:-1] for group in groups], n_best)

    with pytest.raises(KalamosError, match="0 pieces for a group of 1"):
        recover_groups(Short(), [[kalamos.render(seven()).image]])


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(KalamosError, match=r"0\.\.1"):
        RecoveredPiece(seven(), (0, 0, 9, 9), covered=share)
    with pytest.raises(KalamosError, match=r"0\.\.1"):
        RecoveredPiece(seven(), (0, 0, 9, 9), confidence=share)
