"""The network of ``rabhi2020``: image to map, map to columns, columns to a pen's places and times.

The encoder is a CNN, whose map of cells keeps the image's two dimensions, and a bidirectional GRU over its columns,
which tells each cell of the whole line. The decoder is a GRU that writes one place a step: it reads where the pen is,
looks at the map by temporal attention, and points at the next cell (a softmax over cells, as in O. Vinyals et al.,
"Pointer networks", 2015, because the mean of two likely places is a place where no pen was). Attention and pointer know
which cells were visited (coverage, Z. Tu et al., 2016). A bidirectional GRU then reads the whole path, places two
points a step, and says how long the pen took from each to the next.

Shapes: b images, s steps, c cells of 4 x 4 px (16 rows, row by row), d channels.
"""

# mypy: disable-error-code="no-any-return"
# (torch types the operators of its tensors as Any)

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from kalamos.models.kalamos.network import squash
from kalamos.models.scale import HEIGHT_PX

CELL_PX = 4
ROWS = HEIGHT_PX // CELL_PX
UNIT_PX = 8.0
JITTER_PX = 0.8
"""How far, in training, the pen is moved from the truth before each step, as its own answers will be."""
NEAR = 9
"""Features of how a cell lies to the pen."""


@dataclass(frozen=True)
class RabhiSizes:
    """How large the network is.

    Attributes:
        channels: of the stem and of the two levels of the map.
        encoder: of the bidirectional GRU over columns, each way.
        decoder: of the GRU that writes.
        decoder_layers: of that GRU.
        refiner: of the bidirectional GRU that reads the path, each way.
        attention: of queries and keys.
        near: hidden units of the function of how a cell lies to the pen.
    """

    channels: tuple[int, int, int] = (32, 64, 80)
    encoder: int = 96
    decoder: int = 192
    decoder_layers: int = 1
    refiner: int = 96
    attention: int = 64
    near: int = 12


class Map(NamedTuple):
    """An encoded batch: values (b, c, d), keys of attention and pointer (b, c, 2 a), centres (c, 2), ink (b, c).

    ``line`` (b, 32, w / 2): logits of where the line's middle is, from an encoder that draws it.
    """

    values: Tensor
    keys: Tensor
    centres: Tensor
    ink: Tensor
    line: Tensor | None = None


class Pen(NamedTuple):
    """What is known before a step: the last two places (b, s, 2), their cells (b, s), and cells' coverage (b, s, c).

    ``began`` (b, s) is 0 before the first place; ``share`` (b, s) of the steps that are done; ``hurry`` (b, s): ink
    a step.
    """

    place: Tensor
    before: Tensor
    cell: Tensor
    covered: Tensor
    began: Tensor
    share: Tensor
    hurry: Tensor


def cell_of(places: Tensor, columns: int) -> Tensor:
    """Return the cell (...,) that holds each place (..., 2) in pixels; outside places count to the border's cells."""
    at = (places / CELL_PX).floor().long()
    return at[..., 1].clamp(0, ROWS - 1) * columns + at[..., 0].clamp(0, columns - 1)


def centres_of(columns: int) -> Tensor:
    """Return the cells' centres in pixels, (c, 2)."""
    y, x = torch.meshgrid(torch.arange(ROWS), torch.arange(columns), indexing="ij")
    return (torch.stack([x, y], -1).flatten(0, 1).float() + 0.5) * CELL_PX


