"""``kalamos+writer``: ``kalamos`` for many images of one hand, whose paths are chosen together.

The network lists the likely paths of every image; then those gain that agree with the other images of the hand
(:mod:`kalamos.models.kalamos.habit`). What one image shows clearly helps where another is in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence

from kalamos.image import OfflineImage
from kalamos.models.kalamos.habit import agreement, marks_of, reranked
from kalamos.models.kalamos.kalamos import Kalamos, Scene, assemble
from kalamos.recovery import Recovery

LISTED = 8
"""Paths of each image among which the hand chooses."""


class KalamosWriter(Kalamos):
    """For many images of one hand (a page, a form, a signature book): `kalamos`, its paths chosen by the hand's habits.

    Images that come without their group (:meth:`recover`) are answered as ``kalamos`` does.

    Args:
        weights: a folder of weights of ``kalamos``, or None for the shipped ones.
        beams: as of ``kalamos``, where an image comes alone.
        looks: as of ``kalamos``.

    Raises:
        ModelError: where the weights cannot be used, or ``beams`` or ``looks`` is no such number.
    """

    name = "kalamos+writer"

    def recover_many(self, groups: Sequence[Sequence[OfflineImage]], n_best: int) -> list[Recovery]:
        """Return one recovery a group, each what one hand wrote."""
        scenes = iter(self.scenes([image for group in groups for image in group], max(n_best, LISTED)))
        return [self._recovery(self._of_one_hand([next(scenes) for _ in group]), n_best) for group in groups]

    def _of_one_hand(self, scenes: Sequence[Scene]) -> list[Scene]:
        """Return the scenes with the log-probabilities that their paths have beside each other."""
        marks = [
            [marks_of(assemble(pieces, path), height) for path in paths]
            for scene in scenes
            for pieces, paths, height in zip(scene.pieces, scene.found, scene.heights, strict=True)
        ]
        log_p = [worth for scene in scenes for worth in scene.worth]
        agreeing = agreement(marks, log_p)
        worth = iter([reranked(one, some, self.habit) for one, some in zip(log_p, agreeing, strict=True)])
        return [scene.weighed([next(worth) for _ in scene.found]) for scene in scenes]
