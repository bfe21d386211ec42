"""The search for the likeliest path over the pieces of one image, compiled: the decoder's side of the forward pass.

A beam search over the actions of :mod:`kalamos.models.kalamos.network`: go on over a joined piece, lift and start
anywhere, end. The paths that are kept go through the decoder side by side, so that its weights are read once for all.

Shapes: n pieces, m = 2 n directed pieces, k paths, t steps, d channels, h heads.
"""

# mypy: disable-error-code="no-any-return"
# (calls of compiled functions are Any)

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from kalamos.machinery.arrays import Bools, Floats32, Ints, Ints32
from kalamos.models.kalamos.forward import (
    add,
    bent,
    dense,
    directed,
    encode,
    feed,
    motion,
    motion_features,
    normed,
    read,
    split,
    squash,
)  # fmt: skip
from kalamos.models.kalamos.parameters import (
    AMOUNT,
    ANSWER,
    ASK,
    BOTH,
    DECODED,
    DECODER_ROWS,
    END,
    MODE,
    N_STEP,
    NORM,
    OUT,
    QUERY,
    RECENCY,
    REST,
    STEP_IN,
    STEP_MID,
    STEP_OUT,
    TOKEN,
    Net,
)  # fmt: skip

STEPS_A_PIECE = 2
SPARE_STEPS = 8
"""A path is cut at so many steps."""
MOST_PASSES = 4
"""A piece is drawn this often at most, so that no path goes round for ever on ink unlike any trained on."""
DECODER_STRIDE = len(DECODER_ROWS)


class Replies(NamedTuple):
    """What directed pieces reply to the decoder, the same for all paths: L layers.

    Attributes:
        keys: float32 ``(L, d, m)``, of the attention to the pieces.
        values: float32 ``(L, m, d)``.
        answer: float32 ``(d, m)``, by which the actions are scored.
    """

    keys: Floats32
    values: Floats32
    answer: Floats32


class Paths(NamedTuple):
    """The paths that a search keeps, each in a slot of its own: w slots, L layers of the decoder.

    Attributes:
        steps: int64 ``(w, limit + 1)``, directed pieces from place 1 on; -1 at place 0, before the first.
        lifts: bool ``(w, limit + 1)``, True where the pen was lifted before.
        drawn: float32 ``(w, m)``, how often each directed piece was drawn.
        score: float32 ``(w,)``, log-probability so far.
        ended: int64 ``(w,)``, steps of a path that has ended, -1 of others.
        keys: float32 ``(w, L, d, limit)``, of the decoder's attention to earlier steps.
        values: float32 ``(w, L, limit, d)``.
    """

    steps: Ints
    lifts: Bools
    drawn: Floats32
    score: Floats32
    ended: Ints
    keys: Floats32
    values: Floats32


