"""The network as three ONNX graphs that need no torch: the encoder, one step of the decoder, the motion.

The graphs are traced from the modules that training uses, features of the pieces included, so that nothing of the
network is written twice. They hold no weights: a graph depends on the sizes of the network alone, and its weights are
those of ``model.safetensors``, by name (:mod:`kalamos.models.kalamos.engine`).

    python -m kalamos.models.kalamos.export FOLDER      # a folder of weights

Shapes: b images, n pieces, m = 2 n directed pieces, r paths, t steps, d channels, h heads, e = d / h, L layers.
"""

# mypy: disable-error-code="no-any-return"
# (torch types the operators of its tensors as Any)

from __future__ import annotations

import io
import json
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from kalamos.machinery.files import write_bytes, write_text
from kalamos.models.kalamos.engine import INDEX, Graphs
from kalamos.models.kalamos.network import DecoderLayer, PathNetwork, Route, Scene, directed
from kalamos.models.kalamos.parameters import Sizes
from kalamos.models.kalamos.pieces import POINTS
from kalamos.models.weights import SHIPPED, load_weights

OPSET = 20
DRAWN = slice(10, 13)
"""The step features that depend on what was drawn before; all others on the last piece and the next alone."""


class Encoder(nn.Module):
    """What is computed once for an image."""

    def __init__(self, net: PathNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(self, points: Tensor, radii: Tensor, joints: Tensor, real: Tensor, script: Tensor) -> tuple[Tensor, ...]:
        """Return what the steps and the motion read.

        Returns:
            memory (b, m, d); token (b, m, d) and rest (b, m, d), what a piece adds to the decoder's input where it was
            just drawn, and where it is left to draw; keys (b, L, h, e, m) and values (b, L, h, m, e) of the attention
            to the pieces; answer (b, d, m), by which actions are scored; look (b, m + 1, m, c), how a piece lies to the
            pen after each piece and, last, before the first; joined (b, m + 1, m), whether it begins there; length
            (b, m), of the pieces in pixels, at least 1, padding 0.
        """
        net = self.net
        scene = Scene(points, radii, joints, real, script)
        memory, geo = net.encode(scene), directed(scene)
        m = memory.shape[1]
        found = [layer.cross_attention.keys(memory) for layer in net.decoder]
        after = torch.cat([torch.arange(m), torch.full((1,), -1)])[None].expand(memory.shape[0], -1)
        undrawn = torch.zeros_like(geo.length)[:, None].expand(-1, m + 1, -1)
        features, joined = net.step_features(geo, after, undrawn)
        length = geo.length.clamp_min(1.0) * real.repeat_interleave(2, 1)
        return (
            memory,
            memory @ net.token.weight.T,
            memory @ net.rest_token.weight.T,
            torch.stack([keys for keys, _ in found], 1),
            torch.stack([values for _, values in found], 1),
            net.answer(memory).transpose(1, 2) * net.sizes.channels ** -0.5,
            net.step_pair[0](features),
            joined,
            length,
        )


class Step(nn.Module):
    """One step of the decoder for r paths: the log-probability of every action."""

    def __init__(self, net: PathNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(
        self,
        rest: Tensor,
        keys: Tensor,
        values: Tensor,
        answer: Tensor,
        token: Tensor,
        look: Tensor,
        mask: Tensor,
        hidden: Tensor,
        seen: Tensor,
        left: Tensor,
        amount: Tensor,
        mode: Tensor,
        recency: Tensor,
        past_keys: Tensor,
        past_values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the log-probabilities (r, 2 m + 1) and the keys and values of all steps so far.

        Args:
            rest: (r, m, d), of the encoder, for each path those of its image; as the next three.
            keys: (r, L, h, e, m).
            values: (r, L, h, m, e).
            answer: (r, d, m).
            token: (r, d), of the piece just drawn, 0 before the first.
            look: (r, m, c), as pieces lie to the pen.
            mask: (r, 2 m), 0 for an action that can be taken, -1e4 for others.
            hidden: (r, 1, 1, m), 0 for a piece, -1e4 for padding.
            seen: (r, m, 3), how often a directed piece was drawn, how often the other way round, and if at all.
            left: (r, 1, m), the lengths of pieces not yet drawn as shares of their sum.
            amount: (r, 3), how much is left.
            mode: (r,), 0 before the first piece, 1 where the pen went on, 2 where it was lifted.
            recency: (h, 1, t), the bias towards the steps so far, this one last.
            past_keys: (L, r, h, t - 1, e).
            past_values: (L, r, h, t - 1, e).
        """
        net, d = self.net, self.net.sizes.channels
        local = look + seen @ net.step_pair[0].weight[:, DRAWN].T
        for layer in net.step_pair[1:]:
            local = layer(local)
        local = local.transpose(1, 2)
        bias = local[:, 2:, None] + hidden
        x = token + net.token.bias + (left @ rest)[:, 0] + net.rest_token.bias + net.mode(mode) + net.amount(amount)
        now_keys, now_values = [], []
        for k, layer in enumerate(net.decoder):
            read, own_keys, own_values = self_read(layer, x, past_keys[k], past_values[k], recency)
            now_keys.append(own_keys)
            now_values.append(own_values)
            x = x + read
            cross = layer.cross_attention
            query = cross.q(layer.norm_cross(x)).reshape(-1, cross.heads, 1, d // cross.heads)
            meet = query @ keys[:, k] * (d // cross.heads) ** -0.5 + bias
            x = x + cross.out((meet.softmax(-1) @ values[:, k]).reshape(-1, d))
            x = x + layer.rest(x)
        x = net.decoded(x)
        meet = net.ask(x).reshape(-1, 2, d) @ answer + local[:, :2]
        scores = torch.cat([meet.flatten(1) + mask, net.end(x)], -1)
        return scores.log_softmax(-1), torch.stack(now_keys), torch.stack(now_values)


def self_read(
    layer: DecoderLayer, x: Tensor, past_keys: Tensor, past_values: Tensor, recency: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what a step (r, d) reads from all steps so far, and their keys and values (r, h, t, e)."""
    attention, d = layer.self_attention, layer.self_attention.q.in_features
    heads = attention.heads
    y = layer.norm_self(x)
    query = attention.q(y).reshape(-1, heads, 1, d // heads)
    own_keys, own_values = attention.kv(y).reshape(-1, 2 * heads, 1, d // heads).split(heads, 1)
    keys, values = torch.cat([past_keys, own_keys], 2), torch.cat([past_values, own_values], 2)
    meet = query @ keys.transpose(2, 3) * (d // heads) ** -0.5 + recency
    return attention.out((meet.softmax(-1) @ values).reshape(-1, d)), keys, values


class Motion(nn.Module):
    """The pen's motion along finished paths."""

    def __init__(self, net: PathNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, memory: Tensor, points: Tensor, radii: Tensor, steps: Tensor, lifts: Tensor, walked: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return offsets (b, t, POINTS, 2) in pixels and log slowness (b, t, POINTS - 1)."""
        ends = torch.zeros_like(points[:, :, 0], dtype=torch.long)  # neither joints nor padding matter here
        scene = Scene(points, radii, ends, ends[..., 0] == 0, torch.zeros_like(steps[:, 0]))
        before = F.pad(torch.where(walked, steps, -1), (1, 0), value=-1)
        hot = (before[..., None] == torch.arange(memory.shape[1])).float()
        offsets, slowness = self.net.motion(memory, scene, directed(scene), Route(steps, lifts, walked), hot.cumsum(1))
        return offsets, slowness


ENCODED = ("memory", "token", "rest", "keys", "values", "answer", "look", "joined", "length")
STEPPED = ("log_p", "now_keys", "now_values")
PIECES = {"points": "bn", "radii": "bn"}
FREE = {
    "encode": {**PIECES, "joints": "bn", "real": "bn", "script": "b"},
    "step": {
        "rest": "rm", "keys": "r...m", "values": "r..m", "answer": "r.m", "token": "r", "look": "rm", "mask": "rk",
        "hidden": "r..m", "seen": "rm", "left": "r.m", "amount": "r", "mode": "r", "recency": "..t",
        "past_keys": ".r.p", "past_values": ".r.p",
    },
    "motion": {"memory": "bm", **PIECES, "steps": "bt", "lifts": "bt", "walked": "bt"},
}  # fmt: skip
"""The axes of each input that are of any length, a dot for one that is not."""


def graphs(sizes: Sizes) -> Graphs:
    """Return the graphs of a network of some size, without weights."""
    net = PathNetwork(sizes).eval()
    with torch.no_grad():  # weights that are equal would be taken for one and the same
        for k, parameter in enumerate(net.parameters()):
            parameter.fill_(0.001 * (k + 1))
    encode, step, motion = _examples(sizes)
    traced = {
        "encode": _trace("encode", Encoder(net), encode, ENCODED),
        "step": _trace("step", Step(net), step, STEPPED),
        "motion": _trace("motion", Motion(net), motion, ("offsets", "slowness")),
    }
    told = json.loads(json.dumps(asdict(sizes)))
    return Graphs(told, {name: _take_out_weights(model, net) for name, model in traced.items()},
                  {name: model.SerializeToString(deterministic=True) for name, model in traced.items()})


def write_graphs(folder: Path) -> None:
    """Write the graphs for the weights in a folder beside them."""
    made = graphs(Sizes(**load_weights(folder, "kalamos").config["sizes"]))
    for name, data in made.data.items():
        write_bytes(folder / f"{name}.onnx", data)
    write_text(folder / INDEX, json.dumps({"sizes": made.sizes, "weights": made.weights}, indent=1) + "\n")


def _examples(sizes: Sizes) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Return inputs of the right shapes to trace the three graphs with."""
    b, n, t = 2, 3, 4
    d, h, layers = sizes.channels, sizes.heads, sizes.decoder_layers
    m, e = 2 * n, d // h
    flags, whole = torch.ones(b, n, dtype=torch.bool), torch.zeros(b, dtype=torch.long)
    pieces = {
        "points": torch.rand(b, n, POINTS, 2),
        "radii": torch.ones(b, n, POINTS),
    }
    step = {
        "rest": torch.rand(b, m, d), "keys": torch.rand(b, layers, h, e, m), "values": torch.rand(b, layers, h, m, e),
        "answer": torch.rand(b, d, m), "token": torch.rand(b, d), "look": torch.rand(b, m, sizes.pair_channels),
        "mask": torch.zeros(b, 2 * m), "hidden": torch.zeros(b, 1, 1, m), "seen": torch.zeros(b, m, 3),
        "left": torch.rand(b, 1, m), "amount": torch.rand(b, 3), "mode": whole, "recency": torch.zeros(h, 1, t),
        "past_keys": torch.zeros(layers, b, h, t - 1, e), "past_values": torch.zeros(layers, b, h, t - 1, e),
    }  # fmt: skip
    motion = {
        "memory": torch.rand(b, m, d), **pieces, "steps": torch.zeros(b, t, dtype=torch.long),
        "lifts": torch.zeros(b, t, dtype=torch.bool), "walked": torch.ones(b, t, dtype=torch.bool),
    }  # fmt: skip
    encode = {**pieces, "joints": torch.zeros(b, n, 2, dtype=torch.long), "real": flags, "script": whole}
    return encode, step, motion


def _trace(name: str, module: nn.Module, inputs: dict[str, Tensor], outputs: tuple[str, ...]) -> onnx.ModelProto:
    """Return the graph of a module, weights and all."""
    free = FREE[name]
    axes = {key: {k: axis for k, axis in enumerate(letters) if axis != "."} for key, letters in free.items()}
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the tracer, on numbers that it takes for constants: heads and layers are
        torch.onnx.export(
            module, tuple(inputs.values()), file, input_names=list(inputs), output_names=list(outputs),
            dynamic_axes=axes, opset_version=OPSET, dynamo=False, do_constant_folding=False,
        )  # fmt: skip
    return onnx.load_from_string(file.getvalue())


def _take_out_weights(model: onnx.ModelProto, net: PathNetwork) -> list[str]:
    """Declare the weights of a graph as lying elsewhere, in place; return their names in the network."""
    names = {f"net.{name}" for name, _ in net.named_parameters()}
    taken = []
    for tensor in model.graph.initializer:
        if tensor.name in names:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="model.safetensors")
            taken.append(tensor.name.removeprefix("net."))
    for node in model.graph.node:  # where in the code an operation was traced from: paths of this machine
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    return sorted(taken)


def main() -> None:
    """Write the graphs for the folders of weights that are named, or for the shipped one."""
    for folder in sys.argv[1:] or [str(SHIPPED / "kalamos")]:
        write_graphs(Path(folder))


if __name__ == "__main__":
    main()
