"""Beam search by torch over the pieces of a batch of images: what the search by ONNX Runtime is held against.

The beams of an image take the place of time steps in the network's formulas; keys and values of earlier steps are kept.
A path's score is the sum of its actions' log-probabilities, the end included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from numpy.typing import NDArray
from torch import Tensor

from kalamos.models.kalamos.blocks import BLOCK_PIECES
from kalamos.models.kalamos.export import MOST_PASSES
from kalamos.models.kalamos.network import (
    DecoderLayer,
    Directed,
    PathNetwork,
    Route,
    Scene,
    collate_scene,
    directed,
    drawn_features,
)
from kalamos.models.kalamos.parameters import MASKED, Sizes
from kalamos.models.kalamos.paths import Motioned
from kalamos.models.kalamos.pieces import Pieces
from kalamos.models.kalamos.search import SPARE_STEPS, STEPS_A_PIECE

DRAWN = slice(10, 13)
"""Where the step features say what was drawn already."""
BATCH = 64
LIKE_PIECES = 80
"""With more pieces than this, batches shrink by the square of the number."""


def loaded(tensors: Mapping[str, NDArray[np.float32]], sizes: Sizes) -> PathNetwork:
    """Return a network with given weights, for reading."""
    net = PathNetwork(sizes)
    net.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in tensors.items()})
    return net.eval()


def layer_step(
    layer: DecoderLayer, x: Tensor, cache: Tensor, t: int, recency: Tensor, crossed: tuple[Tensor, ...], bias: Tensor
) -> Tensor:
    """Return x (b, k, d) of k beams at step t one layer on; their own keys and values go into ``cache``."""
    b, k, d = x.shape
    own = layer.self_attention
    y = layer.norm_self(x).view(b * k, 1, d)
    key, value = own.keys(y)
    cache[0, :, :, t], cache[1, :, :, t] = key[..., 0], value[:, :, 0]
    x = x + own.read(y, cache[0, :, :, : t + 1].transpose(-1, -2), cache[1, :, :, : t + 1], recency).view(b, k, d)
    x = x + layer.cross_attention.read(layer.norm_cross(x), *crossed, bias)
    return x + layer.rest(x)


class Beams(NamedTuple):
    """What beam search keeps, best first: steps and lifts (b, k, t), log-probability (b, k), ended (b, k)."""

    steps: Tensor
    lifts: Tensor
    score: Tensor
    ended: Tensor


@torch.inference_mode()
def beam_search(net: PathNetwork, scene: Scene, width: int = 1, memory: Tensor | None = None) -> Beams:
    """Return the ``width`` best paths of each image; a path that did not end within its limit is cut there."""
    memory = net.encode(scene) if memory is None else memory
    geo = directed(scene)
    b, m, d = memory.shape
    real = scene.real.repeat_interleave(2, 1)
    crossed = [tuple(part.contiguous() for part in layer.cross_attention.keys(memory)) for layer in net.decoder]
    answer = net.answer(memory).transpose(1, 2).contiguous()
    table, joins = _table(net, geo)
    hidden = (~real)[:, None, None] * MASKED
    image = torch.arange(b)[:, None] * (m + 1)
    limit = STEPS_A_PIECE * scene.real.shape[1] + SPARE_STEPS
    heads = net.sizes.heads
    caches = [torch.zeros(2, b * width, heads, limit, d // heads) for _ in net.decoder]
    beams = Beams(
        torch.full((b, width, limit), -1),
        torch.zeros((b, width, limit), dtype=torch.bool),
        torch.full((b, width), float("-inf")).index_fill(1, torch.tensor([0]), 0.0),
        torch.zeros((b, width), dtype=torch.bool),
    )
    drawn = torch.zeros(b, width, m)
    steps, lifts = torch.full((b, width), -1), torch.zeros((b, width), dtype=torch.bool)
    for t in range(limit):
        row = (image + torch.where(steps >= 0, steps, m)).flatten()
        features, joined = table[row].view(b, width, m, -1), joins[row].view(b, width, m)
        features[..., DRAWN] = torch.stack(drawn_features(drawn), -1)
        local = net.step_pair(features)
        bias = local[..., 2:].permute(0, 3, 1, 2) + hidden
        x = net.tokens(memory, geo, steps, lifts, drawn, real)
        ago = (t - torch.arange(t + 1)).clamp_max(net.recency.shape[1] - 1)
        recency = net.recency[:, None, ago]
        for layer, cache, pair in zip(net.decoder, caches, crossed, strict=True):
            x = layer_step(layer, x, cache, t, recency, pair, bias)
        scores = net.point(net.decoded(x), answer, local, joined, real)
        spent = drawn.view(b, width, -1, 2).sum(-1).repeat_interleave(2, -1) >= MOST_PASSES
        log_p = F.log_softmax(scores, -1)
        log_p[..., :-1] = log_p[..., :-1].masked_fill(torch.cat([spent, spent], -1), MASKED)
        if t == 0:
            log_p[..., -1] = float("-inf")
        beams, parent, action = _advance(beams, log_p, t, m)
        if bool(beams.ended.all()):
            break
        rows = (torch.arange(b)[:, None] * width + parent).flatten()
        if width > 1:
            for cache in caches:
                cache[:, :, :, : t + 1] = cache[:, rows, :, : t + 1]
            drawn = drawn.flatten(0, 1)[rows].view(b, width, m)
        steps = torch.where(action < 2 * m, action % m, -1)
        lifts = (action >= m) & (action < 2 * m)
        going = steps >= 0
        drawn = drawn.scatter_add(2, steps.clamp_min(0)[..., None], going.float()[..., None])
    return beams


def _table(net: PathNetwork, geo: Directed) -> tuple[Tensor, Tensor]:
    """Return the step features after each directed piece and, last, at the start, (b (m + 1), m, .), and joins.

    Only what was drawn already changes from step to step; the rest of the features is looked up here.
    """
    b, m = geo.length.shape
    after = torch.cat([torch.arange(m), torch.tensor([-1])]).expand(b, -1)
    features, joined = net.step_features(geo, after, torch.zeros(b, m + 1, m))
    return features.flatten(0, 1), joined.flatten(0, 1)


def _advance(beams: Beams, log_p: Tensor, t: int, m: int) -> tuple[Beams, Tensor, Tensor]:
    """Choose the best continuations; return the new beams, and parent and action of each, (b, k)."""
    _, width, actions = log_p.shape
    stay = torch.full_like(log_p, float("-inf"))
    stay[..., -1] = 0.0
    log_p = torch.where(beams.ended[..., None], stay, log_p)
    total = (beams.score[..., None] + log_p).flatten(1)
    score, chosen = total.topk(width, 1)
    parent, action = chosen // actions, chosen % actions
    pick = parent[..., None].expand(-1, -1, beams.steps.shape[2])
    steps, lifts, ended = beams.steps.gather(1, pick), beams.lifts.gather(1, pick), beams.ended.gather(1, parent)
    goes = action < 2 * m
    steps[:, :, t] = torch.where(goes, action % m, -1)
    lifts[:, :, t] = goes & (action >= m)
    return Beams(steps, lifts, score, ended | ~goes), parent, action


def best_route(beams: Beams, rank: int = 0) -> Route:
    """Return the beams of one rank as a padded batch of paths."""
    steps = beams.steps[:, rank]
    length = max(1, int((steps >= 0).sum(1).max()))
    steps = steps[:, :length]
    return Route(steps.clamp_min(0), beams.lifts[:, rank, :length], steps >= 0)


@torch.inference_mode()
def motion(net: PathNetwork, scene: Scene, memory: Tensor, route: Route) -> tuple[Tensor, Tensor]:
    """Return offsets (b, t, POINTS, 2) in pixels and log slowness (b, t, POINTS - 1) along given paths."""
    before = F.pad(route.steps.masked_fill(~route.real, -1), (1, 0), value=-1)
    hot = F.one_hot(before.clamp_min(0), memory.shape[1]).to(memory.dtype) * (before >= 0)[..., None]
    offsets, slowness = net.motion(memory, scene, directed(scene), route, hot.cumsum(1))
    return offsets, slowness


def search(net: PathNetwork, pieces: Sequence[Pieces], width: int) -> list[Motioned]:
    """Return the likeliest path found for each image, with its motion: batches of like sizes, ``width`` beams.

    The greedy path stays where its probability is above one half (no other can be likelier) and on very long images.
    """
    found: dict[int, Motioned] = {}
    order = sorted(range(len(pieces)), key=lambda k: len(pieces[k].points))
    while order:
        largest = len(pieces[order[-1]].points)
        count = max(1, min(BATCH, BATCH * LIKE_PIECES**2 // largest**2))
        order, chosen = order[:-count], order[-count:]
        found |= dict(zip(chosen, _search_batch(net, [pieces[k] for k in chosen], width), strict=True))
    return [found[k] for k in range(len(pieces))]


@torch.inference_mode()
def _search_batch(net: PathNetwork, pieces: Sequence[Pieces], width: int) -> list[Motioned]:
    scene = collate_scene(pieces)
    memory = net.encode(scene)
    routes, sure = _routes(net, scene, memory, 1)
    unsure = torch.nonzero(~sure & (scene.real.sum(1) <= BLOCK_PIECES))[:, 0]
    if width > 1 and len(unsure):
        some = Scene(*(tensor[unsure] for tensor in scene))
        again, _ = _routes(net, some, memory[unsure], width)
        for k, route in zip(unsure.tolist(), again, strict=True):
            routes[k] = route
    longest = max(route.steps.shape[1] for route in routes)
    padded = [Route(*(F.pad(t, (0, longest - t.shape[1])) for t in route)) for route in routes]
    route = Route(*(torch.cat(parts) for parts in zip(*padded, strict=True)))
    offsets, slowness = motion(net, scene, memory, route)
    lengths = route.real.sum(1).tolist()
    arrays = [tensor.numpy() for tensor in (route.steps, route.lifts, offsets, slowness)]
    return [Motioned(*(array[k, :n] for array in arrays)) for k, n in enumerate(lengths)]


def _routes(net: PathNetwork, scene: Scene, memory: Tensor, width: int) -> tuple[list[Route], Tensor]:
    """Return the best path of each image, and whether its probability leaves room for no better one."""
    found = beam_search(net, scene, width, memory)
    best = best_route(found)
    return [Route(*(t[k : k + 1] for t in best)) for k in range(len(memory))], found.score[:, 0] > math.log(0.5)
