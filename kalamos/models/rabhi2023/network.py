"""The network of ``rabhi2023``: that of ``rabhi2020`` behind a stacked convolutional denoising auto-encoder.

The encoder's convolutions get a decoder of their own, which draws the middle of the written line, half the image's
size, from the map alone (no skip connections: all that it draws has gone through the map). In training the image is
damaged before it is read (P. Vincent et al., "Stacked denoising autoencoders", 2010; J. Masci et al., "Stacked
convolutional auto-encoders", 2011). How much ink is in a cell, which attention, pointer and coverage ask for, is read
off that drawing and no longer off the pixels, where paper, shadows and stains count as ink.

Shapes: b images, c cells of 4 x 4 px (16 rows, row by row), d channels.
"""

# mypy: disable-error-code="no-any-return"
# (torch types the operators of its tensors as Any)

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from kalamos.models.rabhi2020.network import Convolution, Encoder, Map, RabhiNetwork, RabhiSizes
from kalamos.models.scale import HEIGHT_PX

LINE_PX = 2
"""Pixels of the image a pixel of the drawn line."""
MASKED, NOISE = 0.1, 0.08
"""In training: share of the patches of 4 x 4 px that are wiped, and standard deviation of noise, ink being 1."""
_PATCH_PX = 4
_BETWEEN = 6
"""Places that are marked between two points of the truth, so that the line has no gaps."""


class DenoisingEncoder(Encoder):
    """The encoder with a decoder of the line's middle."""

    def __init__(self, sizes: RabhiSizes) -> None:
        super().__init__(sizes)
        first, second, last = sizes.channels
        self.draw = nn.Sequential(
            Convolution(last, second),
            nn.ConvTranspose2d(second, first, LINE_PX, LINE_PX),
            nn.ReLU(),
            Convolution(first, first),
            nn.Conv2d(first, 1, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Map:
        """Return the map of images (b, 1, 64, w), ink 1, with the drawn line; w a multiple of four."""
        found = self.convolved(damaged(images) if self.training else images)
        line = self.draw(found).float()[:, 0]
        ink = F.avg_pool2d(line.detach().sigmoid()[:, None], 2).flatten(1)
        return self.told(found, ink)._replace(line=line)


class DenoisingNetwork(RabhiNetwork):
    """The whole network; see the module's text."""

    encoder_kind = DenoisingEncoder


def damaged(images: Tensor) -> Tensor:
    """Return images (b, 1, h, w) with patches wiped and with noise."""
    b, _, h, w = images.shape
    kept = (torch.rand(b, 1, h // _PATCH_PX, w // _PATCH_PX) >= MASKED).to(images.dtype)
    return images * F.interpolate(kept, scale_factor=_PATCH_PX) + NOISE * torch.randn_like(images)


def middle_of_line(truth: Tensor, lifted: Tensor, width_px: int) -> Tensor:
    """Return where the pen went: 1 in the pixels of the drawn line, (b, 32, w / 2).

    Args:
        truth: places of the pen (b, n, 2), pixels of the image.
        lifted: 1 where the pen lifts after a place, (b, n).
        width_px: of the image.
    """
    share = torch.arange(_BETWEEN) / _BETWEEN
    step = (truth[:, 1:] - truth[:, :-1]) * (1.0 - lifted[:, :-1, None])
    along = truth[:, :-1, None] + step[:, :, None] * share[:, None]
    places = torch.cat([along.flatten(1, 2), truth[:, -1:]], 1)
    columns, rows = width_px // LINE_PX, HEIGHT_PX // LINE_PX
    at = (places / LINE_PX).floor().long()
    cells = at[..., 1].clamp(0, rows - 1) * columns + at[..., 0].clamp(0, columns - 1)
    drawn = torch.zeros(len(truth), rows * columns)
    return drawn.scatter_(1, cells, 1.0).view(-1, rows, columns)
