from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_corpus import LETTERS, letter

from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair
from kalamos.models.rabhi2020.network import first_pen, next_pen, pen_of
from kalamos.models.rabhi2020.rabhi2020 import Rabhi2020, Rabhi2020Learner, RabhiNetwork, RabhiSizes, written_ink
from kalamos.renderers import Style, render
from kalamos.training.loop import gradients

SMALL = {"channels": [8, 16, 16], "encoder": 16, "decoder": 48, "refiner": 24, "attention": 16}


def test_a_sample_is_the_truth_at_equal_distances_with_its_times() -> None:
    made = render(letter("T"), Style())
    item = Rabhi2020Learner.item(made.image, made.truth)
    assert item.points.shape == (64, 2)
    assert item.lifts.sum() == 1
    again = written_ink(item.points.astype(np.float64), item.lifts, item.slowness.astype(np.float64))
    assert again.n_strokes == 2
    pair = Pair(again, made.truth, made.image)
    assert METRICS["ldtw"].value(pair) < 0.5
    assert METRICS["rmse_time"].value(pair) < 2.5


def test_a_sample_of_a_pen_that_slows_down_says_so() -> None:
    x = np.linspace(0, 10, 401)
    ink = Ink.from_strokes([np.stack([x, x], 1)], t=[x**2 / 100])
    made = render(ink, Style())
    item = Rabhi2020Learner.item(made.image, made.truth)
    took = np.exp(item.slowness)
    assert took.sum() == pytest.approx(63, rel=2e-3)
    assert np.allclose(took[3:], (2 * (np.arange(63) + 0.5) / 63)[3:], atol=0.03)  # the slowness is clipped at 3


def test_untimed_ink_trains_order_and_place_but_not_speed() -> None:
    made = render(Ink.from_strokes([[(0, 0), (1, 1)]]), Style())
    untimed = Rabhi2020Learner.item(made.image, made.truth)
    timed = Rabhi2020Learner.item(made.image, Ink.from_strokes(list(made.truth.strokes()), t=[[0.0, 1.0]]))
    assert (untimed.timed, timed.timed) == (False, True)
    learner = Rabhi2020Learner({})
    alone, both = learner.losses([untimed]), learner.losses([untimed, timed])
    assert alone["speed"][0].item() == 0 and int(alone["speed"][1]) == 0
    assert int(both["speed"][1]) == int(alone["order"][1]) * 2
    assert int(both["order"][1]) == 2 * int(alone["order"][1])


def test_ink_that_is_all_dots_is_left_out() -> None:
    dot = render(Ink.from_strokes([[(0, 0)]], t=[[0.0]]), Style())
    assert Rabhi2020Learner.item(dot.image, dot.truth) is None


def test_it_learns_four_drawings_by_heart() -> None:
    torch.manual_seed(0)
    learner = Rabhi2020Learner(SMALL)
    made = [render(letter(name), Style()) for name in LETTERS]
    items = [learner.item(one.image, one.truth) for one in made]
    optimiser = torch.optim.AdamW(learner.net.parameters(), 8e-3)
    first = gradients(learner, items)["order"]
    for step in range(300):
        for group in optimiser.param_groups:
            group["lr"] = 8e-3 * (1 - step / 300)
        last = gradients(learner, items)["order"]
        torch.nn.utils.clip_grad_norm_(learner.net.parameters(), 1.0)
        optimiser.step()
    assert last < 0.1 * first
    inks = learner.recoverer().recover([m.image for m in made])
    pairs = [Pair(ink, one.truth, one.image) for ink, one in zip(inks, made, strict=True)]
    right = [METRICS["ldtw"].value(pair) < 2 and METRICS["rmse_time"].value(pair) < 8 for pair in pairs]
    assert sum(right) >= 3  # so small a network may take the wrong arm at the crossing of the X


def test_images_of_any_size_get_an_ink_of_their_own_pixels() -> None:
    torch.manual_seed(0)
    sizes = RabhiSizes(**{**SMALL, "channels": tuple(SMALL["channels"])})
    recoverer = Rabhi2020.from_network(RabhiNetwork(sizes))
    rng = np.random.default_rng(0)
    shapes = [(64, 64), (64, 131), (128, 300), (20, 30), (1, 1), (64, 64)]
    images = [OfflineImage(rng.integers(0, 256, shape, np.uint8)) for shape in shapes[:-1]]
    images.append(OfflineImage(np.full((64, 64), 255, np.uint8)))
    inks = recoverer.recover(images)
    assert inks[-1] == Ink.empty()
    assert inks[0].n_points == 64 and inks[1].n_points == 160 and inks[2].n_points == 160
    assert all((np.diff(ink.t) > 0).all() for ink in inks[:4])
    alone = recoverer.recover(images[:1])[0]
    assert np.allclose(alone.xy, inks[0].xy, atol=1e-3)


def test_the_attention_of_each_step_sums_to_one() -> None:
    net = RabhiNetwork(RabhiSizes(**{**SMALL, "channels": tuple(SMALL["channels"])})).eval()
    points, told, attention = net.write(torch.rand(2, 1, 64, 96))
    assert points.shape == (2, 96, 2) and told.shape == (2, 96, 2) and attention.shape == (2, 48, 16 * 24)
    assert torch.allclose(attention.sum(-1), torch.ones(2, 48), atol=1e-5)


def test_writing_step_by_step_is_reading_all_steps_at_once() -> None:
    torch.manual_seed(0)
    net = RabhiNetwork(RabhiSizes(**{**SMALL, "channels": tuple(SMALL["channels"])})).eval()
    images = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        seen = net.encoder(images)
        places = 64 * torch.rand(2, 32, 2)
        pen, all_pens = first_pen(seen, 32), pen_of(places, seen, 16)
        for step in range(32):
            for one, every in zip(pen, all_pens, strict=True):
                assert torch.allclose(one[:, 0].float(), every[:, step].float(), atol=1e-5)
            pen = next_pen(pen, places[:, step : step + 1], 16, (step + 1) / 32)


@pytest.mark.parametrize("seed", [0])
def test_the_answer_is_finite_whatever_the_weights(seed: int) -> None:
    torch.manual_seed(seed)
    net = RabhiNetwork(RabhiSizes(**{**SMALL, "channels": tuple(SMALL["channels"])}))
    noise = OfflineImage(np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8))
    assert np.isfinite(Rabhi2020.from_network(net).recover([noise])[0].xy).all()
