"""The online recogniser: which character a pen movement writes, from its order and shape, without its times.

A convolution, two bidirectional GRU layers (Cho et al. 2014, the variant of cuDNN and torch: the reset gate acts on the
recurrent product), mean and maximum over time, and a linear layer; the classes of the sample's category compete. Made
by :mod:`kalamos.training.recognisers`, computed here without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats32
from kalamos.recognition.alphabets import candidates
from kalamos.recognition.inputs import CHANNELS, STEPS, sequences
from kalamos.recognition.product import product
from kalamos.recognition.tensors import SHIPPED, checked
from kalamos.storage.weights import Weights, load_weights

_STRIDE = 3
_LAYERS = 2


class OnlineRecogniser:
    """The network with its weights."""

    def __init__(self, weights: Weights) -> None:
        self.alphabets: dict[str, list[str]] = weights.config["alphabets"]
        self._tensors = weights.tensors

    @classmethod
    def load(cls, folder: Path = SHIPPED / "online") -> OnlineRecogniser:
        """Load weights.

        Raises:
            ModelError: where the folder holds none, or others than its config says.
        """
        return checked(cls(load_weights(folder, "recogniser-online")), folder, (STEPS, CHANNELS))

    def logits(self, seen: Floats32) -> Floats32:
        """Return the logits ``(n, classes)`` of sequences ``(n, 48, 5)``."""
        held = self._tensors
        front = np.maximum(_strided(seen, held["front.weight"], held["front.bias"]), 0)
        states = np.ascontiguousarray(front.transpose(1, 0, 2))  # (t, n, c): a step's rows lie together
        for layer in range(_LAYERS):
            ways = [_gru(states, held, f"l{layer}"), _gru(states[::-1], held, f"l{layer}_reverse")[::-1]]
            states = np.concatenate(ways, axis=2)
        pooled = np.concatenate([states.mean(axis=0), states.max(axis=0)], axis=1)
        made: Floats32 = product(pooled, held["out.weight"].T) + held["out.bias"]
        return made

    def recognise(self, inks: Sequence[Ink], categories: Sequence[str]) -> list[str]:
        """Return the label of each ink among those of its category; empty for an empty ink."""
        found = best(self.logits(sequences(inks)), categories, self.alphabets)
        return [label if ink.n_points else "" for label, ink in zip(found, inks, strict=True)]


def best(logits: Floats32, categories: Sequence[str], alphabets: dict[str, list[str]]) -> list[str]:
    """Return the label with the greatest logit among those of each one's category; the first of equals."""
    known = {name: candidates(name, alphabets) for name in set(categories)}
    found = []
    for row, name in zip(logits, categories, strict=True):
        labels, classes = known[name]
        found.append(labels[int(row[classes].argmax())])
    return found


def _strided(seen: Floats32, weight: Floats32, bias: Floats32) -> Floats32:
    """Return the convolution over time of ``(n, t, c)``, ``(n, t / stride, out)``; weight ``(out, c, width)``."""
    width = weight.shape[2]
    padded = np.pad(seen, ((0, 0), (width // 2, width // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)[:, ::_STRIDE]
    rows = product(windows.reshape(windows.shape[0] * windows.shape[1], -1), weight.reshape(len(weight), -1).T)
    made: Floats32 = rows.reshape(*windows.shape[:2], -1) + bias
    return made


def _gru(inputs: Floats32, held: dict[str, Floats32], tail: str) -> Floats32:
    """Return the states ``(t, n, h)`` of one direction of one layer over inputs ``(t, n, c)``."""
    turned = np.ascontiguousarray(held[f"gru.weight_hh_{tail}"].T)
    size, (steps, n, channels) = len(turned), inputs.shape
    rows = product(inputs.reshape(steps * n, channels), held[f"gru.weight_ih_{tail}"].T) + held[f"gru.bias_ih_{tail}"]
    driven = rows.reshape(steps, n, 3 * size)  # reset, update, new
    states = np.empty((steps, n, size), np.float32)
    state = np.zeros((n, size), np.float32)
    for step, now in enumerate(driven):
        back = product(state, turned) + held[f"gru.bias_hh_{tail}"]
        gates = _sigmoid(now[:, : 2 * size] + back[:, : 2 * size])
        reset, update = gates[:, :size], gates[:, size:]
        new = np.tanh(now[:, 2 * size :] + reset * back[:, 2 * size :])
        state = new + update * (state - new)
        states[step] = state
    return states


def _sigmoid(values: Floats32) -> Floats32:
    made: Floats32 = 0.5 + 0.5 * np.tanh(0.5 * values)  # never overflows
    return made
