"""The network of our own model: a pointer over directed pieces, and the motion of the pen along the chosen path.

An encoder (self-attention with biases from the geometry of each pair of pieces) reads the pieces of one image as a set.
A causal decoder writes the path: at each step it either goes **on** over a piece that is joined to the pen's place,
**lifts** the pen and starts at any piece, or **ends**. It knows where the pen is and what was drawn already: every
score is the sum of a query-key product and of a small function of the step's geometry (distance, angle, joined, drawn
before).
A second, bidirectional head reads the finished path and says for each of its points how far the true pen was from the
skeleton, and how long each interval took.

Shapes: b images, n pieces, t steps, m = 2 n directed pieces, d channels, h heads.
"""

# mypy: disable-error-code="no-any-return"
# (torch types the operators of its tensors as Any)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from kalamos.machinery.arrays import Floats32
from kalamos.models.kalamos.motion import MotionHead
from kalamos.models.kalamos.parameters import MASKED, N_PAIR, N_PIECE, N_STEP, UNIT_PX, Sizes
from kalamos.models.kalamos.pieces import POINTS, Pieces


class Scene(NamedTuple):
    """A batch of images as pieces, padded.

    points (b, n, POINTS, 2), radii (b, n, POINTS), joints (b, n, 2), real (b, n), script (b,) a row of the scripts'
    vectors, 0 where it is unknown.
    """

    points: Tensor
    radii: Tensor
    joints: Tensor
    real: Tensor
    script: Tensor


def collate_scene(pieces: Sequence[Pieces], scripts: Sequence[int] | None = None) -> Scene:
    """Return the pieces of several images as one padded batch; ``scripts`` are rows of ``script.weight``."""
    b, n = len(pieces), max(len(one.points) for one in pieces)
    points, radii = np.zeros((b, n, POINTS, 2), np.float32), np.ones((b, n, POINTS), np.float32)
    joints, real = np.full((b, n, 2), -1, np.int64), np.zeros((b, n), bool)
    for i, one in enumerate(pieces):
        k = len(one.points)
        points[i, :k], radii[i, :k], joints[i, :k], real[i, :k] = one.points, one.radii, one.joints, True
    script = np.asarray(scripts if scripts is not None else np.zeros(b), np.int64)
    return Scene(*(torch.from_numpy(array) for array in (points, radii, joints, real, script)))


class Route(NamedTuple):
    """A batch of paths, padded: steps (b, t) directed pieces, lifts (b, t), real (b, t)."""

    steps: Tensor
    lifts: Tensor
    real: Tensor


def squash(x: Tensor, unit_px: float = UNIT_PX) -> Tensor:
    """Return distances in pixels on a scale that is linear near 0 and logarithmic far off."""
    return torch.sign(x) * torch.log1p(x.abs() / unit_px)


def unit(v: Tensor) -> Tensor:
    """Return vectors (..., 2) at length 1, or 0 where they have none."""
    return v / v.norm(dim=-1, keepdim=True).clamp_min(1e-6)


class Directed(NamedTuple):
    """Geometry of directed pieces.

    Places (b, m, 2), unit directions at both ends (b, m, 2), joints (b, m), lengths (b, m).
    """

    start: Tensor
    end: Tensor
    way_in: Tensor
    way_out: Tensor
    joint_in: Tensor
    joint_out: Tensor
    length: Tensor


def directed(scene: Scene) -> Directed:
    """Return both directions of each piece, interleaved: 2 j forwards, 2 j + 1 backwards."""
    p = scene.points

    def both(forwards: Tensor, backwards: Tensor) -> Tensor:
        return torch.stack([forwards, backwards], 2).flatten(1, 2)

    first, last = unit(p[:, :, 1] - p[:, :, 0]), unit(p[:, :, -1] - p[:, :, -2])
    length = (p[:, :, 1:] - p[:, :, :-1]).norm(dim=-1).sum(-1)
    return Directed(
        both(p[:, :, 0], p[:, :, -1]),
        both(p[:, :, -1], p[:, :, 0]),
        both(first, -last),
        both(last, -first),
        both(scene.joints[..., 0], scene.joints[..., 1]),
        both(scene.joints[..., 1], scene.joints[..., 0]),
        both(length, length),
    )


