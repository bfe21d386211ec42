"""What a parser of foreign answers gives: a name, and strokes or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

Strokes = Sequence[NDArray[Any]]
"""Each ``(n, 2)``: x to the right and y downwards in pixels of the task's image."""


class Found(NamedTuple):
    """An answer from elsewhere.

    Attributes:
        name: of the image, without suffix.
        strokes: or why there are none.
    """

    name: str
    strokes: Strokes | str
