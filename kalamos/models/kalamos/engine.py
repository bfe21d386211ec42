"""The network as ONNX Runtime runs it: four graphs without weights, and the weights by name.

The graphs come from :mod:`kalamos.models.kalamos.export`; they lie beside the weights, and ``graphs.json`` says for
which sizes they were made and which weights each takes. Every session has one thread: what an image gives depends
neither on the number of cores nor
on the images beside it, as long as all have the same number of pieces, a multiple of :data:`SIDE` (vector units treat
what is left over apart, and round it otherwise).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kalamos.errors import ModelError
from kalamos.machinery.arrays import Bools, Floats32, Ints
from kalamos.models.kalamos.parameters import MASKED, Sizes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

GRAPHS = ("encode", "step", "walk", "motion")
INDEX = "graphs.json"
SIDE = 8
GUESSES = 5
"""Steps of one path that are read at once: the next one, and those guessed."""
PLACES = 16
"""The past of a path has a multiple of so many places."""
ROUND = 64
"""What is added up over the past has a multiple of so many terms: another number of them is rounded otherwise."""


class Graphs(NamedTuple):
    """The graphs of a network.

    Attributes:
        sizes: of the network, as ``dataclasses.asdict`` has them.
        weights: graph -> names of the weights that it takes.
        data: graph -> ONNX.
    """

    sizes: dict[str, Any]
    weights: dict[str, list[str]]
    data: dict[str, bytes]

    def fits(self, sizes: Sizes) -> bool:
        """Say whether the graphs are those of a network of these sizes."""
        return bool(self.sizes == json.loads(json.dumps(asdict(sizes))))


class Encoded(NamedTuple):
    """What the encoder says of b images of n pieces, m = 2 n directed ones; see ``export.Encoder``.

    Attributes:
        memory: float32 ``(b, m, d)``.
        token: float32 ``(b, m, d)``.
        rest: float32 ``(b, m, d)``.
        answer: float32 ``(b, d, m)``.
        look: float32 ``(b, m + 1, m, c)``.
        barred: float32 ``(b, m + 1, 2, m)``.
        length: float32 ``(b, m)``, pixels; 0 for padding.
        layers: of each layer of the decoder keys, float32 ``(b, h, e, m)``, and values ``(b, h, m, e)``.
    """

    memory: Floats32
    token: Floats32
    rest: Floats32
    answer: Floats32
    look: Floats32
    barred: Floats32
    length: Floats32
    layers: Sequence[Floats32]

    def of(self, images: Ints) -> Encoded:
        """Return what the encoder says of some of the images."""
        *fixed, layers = self
        return Encoded._make([*(array[images] for array in fixed), [array[images] for array in layers]])


class Stepped(NamedTuple):
    """What a step of the search says of r = b w paths, w of each image, likeliest first; see ``export.Step``.

    Attributes:
        score: float32 ``(b, w)``, log-probability so far.
        lost: float32 ``(b,)``, of the likeliest way to go on that was not kept.
        parent: int64 ``(r,)``, of which row of the step before each goes on.
        action: int64 ``(r,)``.
        log_p: float32 ``(r,)``, of the action.
        last: int64 ``(r,)``, the piece just drawn.
        mode: int64 ``(r,)``.
        ended: bool ``(r,)``.
        drawn: float32 ``(r, m)``.
        layers: of each layer keys and values, float32 ``(r, h, t, e)``, in the order of the rows before.
    """

    score: Floats32
    lost: Floats32
    parent: Ints
    action: Ints
    log_p: Floats32
    last: Ints
    mode: Ints
    ended: Bools
    drawn: Floats32
    layers: Sequence[Floats32]


class Walked(NamedTuple):
    """What the network says of a few steps of one path over each of b images; see ``export.Walk``.

    Attributes:
        action: int64 ``(b, w)``, the likeliest after each step.
        log_p: float32 ``(b, w)``.
        other: float32 ``(b, w)``, log-probability of the likeliest other one.
        own: float32 ``(2 L, b, h, w, e)``, of each layer keys and values of these steps.
    """

    action: Ints
    log_p: Floats32
    other: Floats32
    own: Floats32


class Engine:
    """The network, ready to run.

    Args:
        tensors: the weights by name, as a state dict or a file of weights has them.
        sizes: of the network.
        graphs: of a network of these sizes.

    Raises:
        ModelError: where weights or graphs do not fit the sizes.
    """

    def __init__(self, tensors: Mapping[str, Floats32], sizes: Sizes, graphs: Graphs) -> None:
        if not graphs.fits(sizes):
            raise ModelError(
                f"the graphs were made for a network of {graphs.sizes}, the weights are of {asdict(sizes)}"
            )
        self.sizes = sizes
        self._recency = np.asarray(tensors["recency"], np.float32)
        self._recencies: dict[int, Floats32] = {}
        self._past_ages = np.zeros((sizes.heads, GUESSES, 0), np.float32)
        self.layers, self.heads, self.channels = sizes.decoder_layers, sizes.heads, sizes.channels
        # the sessions read the arrays where they lie: they must live as long
        self._weights = {key: np.ascontiguousarray(tensor, np.float32) for key, tensor in tensors.items()}
        self._sessions = {name: _session(name, graphs, self._weights) for name in GRAPHS}

    def encode(self, **inputs: Any) -> Encoded:
        """Return what is computed once for each image of a batch."""
        if not self.sizes.scripts:  # then the graph has no such input
            inputs.pop("script", None)
        found = self._sessions["encode"].run(None, inputs)
        fixed = len(Encoded._fields) - 1
        return Encoded._make([*found[:fixed], found[fixed:]])

    def step(self, **inputs: Any) -> Stepped:
        """Return the paths that go on from those of a step; see ``export.Step``."""
        found = self._sessions["step"].run(None, inputs)
        fixed = len(Stepped._fields) - 1
        return Stepped._make([*found[:fixed], found[fixed:]])

    def recency(self, t: int) -> Floats32:
        """Return the bias (h, 1, t) of step t towards itself, which is last, and those before."""
        if t not in self._recencies:
            ago = np.minimum(np.arange(t)[::-1], self._recency.shape[1] - 1)
            self._recencies[t] = np.ascontiguousarray(self._recency[:, None, ago])
        return self._recencies[t]

    def walk(self, **inputs: Any) -> Walked:
        """Return what comes after each of a few steps of one path; see ``export.Walk``."""
        return Walked._make(self._sessions["walk"].run(None, inputs))

    def ages(self, steps: Ints, places: int) -> Floats32:
        """Return the bias of a walk's rows of images after so many steps, ``(b, h, w, f)``; f is a multiple of 64.

        Row j of a walk after t steps reads the rows up to itself, which come first, and t of the places of the past.
        """
        rows, past = np.arange(GUESSES), self._past_ages
        if past.shape[2] < places:
            past = self._past_ages = self._bias(np.arange(places, 0, -1) + rows[:, None])
        made = np.full((len(steps), self.heads, GUESSES, -(-(GUESSES + places) // ROUND) * ROUND), np.float32(MASKED))
        made[..., :GUESSES] = self._bias(rows[:, None] - rows)
        for one, t in zip(made, steps.tolist(), strict=True):
            one[:, :, GUESSES : GUESSES + t] = past[:, :, past.shape[2] - t :]
        return made

    def _bias(self, ago: Ints) -> Floats32:
        """Return the bias towards what lies so many steps back; what is yet to come is masked."""
        found = self._recency[:, np.clip(ago, 0, self._recency.shape[1] - 1)]
        return np.where(ago >= 0, found, np.float32(MASKED))

    def motion(self, **inputs: Any) -> tuple[Floats32, Floats32]:
        """Return offsets (b, t, POINTS, 2) in pixels and log slowness (b, t, POINTS - 1) along paths."""
        offsets, slowness = self._sessions["motion"].run(None, inputs)
        return offsets, slowness


def read_graphs(folder: Path) -> Graphs:
    """Return the graphs beside the weights in a folder.

    Raises:
        ModelError: where one is missing or broken; says how to make it.
    """
    try:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        data = {name: (folder / f"{name}.onnx").read_bytes() for name in GRAPHS}
        return Graphs(index["sizes"], index["weights"], data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} lacks the graphs of the network ({error}); "
            f"make them with: python -m kalamos.models.kalamos.export {folder}"
        ) from error


@lru_cache(maxsize=8)
def traced(sizes: Sizes) -> Graphs:
    """Return the graphs for a network of some size, traced now; this needs torch and onnx."""
    from kalamos.models.kalamos.export import graphs  # noqa: PLC0415 - torch, which recovery does without

    return graphs(sizes)


def _session(name: str, graphs: Graphs, weights: Mapping[str, Floats32]) -> InferenceSession:
    import onnxruntime  # noqa: PLC0415 - a tenth of a second that a list of models does without

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        held = [onnxruntime.OrtValue.ortvalue_from_numpy(weights[key]) for key in graphs.weights[name]]
        options.add_external_initializers([f"net.{key}" for key in graphs.weights[name]], held)
        return onnxruntime.InferenceSession(graphs.data[name], options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a class of its own for each kind of fault
        said = " ".join(str(error).split())[:300]
        raise ModelError(f"the graph {name!r} and the weights do not fit: {said}") from error


def pieces_names(layers: int) -> list[str]:
    """Return the names of what each layer of the decoder is told of the pieces."""
    return [f"{kind}_{k}" for k in range(layers) for kind in ("keys", "values")]


def past_names(layers: int) -> list[str]:
    """Return the names of what each layer of the decoder is told of earlier steps."""
    return [f"past_{name}" for name in pieces_names(layers)]


def padded_pieces(n: int) -> int:
    """Return the number of pieces that an image of ``n`` is brought to: its own and no other image's affair."""
    side = SIDE if n <= 8 * SIDE else 2 * SIDE
    return max(SIDE, -(-n // side) * side)