def piece_features(scene: Scene) -> Tensor:
    """Return what a piece is by itself and in the whole, (b, n, 4 * POINTS + 9)."""
    p, real = scene.points, scene.real[..., None]
    middle = p.mean(2)
    low = p.amin(2).masked_fill(~real, 1e6).amin(1, keepdim=True)
    high = p.amax(2).masked_fill(~real, -1e6).amax(1, keepdim=True)
    size = (high - low).clamp_min(1.0)
    length = (p[:, :, 1:] - p[:, :, :-1]).norm(dim=-1).sum(-1, keepdim=True)
    shape = ((p - middle[:, :, None]) / 4.0).flatten(2)
    steps = unit(p[:, :, 1:] - p[:, :, :-1])
    turn = (steps[:, :, 1:] * steps[:, :, :-1]).sum(-1)
    same = (scene.joints[:, :, :, None, None] == scene.joints[:, None, None, :, :]) & scene.real[:, None, None, :, None]
    degree = same.sum((3, 4)).clamp_max(4) - 1.0
    inner = (middle - low) / size
    outer = squash(torch.cat([middle - low, high - middle], -1))
    return torch.cat(
        [shape, scene.radii - 1.0, turn, length / 8.0, degree, inner, outer, squash(size.expand(-1, p.shape[1], -1))],
        -1,
    )


def pair_features(scene: Scene) -> Tensor:
    """Return how two pieces lie to each other, (b, n, n, N_PAIR)."""
    p = scene.points
    middle = p.mean(2)
    away = middle[:, None, :] - middle[:, :, None]
    ways = torch.stack([unit(p[:, :, 0] - p[:, :, 1]), unit(p[:, :, -1] - p[:, :, -2])], 2)
    touch = (scene.joints[:, :, None, :, None] == scene.joints[:, None, :, None, :]).flatten(3).float()
    cosine = torch.einsum("bixc,bjyc->bijxy", ways, ways).flatten(3) * touch
    gap = torch.cdist(p[:, :, :: POINTS - 1].flatten(1, 2), p[:, :, :: POINTS - 1].flatten(1, 2))
    b, n = p.shape[:2]
    gap = gap.view(b, n, 2, n, 2).amin((2, 4))
    far = squash(torch.cat([away, away.norm(dim=-1, keepdim=True), gap[..., None]], -1))
    return torch.cat([far, touch, cosine], -1)


