"""Good continuation: at each junction the branches that bend least are one stroke.

The rule under most skeleton tracers since S. Lee and J. Pan, "Offline tracing and representation of signatures",
IEEE Trans. SMC 22 (1992), and the control of many later papers. Branches are paired by a maximum-weight matching at
each junction alone; no line is drawn twice in this phase. Order, direction and joins along retraced lines are left
to :mod:`kalamos.baselines.combine`.

Decided here: a pair may bend by ``2 * lift_rad`` at most; closed loops that the matching cuts off are opened into
the stroke that crosses them where that bends less than a pen-up and a pen-down cost.
"""

from __future__ import annotations

import numpy as np

from kalamos.baselines.speed_models import Velocity
from kalamos.baselines.tracer import Tracer
from kalamos.baselines.walks import Lines, Tracing, absorb_rings, ends_by_node, lines_of, match_copies
from kalamos.skeleton.binarise import Method
from kalamos.skeleton.stroke_graph import StrokeGraph


class GoodContinuation(Tracer):
    """Trace a skeleton by local smoothness.

    Args:
        method: binarisation.
        velocity: law of the times.
        lift_rad: what a pen-up or a pen-down costs, in radians of bend.
    """

    name = "good-continuation"

    def __init__(self, *, method: Method = "even", velocity: Velocity = "constant", lift_rad: float = 0.6) -> None:
        super().__init__(method, velocity)
        self.lift_rad = lift_rad

    def decompose(self, graph: StrokeGraph, script: str | None = None) -> Lines:
        """Return the lines of a graph, not yet directed or ordered."""
        edge = np.arange(graph.n_edges, dtype=np.int32)
        branch, (ends, offsets) = graph.branches(), ends_by_node(graph, edge)
        partner = match_copies(branch, edge, ends, offsets, self.lift_rad)
        absorb_rings(branch, edge, ends, offsets, partner, 2 * self.lift_rad)
        return lines_of(graph, Tracing(edge, partner))
