"""The network by ONNX Runtime against torch, alone and in company, and against weights that do not fit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_corpus import LETTERS, letter
from torch_search import loaded, search

from kalamos.errors import ModelError
from kalamos.ink import Ink
from kalamos.models.kalamos.blocks import part
from kalamos.models.kalamos.engine import GUESSES, ROUND, Engine, Walked, padded_pieces, read_graphs, traced
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.models.kalamos.network import PathNetwork
from kalamos.models.kalamos.parameters import MASKED, Sizes
from kalamos.models.kalamos.paths import collated, find_paths
from kalamos.models.kalamos.pieces import Pieces, cut_pieces
from kalamos.models.kalamos.search import cut_after, likeliest_paths
from kalamos.models.kalamos.search import search as search_paths
from kalamos.models.kalamos.tables import ENOUGH, SPARE_PX
from kalamos.models.kalamos.walk import ways_on
from kalamos.models.weights import SHIPPED
from kalamos.renderers import Style, render
from kalamos.storage.weights import load_weights

SMALL = Sizes(channels=32, heads=2, encoder_layers=2, decoder_layers=1, motion_channels=16)


def weights_of(net: PathNetwork) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in net.state_dict().items()}


@pytest.fixture(scope="module")
def drawn() -> list[Pieces]:
    return [cut_pieces(render(letter(name, k), Style()).image.pixels) for name in LETTERS for k in range(2)]


def engine_of(tensors: dict[str, np.ndarray], sizes: Sizes) -> Engine:
    return Engine(tensors, sizes, traced(sizes))


def agrees(tensors: dict[str, np.ndarray], sizes: Sizes, drawn: list[Pieces], width: int) -> None:
    network = loaded(tensors, sizes)
    found = find_paths(engine_of(tensors, sizes), drawn, [0] * len(drawn), width, enough=0.0)
    for pieces, paths in zip(drawn, found, strict=True):
        told = search(network, [pieces], width)[0]
        assert paths[0].steps.tolist() == told.steps.tolist()
        assert paths[0].lifts.tolist() == told.lifts.tolist()
        assert np.allclose(paths[0].offsets, told.offsets, atol=2e-3)
        assert np.allclose(paths[0].slowness, told.slowness, atol=2e-3)


@pytest.mark.parametrize("width", [1, 4])
def test_shipped_weights_give_what_torch_gives(drawn: list[Pieces], width: int) -> None:
    found = load_weights(SHIPPED / "kalamos", "kalamos")
    agrees(found.tensors, Sizes(**found.config["sizes"]), drawn, width)


@pytest.mark.parametrize("width", [1, 3, 8])
@pytest.mark.parametrize("seed", range(2))
def test_random_weights_give_what_torch_gives(drawn: list[Pieces], seed: int, width: int) -> None:
    torch.manual_seed(seed)
    net = PathNetwork(SMALL)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    agrees(weights_of(net), SMALL, drawn, width)


def test_the_shipped_graphs_are_those_that_the_code_makes() -> None:
    folder = SHIPPED / "kalamos"
    shipped = read_graphs(folder)
    assert shipped == traced(Sizes(**load_weights(folder, "kalamos").config["sizes"]))


@pytest.mark.parametrize("width", [1, 4])
def test_an_image_gives_the_same_bytes_alone_in_any_batch_and_any_order(drawn: list[Pieces], width: int) -> None:
    engine = Kalamos().engine
    many = drawn + [part(drawn[0], np.arange(k + 1)) for k in range(3)]
    together = find_paths(engine, many, [0] * len(many), width)
    for order in (range(len(many) - 1, -1, -1), [3], [0], [5, 1, 9], [len(many) - 1, 2]):
        for k, paths in zip(order, find_paths(engine, [many[k] for k in order], [0] * len(order), width), strict=True):
            for one, other in zip(paths[0], together[k][0], strict=True):
                assert np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(3))
def test_no_path_ends_before_the_ink_is_drawn(drawn: list[Pieces], seed: int) -> None:
    torch.manual_seed(seed)
    net = PathNetwork(SMALL)
    with torch.no_grad():
        net.end.bias.fill_(9.0)  # wants to end at once
    engine = engine_of(weights_of(net), SMALL)
    whole = find_paths(engine, drawn, [0] * len(drawn), 2, enough=1.0)
    for pieces, paths in zip(drawn, whole, strict=True):
        assert set((paths[0].steps // 2).tolist()) == set(range(len(pieces.points)))
    spared = 0.0
    for pieces, paths in zip(drawn, find_paths(engine, drawn, [0] * len(drawn), 2), strict=True):
        lengths = np.hypot(*np.moveaxis(np.diff(pieces.points, axis=1), 2, 0)).sum(axis=1)
        left = np.delete(lengths, paths[0].steps // 2).sum()
        assert left <= max(SPARE_PX, (1 - ENOUGH) * lengths.sum()) + 1
        spared = max(spared, left)
    assert spared > SPARE_PX / 2
    assert any(
        len(paths[0].steps) < len(p.points)
        for p, paths in zip(drawn, find_paths(engine, drawn, [0] * len(drawn), 2, enough=0.0), strict=True)
    )


def test_no_search_finds_a_likelier_path_than_what_one_path_and_its_bounds_leave(drawn: list[Pieces]) -> None:
    # of drawings that lack some pieces and of scribbles many paths are likely
    lacking = [
        part(one, np.delete(np.arange(len(one.points)), slice(k, k + 3)))
        for one in drawn
        for k in range(0, len(one.points) - 4, 2)
    ]
    rng = np.random.default_rng(1)
    walks = [np.cumsum(rng.normal(0, 12, (2, 6, 2)), axis=1) for _ in range(40)]
    lacking += [cut_pieces(render(Ink.from_strokes(list(one)), Style()).image.pixels) for one in walks]
    engine, by_size = Kalamos().engine, defaultdict(list)
    for pieces in drawn + lacking:
        by_size[padded_pieces(len(pieces.points))].append(pieces)
    same = better = 0
    for batch in by_size.values():
        scene, limits = collated(batch), cut_after([len(pieces.points) for pieces in batch])
        encoded = engine.encode(**scene, real=scene["joints"][..., 0] >= 0, script=np.zeros(len(batch), np.int64))
        ways = ways_on(scene["points"], scene["joints"])
        found = likeliest_paths(engine, encoded, ways, limits, 4)
        narrow, wide, widest = (search_paths(engine, encoded, limits, width) for width in (1, 4, 16))
        for (one,), (greedy,), (beam,), (best,) in zip(found, narrow, wide, widest, strict=True):
            assert one.total >= max(greedy.total, beam.total) - 1e-4
            same += np.array_equal(one.steps, greedy.steps)
            better += one.total > greedy.total + 1e-3
            if np.array_equal(beam.steps, best.steps):
                assert all(map(np.array_equal, one[:2], best[:2]))
    assert same > 10
    assert better > 10


def test_guessed_steps_change_nothing_but_the_number_of_calls(drawn: list[Pieces]) -> None:
    engine, calls = Kalamos().engine, 0
    inner = engine.walk

    def counted(**inputs: np.ndarray) -> Walked:
        nonlocal calls
        calls += 1
        return inner(**inputs)

    engine.walk = counted  # type: ignore[method-assign]
    steps = 0
    for pieces in drawn:
        scene, limits = collated([pieces]), cut_after([len(pieces.points)])
        encoded = engine.encode(**scene, real=scene["joints"][..., 0] >= 0, script=np.zeros(1, np.int64))
        ways = ways_on(scene["points"], scene["joints"])
        ((one,),) = search_paths(engine, encoded, limits, 1)
        ((found,),) = likeliest_paths(engine, encoded, ways, limits, 1)
        ((blind,),) = likeliest_paths(engine, encoded, np.full_like(ways, -1), limits, 1)
        for path in (found, blind):
            assert np.array_equal(path.steps, one.steps)
            assert np.array_equal(path.lifts, one.lifts)
            np.testing.assert_allclose(path.log_p, one.log_p, atol=1e-4)
        steps += len(one.log_p)
    assert calls - steps < 0.6 * steps  # what is left after the blind ones, of which each takes a step


def test_a_walks_rows_read_the_past_and_the_rows_before_as_single_steps_do() -> None:
    engine, places = Kalamos().engine, 32
    for steps in ([0, 3, 27], [32, 1, 16]):
        ages = engine.ages(np.array(steps), places)
        assert ages.shape[-1] % ROUND == 0
        for one, t in zip(ages, steps, strict=True):
            for j in range(GUESSES):
                own = np.concatenate([one[:, j, GUESSES : GUESSES + t], one[:, j, : j + 1]], axis=1)
                np.testing.assert_array_equal(own, engine.recency(t + j + 1)[:, 0])
                assert (one[:, j, j + 1 : GUESSES] == MASKED).all()
                assert (one[:, j, GUESSES + t :] == MASKED).all()


def test_the_ways_on_are_straightest_first_and_a_path_begins_at_a_free_end() -> None:
    ink = Ink.from_strokes([np.array([[8.0, 8.0], [40.0, 40.0], [56.0, 56.0]]), np.array([[40.0, 40.0], [56.0, 24.0]])])
    pieces = cut_pieces(render(ink, Style()).image.pixels)
    scene = collated([pieces])
    ways = ways_on(scene["points"], scene["joints"])[0]
    joints, m = scene["joints"][0], 2 * len(pieces.points)
    ends = joints[:, ::-1].reshape(-1)
    for j, some in enumerate(ways[:m]):
        for k in some[some >= 0]:
            assert joints.reshape(-1)[k] == ends[j]
    first = ways[-1, 0]
    begin = scene["points"][0, first // 2, 0 if first % 2 == 0 else -1]
    assert begin.max() < 14  # the upper left end of the long line
    at, seen = first, []
    while at >= 0 and at // 2 not in seen:  # straight on is the long line to its end, past where the other leaves it
        seen.append(at // 2)
        at = ways[at, 0]
    end = scene["points"][0, seen[-1]].max(axis=0)
    assert end.min() > 50


def test_several_paths_come_likeliest_first_and_differ(drawn: list[Pieces]) -> None:
    engine = Kalamos().engine
    found = find_paths(engine, drawn, [0] * len(drawn), 4, 3)
    best = find_paths(engine, drawn, [0] * len(drawn), 4)
    for paths, one in zip(found, best, strict=True):
        totals = [path.total for path in paths]
        assert totals == sorted(totals, reverse=True)
        assert len({(tuple(path.steps.tolist()), tuple(path.lifts.tolist())) for path in paths}) == len(paths) >= 2
        assert totals[0] >= one[0].total - 1e-4


def test_weights_and_graphs_that_do_not_fit_are_named(tmp_path: Path) -> None:
    tensors = weights_of(PathNetwork(SMALL))
    with pytest.raises(ModelError, match="do not fit"):
        Engine({**tensors, "ask.weight": tensors["ask.weight"][:, 1:]}, SMALL, traced(SMALL))
    with pytest.raises(ModelError, match=r"ask\.bias"):
        Engine({name: array for name, array in tensors.items() if name != "ask.bias"}, SMALL, traced(SMALL))
    with pytest.raises(ModelError, match="graphs were made for"):
        Engine(tensors, replace(SMALL, encoder_layers=1), traced(SMALL))
    with pytest.raises(ModelError, match=r"python -m kalamos\.models\.kalamos\.export"):
        read_graphs(tmp_path)


def test_recovery_reports_to_nobody(tmp_path):
    """ONNX Runtime's telemetry keeps an identifier in the cache before it sends anything: none may appear."""
    code = "import kalamos; kalamos.recover(kalamos.render([(0, 0), (5, 9)]).image, model='kalamos'); print('done')"
    place = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**kept, **place}, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "done"
    assert not list(tmp_path.rglob("*nnxruntime*"))
