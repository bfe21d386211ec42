"""Edge continuity relations and the smoothest path over the whole graph, after Qiao, Nishiara and Yasuhara.

Y. Qiao, M. Nishiara, M. Yasuhara, "A Framework Toward Restoration of Writing Order from Single-Stroked Handwriting
Image", IEEE Trans. PAMI 28(11), 2006. Its three phases are followed:

1. **Even nodes**: which branches continue each other (the edge continuity relation). The paper uses a neural
   network at degree 4 and theorems above; here the relation is the matching of least total bend.
2. **Odd nodes**: double-traced lines are identified by maximum weighted matching, after which every node is even.
   The weights are not in the abstract; ours are in :mod:`kalamos.baselines.doubling`.
3. **Global**: all single-stroke paths that the relations allow are candidates and the smoothest wins. The paper
   measures smoothness by SLALOM; here by the sum of bends. A relation that cuts off a loop is exchanged for the
   next best that does not.

The paper's images hold one stroke. For many strokes a pen-up is one more possibility at each odd node, with a cost;
the matching then finds the number of strokes too.
"""

from __future__ import annotations

import numpy as np

from kalamos.baselines.doubling import Costs, doubled_edges
from kalamos.baselines.speed_models import Velocity
from kalamos.baselines.tracer import Tracer
from kalamos.baselines.walks import Lines, Tracing, absorb_rings, ends_by_node, lines_of, match_copies
from kalamos.skeleton.binarise import Method
from kalamos.skeleton.stroke_graph import StrokeGraph


class Qiao(Tracer):
    """Find double-traced lines and continuities by matching, and walk the graph by them.

    Args:
        method: binarisation.
        velocity: law of the times.
        costs: of pen lifts, turns and retracing.
        joins: whether strokes may still be joined along retraced lines by the rules of the script.
    """

    name = "qiao"

    def __init__(
        self,
        *,
        method: Method = "even",
        velocity: Velocity = "constant",
        costs: Costs | None = None,
        joins: bool = True,
    ) -> None:
        super().__init__(method, velocity, joins=joins)
        self.costs = costs or Costs()

    def decompose(self, graph: StrokeGraph, script: str | None = None) -> Lines:
        """Return the lines of a graph, not yet directed or ordered."""
        edge = np.concatenate([np.arange(graph.n_edges, dtype=np.int32), doubled_edges(graph, self.costs)])
        branch, (ends, offsets) = graph.branches(), ends_by_node(graph, edge)
        partner = match_copies(branch, edge, ends, offsets, self.costs.lift_rad)
        absorb_rings(branch, edge, ends, offsets, partner, 2 * self.costs.lift_rad)
        return lines_of(graph, Tracing(edge, partner))
