from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from tiny_corpus import LETTERS, letter

from kalamos.errors import ModelError
from kalamos.metrics import METRICS, Pair
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.models.kalamos.network import PathNetwork, Route, collate_scene
from kalamos.models.kalamos.parameters import Sizes
from kalamos.models.kalamos.paths import find_paths
from kalamos.models.kalamos.pieces import Pieces, cut_pieces
from kalamos.models.kalamos.search import SPARE_STEPS, STEPS_A_PIECE
from kalamos.renderers import Style, render
from kalamos.training.kalamos_learner import KalamosLearner
from kalamos.training.loop import gradients
from kalamos.training.mixture import make_item

SMALL = {"channels": 32, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "motion_channels": 16}


@pytest.fixture(scope="module")
def made() -> list:
    return [render(letter(name, k), Style()) for name in LETTERS for k in range(2)]


@pytest.fixture(scope="module")
def learner(made: list) -> KalamosLearner:
    """Return a network that has learnt eight drawings by heart."""
    torch.manual_seed(0)
    learner = KalamosLearner(SMALL)
    items = [make_item(one.image, one.truth) for one in made]
    optimiser = torch.optim.AdamW(learner.net.parameters(), 1e-2)
    for step in range(120):
        for group in optimiser.param_groups:
            group["lr"] = 1e-2 * (1 - step / 120)
        gradients(learner, items)
        optimiser.step()
    return learner


@pytest.mark.parametrize("beams", [1, 4])
def test_drawings_learnt_by_heart_are_recovered(made: list, learner: KalamosLearner, beams: int) -> None:
    inks = Kalamos.from_network(learner.net, beams).recover([one.image for one in made])
    for ink, one in zip(inks, made, strict=True):
        pair = Pair(ink, one.truth, one.image)
        assert METRICS["ldtw"].value(pair) < 1.5
        assert METRICS["stroke_count"].value(pair) == 1
        assert METRICS["rmse_time"].value(pair) < 6


def found_by(net: PathNetwork, pieces: Pieces, width: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return steps, lifts and log-probability of the path that the search finds."""
    path = find_paths(Kalamos.from_network(net).engine, [pieces], [0], width)[0][0]
    return path.steps, path.lifts, path.total


@pytest.fixture(scope="module")
def untrained() -> PathNetwork:
    torch.manual_seed(1)
    return PathNetwork(Sizes(**SMALL)).eval()


@pytest.mark.parametrize("width", [1, 3])
def test_the_searchs_score_is_the_networks_probability_of_the_path(
    made: list, untrained: PathNetwork, learner: KalamosLearner, width: int
) -> None:
    for net in (untrained, learner.net):
        for one in made:
            pieces = cut_pieces(one.image.pixels)
            steps, lifts, told = found_by(net, pieces, width)
            route = Route(*(torch.from_numpy(np.asarray(part))[None] for part in (steps, lifts, steps >= 0)))
            with torch.inference_mode():
                scores, _, _ = net(collate_scene([pieces]), route)
            log_p = F.log_softmax(scores[0], -1).numpy()
            m = 2 * len(pieces.points)
            assert len(steps) > 0
            actions = np.where(lifts, m + steps, steps).tolist()
            if len(steps) < STEPS_A_PIECE * len(pieces.points) + SPARE_STEPS:
                actions.append(2 * m)
            assert told == pytest.approx(sum(log_p[t, action] for t, action in enumerate(actions)), abs=1e-3)


def test_a_wider_search_never_finds_a_less_likely_path_in_the_end(made: list, learner: KalamosLearner) -> None:
    for one in made:
        pieces = cut_pieces(one.image.pixels)
        assert found_by(learner.net, pieces, 4)[2] >= found_by(learner.net, pieces, 1)[2] - 1e-4


def test_images_of_a_batch_do_not_touch_each_other(made: list, learner: KalamosLearner) -> None:
    kalamos = Kalamos.from_network(learner.net)
    together = kalamos.recover([one.image for one in made])
    for one, ink in zip(made, together, strict=True):
        assert kalamos.recover([one.image])[0] == ink


def test_a_path_over_joined_pieces_only_goes_on_where_pieces_are_joined(made: list, untrained: PathNetwork) -> None:
    for one in made:
        pieces = cut_pieces(one.image.pixels)
        steps, lifts, _ = found_by(untrained, pieces, 2)
        for before, step, lift in zip(steps[:-1], steps[1:], lifts[1:], strict=True):
            if not lift:
                assert pieces.joints[before // 2, 1 - before % 2] == pieces.joints[step // 2, step % 2]
        assert lifts[0]


@pytest.mark.parametrize("beams", [0, -2, "many", 1.5])
def test_a_number_of_beams_that_is_none_is_named(beams: object) -> None:
    with pytest.raises(ModelError, match="beams is"):
        Kalamos(beams=beams)
