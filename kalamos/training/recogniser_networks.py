"""The two networks as torch modules, for training only: scoring computes them in numpy, without torch."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from kalamos.recognition.inputs import CHANNELS, PIXELS

FRONT = 64
HIDDEN = 96
MAPS = (16, 32, 64)


class OnlineNetwork(nn.Module):
    """A convolution that makes 16 steps of 48 points, two bidirectional GRU layers, mean and maximum over time."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.front = nn.Conv1d(CHANNELS, FRONT, 7, stride=3, padding=3)
        self.gru = nn.GRU(FRONT, HIDDEN, num_layers=2, bidirectional=True, batch_first=True, dropout=0.2)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(4 * HIDDEN, classes)

    def forward(self, sequences: Tensor) -> Tensor:
        """Return logits ``(b, classes)`` of sequences ``(b, 48, 5)``."""
        front = torch.relu(self.front(sequences.transpose(1, 2))).transpose(1, 2)  # (b, 16, FRONT)
        states, _ = self.gru(front)  # (b, 16, 2 * HIDDEN)
        pooled = torch.cat([states.mean(dim=1), states.amax(dim=1)], dim=1)
        logits: Tensor = self.out(self.drop(pooled))
        return logits

    def shipped(self) -> dict[str, Tensor]:
        """Return the tensors that scoring needs."""
        return dict(self.state_dict())


class ImageNetwork(nn.Module):
    """Three times convolution, batch norm and ReLU, the first of stride 2, the others with halving; a linear layer."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        widths = (1, *MAPS)
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=1 + (a == 1), padding=1) for a, b in itertools.pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in MAPS)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(MAPS[-1] * (PIXELS // 2 ** len(MAPS)) ** 2, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(b, classes)`` of images ``(b, 1, 32, 32)``."""
        x = images
        for k, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = torch.relu(norm(conv(x)))
            x = torch.max_pool2d(x, 2) if k else x
        logits: Tensor = self.out(self.drop(x.flatten(1)))
        return logits

    def shipped(self) -> dict[str, Tensor]:
        """Return the tensors that scoring needs: each batch norm is folded into its convolution."""
        tensors: dict[str, Tensor] = {"out.weight": self.out.weight, "out.bias": self.out.bias}
        for k, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            state: Mapping[str, Tensor] = norm.state_dict()
            gain = state["weight"] / torch.sqrt(state["running_var"] + 1e-5)
            weight, bias = conv.state_dict()["weight"], conv.state_dict()["bias"]
            tensors[f"convs.{k}.weight"] = weight * gain[:, None, None, None]
            tensors[f"convs.{k}.bias"] = (bias - state["running_mean"]) * gain + state["bias"]
        return tensors


NETWORKS: dict[str, type[OnlineNetwork] | type[ImageNetwork]] = {"online": OnlineNetwork, "image": ImageNetwork}
