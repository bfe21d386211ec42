"""Good continuation: at each junction the branches that bend least are one stroke."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kalamos.baselines.binarise import Method
from kalamos.baselines.combine import combine
from kalamos.baselines.kinematics import with_times
from kalamos.baselines.skeleton import skeleton
from kalamos.baselines.walks import draw, follow, match_all
from kalamos.image import OfflineImage
from kalamos.ink import Ink


class GoodContinuation:
    """Trace a skeleton by local smoothness."""

    name = "good-continuation"

    def __init__(self, *, method: Method = "otsu", velocity: str = "constant", lift_rad: float = 0.6) -> None:
        self.method, self.velocity, self.lift_rad = method, velocity, lift_rad

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        """Return one ink an image."""
        return [self._one(image) for image in images]

    def _one(self, image: OfflineImage) -> Ink:
        graph = skeleton(image.pixels, self.method)
        ends, offsets = graph.ends()
        walk, walk_offsets = follow(match_all(graph.branches(), ends, offsets, self.lift_rad))
        walks = np.split(walk, walk_offsets[1:-1]) if len(walk) else []
        strokes = [draw(graph, w.tolist()) for w in walks]
        closed = [graph.is_closed(w.tolist()) for w in walks]
        dots = graph.dots()
        strokes += [graph.node_xy[[k]] for k in dots]
        ink = combine(strokes, np.array(closed + [False] * len(dots), bool), image.script, touch_px=max(1.5, graph.radius + 0.75))
        return with_times(ink, self.velocity)