class Convolution(nn.Sequential):
    """Convolution, group norm and ReLU."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__(nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.GroupNorm(8, after), nn.ReLU())


class Encoder(nn.Module):
    """CNN and bidirectional GRU over columns."""

    def __init__(self, sizes: RabhiSizes) -> None:
        super().__init__()
        a, b, d = sizes.channels
        self.stem = nn.Sequential(nn.Conv2d(1, a, 5, stride=2, padding=2), nn.ReLU())
        self.features = nn.Sequential(Convolution(a, b, 2), Convolution(b, d), Convolution(d, d), nn.Conv2d(d, d, 1))
        self.column = nn.Linear(ROWS * d, sizes.encoder)
        self.line = nn.GRU(sizes.encoder, sizes.encoder, batch_first=True, bidirectional=True)
        self.tell = nn.Linear(2 * sizes.encoder, d)
        self.row = nn.Parameter(torch.randn(ROWS, d) * 0.02)
        self.norm = nn.LayerNorm(d)
        self.mix = nn.Linear(d, d)
        self.keys = nn.Linear(d, 2 * sizes.attention)

    def forward(self, images: Tensor) -> Map:
        """Return the map of images (b, 1, 64, w), ink 1; w a multiple of four."""
        return self.told(self.convolved(images), F.avg_pool2d(images.float(), CELL_PX).flatten(1))

    def convolved(self, images: Tensor) -> Tensor:
        """Return what the CNN makes of images, (b, d, 16, w / 4)."""
        return self.features(self.stem(images.contiguous(memory_format=torch.channels_last)))

    def told(self, found: Tensor, ink: Tensor) -> Map:
        """Return the map of what the CNN found, each cell told of the whole line; ``ink`` (b, c): how much each has."""
        b, d, rows, columns = found.shape
        across, _ = self.line(self.column(found.permute(0, 3, 2, 1).flatten(2)))
        values = found.permute(0, 2, 3, 1) + self.tell(across)[:, None] + self.row[:, None]
        values = self.norm(values.reshape(b, rows * columns, d))
        values = values + F.gelu(self.mix(values))
        return Map(values, self.keys(values), centres_of(columns), ink)


class RabhiNetwork(nn.Module):
    """The whole network; see the module's text."""

    encoder_kind: type[Encoder] = Encoder

    def __init__(self, sizes: RabhiSizes) -> None:
        super().__init__()
        d, a, h = sizes.channels[-1], sizes.attention, sizes.decoder
        self.sizes = sizes
        self.encoder = self.encoder_kind(sizes)
        self.read = nn.Linear(d + 12, h)
        self.decoder = nn.GRU(h, h, sizes.decoder_layers, batch_first=True)
        self.ask = nn.Linear(h, a)
        self.near = nn.Sequential(nn.Linear(NEAR, sizes.near), nn.GELU(), nn.Linear(sizes.near, 2))
        self.context = nn.Linear(h + d, h)
        self.point = nn.Linear(h, a)
        self.inside = nn.Sequential(nn.Linear(h + d, 64), nn.GELU(), nn.Linear(64, 2))
        self.path = nn.Linear(h + d + 9, 2 * sizes.refiner)
        self.refiner = nn.GRU(2 * sizes.refiner, sizes.refiner, batch_first=True, bidirectional=True)
        self.moved = nn.Linear(2 * sizes.refiner, 8)

    def forward(self, images: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what the network says with the true places given.

        Args:
            images: (b, 1, 64, w), ink 1.
            truth: (b, 2 s, 2), pixels: two points a step.

        Returns:
            pointer scores (b, s, c), places by the pointer (b, s, 2), refined points (b, 2 s, 2), and for each of
            these the logit of a lift after it and the log slowness to the next (b, 2 s, 2).
        """
        return self.follow(self.encoder(images), truth)

    def follow(self, seen: Map, truth: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what :meth:`forward` does, of images that are encoded."""
        columns = len(seen.centres) // ROWS
        anchors = truth[:, ::2]
        given = anchors + JITTER_PX * torch.randn_like(anchors) if self.training else anchors
        pen = pen_of(given, seen, columns)
        state, _ = self.decoder(self.feel(seen, pen))
        state, scores, _ = self.look(seen, pen, state)
        cells = cell_of(anchors, columns)
        places = self.place(seen, state, cells)
        points, told = self.refine(seen, state, cells, places.detach())
        return scores, places, points, told

    def feel(self, seen: Map, pen: Pen) -> Tensor:
        """Return the decoder's input (b, s, h): what lies under the pen, and how it came there."""
        under = take(seen.values, pen.cell) * pen.began[..., None]
        way = pen.place - pen.before
        told = [
            pen.place / HEIGHT_PX * pen.began[..., None],
            (pen.place / CELL_PX - (pen.place / CELL_PX).floor() - 0.5) * pen.began[..., None],
            squash(way, UNIT_PX),
            way / (way.norm(dim=-1, keepdim=True) + 1.0),
            torch.stack([pen.began, pen.share, pen.hurry, left(seen, pen)], -1),
        ]
        return F.gelu(self.read(torch.cat([under, *told], -1)))

    def look(self, seen: Map, pen: Pen, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return state and context together (b, s, h), pointer scores (b, s, c), and the attention (b, s, c)."""
        a = self.sizes.attention
        lies = self.near(nearness(seen, pen))
        weight = (self.ask(state) @ seen.keys[..., :a].transpose(1, 2) * a**-0.5 + lies[..., 0]).softmax(-1)
        state = state + F.gelu(self.context(torch.cat([state, weight.to(seen.values.dtype) @ seen.values], -1)))
        scores = self.point(state) @ seen.keys[..., a:].transpose(1, 2) * a**-0.5 + lies[..., 1]
        return state, scores.float(), weight

    def place(self, seen: Map, state: Tensor, cells: Tensor) -> Tensor:
        """Return the places (b, s, 2) in given cells."""
        inside = self.inside(torch.cat([state, take(seen.values, cells)], -1))
        return seen.centres[cells] + CELL_PX * inside.float()

    def refine(self, seen: Map, state: Tensor, cells: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Return two points a step (b, 2 s, 2), and lift logit and log slowness after each (b, 2 s, 2).

        The whole path is read both ways.
        """
        back = F.pad(places[:, 1:] - places[:, :-1], (0, 0, 1, 0))
        ahead = F.pad(places[:, 1:] - places[:, :-1], (0, 0, 0, 1))
        inside = (places - seen.centres[cells]) / CELL_PX
        last = F.pad(torch.zeros_like(places[:, 1:, :1]), (0, 0, 0, 1), value=1.0)
        told = [inside, squash(back, UNIT_PX), squash(ahead, UNIT_PX), places[..., 1:] / HEIGHT_PX, last]
        told.append((back * ahead).sum(-1, keepdim=True) / UNIT_PX**2)
        path = F.gelu(self.path(torch.cat([state, take(seen.values, cells), *told], -1)))
        out = self.moved(self.refiner(path)[0]).float()
        points = torch.stack([places + CELL_PX * out[..., :2], places + 0.5 * ahead + CELL_PX * out[..., 2:4]], 2)
        return points.flatten(1, 2), out[..., 4:].unflatten(2, (2, 2)).flatten(1, 2)

    @torch.inference_mode()
    def write(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return points (b, 2 s, 2) in pixels, lift logits and log slowness (b, 2 s, 2), and attention (b, s, c).

        s is half the width.
        """
        seen = self.encoder(images)
        columns = images.shape[-1] // CELL_PX
        steps = images.shape[-1] // 2
        kept: list[tuple[Tensor, ...]] = []
        pen, hidden = first_pen(seen, steps), None
        for step in range(steps):
            state, hidden = self.decoder(self.feel(seen, pen), hidden)
            state, scores, weight = self.look(seen, pen, state)
            cell = scores.argmax(-1)
            place = self.place(seen, state, cell)
            pen = next_pen(pen, place, columns, (step + 1) / steps)
            kept.append((state, cell, place, weight))
        states, cells, places, weights = (torch.cat(parts, 1) for parts in zip(*kept, strict=True))
        points, told = self.refine(seen, states, cells, places)
        return points, told, weights


def take(values: Tensor, cells: Tensor) -> Tensor:
    """Return the values (b, s, d) of cells (b, s) from (b, c, d)."""
    return values.gather(1, cells[..., None].expand(-1, -1, values.shape[-1]))


def left(seen: Map, pen: Pen) -> Tensor:
    """Return the share of the ink that lies in cells not yet visited, (b, s)."""
    open_ = seen.ink[:, None] * (1.0 - pen.covered.clamp_max(1.0))
    return open_.sum(-1) / seen.ink.sum(-1)[:, None].clamp_min(1e-3)


def nearness(seen: Map, pen: Pen) -> Tensor:
    """Return how each cell lies to the pen, (b, s, c, NEAR)."""
    away = (seen.centres - pen.place[:, :, None]) * pen.began[..., None, None]
    way = pen.place - pen.before
    way = way / (way.norm(dim=-1, keepdim=True) + 1.0)
    distance = away.norm(dim=-1)
    ahead = (away * way[:, :, None]).sum(-1) / (distance + 1.0)
    ink = (4.0 * seen.ink[:, None]).clamp_max(1.0).expand_as(ahead)
    began = pen.began[..., None].expand_as(ahead)
    covered = pen.covered.clamp_max(2.0)
    parts = [
        squash(away[..., 0], UNIT_PX),
        squash(away[..., 1], UNIT_PX),
        squash(distance, UNIT_PX),
        (1.0 - distance / 6.0).clamp_min(0.0),
        ahead,
        ink,
        covered,
        (covered > 0).float(),
        began,
    ]
    return torch.stack(parts, -1)


def first_pen(seen: Map, steps: int) -> Pen:
    """Return the pen before its first place."""
    b, c = seen.ink.shape
    nothing = torch.zeros(b, 1)
    hurry = squash(seen.ink.sum(-1, keepdim=True) * CELL_PX**2 / steps, UNIT_PX)
    cell = torch.zeros(b, 1, dtype=torch.long)
    origin = torch.zeros(b, 1, 2)
    return Pen(origin, origin, cell, torch.zeros(b, 1, c), nothing, nothing, hurry)


def next_pen(pen: Pen, place: Tensor, columns: int, share: float) -> Pen:
    """Return the pen after one more place (b, 1, 2); the cell half way to it counts as visited too."""
    cell = cell_of(place, columns)
    before = torch.where(pen.began[..., None] > 0, pen.place, place)
    halfway = cell_of(0.5 * (before + place), columns)
    covered = pen.covered.clone()
    covered.scatter_add_(2, cell[..., None], torch.ones_like(place[..., :1]))
    covered.scatter_add_(2, halfway[..., None], (halfway != cell).float()[..., None])
    return Pen(place, before, cell, covered, torch.ones_like(pen.began), torch.full_like(pen.share, share), pen.hurry)


def pen_of(places: Tensor, seen: Map, columns: int) -> Pen:
    """Return the pen before each step of given paths (b, s, 2): :func:`next_pen` for all steps at once."""
    b, steps, _ = places.shape
    c = seen.ink.shape[1]
    first = first_pen(seen, steps)
    before = torch.cat([places[:, :1], places[:, :-1]], 1)
    cells = cell_of(places, columns)
    halfway = cell_of(0.5 * (before + places), columns)
    visits = F.one_hot(cells, c) + F.one_hot(halfway, c) * (halfway != cells)[..., None]
    covered = F.pad(visits.float().cumsum(1)[:, :-1], (0, 0, 1, 0))
    share = torch.arange(steps).expand(b, -1) / steps

    def shifted(values: Tensor, start: Tensor) -> Tensor:
        return torch.cat([start, values[:, :-1]], 1)

    return Pen(
        shifted(places, first.place),
        shifted(before, first.before),
        shifted(cells, first.cell),
        covered,
        (torch.arange(steps) > 0).float().expand(b, -1),
        share,
        first.hurry.expand(-1, steps),
    )
