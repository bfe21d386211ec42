"""The network as four ONNX graphs that need no torch: the encoder, a step of the search, a few of one path, the motion.

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
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from kalamos.machinery.files import write_bytes, write_text
from kalamos.models.kalamos.engine import GUESSES, INDEX, Encoded, Graphs, Stepped, Walked, past_names, pieces_names
from kalamos.models.kalamos.network import Attention, DecoderLayer, EncoderLayer, PathNetwork, Route, Scene, directed
from kalamos.models.kalamos.parameters import MASKED, UNIT_PX, Sizes
from kalamos.models.kalamos.pieces import POINTS
from kalamos.models.weights import SHIPPED
from kalamos.storage.weights import load_weights

OPSET = 20
MOST_PASSES = 4
"""A piece is drawn this often at most, so that no path goes round for ever on ink unlike any trained on."""
IMPOSSIBLE = 0.5 * MASKED
DRAWN = slice(10, 13)
"""The step features that depend on what was drawn before; all others on the last piece and the next alone."""

ReadOwn = Callable[[DecoderLayer, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""What rows (r, d) read in a layer from the steps of their path, by its keys and values so far; with their own."""


class Encoder(nn.Module):
    """What is computed once for an image."""

    def __init__(self, net: PathNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, points: Tensor, radii: Tensor, joints: Tensor, real: Tensor, script: Tensor
    ) -> tuple[Tensor, ...]:
        """Return what the steps and the motion read.

        Returns:
            memory (b, m, d); token (b, m, d) and rest (b, m, d), what a piece adds to the decoder's input where it was
            just drawn, and where it is left to draw; answer (b, d, m), by which actions are scored;
            look (b, m + 1, m, c), how a piece lies to the
            pen after each piece and, last, before the first; barred (b, m + 1, 2, m), what is added to the scores of
            going on and of lifting, 0 or, where there is no such way on, :data:`MASKED`; length (b, m), of the pieces
            in pixels, at least 1, padding 0; and of each layer of the decoder keys (b, h, e, m) and values (b, h, m, e)
            of the attention to the pieces.
        """
        net = self.net
        scene = Scene(points, radii, joints, real, script)
        memory, geo = self.encoded(scene), directed(scene)
        m = memory.shape[1]
        rows, heads, d = memory.flatten(0, 1), net.sizes.heads, net.sizes.channels
        found = [
            torch.split(layer.cross_attention.kv(rows).reshape(-1, m, 2 * heads, d // heads).transpose(1, 2), heads, 1)
            for layer in layers_of(net)
        ]
        after = torch.cat([torch.arange(m), torch.full((1,), -1)])[None].expand(memory.shape[0], -1)
        undrawn = torch.zeros_like(geo.length)[:, None].expand(-1, m + 1, -1)
        features, joined = net.step_features(geo, after, undrawn)
        there = real.repeat_interleave(2, 1)[:, None]
        ways = torch.stack([joined & there, there.expand(-1, m + 1, -1)], 2)
        return (
            memory,
            memory @ net.token.weight.T,
            memory @ net.rest_token.weight.T,
            net.answer(memory).transpose(1, 2) * net.sizes.channels**-0.5,
            net.step_pair[0](features),
            torch.where(ways, 0.0, MASKED),
            geo.length.clamp_min(1.0) * there[:, 0],
            *(array for keys, values in found for array in (keys.transpose(2, 3), values)),
        )

    def encoded(self, scene: Scene) -> Tensor:
        """Return what ``PathNetwork.encode`` does, in a third of the operations: all pieces are rows of one matrix."""
        net, heads, d = self.net, self.net.sizes.heads, self.net.sizes.channels
        pieces, bias = net.read(scene)
        n = pieces.shape[1]
        x = pieces.flatten(0, 1)
        for layer in net.encoder:
            assert isinstance(layer, EncoderLayer)  # noqa: S101 - for the types
            own = joined_linear(layer.attention, layer.norm(x)).reshape(-1, n, 3 * heads, d // heads)
            query, keys, values = torch.split(own.transpose(1, 2), heads, 1)
            meet = query @ keys.transpose(2, 3) * (d // heads) ** -0.5 + bias
            x = x + layer.attention.out((meet.softmax(-1) @ values).transpose(1, 2).reshape(-1, d))
            x = x + layer.rest(x)
        return net.direct(net.encoded(x)).reshape(-1, 2 * n, d)


class Step(nn.Module):
    """One step of the search over b images: the decoder for w paths of each, and the likeliest ways to go on.

    A graph of few and simple operations: for one image it takes as long as there are operations, not numbers. What does
    not change from step to step comes from outside, weights that are always used together are joined.
    """

    def __init__(self, net: PathNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(  # noqa: PLR0913, PLR0917 - inputs of a graph
        self, rest: Tensor, answer: Tensor, length: Tensor, whole: Tensor, hidden: Tensor, base: Tensor, rows: Tensor,
        token: Tensor, look: Tensor, barred: Tensor, twin: Tensor, single: Tensor, spare: Tensor, recency: Tensor,
        score: Tensor, last: Tensor, mode: Tensor, ended: Tensor, drawn: Tensor, *layers: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Return the paths that go on, likeliest first, and what they were made of; r = b w.

        Args:
            rest: (b, m, d), of the encoder; as the next one, and keys and values of the pieces, once for all paths of
                an image: reading them takes the time, and what is read once for w paths is read w times as seldom.
            answer: (b, d, m).
            length: (r, m), of the encoder, for each path that of its image; as the next two.
            whole: (r, 1), all lengths together.
            hidden: (r, 1, m), 0 or, for padding, :data:`MASKED`.
            base: (r,), the first row of the path's image in the three tables that follow, of all images.
            rows: (b, w), the numbers of the paths.
            token: (k, d), of the encoder, a row for each piece and one of 0 for none.
            look: (k, m, c), of the encoder.
            barred: (k, 2, m), of the encoder.
            twin: (m,), the same piece the other way round.
            single: (m, m), ones on the diagonal.
            spare: (r, 1), the share of the ink that may be left when a path ends.
            recency: (h, 1, t), the bias towards the steps so far, this one last.
            score: (b, w), log-probability of each path so far.
            last: (r,), the piece just drawn, m before the first.
            mode: (r,), 0 before the first piece, 1 where the pen went on, 2 where it was lifted.
            ended: (r,), which paths have ended; they stay as they are.
            drawn: (r, m), how often each directed piece was drawn.
            layers: of each layer keys (b, h, e, m) and values (b, h, m, e) of the encoder, then of each layer keys and
                values (r, h, t - 1, e) of the steps so far.

        Returns:
            score (b, w); of which row (r,) each goes on, action (r,) and its log-probability (r,): j goes on over piece
            j, m + j lifts and starts there, 2 m ends; last, mode, ended, drawn, which mean nothing where a path has
            ended; and of each layer keys and values of all steps so far, in the order of the rows before.
        """
        found, now = self.decide(
            rest, answer, length, whole, hidden, base + last, rows, token, look, barred, twin, spare, mode, ended,
            drawn, layers, lambda layer, x, keys, values: self_read(layer, x, keys, values, recency),
        )  # fmt: skip
        m = drawn.shape[1]
        actions = 2 * m + 1
        w = score.shape[1]
        best, places = (score[..., None] + found[rows]).flatten(1).topk(w + 1, 1)
        score, lost, chosen = best[:, :w], best[:, w], places[:, :w]
        chosen = chosen + rows[:, :1] * actions
        parent, action = (chosen // actions).reshape(-1), (chosen % actions).reshape(-1)
        step = action % m
        return (
            score, lost, parent, action, found.reshape(-1).index_select(0, chosen.reshape(-1)),
            step, 1 + (action >= m).long(), action == 2 * m,
            drawn.index_select(0, parent) + single.index_select(0, step), *now,
        )  # fmt: skip

    def decide(  # noqa: PLR0913, PLR0917 - inputs of a graph
        self, rest: Tensor, answer: Tensor, length: Tensor, whole: Tensor, hidden: Tensor, row: Tensor, rows: Tensor,
        token: Tensor, look: Tensor, barred: Tensor, twin: Tensor, spare: Tensor, mode: Tensor, ended: Tensor,
        drawn: Tensor, layers: Sequence[Tensor], read_own: ReadOwn,
    ) -> tuple[Tensor, list[Tensor]]:  # fmt: skip
        """Return the log-probabilities (r, 2 m + 1) of all actions, -inf for what is not allowed, keys and values."""
        other = drawn.index_select(1, twin)
        passes = drawn + other
        half = len(layers) // 2
        open_share, log_p, now = self.weigh(
            rest, answer, length, whole, hidden, row, rows, token, look, barred, mode, drawn, other,
            layers[:half], layers[half:], read_own,
        )  # fmt: skip
        return self.allowed(log_p, passes, open_share <= spare, mode, ended), now

    @staticmethod
    def allowed(log_p: Tensor, passes: Tensor, may_end: Tensor, mode: Tensor, ended: Tensor) -> Tensor:
        """Return the log-probabilities (r, 2 m + 1) of what the rules of the search allow, -inf for the rest.

        No piece is drawn more than :data:`MOST_PASSES` times. Who would end too early goes on with what is left, and
        not over a piece a second time. Who has ended does nothing more, at no cost.
        """
        pieces, end = torch.split(log_p, [log_p.shape[1] - 1, 1], 1)
        gone = ended[:, None]
        early = (end >= pieces.amax(1, keepdim=True)) & ~may_end
        spent = passes >= torch.where(gone, 0.0, torch.where(early, 1.0, float(MOST_PASSES)))
        pieces = torch.where(torch.cat([spent, spent], 1) | (pieces < IMPOSSIBLE), -torch.inf, pieces)
        end = torch.where(gone, 0.0, torch.where(may_end & (mode > 0)[:, None], end, -torch.inf))
        return torch.cat([pieces, end], 1)

    def weigh(  # noqa: PLR0913, PLR0917 - inputs of a graph
        self, rest: Tensor, answer: Tensor, length: Tensor, whole: Tensor, hidden: Tensor, row: Tensor, rows: Tensor,
        token: Tensor, look: Tensor, barred: Tensor, mode: Tensor, drawn: Tensor, other: Tensor,
        pieces: Sequence[Tensor], past: Sequence[Tensor], read_own: ReadOwn,
    ) -> tuple[Tensor, Tensor, list[Tensor]]:  # fmt: skip
        """Return the share (r, 1) of ink still undrawn, the log-probabilities of all actions, keys and values."""
        net, d, heads = self.net, self.net.sizes.channels, self.net.sizes.heads
        w, m = rows.shape[1], drawn.shape[1]
        touched = drawn + other > 0
        seen = torch.stack([drawn.clamp_max(2), other.clamp_max(2), touched.float()], -1)
        first, *others = net.step_pair.children()
        assert isinstance(first, nn.Linear)  # noqa: S101 - for the types
        local = look.index_select(0, row) + seen @ first.weight[:, DRAWN].T
        for layer in others:
            local = layer(local)
        scored, biased = torch.split(local.transpose(1, 2), [2, heads], 1)
        bias = (biased + hidden).reshape(-1, w, heads, m).transpose(1, 2)
        left = torch.where(touched, 0.0, length)
        share = left.sum(1, keepdim=True)
        open_share = share / whole
        # sixteen times over: a vector unit rounds what is left over at the end of an array otherwise than the rest
        squashed = torch.log1p(share.expand(-1, 16) / UNIT_PX)[:, :1]
        amount = torch.cat([open_share, squashed, (left > 0).float().sum(1, keepdim=True) / 16.0], 1)
        weight = (left / share.clamp_min(1.0)).reshape(-1, w, m)
        modes = net.mode.weight + net.token.bias + net.rest_token.bias + net.amount.bias
        x = token.index_select(0, row) + (weight @ rest).reshape(-1, d) + modes.index_select(0, mode)
        x = torch.addmm(x, amount, net.amount.weight.T)
        now: list[Tensor] = []
        for k, layer in enumerate(layers_of(net)):
            read, *own = read_own(layer, x, past[2 * k], past[2 * k + 1])
            now += own
            x = x + read
            cross = layer.cross_attention
            query = cross.q(layer.norm_cross(x)).reshape(-1, w, heads, d // heads).transpose(1, 2)
            meet = query * (d // heads) ** -0.5 @ pieces[2 * k] + bias
            x = x + cross.out((meet.softmax(-1) @ pieces[2 * k + 1]).transpose(1, 2).reshape(-1, d))
            x = x + layer.rest(x)
        x = net.decoded(x)
        meet = (net.ask(x).reshape(-1, 2 * w, d) @ answer).reshape(-1, 2, m) + scored + barred.index_select(0, row)
        return open_share, torch.cat([meet.flatten(1), net.end(x)], 1).log_softmax(-1), now


class Walk(Step):
    """A few steps at once of one path over each of b images: each row is a step later, if the steps before it are true.

    So a path whose steps were guessed is read at the cost of one step, as weights are read once (Stern, Shazeer and
    Uszkoreit, Blockwise parallel decoding, NeurIPS 2018): what the network says of a row holds where it would have done
    what was guessed before.
    """

    def forward(  # type: ignore[override] # noqa: PLR0913, PLR0917 - inputs of a graph
        self, rest: Tensor, answer: Tensor, length: Tensor, whole: Tensor, hidden: Tensor, base: Tensor, rows: Tensor,
        token: Tensor, look: Tensor, barred: Tensor, twin: Tensor, spare: Tensor, ended: Tensor, blank: Tensor,
        ago: Tensor, last: Tensor, mode: Tensor, drawn: Tensor, *layers: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Return the likeliest action of each row; r = b w, where w is the number of steps, and fixed.

        Inputs are those of :class:`Step`, but: ``last``, ``mode`` and ``drawn`` say what was before each row;
        ``ended`` is False, as who has ended takes no further step; the last layers are keys (b, h, e, p) and values
        (b, h, p, e) of p steps so far; ``ago`` (b, h, w, w + p + f) is the bias of each row towards the rows of this
        call and the places of the past, :data:`MASKED` where a row comes later or a place holds nothing; ``blank``
        (b, h, w, f) are zeros that fill up what a row reads.

        Returns:
            action (b, w), its log-probability, that of the likeliest other one; keys and values (2 L, b, h, w, e).
        """
        found, now = self.decide(
            rest, answer, length, whole, hidden, base + last, rows, token, look, barred, twin, spare, mode, ended,
            drawn, layers, lambda layer, x, keys, values: walk_read(layer, x, rows, keys, values, blank, ago),
        )  # fmt: skip
        best, places = found[rows].topk(2, 2)
        return places[..., 0], best[..., 0], best[..., 1], torch.stack(now)


def layers_of(net: PathNetwork) -> list[DecoderLayer]:
    """Return the layers of the decoder, as what they are."""
    return [layer for layer in net.decoder if isinstance(layer, DecoderLayer)]


def joined_linear(attention: Attention, rows: Tensor) -> Tensor:
    """Return query, keys and values of rows (r, d), (r, 3 d), by one product."""
    weight = torch.cat([attention.q.weight, attention.kv.weight])
    return F.linear(rows, weight, torch.cat([attention.q.bias, attention.kv.bias]))


def self_read(
    layer: DecoderLayer, x: Tensor, past_keys: Tensor, past_values: Tensor, recency: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what a step (r, d) reads from all steps so far, and their keys and values (r, h, t, e)."""
    attention, d = layer.self_attention, layer.self_attention.q.in_features
    heads = attention.heads
    own = joined_linear(attention, layer.norm_self(x))
    query, own_keys, own_values = torch.split(own.reshape(-1, 3 * heads, 1, d // heads), heads, 1)
    keys, values = torch.cat([past_keys, own_keys], 2), torch.cat([past_values, own_values], 2)
    meet = query @ keys.transpose(2, 3) * (d // heads) ** -0.5 + recency
    return attention.out((meet.softmax(-1) @ values).reshape(-1, d)), keys, values


def walk_read(
    layer: DecoderLayer, x: Tensor, rows: Tensor, past_keys: Tensor, past_values: Tensor, blank: Tensor, ago: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what rows (r, d) read from the rows before and the steps so far, their keys and values (b, h, w, e).

    The past is not copied beside the rows; only their weights stand in one array, which has the length of ``ago``.
    """
    attention, d, w = layer.self_attention, layer.self_attention.q.in_features, rows.shape[1]
    heads = attention.heads
    own = joined_linear(attention, layer.norm_self(x))
    query, own_keys, own_values = torch.split(own.reshape(-1, w, 3 * heads, d // heads).transpose(1, 2), heads, 1)
    query = query * (d // heads) ** -0.5
    meet = torch.cat([query @ own_keys.transpose(2, 3), query @ past_keys, blank], 3) + ago
    share = meet.softmax(-1)
    read = share[..., :GUESSES] @ own_values + share[..., GUESSES:][..., : past_values.shape[2]] @ past_values
    return attention.out(read.transpose(1, 2).reshape(-1, d)), own_keys, own_values


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


PIECES = {"points": "bn", "radii": "bn"}
FREE = {
    "encode": {**PIECES, "joints": "bn", "real": "bn", "script": "b"},
    "step": {
        "rest": "bm", "answer": "b.m", "length": "rm", "whole": "r", "hidden": "r.m", "base": "r", "rows": "bw",
        "spare": "r", "token": "k", "look": "km", "barred": "k.m", "twin": "m", "single": "mm", "recency": "..t",
        "score": "bw", "last": "r", "mode": "r", "ended": "r", "drawn": "rm", "keys": "b..m", "values": "b.m",
        "past_keys": "r.p", "past_values": "r.p",
    },
    "walk": {
        "rest": "bm", "answer": "b.m", "length": "rm", "whole": "r", "hidden": "r.m", "base": "r", "rows": "b.",
        "token": "k", "look": "km", "barred": "k.m", "twin": "m", "spare": "r", "ended": "r", "blank": "b..f",
        "ago": "b..a", "last": "r", "mode": "r", "drawn": "rm", "keys": "b..m", "values": "b.m", "past_keys": "b..p",
        "past_values": "b.p",
    },
    "motion": {"memory": "bm", **PIECES, "steps": "bt", "lifts": "bt", "walked": "bt"},
}  # fmt: skip
"""The axes of each input that are of any length, a dot for one that is not; keys and values are those of each layer."""


def graphs(sizes: Sizes) -> Graphs:
    """Return the graphs of a network of some size, without weights."""
    net = PathNetwork(sizes).eval()
    with torch.no_grad():  # weights that are equal would be taken for one and the same
        for k, parameter in enumerate(net.parameters()):
            parameter.fill_(0.001 * (k + 1))
    encode, step, walk, motion = _examples(sizes)
    layers = sizes.decoder_layers
    traced = {
        "encode": _trace("encode", Encoder(net), encode, (*Encoded._fields[:-1], *pieces_names(layers))),
        "step": _trace("step", Step(net), step, (*Stepped._fields[:-1], *past_names(layers)), "next_"),
        "walk": _trace("walk", Walk(net), walk, Walked._fields),
        "motion": _trace("motion", Motion(net), motion, ("offsets", "slowness")),
    }
    told = json.loads(json.dumps(asdict(sizes)))
    return Graphs(
        told,
        {name: _take_out_weights(model, net) for name, model in traced.items()},
        {name: model.SerializeToString(deterministic=True) for name, model in traced.items()},
    )


def write_graphs(folder: Path) -> None:
    """Write the graphs for the weights in a folder beside them."""
    made = graphs(Sizes(**load_weights(folder, "kalamos").config["sizes"]))
    for name, data in made.data.items():
        write_bytes(folder / f"{name}.onnx", data)
    write_text(folder / INDEX, json.dumps({"sizes": made.sizes, "weights": made.weights}, indent=1) + "\n")


def _examples(sizes: Sizes) -> tuple[dict[str, Tensor], ...]:
    """Return inputs of the right shapes to trace the four graphs with."""
    b, n, t = 2, 3, 4
    d, h, layers = sizes.channels, sizes.heads, sizes.decoder_layers
    m, e = 2 * n, d // h
    flags, whole = torch.ones(b, n, dtype=torch.bool), torch.zeros(b, dtype=torch.long)
    pieces = {
        "points": torch.rand(b, n, POINTS, 2),
        "radii": torch.ones(b, n, POINTS),
    }
    w = 2
    r, k = b * w, b * (m + 1)
    step = {
        "rest": torch.rand(b, m, d), "answer": torch.rand(b, d, m), "length": torch.ones(r, m),
        "whole": torch.ones(r, 1), "hidden": torch.zeros(r, 1, m), "base": torch.zeros(r, dtype=torch.long),
        "rows": torch.arange(r).view(b, w), "token": torch.rand(k, d), "look": torch.rand(k, m, sizes.pair_channels),
        "barred": torch.zeros(k, 2, m), "twin": torch.arange(m), "single": torch.eye(m), "spare": torch.zeros(r, 1),
        "recency": torch.zeros(h, 1, t), "score": torch.zeros(b, w),
        "last": torch.zeros(r, dtype=torch.long), "mode": torch.ones(r, dtype=torch.long),
        "ended": torch.zeros(r, dtype=torch.bool), "drawn": torch.zeros(r, m),
    }  # fmt: skip
    shapes = {
        "keys": (b, h, e, m),
        "values": (b, h, m, e),
        "past_keys": (r, h, t - 1, e),
        "past_values": (r, h, t - 1, e),
    }
    step |= {name: torch.rand(shapes[name.rpartition("_")[0]]) for name in (*pieces_names(layers), *past_names(layers))}
    r, p, f = b * GUESSES, 7, 2
    of_rows = {
        "length": torch.ones(r, m), "whole": torch.ones(r, 1), "hidden": torch.zeros(r, 1, m),
        "base": torch.zeros(r, dtype=torch.long), "rows": torch.arange(r).view(b, GUESSES), "spare": torch.zeros(r, 1),
        "ended": torch.zeros(r, dtype=torch.bool), "last": torch.zeros(r, dtype=torch.long),
        "mode": torch.ones(r, dtype=torch.long), "drawn": torch.zeros(r, m),
        "blank": torch.zeros(b, h, GUESSES, f), "ago": torch.zeros(b, h, GUESSES, GUESSES + p + f),
    }  # fmt: skip
    known = {**step, **of_rows}
    walk = {name: known[name] for name in FREE["walk"] if name in known}
    walk |= {name: step[name] for name in pieces_names(layers)}
    walk |= {name: torch.rand((b, h, e, p) if "keys" in name else (b, h, p, e)) for name in past_names(layers)}
    motion = {
        "memory": torch.rand(b, m, d), **pieces, "steps": torch.zeros(b, t, dtype=torch.long),
        "lifts": torch.zeros(b, t, dtype=torch.bool), "walked": torch.ones(b, t, dtype=torch.bool),
    }  # fmt: skip
    encode = {**pieces, "joints": torch.zeros(b, n, 2, dtype=torch.long), "real": flags, "script": whole}
    return encode, step, walk, motion


def _trace(
    name: str, module: nn.Module, inputs: dict[str, Tensor], outputs: tuple[str, ...], prefix: str = ""
) -> onnx.ModelProto:
    """Return the graph of a module, weights and all."""
    letters = {key: FREE[name].get(key, FREE[name].get(key.rpartition("_")[0], "")) for key in inputs}
    axes = {key: {k: axis for k, axis in enumerate(some) if axis != "."} for key, some in letters.items()}
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the tracer, on numbers that it takes for constants: heads and layers are
        torch.onnx.export(
            module, tuple(inputs.values()), file, input_names=list(inputs),  # type: ignore[arg-type] # takes files too
            output_names=[prefix + key for key in outputs],
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
