"""Genetic search over the order and direction of segments, after Elbaati et al.

A. Elbaati, M. Kherallah, A. Ennaji, A. M. Alimi, "Temporal Order Recovery of the Scanned Handwriting", ICDAR 2009.
The skeleton is cut into segments at its ends, crossings and turning points; a genetic algorithm looks for the order
and the directions of the segments that a hand would take: short ways between them, small changes of direction, and
the course of the script (from right to left in Arabic).

Left open in the abstract and decided so: segments are the edges of the stroke graph. A chromosome is a permutation
and a direction for each segment. The cost of one is the sum over neighbours of the bend, in radians, where they
share a node, or of ``lift_rad`` plus the distance in ink sizes where they do not, and over all segments of the way
made against the course of the script or upwards, in ink sizes, weighted by ``against``. Selection is by tournament
of three; order crossover; mutation by turning a run of segments round or by moving one; the best two survive. The
population starts from the greedy tour of :mod:`kalamos.baselines.jaeger` and random ones. The random numbers depend
on ``seed`` and the image only.

This is the slow one: about POPULATION x GENERATIONS evaluations an image.
"""

from __future__ import annotations

import hashlib

import numpy as np

from kalamos.baselines.speed_models import Velocity
from kalamos.baselines.tours import StepCosts, both_ends, inserted, join_along, steps_between, tour_cost
from kalamos.baselines.tracer import Tracer
from kalamos.baselines.walks import Lines, Tracing, lines_of
from kalamos.machinery.arrays import Floats, Ints
from kalamos.machinery.kernels import inner, kernel
from kalamos.machinery.seeding import rng_for
from kalamos.scripts import direction_of
from kalamos.skeleton.binarise import Method
from kalamos.skeleton.stroke_graph import StrokeGraph

POPULATION, GENERATIONS, MOST_SEGMENTS = 40, 80, 80
"""Size of the population, number of generations, and segments that one search takes at most."""


class Elbaati(Tracer):
    """Search order and direction of segments with a genetic algorithm.

    Args:
        method: binarisation.
        velocity: law of the times.
        lift_rad: cost of a pen lift, in radians of bend.
        against: cost of an ink size drawn upwards or against the script.
        seed: of the random numbers.
        joins: whether strokes may still be joined along retraced lines by the rules of the script.
    """

    name = "elbaati"

    def __init__(
        self,
        *,
        method: Method = "even",
        velocity: Velocity = "constant",
        lift_rad: float = 1.2,
        against: float = 0.5,
        seed: int = 0,
        joins: bool = True,
    ) -> None:
        super().__init__(method, velocity, joins=joins)
        self.lift_rad, self.against, self.seed = lift_rad, against, seed

    def decompose(self, graph: StrokeGraph, script: str | None = None) -> Lines:
        """Return the lines of a graph, not yet directed or ordered as strokes."""
        partner = np.full(2 * graph.n_edges, -1, np.int32)
        branch, size = graph.branches(), graph.size
        side = direction_of(script)
        rng = rng_for(self.seed, "elbaati", hashlib.blake2b(graph.owner.tobytes(), digest_size=8).hexdigest())
        order: Ints = np.argsort(side * graph.points[graph.edge_offsets[:-1], 0], kind="stable")
        for start in range(0, graph.n_edges, MOST_SEGMENTS):
            part = np.asarray(order[start : start + MOST_SEGMENTS], np.int64)
            ends = both_ends(part)
            step, joined = steps_between(graph, branch, ends, size, StepCosts(self.lift_rad))
            draw = self._against(graph, ends, side, size)
            tour = evolve(step, draw, rng, POPULATION, GENERATIONS) if len(part) > 1 else np.zeros(1, np.int64)
            join_along(tour, ends, joined, partner)
        return lines_of(graph, Tracing(np.arange(graph.n_edges, dtype=np.int32), partner))

    def _against(self, graph: StrokeGraph, ends: Ints, side: float, size: float) -> Floats:
        """Return what each variant costs for going upwards or against the script, ``(v,)``."""
        nodes = graph.edge_nodes.ravel()
        way = (graph.node_xy[nodes[ends ^ 1]] - graph.node_xy[nodes[ends]]) / size
        draw: Floats = self.against * (np.maximum(-side * way[:, 0], 0) + np.maximum(-way[:, 1], 0))
        return draw