def drawn_features(drawn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return how often each directed piece (b, t, m) was drawn, how often the other way round, and if at all."""
    other = drawn.view(*drawn.shape[:2], -1, 2).flip(-1).flatten(2)
    return drawn.clamp_max(2), other.clamp_max(2), (drawn + other > 0).to(drawn.dtype)


class Attention(nn.Module):
    """Multi-head attention with an additive bias (b, h, q, k)."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.kv, self.out = nn.Linear(d, d), nn.Linear(d, 2 * d), nn.Linear(d, d)

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """Return what each row of ``x`` reads from ``memory``."""
        return self.read(x, *self.keys(memory), bias)

    def keys(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys (b, h, d / h, k) and values (b, h, k, d / h)."""
        b, k, d = memory.shape
        both = self.kv(memory).view(b, k, 2, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return both[0].transpose(-1, -2), both[1]

    def read(self, x: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """Return what each row of ``x`` reads from given keys and values."""
        b, q, d = x.shape
        query = self.q(x).view(b, q, self.heads, d // self.heads).transpose(1, 2)
        meet = query @ keys * (d // self.heads) ** -0.5 + bias.to(query.dtype)
        read = meet.softmax(-1).to(values.dtype) @ values
        return self.out(read.transpose(1, 2).reshape(b, q, d))


def feed_forward(d: int) -> nn.Sequential:
    """Return the usual two-layer block, with its norm in front."""
    return nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward, both with the norm in front."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.norm, self.attention, self.rest = nn.LayerNorm(d), Attention(d, heads), feed_forward(d)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Return x (b, n, d) one layer on."""
        y = self.norm(x)
        x = x + self.attention(y, y, bias)
        return x + self.rest(x)


class DecoderLayer(nn.Module):
    """Causal self-attention over the steps, attention to the directed pieces, feed-forward."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.norm_self, self.self_attention = nn.LayerNorm(d), Attention(d, heads)
        self.norm_cross, self.cross_attention = nn.LayerNorm(d), Attention(d, heads)
        self.rest = feed_forward(d)

    def forward(self, x: Tensor, past: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """Return x (b, t, d) one layer on."""
        y = self.norm_self(x)
        x = x + self.self_attention(y, y, past)
        x = x + self.cross_attention(self.norm_cross(x), memory, bias)
        return x + self.rest(x)


class PathNetwork(nn.Module):
    """The whole network; see the module's text."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        d, h, c = sizes.channels, sizes.heads, sizes.pair_channels
        self.lift_piece = nn.Sequential(nn.Linear(N_PIECE, d), nn.GELU(), nn.Linear(d, d))
        if sizes.scripts:
            self.script = nn.Embedding(1 + len(sizes.scripts), d)
            nn.init.zeros_(self.script.weight)
        self.pair = nn.Sequential(nn.Linear(N_PAIR, c), nn.GELU(), nn.Linear(c, h))
        self.encoder = nn.ModuleList(EncoderLayer(d, h) for _ in range(sizes.encoder_layers))
        self.encoded = nn.LayerNorm(d)
        self.direct = nn.Linear(d, 2 * d)
        self.step_pair = nn.Sequential(nn.Linear(N_STEP, c), nn.GELU(), nn.Linear(c, c), nn.GELU(), nn.Linear(c, h + 2))
        self.token = nn.Linear(d, d)
        self.rest_token = nn.Linear(d, d)
        self.mode = nn.Embedding(3, d)
        self.amount = nn.Linear(3, d)
        self.decoder = nn.ModuleList(DecoderLayer(d, h) for _ in range(sizes.decoder_layers))
        self.recency = nn.Parameter(torch.zeros(h, 16))
        self.decoded = nn.LayerNorm(d)
        self.ask = nn.Linear(d, 2 * d)
        self.answer = nn.Linear(d, d)
        self.end = nn.Linear(d, 1)
        self.motion = MotionHead(d, sizes.motion_channels)

    def encode(self, scene: Scene) -> Tensor:
        """Return directed pieces' vectors, (b, m, d)."""
        x, bias = self.read(scene)
        for layer in self.encoder:
            x = layer(x, bias)
        x = self.encoded(x)
        b, n, d = x.shape
        return self.direct(x).view(b, 2 * n, d)

    def read(self, scene: Scene) -> tuple[Tensor, Tensor]:
        """Return what the encoder begins with: pieces (b, n, d), and how they lie to each other (b, h, n, n)."""
        x = self.lift_piece(piece_features(scene))
        if self.sizes.scripts:
            x = x + self.script(scene.script)[:, None].to(x.dtype)
        bias = self.pair(pair_features(scene)).permute(0, 3, 1, 2)
        return x, bias.masked_fill(~scene.real[:, None, None, :], MASKED)

    def step_features(self, geo: Directed, steps: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """Return how each directed piece lies to the pen after each step, (b, t, m, N_STEP), and joined (b, t, m).

        ``steps`` (b, t) holds the directed piece just drawn, -1 before the first; ``drawn`` (b, t, m) counts so far.
        """
        began = (steps >= 0).float()[..., None]
        last = steps.clamp_min(0)
        take = last[..., None].expand(-1, -1, 2)
        pen, way = geo.end.gather(1, take), geo.way_out.gather(1, take)
        here = geo.joint_out.gather(1, last)
        joined = (geo.joint_in[:, None, :] == here[..., None]) & (steps >= 0)[..., None]
        to_start = (geo.start[:, None] - pen[:, :, None]) * began[..., None]
        to_end = (geo.end[:, None] - pen[:, :, None]) * began[..., None]
        cosine = torch.einsum("btc,bmc->btm", way, geo.way_in) * began
        sine = (way[:, :, None, 0] * geo.way_in[:, None, :, 1] - way[:, :, None, 1] * geo.way_in[:, None, :, 0]) * began
        index = torch.arange(geo.length.shape[1], device=steps.device)
        back = (index == (last + 1 - 2 * (last % 2))[..., None]) & (steps >= 0)[..., None]
        shape = drawn.shape
        far = squash(torch.cat([to_start, to_start.norm(dim=-1, keepdim=True), to_end], -1))
        near = torch.stack(
            [
                cosine,
                sine,
                joined.float(),
                joined.float() * cosine,
                back.float(),
                *drawn_features(drawn),
                (geo.length / 8.0)[:, None].expand(shape),
                geo.way_in[:, None, :, 0].expand(shape),
                geo.way_in[:, None, :, 1].expand(shape),
                began.expand(shape),
            ],
            -1,
        )
        return torch.cat([far, near], -1), joined

    def tokens(
        self, memory: Tensor, geo: Directed, steps: Tensor, lifts: Tensor, drawn: Tensor, real: Tensor
    ) -> Tensor:
        """Return the decoder's input (b, t, d): the piece just drawn, and what is left to draw."""
        began = (steps >= 0)[..., None]
        d = memory.shape[-1]
        piece = memory.gather(1, steps.clamp_min(0)[..., None].expand(-1, -1, d)) * began
        both = drawn.view(*drawn.shape[:2], -1, 2).sum(-1)
        left = (both == 0).to(memory.dtype).repeat_interleave(2, -1) * real[:, None, :]
        weight = left * geo.length[:, None].clamp_min(1.0)
        share = weight.sum(-1, keepdim=True)
        rest = (weight / share.clamp_min(1.0)) @ memory
        whole = (geo.length.clamp_min(1.0) * real).sum(-1)[:, None, None]
        amount = torch.cat([share / whole, squash(share), left.sum(-1, keepdim=True) / 16.0], -1)
        mode = torch.where(began[..., 0], 1 + lifts.long(), 0)
        return self.token(piece) + self.rest_token(rest) + self.mode(mode) + self.amount(amount)

    def forward(self, scene: Scene, route: Route) -> tuple[Tensor, Tensor, Tensor]:
        """Return the scores of every action after each step, with the true steps given.

        Returns:
            scores (b, t + 1, 2 m + 1): go on over each directed piece, lift and start there, end; the path's
            offsets (b, t, POINTS, 2) in pixels; its log slowness (b, t, POINTS - 1).
        """
        memory, geo = self.encode(scene), directed(scene)
        steps = F.pad(route.steps.masked_fill(~route.real, -1), (1, 0), value=-1)
        lifts = F.pad(route.lifts, (1, 0))
        hot = F.one_hot(steps.clamp_min(0), memory.shape[1]).to(memory.dtype) * (steps >= 0)[..., None]
        drawn = hot.cumsum(1)
        real = scene.real.repeat_interleave(2, 1)
        scores = self.score(memory, geo, steps, lifts, drawn, real)
        offsets, slowness = self.motion(memory, scene, geo, route, drawn)
        return scores, offsets, slowness

    def score(self, memory: Tensor, geo: Directed, steps: Tensor, lifts: Tensor, drawn: Tensor, real: Tensor) -> Tensor:
        """Return the scores (b, t, 2 m + 1) after each of the given steps."""
        features, joined = self.step_features(geo, steps, drawn)
        local = self.step_pair(features)
        bias = local[..., 2:].permute(0, 3, 1, 2).masked_fill(~real[:, None, None, :], MASKED)
        x = self.tokens(memory, geo, steps, lifts, drawn, real)
        past = self.past(steps.shape[1])[None]
        for layer in self.decoder:
            x = layer(x, past, memory, bias)
        x = self.decoded(x)
        return self.point(x, self.answer(memory).transpose(1, 2), local, joined, real)

    def past(self, t: int) -> Tensor:
        """Return the bias (h, t, t) of each step towards earlier ones; later ones are hidden."""
        ago = torch.arange(t)[:, None] - torch.arange(t)[None, :]
        bias = self.recency[:, ago.clamp(0, self.recency.shape[1] - 1)]
        return bias.masked_fill(ago < 0, MASKED)

    def point(self, x: Tensor, answer: Tensor, local: Tensor, joined: Tensor, real: Tensor) -> Tensor:
        """Return the scores (b, t, 2 m + 1) of decoded steps ``x``; ``answer`` (b, d, m) is what pieces answer."""
        b, t, d = x.shape
        ask = self.ask(x).view(b, t, 2, d)
        meet = (ask.flatten(1, 2) @ answer).view(b, t, 2, -1) / d**0.5
        scores = meet.float() + local[..., :2].permute(0, 1, 3, 2).float()
        on = scores[:, :, 0].masked_fill(~(joined & real[:, None]), MASKED)
        lift = scores[:, :, 1].masked_fill(~real[:, None], MASKED)
        return torch.cat([on, lift, self.end(x).float()], -1)


def deepened(tensors: Mapping[str, Floats32], net: PathNetwork, scripts: Sequence[str] = ()) -> dict[str, Floats32]:
    """Return the weights of a shallower network, which knew ``scripts``, with what is added that ``net`` has more of.

    What an added layer writes is zero at first, so that the deeper network answers as the shallower one until it is
    trained (after Chen et al., Net2Net, ICLR 2016); so a new script begins as an unknown one.
    """
    found = dict(tensors)
    if net.sizes.scripts:
        vectors = found.get("script.weight", np.zeros((1, net.sizes.channels), np.float32))
        rows = [1 + scripts.index(script) if script in scripts else 0 for script in net.sizes.scripts]
        found["script.weight"] = vectors[[0, *rows]]
    for name, value in net.state_dict().items():
        if name not in found and name.startswith(("encoder.", "decoder.")):
            silent = name.rpartition(".")[0].endswith(("attention.out", "rest.3"))
            found[name] = np.zeros_like(value.numpy()) if silent else value.numpy().copy()
    return found


def order_loss(scores: Tensor, route: Route) -> Tensor:
    """Return the mean cross-entropy of the true actions, end included."""
    b = len(route.steps)
    m = (scores.shape[-1] - 1) // 2
    action = route.steps + torch.where(route.lifts, m, 0)
    target = F.pad(action.masked_fill(~route.real, -1), (0, 1), value=-1)
    target[torch.arange(b), route.real.sum(1)] = 2 * m
    return F.cross_entropy(scores.flatten(0, 1), target.flatten(), ignore_index=-1)
