"""What ``import kalamos`` offers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

import kalamos
from kalamos.cli import main
from kalamos.errors import InkError, KalamosError, StyleError, UnknownNameError
from kalamos.front import MOST_PATHS
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair
from kalamos.recoverer import load_recoverer, recover_groups
from kalamos.recovery import Alternative, RecoveredPiece, Recovery, in_lines
from kalamos.renderers import PRESETS

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


def test_names_are_listed_once() -> None:
    kalamos.load, kalamos.metrics  # noqa: B018 - once loaded, they stand among the module's own names too
    assert len(dir(kalamos)) == len(set(dir(kalamos)))
    assert set(kalamos.__all__) <= set(dir(kalamos))


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


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        (np.zeros((4, 4)), r"got float64 \(4, 4\): take \(255 \* picture\)"),
        (np.full((4, 4), 900, np.uint16), r"got uint16 \(4, 4\): bring its values to 0\.\.255"),
        (np.full((4, 4), np.nan), r"got float64 \(4, 4\): bring its values to 0\.\.255"),
        (np.zeros((3, 3, 5), np.uint8), r"got uint8 \(3, 3, 5\)$"),
        (np.zeros((0, 3), np.uint8), r"got uint8 \(0, 3\)$"),
        (7, "got int$"),
        (None, "got NoneType$"),
        (seven(), "got Ink$"),
        (kalamos.render(seven()), "got Rendering$"),  # two arrays and a record, of which numpy makes no array
    ],
)
def test_what_is_no_picture_is_named(picture: object, told: str) -> None:
    with pytest.raises(KalamosError, match=told):
        kalamos.recover(picture, model=TRACER)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"level": "words"}, "level is one of character, word, line, page; got 'words'"),
        ({"level": None}, "level is one of"),
        ({"script": "Latin"}, "did you mean Latn"),
        ({"script": 7}, "no script has the ISO 15924 code '7'"),
        ({"n_best": 0}, "from 1 to 100; got 0"),
        ({"n_best": 2.5}, "from 1 to 100; got 2.5"),
        ({"n_best": "3"}, "from 1 to 100; got '3'"),
        ({"n_best": 10**9}, "from 1 to 100"),
        ({"model": 7}, "int is no recoverer"),
        ({"model": dict}, "dict is no recoverer"),
        ({"model": RecoveredPiece}, "RecoveredPiece cannot be made"),
    ],
)
def test_an_argument_that_is_none_is_named_before_any_work(option: dict[str, object], told: str) -> None:
    for picture in (page()[0], kalamos.render(seven()).image, "not even looked at.png"):
        with pytest.raises(KalamosError, match=told):
            kalamos.recover(picture, **option)  # type: ignore[arg-type]


def test_as_many_paths_may_be_asked_for_as_on_the_command_line() -> None:
    [option] = [one for one in main.commands["recover"].params if one.name == "n_best"]
    assert isinstance(option.type, click.IntRange)
    assert (option.type.min, option.type.max) == (1, MOST_PATHS)


def test_a_corpus_is_iterated_by_split_and_has_a_card() -> None:
    corpus = kalamos.load("synthetic", scripts="Latn", writers="3")
    whole = [sample.key for sample in corpus]
    parts = [sample.key for part in (corpus.train, corpus.validation, corpus.test) for sample in part]
    assert sorted(parts) == sorted(whole)
    assert len(whole) > 20
    assert corpus.card.name == "synthetic"
    with pytest.raises(UnknownNameError, match="synthetic"):
        kalamos.load("syntetic")
    with pytest.raises(UnknownNameError, match="called by a name; got None"):
        kalamos.load(None)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="molhw is known and not read"):
        kalamos.load("molhw")


def test_options_of_a_corpus_are_as_python_has_them() -> None:
    told = [sample.key for sample in kalamos.load("synthetic", scripts="Latn,Deva", writers="2")]
    assert [sample.key for sample in kalamos.load("synthetic", scripts=["Latn", "Deva"], writers=2)] == told
    assert len(told) > 20
    with pytest.raises(KalamosError, match="whole number"):
        kalamos.load("synthetic", writers=2.5)


def test_a_corpus_without_a_folder_is_here_or_where_all_corpora_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, shared = tmp_path / "here", tmp_path / "all"
    for folder in (here, shared / "pendigits", shared / "other"):
        folder.mkdir(parents=True)
        for part in ("tra", "tes"):
            (folder / f"pendigits-orig.{part}").write_text("")
    monkeypatch.delenv("KALAMOS_CORPORA", raising=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(KalamosError, match="pendigits-orig"):
        kalamos.load("pendigits")
    monkeypatch.setenv("KALAMOS_CORPORA", str(shared))
    assert kalamos.load("pendigits").root == shared / "pendigits"
    with pytest.raises(KalamosError, match="holds it as mile"):  # which takes every file below its folder for its own
        kalamos.load("mile")
    monkeypatch.chdir(here)
    assert kalamos.load("pendigits").root == Path()
    assert kalamos.load("auto").root == Path()


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


def test_one_metric_may_be_named_alone_and_the_image_be_an_array() -> None:
    made = kalamos.render(seven())
    assert kalamos.score(made.truth, made.truth, metrics="rmse_arc") == {"rmse_arc": 0.0}
    whole = kalamos.score(made.truth, made.truth, image=made.image)
    assert kalamos.score(made.truth, made.truth, image=made.image.pixels) == pytest.approx(whole, nan_ok=True)
    with pytest.raises(KalamosError, match="uint8 array"):
        kalamos.score(made.truth, made.truth, image="scan.png")  # type: ignore[arg-type]


def test_a_style_is_a_name_a_file_or_a_style(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(PRESETS["ballpoint"].to_toml())
    told = kalamos.render(seven(), "ballpoint").image.pixels
    for style in (file, str(file), Path("ballpoint"), PRESETS["ballpoint"]):
        assert np.array_equal(kalamos.render(seven(), style).image.pixels, told)
    for wrong in (None, 7, {"nib_px": 3}):
        with pytest.raises(StyleError, match="name of a preset, a TOML file or a Style"):
            kalamos.render(seven(), wrong)


@pytest.mark.parametrize("call", ["recover(sheet, model='nearest')", "score(ink, ink)", "render(ink)"])
def test_every_function_says_when_it_compiles(call: str) -> None:
    """From Python a page compiled for ten seconds, and a score for three, without a word."""
    code = (
        "import kalamos, numpy as np; from kalamos.machinery import compiling;"
        "ink = kalamos.Ink.from_strokes([[(0, 0), (5, 5)]]); sheet = np.full((50, 50), 255, np.uint8);"
        f"kalamos.{call}; print(compiling._wanted)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "True"


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


@pytest.mark.parametrize("model", [Two, Two(), partial(Two)])
def test_a_method_may_be_given_as_itself_or_as_what_makes_it(model: object) -> None:
    assert kalamos.recover(kalamos.render(seven()).image, model=model).method == "two"  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [None, "ink", 3])
def test_an_answer_that_is_no_ink_is_refused(answer: object) -> None:
    class Wrong:
        name = "wrong"

        def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
            return [answer for _ in images]  # type: ignore[misc]

    with pytest.raises(KalamosError, match=f"returned {type(answer).__name__} where an Ink is due"):
        kalamos.recover(kalamos.render(seven()).image, model=Wrong())


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


def test_an_option_without_a_value_does_not_mean_the_shipped_weights() -> None:
    """As a shell makes it of ``kalamos?weights=$MINE`` where MINE is not set."""
    with pytest.raises(KalamosError, match="weights has no value"):
        load_recoverer("kalamos?weights=")


def test_no_path_at_all_cannot_be_asked_for() -> None:
    with pytest.raises(KalamosError, match="n_best"):
        recover_groups(load_recoverer("kalamos"), [[OfflineImage(np.zeros((9, 9), np.uint8))]], 0)
