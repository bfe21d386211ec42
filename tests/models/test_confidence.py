"""Certainty: calibrated by weights that the config holds, of a path and of each of its strokes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from scipy.special import expit

from kalamos.errors import KalamosError, ModelError
from kalamos.models.kalamos.confidence import Calibration, path_features, probability, stroke_features
from kalamos.models.kalamos.kalamos import Kalamos, stroke_starts
from kalamos.models.weights import SHIPPED
from kalamos.recovery import RecoveredPiece
from kalamos.renderers import Style, render

from .test_kalamos import line, plus


def test_features_of_a_path_are_those_of_beta_calibration() -> None:
    p = np.array([0.01, 0.5, 0.99])
    found = path_features(np.log(p))
    np.testing.assert_allclose(found[:, 0], np.log(p))
    np.testing.assert_allclose(found[:, 1], -np.log(1 - p))
    # with a = b = 1 and c = 0 the curve is the identity (Kull et al., section 3)
    np.testing.assert_allclose(probability(found, np.array([1.0, 1.0, 0.0])), p)


def test_a_path_that_is_certain_has_a_finite_score() -> None:
    assert np.isfinite(path_features(0.0)).all()
    assert probability(path_features(0.0), np.array([1.0, 1.0, 0.0])) > 0.999


def test_features_of_a_stroke_weigh_its_own_steps() -> None:
    log_p = np.log([0.9, 0.8, 0.5, 0.7, 0.95])  # two strokes of two steps each, and the end
    found = stroke_features(log_p, np.array([0, 2]), 4)
    np.testing.assert_allclose(found[:, 0], np.log([0.9, 0.5]))
    np.testing.assert_allclose(found[:, 1], -np.log([0.1, 0.5]))
    np.testing.assert_allclose(found[:, 2], np.log([0.8, 0.7]))
    np.testing.assert_allclose(found[:, 3], log_p.sum() / 4)
    np.testing.assert_allclose(found[:, 4], np.log([2, 2]))
    assert stroke_features(np.zeros(0), np.zeros(0, np.int64), 0).shape == (0, 6)


@pytest.mark.parametrize("broken", [{"path": [1, 2]}, {"path": [1, 2, float("nan")]}, {"stroke": "x"}, 3])
def test_a_broken_calibration_is_refused_by_name(broken, tmp_path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(SHIPPED / "kalamos", folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    good = {"path": [1, 1, 0], "stroke": [0.1] * 6}
    config["calibration"] = {**good, **broken} if isinstance(broken, dict) else broken
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="config"):
        Kalamos(folder)


def test_the_shipped_weights_say_how_sure_they_are() -> None:
    kalamos = Kalamos()
    assert kalamos.calibration is not None
    [found] = kalamos.recover_many([[render(plus(), Style()).image, line(40).image]], 3)
    for piece in found.pieces:
        assert piece.stroke_confidence is not None
        assert piece.confidence == pytest.approx(expit(path_features(piece.log_probability) @ kalamos.calibration.path))
        assert piece.stroke_confidence.shape == (piece.ink.n_strokes,)
        assert ((piece.stroke_confidence > 0) & (piece.stroke_confidence < 1)).all()


def test_strokes_of_a_line_in_blocks_keep_their_certainty_in_either_direction() -> None:
    [scene] = Kalamos().scenes([line(40).image], 1)
    ranks = [0] * len(scene.found)
    onward, backward = (scene.stroke_features(ranks, leftwards=leftwards) for leftwards in (False, True))
    path = scene.found[0][0]
    first = stroke_features(path.log_p, stroke_starts(path), len(path.steps))
    assert 0 < len(first) < len(onward)
    np.testing.assert_array_equal(onward[: len(first)], first)
    np.testing.assert_array_equal(backward[-len(first) :], first)


def test_a_share_for_each_stroke_or_none() -> None:
    ink = plus()
    with pytest.raises(KalamosError, match="stroke_confidence"):
        RecoveredPiece(ink, (0, 0, 9, 9), stroke_confidence=np.array([0.5]))
    with pytest.raises(KalamosError, match="stroke_confidence"):
        RecoveredPiece(ink, (0, 0, 9, 9), stroke_confidence=np.array([0.5, 1.5]))


def test_a_config_without_a_calibration_says_nothing() -> None:
    assert Calibration.read({}) is None