@nb.njit(cache=True, error_model="numpy", nogil=True)
def step_features(geo: Floats32, ends: Ints32, last: int, drawn: Floats32) -> Floats32:
    """Return how each directed piece lies to the pen after piece ``last`` (-1: none), ``network.step_features``."""
    m = len(geo)
    x = np.zeros((m, N_STEP), np.float32)
    for j in range(m):
        if last >= 0:
            for at in range(0, 4, 2):
                dx, dy = geo[j, at] - geo[last, 2], geo[j, at + 1] - geo[last, 3]
                x[j, at + at // 2], x[j, at + at // 2 + 1] = squash(dx), squash(dy)
                if at == 0:
                    x[j, 2] = squash(np.hypot(dx, dy))
            x[j, 5] = geo[last, 6] * geo[j, 4] + geo[last, 7] * geo[j, 5]
            x[j, 6] = geo[last, 6] * geo[j, 5] - geo[last, 7] * geo[j, 4]
            if ends[j, 0] == ends[last, 1]:
                x[j, 7], x[j, 8] = 1.0, x[j, 5]
            x[j, 9] = 1.0 if j == last ^ 1 else 0.0
            x[j, 16] = 1.0
        x[j, 10], x[j, 11] = min(drawn[j], np.float32(2.0)), min(drawn[j ^ 1], np.float32(2.0))
        x[j, 12] = 1.0 if drawn[j] + drawn[j ^ 1] > 0 else 0.0
        x[j, 13], x[j, 14], x[j, 15] = geo[j, 8] / 8.0, geo[j, 4], geo[j, 5]
    return x


@nb.njit(cache=True, error_model="numpy", nogil=True)
def tokens(memory: Floats32, geo: Floats32, last: Ints, lifted: Bools, drawn: Floats32, net: Net) -> Floats32:
    """Return the decoder's input (k, d) of k paths: the piece just drawn, and what is left to draw."""
    k, m, d = len(last), len(memory), memory.shape[1]
    rest, piece, amount = np.zeros((k, d), np.float32), np.zeros((k, d), np.float32), np.empty((k, 3), np.float32)
    for i in range(k):
        share, whole, count = 0.0, 0.0, 0
        for j in range(m):
            length = max(geo[j, 8], np.float32(1.0))
            whole += length
            if drawn[i, j] + drawn[i, j ^ 1] == 0:
                share += length
                count += 1
                for c in range(d):
                    rest[i, c] += length * memory[j, c]
        for c in range(d):
            rest[i, c] /= max(share, 1.0)
            if last[i] >= 0:
                piece[i, c] = memory[last[i], c]
        amount[i, 0], amount[i, 1], amount[i, 2] = share / whole, squash(share), count / 16.0
    x = dense(piece, net, TOKEN)
    add(x, dense(rest, net, REST))
    add(x, dense(amount, net, AMOUNT))
    for i in range(k):
        at = net.table[MODE, 0] + (0 if last[i] < 0 else 2 if lifted[i] else 1) * d
        for c in range(d):
            x[i, c] += net.values[at + c]
    return x


@nb.njit(cache=True, error_model="numpy", nogil=True)
def decode_step(
    x: Floats32, t: int, paths: Paths, slots: Ints, recency: Floats32, replies: Replies, bias: Floats32, net: Net
) -> None:
    """Decode step t of k paths, ``x`` (k, d), in place.

    Keys and values of the step go to the paths' slots; those of the pieces are read with ``bias`` (k, h, m).
    """
    k, d = x.shape
    found = np.empty((k, d), np.float32)
    for layer in range(len(replies.keys)):
        row = net.decoder + layer * DECODER_STRIDE
        y = normed(x, net, row + NORM)
        both, query = dense(y, net, row + BOTH), dense(y, net, row + QUERY)
        for i in range(k):
            keys, values = paths.keys[slots[i], layer], paths.values[slots[i], layer]
            for c in range(d):
                keys[c, t], values[t, c] = both[i, c], both[i, d + c]
            read(query[i], keys, values, recency, t + 1, found[i])
        add(x, dense(found, net, row + OUT))
        far = row + OUT + 1
        query = dense(normed(x, net, far + NORM), net, far + QUERY)
        for i in range(k):
            read(query[i], replies.keys[layer], replies.values[layer], bias[i], bias.shape[2], found[i])
        add(x, dense(found, net, far + OUT))
        feed(x, net, far + OUT + 1)


@nb.njit(cache=True, error_model="numpy", nogil=True)
def weigh(
    asks: Floats32,
    end: float,
    answer: Floats32,
    local: Floats32,
    ends: Ints32,
    last: int,
    drawn: Floats32,
    found: Floats32,
) -> None:
    """Write the log-probability of every action of a path into ``found`` (2 m + 1,).

    Action j goes on over a joined piece, m + j lifts and starts there, 2 m ends what was begun; -inf where it cannot be
    taken.
    """
    m, d = len(local), len(answer)
    found[:] = 0.0
    on, lift = found[:m], found[m : 2 * m]
    for c in range(d):
        a, b = asks[c], asks[d + c]
        for j in range(m):
            on[j] += a * answer[c, j]
            lift[j] += b * answer[c, j]
    share, nothing, top = np.float32(1.0 / np.sqrt(d)), np.float32(-np.inf), end
    for j in range(m):
        joined = last >= 0 and ends[j, 0] == ends[last, 1]
        on[j] = on[j] * share + local[j, 0] if joined else nothing
        lift[j] = lift[j] * share + local[j, 1]
        top = max(top, on[j], lift[j])
    total = np.exp(end - top)
    for j in range(m):
        total += np.exp(lift[j] - top)
        if on[j] > nothing:
            total += np.exp(on[j] - top)
    total = top + np.log(total)
    for j in range(m):
        spent = drawn[j] + drawn[j ^ 1] >= MOST_PASSES
        on[j], lift[j] = (nothing, nothing) if spent else (on[j] - total, lift[j] - total)
    found[2 * m] = end - total if last >= 0 else nothing


@nb.njit(cache=True, error_model="numpy", nogil=True)
def replies_of(memory: Floats32, net: Net) -> Replies:
    """Return what directed pieces (m, d) reply to the decoder."""
    m, d = memory.shape
    layers = (net.motion - net.decoder) // DECODER_STRIDE
    keys, values = np.empty((layers, d, m), np.float32), np.empty((layers, m, d), np.float32)
    for layer in range(layers):
        row = net.decoder + layer * DECODER_STRIDE + OUT + 1 + BOTH
        split(dense(memory, net, row), keys[layer], values[layer])
    return Replies(keys, values, np.ascontiguousarray(dense(memory, net, ANSWER).T))


@nb.njit(cache=True, error_model="numpy", nogil=True)
def look_around(geo: Floats32, ends: Ints32, last: Ints, drawn: Floats32, net: Net) -> Floats32:
    """Return what each of k paths sees in each directed piece, (k, m, 2 + h): two scores, and the heads' biases."""
    k, m = drawn.shape
    features = np.empty((k * m, N_STEP), np.float32)
    for i in range(k):
        features[i * m : (i + 1) * m] = step_features(geo, ends, last[i], drawn[i])
    local = dense(bent(bent(features, net, STEP_IN), net, STEP_MID), net, STEP_OUT)
    return local.reshape(k, m, local.shape[1])


@nb.njit(cache=True, error_model="numpy", nogil=True)
def highest(scores: Floats32, width: int) -> Ints:
    """Return the places of the ``width`` highest of ``scores`` (n,), highest first; none that is -inf."""
    left, taken = scores.copy(), np.empty(width, np.int64)
    for count in range(width):
        best, value = -1, np.float32(-np.inf)
        for j in range(len(left)):
            if left[j] > value:
                best, value = j, left[j]
        if best < 0:
            return taken[:count]
        taken[count], left[best] = best, -np.inf
    return taken


@nb.njit(cache=True, error_model="numpy", nogil=True)
def branch(paths: Paths, parents: Ints, t: int) -> Ints:
    """Return the slot of each continuation of ``parents`` (slots, one for each continuation) at step t.

    The first of a parent stays, others get a copy of all so far in a slot that no continuation needs.
    """
    slots, free = parents.copy(), np.ones(len(paths.score), np.bool_)
    free[parents] = False
    for i in range(len(parents)):
        for before in parents[:i]:
            if before == parents[i]:
                slots[i] = np.argmax(free)
                free[slots[i]] = False
                paths.steps[slots[i], : t + 1] = paths.steps[before, : t + 1]
                paths.lifts[slots[i], : t + 1] = paths.lifts[before, : t + 1]
                paths.drawn[slots[i]] = paths.drawn[before]
                paths.keys[slots[i], :, :, : t + 1] = paths.keys[before, :, :, : t + 1]
                paths.values[slots[i], :, : t + 1] = paths.values[before, :, : t + 1]
                break
    return slots


@nb.njit(cache=True, error_model="numpy", nogil=True)
def advance(paths: Paths, slots: Ints, found: Floats32, chosen: Ints, t: int) -> Ints:
    """Take the ``chosen`` actions at step t; return the slots of the paths that go on, likeliest first.

    ``found`` (k (2 m + 1) + w,) holds the log-probabilities of all continuations: those of the paths in ``slots``
    (k,), then those of the ended paths in all slots, which stay as they are.
    """
    k, m = len(slots), paths.drawn.shape[1]
    actions = 2 * m + 1
    parents = np.empty(len(chosen), np.int64)
    for i in range(len(chosen)):
        ended = chosen[i] >= k * actions
        parents[i] = chosen[i] - k * actions if ended else slots[chosen[i] // actions]
    at, going, count = branch(paths, parents, t), np.empty(len(chosen), np.int64), 0
    for i in range(len(chosen)):
        if chosen[i] >= k * actions:
            continue
        slot, action = at[i], chosen[i] % actions
        paths.score[slot], paths.ended[slot] = found[chosen[i]], t if action == 2 * m else -1
        if action < 2 * m:
            paths.steps[slot, t + 1], paths.lifts[slot, t + 1] = action % m, action >= m
            paths.drawn[slot, action % m] += 1
            going[count] = slot
            count += 1
    for slot in range(len(paths.score)):
        if paths.ended[slot] >= 0 and not (at == slot).any():
            paths.ended[slot] = -1
    return going[:count]


@nb.njit(cache=True, error_model="numpy", nogil=True)
def search(
    memory: Floats32, replies: Replies, geo: Floats32, ends: Ints32, width: int, net: Net
) -> tuple[Ints, Bools, float]:
    """Return the likeliest path that a search finds which keeps ``width`` paths, and its log-probability.

    The path is directed pieces (t,) and lifts before them (t,). With one path kept, that is the likeliest action each
    time. A path that has not ended within the limit is cut there.
    """
    m, d = memory.shape
    limit, layers = STEPS_A_PIECE * (m // 2) + SPARE_STEPS, len(replies.keys)
    paths = Paths(
        np.full((width, limit + 1), -1), np.zeros((width, limit + 1), np.bool_), np.zeros((width, m), np.float32),
        np.zeros(width, np.float32), np.full(width, -1), np.empty((width, layers, d, limit), np.float32),
        np.empty((width, layers, limit, d), np.float32),
    )  # fmt: skip
    recency, back = np.empty((net.heads, limit), np.float32), net.table[RECENCY, 2]
    slots, actions = np.zeros(1, np.int64), 2 * m + 1
    for t in range(limit):
        k = len(slots)
        last, lifted, drawn = paths.steps[slots, t], paths.lifts[slots, t], paths.drawn[slots]
        local = look_around(geo, ends, last, drawn, net)
        bias = np.ascontiguousarray(local[:, :, 2:].transpose(0, 2, 1))
        for h in range(net.heads):
            for j in range(t + 1):
                recency[h, j] = net.values[net.table[RECENCY, 0] + h * back + min(t - j, back - 1)]
        x = tokens(memory, geo, last, lifted, drawn, net)
        decode_step(x, t, paths, slots, recency, replies, bias, net)
        x = normed(x, net, DECODED)
        asks, end = dense(x, net, ASK), dense(x, net, END)
        found = np.empty(k * actions + width, np.float32)
        for i in range(k):
            part = found[i * actions : (i + 1) * actions]
            weigh(asks[i], end[i, 0], replies.answer, local[i], ends, last[i], drawn[i], part)
            part += paths.score[slots[i]]
        for slot in range(width):
            found[k * actions + slot] = paths.score[slot] if paths.ended[slot] >= 0 else np.float32(-np.inf)
        chosen = highest(found, width)
        best = chosen[0]
        if best >= k * actions or best % actions == 2 * m:
            slot = best - k * actions if best >= k * actions else slots[best // actions]
            length = paths.ended[slot] if best >= k * actions else t
            return paths.steps[slot, 1 : length + 1].copy(), paths.lifts[slot, 1 : length + 1].copy(), found[best]
        slots = advance(paths, slots, found, chosen, t)
    return paths.steps[slots[0], 1:].copy(), paths.lifts[slots[0], 1:].copy(), paths.score[slots[0]]


@nb.njit(cache=True, error_model="numpy", nogil=True)
def recover_path(
    points: Floats32, radii: Floats32, joints: Ints32, width: int, net: Net
) -> tuple[Ints, Bools, Floats32, Floats32]:
    """Return a likely path over pieces, and its motion.

    The path of the likeliest action each time is kept where its probability is above one half, since no other can have
    more then; else ``width`` paths are kept in the search.

    Args:
        points: ``(n, POINTS, 2)``, n at least 1; this and the next two are the fields of ``Pieces``.
        radii: ``(n, POINTS)``.
        joints: ``(n, 2)``.
        width: paths that a search keeps.
        net: the weights.

    Returns:
        steps (t,) directed pieces, lifts (t,) before them, offsets (t, POINTS, 2) px, log slowness (t, POINTS - 1).
    """
    memory = encode(points, radii, joints, net)
    geo, ends = directed(points, joints)
    replies = replies_of(memory, net)
    steps, lifts, log_p = search(memory, replies, geo, ends, 1, net)
    if width > 1 and log_p < np.log(0.5):
        steps, lifts, _ = search(memory, replies, geo, ends, width, net)
    offsets, slowness = motion(memory, motion_features(points, radii, geo, steps, lifts), steps, net)
    return steps, lifts, offsets, slowness
