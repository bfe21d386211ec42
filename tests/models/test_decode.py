from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from tiny_corpus import LETTERS, letter

from kalamos.benchmark.metrics import METRICS, Pair
from kalamos.models.calamus import Kalamos
from kalamos.models.decode import beam_search, best_route
from kalamos.models.learner import KalamosLearner
from kalamos.models.network import PathNetwork, collate_scene
from kalamos.models.parameters import Sizes
from kalamos.models.stream import make_item
from kalamos.models.train import gradients
from kalamos.renderers import Style, render

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


@pytest.mark.parametrize("width", [1, 3])
def test_the_searchs_score_is_the_networks_probability_of_the_path(made: list, width: int) -> None:
    torch.manual_seed(1)
    net = PathNetwork(Sizes(**SMALL)).eval()
    scene = collate_scene([make_item(one.image, one.truth).pieces for one in made])
    beams = beam_search(net, scene, width)
    for rank in range(width):
        route = best_route(beams, rank)
        with torch.inference_mode():
            scores, _, _ = net(scene, route)
        m = (scores.shape[-1] - 1) // 2
        log_p = F.log_softmax(scores, -1)
        action = route.steps + torch.where(route.lifts, m, 0)
        told = (log_p[:, :-1].gather(2, action[..., None])[..., 0] * route.real).sum(1)
        ended = log_p[torch.arange(len(told)), route.real.sum(1), -1] * beams.ended[:, rank]
        assert torch.allclose(told + ended, beams.score[:, rank], atol=1e-3)
    assert (beams.score[:, :-1] >= beams.score[:, 1:]).all()


def test_a_wider_search_never_finds_a_less_likely_path_in_the_end(made: list, learner: KalamosLearner) -> None:
    scene = collate_scene([make_item(one.image, one.truth).pieces for one in made])
    one, four = beam_search(learner.net, scene, 1), beam_search(learner.net, scene, 4)
    assert (four.score[:, 0] >= one.score[:, 0] - 1e-4).all()


def test_padding_changes_nothing(made: list, learner: KalamosLearner) -> None:
    alone = Kalamos.from_network(learner.net, 2)
    together = alone.recover([one.image for one in made])
    for one, ink in zip(made, together, strict=True):
        single = alone.recover([one.image])[0]
        assert single.n_strokes == ink.n_strokes
        assert abs(single.xy - ink.xy).max() < 1e-3


def test_a_path_over_joined_pieces_only_goes_on_where_pieces_are_joined(made: list) -> None:
    torch.manual_seed(3)
    net = PathNetwork(Sizes(**SMALL)).eval()
    for one in made:
        pieces = make_item(one.image, one.truth).pieces
        route = best_route(beam_search(net, collate_scene([pieces]), 1))
        steps, lifts = route.steps[0].tolist(), route.lifts[0].tolist()
        for before, step, lift in zip(steps[:-1], steps[1:], lifts[1:], strict=True):
            if not lift:
                assert pieces.joints[before // 2, 1 - before % 2] == pieces.joints[step // 2, step % 2]
        assert lifts[0]
