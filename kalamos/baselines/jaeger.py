"""The cheapest tour of all branches: length and curvature minimised over the whole drawing, after Jäger.

S. Jäger, "Recovering writing traces in off-line handwriting recognition: using a global optimization technique",
ICPR 1996; the same view, with a cost learnt from online data, in K. K. Lau, P. C. Yuen and Y. Y. Tang (ICDAR 2003).
The pieces between junctions are the cities of a travelling salesman who has to visit each once, in either
direction; going from piece to piece costs the way in the air and the change of direction.

Left open in the abstracts and decided so: the cost of going from the end of one piece to the start of the next is
``lift_rad + per_length * distance / size`` where the two do not share a node, and the bend in radians, times
``per_bend``, where they do, at most the cost of a lift at the same place. Beginning and ending a tour costs
nothing. Each connected component is one tour. Exact (Held and Karp's dynamic programming over sets) up to EXACT
pieces; above, every piece is inserted where it costs least, and the tour improved by moving and turning runs of
pieces until nothing helps (Or's and Croes' exchanges), for at most SWEEPS sweeps. Where a tour jumps, the pen is
lifted.
"""

from __future__ import annotations

import numpy as np

from kalamos.baselines.ordering import best_exact
from kalamos.baselines.speed_models import Velocity
from kalamos.baselines.tours import StepCosts, both_ends, inserted, join_along, steps_between, tour_cost
from kalamos.baselines.tracer import Tracer
from kalamos.baselines.walks import Lines, Tracing, lines_of
from kalamos.machinery.arrays import Floats, Ints
from kalamos.machinery.kernels import kernel
from kalamos.skeleton.binarise import Method
from kalamos.skeleton.stroke_graph import StrokeGraph

EXACT, SWEEPS, MOST_PIECES = 8, 20, 150
"""Pieces up to which the tour is exact; sweeps of the exchanges; pieces above which a component keeps local pairs."""


class Jaeger(Tracer):
    """Find the tour of least length and curvature through the pieces of each component.

    Args:
        method: binarisation.
        velocity: law of the times.
        lift_rad: cost of a pen lift, in radians of bend.
        per_length: cost of a way in the air as long as the ink is large.
        per_bend: cost of a radian of bend.
        joins: whether strokes may still be joined along retraced lines by the rules of the script.
    """

    name = "jaeger"

    def __init__(
        self,
        *,
        method: Method = "even",
        velocity: Velocity = "constant",
        lift_rad: float = 1.2,
        per_length: float = 1.0,
        per_bend: float = 1.0,
        joins: bool = True,
    ) -> None:
        super().__init__(method, velocity, joins=joins)
        self.lift_rad, self.per_length, self.per_bend = lift_rad, per_length, per_bend

    def decompose(self, graph: StrokeGraph, script: str | None = None) -> Lines:
        """Return the lines of a graph, not yet directed or ordered."""
        partner = np.full(2 * graph.n_edges, -1, np.int32)
        branch, size = graph.branches(), graph.size
        costs = StepCosts(self.lift_rad, self.per_length, self.per_bend)
        home = graph.node_component[graph.edge_nodes[:, 0]] if graph.n_edges else np.empty(0, np.int32)
        order = np.argsort(home, kind="stable")
        for pieces in np.split(order, np.flatnonzero(np.diff(home[order])) + 1) if graph.n_edges else []:
            ends = both_ends(pieces)
            for part in np.split(ends, range(2 * MOST_PIECES, len(ends), 2 * MOST_PIECES)):
                step, joined = steps_between(graph, branch, part, size, costs)
                join_along(_tour(step), part, joined, partner)
        return lines_of(graph, Tracing(np.arange(graph.n_edges, dtype=np.int32), partner))


def _tour(step: Floats) -> Ints:
    """Return the variants of the cheapest tour found; variants 2 k and 2 k + 1 are the two directions of piece k."""
    n = len(step) // 2
    if n <= EXACT:
        nothing = np.zeros(2 * n)
        return best_exact(np.arange(2 * n) // 2, n, nothing, nothing, nothing, step, np.zeros((n, n)))
    return _improve(step, SWEEPS)


@kernel
def _improve(step: Floats, sweeps: int) -> Ints:
    """Return the tour of :func:`inserted`, improved as long as a sweep makes it cheaper.

    A sweep turns runs round, and moves runs of up to three pieces elsewhere in either direction.
    """
    tour = inserted(step)
    n = len(tour)
    for _ in range(sweeps):
        better = False
        for i in range(n):
            for j in range(i, n):
                old = step[tour[i - 1], tour[i]] if i > 0 else 0.0
                old += step[tour[j], tour[j + 1]] if j < n - 1 else 0.0
                new = step[tour[i - 1], tour[j] ^ 1] if i > 0 else 0.0
                new += step[tour[i] ^ 1, tour[j + 1]] if j < n - 1 else 0.0
                for k in range(i, j):
                    old += step[tour[k], tour[k + 1]]
                    new += step[tour[k + 1] ^ 1, tour[k] ^ 1]
                if new < old - 1e-9:
                    tour[i : j + 1] = tour[i : j + 1][::-1].copy() ^ 1
                    better = True
        for size in range(1, 4):
            for i in range(n - size + 1):
                run = tour[i : i + size].copy()
                rest = np.concatenate((tour[:i], tour[i + size :]))
                best, place, turned = tour_cost(step, tour) - 1e-9, -1, False
                base = tour_cost(step, rest)
                for at in range(len(rest) + 1):
                    for way in range(2):
                        part = run if way == 0 else run[::-1] ^ 1
                        cost = base + tour_cost(step, part)
                        if at > 0:
                            cost += step[rest[at - 1], part[0]]
                        if at < len(rest):
                            cost += step[part[-1], rest[at]]
                        if 0 < at < len(rest):
                            cost -= step[rest[at - 1], rest[at]]
                        if cost < best:
                            best, place, turned = cost, at, way == 1
                if place >= 0 and not (place == i and not turned):
                    part = run[::-1].copy() ^ 1 if turned else run
                    tour = np.concatenate((rest[:place], part, rest[place:]))
                    better = True
        if not better:
            break
    return tour
