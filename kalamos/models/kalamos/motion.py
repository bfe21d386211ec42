"""The motion head: where the pen really was along a finished path over pieces, and how long each part of it took."""

# mypy: disable-error-code="no-any-return"
# (torch types the operators of its tensors as Any)

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from kalamos.models.kalamos.parameters import MOTION_LAYERS
from kalamos.models.kalamos.pieces import POINTS

if TYPE_CHECKING:
    from kalamos.models.kalamos.network import Directed, Route, Scene


class ConvolutionLayer(nn.Module):
    """A convolution over five neighbouring steps, with the norm in front; padding counts as nothing."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.norm, self.mix, self.out = nn.LayerNorm(c), nn.Conv1d(c, c, 5, padding=2), nn.Linear(c, c)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Return x (b, t, c) one layer on."""
        y = self.norm(x) * real[..., None]
        return x + self.out(F.gelu(self.mix(y.transpose(1, 2)).transpose(1, 2)))


class MotionHead(nn.Module):
    """Reads a finished path both ways and places the pen on it in space and time."""

    def __init__(self, d: int, c: int) -> None:
        super().__init__()
        self.piece = nn.Linear(d, c)
        self.shape = nn.Linear(3 * POINTS + 8, c)
        self.layers = nn.ModuleList(ConvolutionLayer(2 * c) for _ in range(MOTION_LAYERS))
        self.offsets = nn.Linear(2 * c, 2 * POINTS)
        self.slowness = nn.Linear(2 * c, POINTS - 1)

    def forward(
        self, memory: Tensor, scene: Scene, geo: Directed, route: Route, drawn: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return offsets (b, t, POINTS, 2) in pixels and log slowness (b, t, POINTS - 1) along ``route``."""
        steps = route.steps
        b, t = steps.shape
        piece = memory.gather(1, steps[..., None].expand(-1, -1, memory.shape[-1]))
        index = (steps // 2)[..., None, None].expand(-1, -1, POINTS, 2)
        line = scene.points.gather(1, index)
        radii = scene.radii.gather(1, index[..., 0])
        backwards = (steps % 2 == 1)[..., None]
        line = torch.where(backwards[..., None], line.flip(2), line)
        radii = torch.where(backwards, radii.flip(2), radii)
        way_in = geo.way_in.gather(1, steps[..., None].expand(-1, -1, 2))
        way_out = geo.way_out.gather(1, steps[..., None].expand(-1, -1, 2))
        turn = F.pad((way_out[:, :-1] * way_in[:, 1:]).sum(-1), (1, 0))
        cross = F.pad(way_out[:, :-1, 0] * way_in[:, 1:, 1] - way_out[:, :-1, 1] * way_in[:, 1:, 0], (1, 0))
        before = drawn[:, :-1].view(b, t, -1, 2).sum(-1).gather(2, (steps // 2)[..., None])[..., 0]
        after = drawn[:, -1].view(b, -1, 2).sum(-1).gather(1, steps // 2)
        lifts = route.lifts.float()
        ends = F.pad(lifts[:, 1:], (0, 1))
        length = geo.length.gather(1, steps) / 8.0
        flags = torch.stack(
            [lifts, ends, turn * (1 - lifts), cross * (1 - lifts), before, after, length, lifts * ends], -1
        )
        centre = line.mean(2, keepdim=True)
        shape = torch.cat([((line - centre) / 4.0).flatten(2), radii - 1.0, flags], -1)
        x = torch.cat([self.piece(piece), self.shape(shape)], -1) * route.real[..., None]
        for layer in self.layers:
            x = layer(x, route.real)
        return self.offsets(x).float().view(b, t, POINTS, 2), self.slowness(x).float()