@inner
def _cost(step: Floats, draw: Floats, tour: Ints) -> float:
    total = tour_cost(step, tour)
    for v in tour:
        total += draw[v]
    return float(total)


@kernel
def evolve(step: Floats, draw: Floats, rng: np.random.Generator, population: int, generations: int) -> Ints:
    """Return the cheapest chromosome met: variants 2 k and 2 k + 1 are the two directions of segment k.

    Args:
        step: ``(2 n, 2 n)``, cost from one variant to the next.
        draw: ``(2 n,)``, cost of a variant.
        rng: random numbers.
        population: chromosomes.
        generations: how often they are renewed.
    """
    n = len(step) // 2
    pool, cost = np.empty((population, n), np.int64), np.empty(population)
    pool[0] = inserted(step)
    pool[1] = pool[0][::-1] ^ 1
    for k in range(2, population):
        pool[k] = np.arange(n)
        for i in range(n - 1, 0, -1):
            j = int(rng.random() * (i + 1))
            pool[k, i], pool[k, j] = pool[k, j], pool[k, i]
        for i in range(n):
            pool[k, i] = 2 * pool[k, i] + (rng.random() < 0.5)
    for k in range(population):
        cost[k] = _cost(step, draw, pool[k])
    for _ in range(generations):
        rank = np.argsort(cost, kind="mergesort")
        children, new_cost = np.empty_like(pool), np.empty_like(cost)
        for k in range(2):
            children[k], new_cost[k] = pool[rank[k]], cost[rank[k]]
        for k in range(2, population):
            mother, father = _winner(cost, rng), _winner(cost, rng)
            child = _crossed(pool[mother], pool[father], rng)
            _mutate(child, rng)
            children[k], new_cost[k] = child, _cost(step, draw, child)
        pool, cost = children, new_cost
    best: Ints = pool[np.argmin(cost)]
    return best


@inner
def _winner(cost: Floats, rng: np.random.Generator) -> int:
    best = int(rng.random() * len(cost))
    for _ in range(2):
        other = int(rng.random() * len(cost))
        if cost[other] < cost[best]:
            best = other
    return best


@inner
def _crossed(mother: Ints, father: Ints, rng: np.random.Generator) -> Ints:
    """Order crossover: a run of the mother in its place, the rest in the father's order and directions."""
    n = len(mother)
    a, b = int(rng.random() * n), int(rng.random() * n)
    a, b = min(a, b), max(a, b)
    taken = np.zeros(n, np.bool_)
    child = np.empty(n, np.int64)
    for k in range(a, b + 1):
        child[k] = mother[k]
        taken[mother[k] // 2] = True
    at = 0
    for v in father:
        if taken[v // 2]:
            continue
        if at == a:
            at = b + 1
        child[at] = v
        at += 1
    return child


@inner
def _mutate(child: Ints, rng: np.random.Generator) -> None:
    """Turn a run round, or move one segment, or neither; in place."""
    n = len(child)
    kind = rng.random()
    a, b = int(rng.random() * n), int(rng.random() * n)
    if kind < 0.4:
        a, b = min(a, b), max(a, b)
        child[a : b + 1] = child[a : b + 1][::-1].copy() ^ 1
    elif kind < 0.7:
        v = child[a]
        while a < b:
            child[a] = child[a + 1]
            a += 1
        while a > b:
            child[a] = child[a - 1]
            a -= 1
        child[b] = v ^ (rng.random() < 0.5)
