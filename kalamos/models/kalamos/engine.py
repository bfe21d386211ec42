"""The network as ONNX Runtime runs it: three graphs without weights, and the weights by name.

The graphs come from :mod:`kalamos.models.kalamos.export`; they lie beside the weights, and ``graphs.json`` says for
which sizes they were made and which weights each takes. Every session has one thread: what an image gives depends neither on the number of cores nor
on the images beside it, as long as all have the same number of pieces, a multiple of :data:`SIDE` (vector units treat
what is left over apart, and round it otherwise).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kalamos.errors import ModelError
from kalamos.machinery.arrays import Bools, Floats32
from kalamos.models.kalamos.parameters import Sizes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

GRAPHS = ("encode", "step", "motion")
INDEX = "graphs.json"
SIDE = 8


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


class Encoded(NamedTuple):
    """What the encoder says of b images of n pieces, m = 2 n directed ones; see ``export.Encoder``.

    Attributes:
        memory: float32 ``(b, m, d)``.
        token: float32 ``(b, m, d)``.
        rest: float32 ``(b, m, d)``.
        keys: float32 ``(b, L, h, e, m)``.
        values: float32 ``(b, L, h, m, e)``.
        answer: float32 ``(b, d, m)``.
        look: float32 ``(b, m + 1, m, c)``.
        joined: bool ``(b, m + 1, m)``.
        length: float32 ``(b, m)``, pixels; 0 for padding.
    """

    memory: Floats32
    token: Floats32
    rest: Floats32
    keys: Floats32
    values: Floats32
    answer: Floats32
    look: Floats32
    joined: Bools
    length: Floats32


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
        told = json.loads(json.dumps(asdict(sizes)))
        if graphs.sizes != told:
            raise ModelError(f"the graphs were made for a network of {graphs.sizes}, the weights are of {told}")
        self.sizes = sizes
        self.recency = np.asarray(tensors["recency"], np.float32)
        self.layers, self.heads, self.channels = sizes.decoder_layers, sizes.heads, sizes.channels
        # the sessions read the arrays where they lie: they must live as long
        self._weights = {key: np.ascontiguousarray(tensor, np.float32) for key, tensor in tensors.items()}
        self._sessions = {name: _session(name, graphs, self._weights) for name in GRAPHS}

    def encode(self, **inputs: Any) -> Encoded:
        """Return what is computed once for each image of a batch."""
        if not self.sizes.scripts:  # then the graph has no such input
            inputs.pop("script", None)
        return Encoded(*self._sessions["encode"].run(None, inputs))

    def step(self, **inputs: Any) -> tuple[Floats32, Floats32, Floats32]:
        """Return log-probabilities (r, 2 m + 1) of all actions of r paths, and their keys and values so far."""
        log_p, keys, values = self._sessions["step"].run(None, inputs)
        return log_p, keys, values

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


def recency_of(engine: Engine, t: int) -> Floats32:
    """Return the bias (h, 1, t) of step t towards itself, which is last, and those before."""
    ago = np.minimum(np.arange(t)[::-1], engine.recency.shape[1] - 1)
    return np.ascontiguousarray(engine.recency[:, None, ago])


def padded_pieces(n: int) -> int:
    """Return the number of pieces that an image of ``n`` is brought to: its own and no other image's affair."""
    side = SIDE if n <= 8 * SIDE else 2 * SIDE
    return max(SIDE, -(-n // side) * side)

