"""The weights of :mod:`kalamos.models.kalamos.network` in one array and a table, as compiled code reads them.

Each linear layer, norm and table of vectors has a row in the table: where its values begin, and how many go in and out.
A weight is laid (in, out), its bias behind it; a norm is a weight of one row; an embedding has a bias of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Floats32, Ints
from kalamos.models.kalamos.pieces import POINTS

ONCE = (
    "lift_piece.0", "lift_piece.2", "pair.0", "pair.2", "encoded", "direct",
    "step_pair.0", "step_pair.2", "step_pair.4", "token", "rest_token",
    "mode", "amount", "recency", "decoded", "ask", "answer", "end",
    "motion.piece", "motion.shape", "motion.offsets", "motion.slowness",
)  # fmt: skip
"""What the network has once, in the order of the table; the names below are their rows."""
PIECE_IN, PIECE_OUT, PAIR_IN, PAIR_OUT, ENCODED, DIRECT, STEP_IN, STEP_MID, STEP_OUT, TOKEN, REST = np.arange(11)
MODE, AMOUNT, RECENCY, DECODED, ASK, ANSWER, END, MOTION_PIECE, MOTION_SHAPE, OFFSETS, SLOWNESS = np.arange(11, 22)
ENCODER = np.int64(len(ONCE))
READING = ("{0}", "{1}.q", "{1}.kv", "{1}.out")
FEED = ("rest.0", "rest.1", "rest.3")
NORM, QUERY, BOTH, OUT = np.arange(4)
"""Rows of an attention and the norm in front of it, from its first."""
ENCODER_ROWS = (*(part.format("norm", "attention") for part in READING), *FEED)
DECODER_ROWS = (
    *(part.format("norm_self", "self_attention") for part in READING),
    *(part.format("norm_cross", "cross_attention") for part in READING),
    *FEED,
)
MOTION_ROWS = ("norm", "mix", "out")
MOTION_LAYERS = 3
N_PIECE = 2 * POINTS + POINTS + (POINTS - 2) + 1 + 2 + 2 + 4 + 2
N_PAIR = 12
N_STEP = 17
UNIT_PX = 16.0
"""Up to about here the network takes distances as they are, beyond by their logarithm."""


@dataclass(frozen=True)
class Sizes:
    """How large the network is, and the scripts (ISO 15924) that it has a vector for."""

    channels: int = 128
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2
    pair_channels: int = 32
    motion_channels: int = 64
    scripts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Take the scripts from a list too, as JSON and TOML have them."""
        object.__setattr__(self, "scripts", tuple(self.scripts))

    def script_row(self, script: str | None) -> int:
        """Return the row of ``script.weight`` for an ISO 15924 code; 0, unknown, for none and for others."""
        return self.scripts.index(script) + 1 if script in self.scripts else 0


class Net(NamedTuple):
    """All weights.

    Attributes:
        values: float32 ``(k,)``.
        table: int64 ``(rows, 3)``: where a row's values begin, values in, values out.
        heads: of the attentions.
        decoder, motion: the row at which these layers begin; the encoder's begin at :data:`ENCODER`.
    """

    values: Floats32
    table: Ints
    heads: int
    decoder: int
    motion: int


def as_net(tensors: Mapping[str, Floats32], sizes: Sizes, script: str | None = None) -> Net:
    """Return the arrays of named tensors, as a state dict or a file of weights has them, for images of one script.

    The script's vector is added to that of every piece, so it is laid into the bias of the layer that makes these.

    Raises:
        ValueError: where one is missing or too many, or has another shape than the sizes say.
    """
    wanted, tensors = shapes(sizes), dict(tensors)
    if sizes.scripts:
        try:
            vectors = tensors.pop("script.weight")
            tensors["lift_piece.2.bias"] = tensors["lift_piece.2.bias"] + vectors[sizes.script_row(script)]
        except (KeyError, IndexError) as error:
            raise ValueError(f"script.weight does not fit the {len(sizes.scripts)} scripts of the sizes") from error
    names = [name if name == "recency" else f"{name}.weight" for name in wanted]
    biases = [f"{name}.bias" for name in wanted if name not in {"mode", "recency"}]
    if odd := sorted(tensors.keys() ^ {*names, *biases}):
        raise ValueError(f"{len(odd)} tensors are missing or unknown, such as {odd[0]}")
    values, table, at = [], [], 0
    for name, key in zip(wanted, names, strict=True):
        weight = _turned(tensors[key], linear=name not in {"mode", "recency"})
        bias = np.asarray(tensors.get(f"{name}.bias", np.zeros(weight.shape[1])), np.float32)
        if weight.shape != wanted[name] or bias.shape != weight.shape[1:]:
            raise ValueError(f"{key} has the shape {tensors[key].shape}, which does not fit the sizes")
        values += [weight.ravel(), bias]
        table.append((at, *weight.shape))
        at += weight.size + bias.size
    decoder = ENCODER + sizes.encoder_layers * len(ENCODER_ROWS)
    motion = decoder + sizes.decoder_layers * len(DECODER_ROWS)
    return Net(np.concatenate(values), np.array(table, np.int64), sizes.heads, int(decoder), int(motion))


def shapes(sizes: Sizes) -> dict[str, tuple[int, int]]:
    """Return values in and out of each layer by name, in the order of the table."""
    d, h, c, m = sizes.channels, sizes.heads, sizes.pair_channels, sizes.motion_channels
    once = (
        (N_PIECE, d), (d, d), (N_PAIR, c), (c, h), (1, d), (d, 2 * d),
        (N_STEP, c), (c, c), (c, h + 2), (d, d), (d, d),
        (3, d), (3, d), (h, 16), (1, d), (d, 2 * d), (d, d), (d, 1),
        (d, m), (3 * POINTS + 8, m), (2 * m, 2 * POINTS), (2 * m, POINTS - 1),
    )  # fmt: skip
    found = dict(zip(ONCE, once, strict=True))
    reading, feed = ((1, d), (d, d), (d, 2 * d), (d, d)), ((1, d), (d, 2 * d), (2 * d, d))
    stacks = (
        ("encoder", sizes.encoder_layers, ENCODER_ROWS, (*reading, *feed)),
        ("decoder", sizes.decoder_layers, DECODER_ROWS, (*reading, *reading, *feed)),
        ("motion.layers", MOTION_LAYERS, MOTION_ROWS, ((1, 2 * m), (10 * m, 2 * m), (2 * m, 2 * m))),
    )
    for kind, layers, rows, of_rows in stacks:
        for layer in range(layers):
            found |= {f"{kind}.{layer}.{row}": shape for row, shape in zip(rows, of_rows, strict=True)}
    return found


def _turned(weight: Floats32, *, linear: bool) -> Floats32:
    """Return a layer's weight as (in, out); a convolution's (out, in, taps) as (taps * in, out), a norm's as a row."""
    if weight.ndim == 1:
        return np.asarray(weight[None], np.float32)
    if weight.ndim == 3:
        weight = weight.transpose(2, 1, 0).reshape(-1, len(weight))
    elif linear:
        weight = weight.T
    return np.ascontiguousarray(weight, np.float32)
