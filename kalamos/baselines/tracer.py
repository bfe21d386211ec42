"""What all skeleton tracers share.

Image in, stroke graph, a tracing of it, rules of order and direction, times, ink out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from kalamos.baselines.combine import combine
from kalamos.baselines.speed_models import Velocity, with_times
from kalamos.baselines.walks import Lines
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.skeleton.binarise import Method
from kalamos.skeleton.from_image import skeleton
from kalamos.skeleton.stroke_graph import StrokeGraph

MOST_EDGES = 20_000
"""Edges, or dots, above which nothing is decided: a page of handwriting has a few thousand, so it is noise."""
MOST_BRANCHES = 64
"""Ends of edges at one node above which nothing is decided either: no pen crosses a place so often, a texture does."""


class SkeletonMethod(ABC):
    """A method that recovers ink from a stroke graph.

    Attributes:
        method: binarisation.
        velocity: law of the times.
    """

    def __init__(self, method: Method, velocity: Velocity) -> None:
        self.method, self.velocity = method, velocity

    @abstractmethod
    def ink_of(self, graph: StrokeGraph, script: str | None) -> Ink:
        """Return the ink of a graph, without times."""

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        """Return one ink an image, in pixels, with times."""
        return [self._one(image) for image in images]

    def _one(self, image: OfflineImage) -> Ink:
        graph = skeleton(image.pixels, self.method)
        if is_texture(graph):
            return with_times(as_found(graph), self.velocity)
        return with_times(self.ink_of(graph, image.script), self.velocity)


class Tracer(SkeletonMethod):
    """A method that takes a stroke graph apart into lines; the rules of the script do the rest.

    Attributes:
        joins: whether strokes may still be joined along retraced lines by the rules of the script.
    """

    def __init__(self, method: Method, velocity: Velocity, *, joins: bool = True) -> None:
        super().__init__(method, velocity)
        self.joins = joins

    @abstractmethod
    def decompose(self, graph: StrokeGraph, script: str | None = None) -> Lines:
        """Return the lines of a graph, not yet directed or ordered."""

    def ink_of(self, graph: StrokeGraph, script: str | None) -> Ink:
        """Return the ink of a graph, without times."""
        return combine(self.decompose(graph, script), script, touch_px=touch_px(graph), joins=self.joins)


def is_texture(graph: StrokeGraph) -> bool:
    """Say whether a graph is beyond all handwriting, by its number of edges, of dots, or of branches at one node."""
    if max(graph.n_edges, len(graph.dots())) > MOST_EDGES:
        return True
    return bool(graph.n_edges) and int(np.bincount(graph.edge_nodes.ravel()).max()) > MOST_BRANCHES


def as_found(graph: StrokeGraph) -> Ink:
    """Return each edge as a stroke, in the order in which edges were found: from the top down; dots come last."""
    dots = graph.node_xy[graph.dots()]
    ends = graph.edge_offsets[-1] + np.arange(1, len(dots) + 1)
    xy, offsets = np.concatenate([graph.points, dots]), np.concatenate([graph.edge_offsets, ends])
    return Ink(xy.astype(np.float32), offsets.astype(np.int32))


def touch_px(graph: StrokeGraph) -> float:
    """Return how near to another stroke's path a stroke has to end to touch it.

    Three quarters of a pixel over the radius.
    """
    return max(1.5, graph.radius + 0.75)
