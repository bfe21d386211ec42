"""`rabhi2023`: its auto-encoder draws the line, and the pen goes by that drawing."""

from __future__ import annotations

import numpy as np
import torch
from tiny_corpus import LETTERS, letter

from kalamos.image import OfflineImage
from kalamos.models.rabhi2020.rabhi2020 import Rabhi2020Learner, as_images, filled_up
from kalamos.models.rabhi2023.network import DenoisingNetwork, damaged, middle_of_line
from kalamos.models.rabhi2023.rabhi2023 import Rabhi2023, Rabhi2023Learner
from kalamos.models.weights import save_weights
from kalamos.renderers import Style, preset, render
from kalamos.storage.weights import load_weights
from kalamos.training.loop import gradients

SMALL = {"channels": [8, 16, 16], "encoder": 16, "decoder": 48, "refiner": 24, "attention": 16}


def test_the_line_is_drawn_without_gaps_and_not_where_the_pen_was_lifted() -> None:
    truth = torch.tensor([[[2.0, 2.0], [12.0, 2.0], [40.0, 2.0], [40.0, 30.0]]])
    drawn = middle_of_line(truth, torch.tensor([[0.0, 1.0, 0.0, 0.0]]), 64)
    assert drawn.shape == (1, 32, 32)
    assert drawn[0, 1, 1:6].tolist() == [1, 1, 1, 1, 1]
    assert drawn[0, 1, 7:20].sum() == 0  # the pen was up
    assert drawn[0, 1:15, 20].sum() > 5
    assert drawn.sum() == drawn[0, 1, 1:7].sum() + drawn[0, :, 20].sum()


def test_damage_wipes_patches_in_training_alone() -> None:
    torch.manual_seed(0)
    ink = torch.ones(4, 1, 64, 64)
    share = float((damaged(ink) < 0.5).float().mean())
    assert 0.07 < share < 0.13
    learner = Rabhi2023Learner(SMALL)
    net = learner.net.eval()
    with torch.inference_mode():
        assert torch.equal(net.encoder(ink).values, net.encoder(ink).values)


def test_it_learns_to_draw_the_line_and_to_follow_it() -> None:
    torch.manual_seed(0)
    learner = Rabhi2023Learner(SMALL)
    made = [render(letter(name), Style()) for name in LETTERS]
    items = [learner.item(one.image, one.truth) for one in made]
    optimiser = torch.optim.AdamW(learner.net.parameters(), 8e-3)
    first = gradients(learner, items)
    for step in range(150):
        for group in optimiser.param_groups:
            group["lr"] = 8e-3 * (1 - step / 150)
        last = gradients(learner, items)
        torch.nn.utils.clip_grad_norm_(learner.net.parameters(), 1.0)
        optimiser.step()
    assert last["line"] < 0.35 * first["line"]
    assert last["order"] < 0.6 * first["order"]
    net = learner.net.eval()
    with torch.inference_mode():
        seen = net.encoder(as_images([filled_up(one.image.pixels) for one in made]))
    for one, item, line in zip(made, items, seen.line, strict=True):
        right = middle_of_line(torch.from_numpy(item.points)[None], torch.from_numpy(item.lifts)[None].float(), 64)[0]
        assert (line.sigmoid() * right).sum() / right.sum() > 0.35, one
        assert (line.sigmoid() * (1 - right)).mean() < 0.1


def test_weights_of_2020_begin_it_and_its_own_go_on(tmp_path) -> None:
    older = Rabhi2020Learner(SMALL)
    save_weights(tmp_path / "old", older.net.state_dict(), older.config())
    learner = Rabhi2023Learner(SMALL)
    learner.begin_with(load_weights(tmp_path / "old", "rabhi2023", "rabhi2020"), tmp_path / "old")
    halves = older.net.state_dict()["encoder.keys.weight"].half().float()
    assert torch.equal(learner.net.state_dict()["encoder.keys.weight"], halves)
    save_weights(tmp_path / "new", learner.net.state_dict(), learner.config())
    image = render(letter("T"), preset("photo")).image
    again = Rabhi2023(tmp_path / "new").recover([image])[0]
    assert again.n_points == 64
    assert np.isfinite(again.xy).all()


def test_the_pen_goes_by_the_drawing_and_not_by_the_paper() -> None:
    net = DenoisingNetwork(Rabhi2023Learner(SMALL).sizes).eval()
    grey = OfflineImage(np.full((64, 64), 120, np.uint8))
    with torch.inference_mode():
        seen = net.encoder(as_images([grey.pixels]))
    assert torch.allclose(seen.ink, torch.nn.functional.avg_pool2d(seen.line.sigmoid()[:, None], 2).flatten(1))
