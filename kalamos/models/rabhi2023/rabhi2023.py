"""``rabhi2023``: the group's follow-up, with a stacked convolutional denoising auto-encoder before the sequence model.

After B. Rabhi et al. (Multimedia Tools and Applications 2023, doi 10.1007/s11042-023-16499-z). Its abstract gives the
system: a stacked convolutional denoising auto-encoder, bidirectional GRU with temporal attention, pen up and down,
velocity; characters and words of Latin and Arabic. **Everything else is our choice**, and that of ``rabhi2020`` where
the abstract leaves it open: the way of writing, sizes, points, data. What the auto-encoder draws and what that is
used for stand in :mod:`kalamos.models.rabhi2023.network`; it is trained beside the writer, in one go.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor

from kalamos.machinery.arrays import Bytes
from kalamos.models.rabhi2020.network import CELL_PX, ROWS, Map, RabhiNetwork
from kalamos.models.rabhi2020.rabhi2020 import Rabhi2020, Rabhi2020Learner
from kalamos.models.rabhi2023.network import DenoisingNetwork, middle_of_line
from kalamos.models.weights import fill
from kalamos.skeleton.binarise import without_shadows
from kalamos.storage.weights import Weights

LINE_WEIGHT = 2.0
"""Of the drawing's cross-entropy, mean over its pixels, beside the other terms."""


class Rabhi2023(Rabhi2020):
    """The paper's follow-up with a denoising auto-encoder: Latin words, scans and photos too; needs torch.

    Recovers ink with the shipped weights, or with those in ``weights``.

    Raises:
        ModelError: where the weights cannot be used.
    """

    name = "rabhi2023"
    network: type[RabhiNetwork] = DenoisingNetwork

    @staticmethod
    def prepared(pixels: Bytes) -> Bytes:
        """Return the picture under even light; grain and stains are the auto-encoder's affair."""
        return without_shadows(pixels)


class Rabhi2023Learner(Rabhi2020Learner):
    """What training needs to know of this model; it may begin with the weights of ``rabhi2020``."""

    name = "rabhi2023"
    kind = Rabhi2023
    begins_from = ("rabhi2020",)

    def begin_with(self, weights: Weights, folder: Path) -> None:
        """Start from the weights of a folder; what ``rabhi2020`` does not have stays random."""
        if weights.config["model"] != self.name:
            own = {name: value.numpy() for name, value in self.net.state_dict().items()}
            weights = weights._replace(tensors={**own, **weights.tensors})
        fill(self.net, weights, folder)

    def more_losses(self, seen: Map, truth: Tensor, lifted: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Return how far the drawn line is from the truth's."""
        assert seen.line is not None  # noqa: S101 - for the type checker: this encoder draws it
        right = middle_of_line(truth, lifted, len(seen.centres) // ROWS * CELL_PX)
        wrong = F.binary_cross_entropy_with_logits(seen.line, right, reduction="sum")
        return {"line": (wrong * LINE_WEIGHT, torch.tensor(right.numel()))}
