"""What a recovery method has to supply: one name and one function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from kalamos.image import OfflineImage
from kalamos.ink import Ink


@runtime_checkable
class Recoverer(Protocol):
    """Anything that turns images of handwriting into ink.

    Built-ins, entry points of the group ``kalamos.recoverers`` and ``path/to/file.py:Class`` all follow it; a class is
    called without arguments to make the object.
    """

    name: str

    def recover(self, images: Sequence[OfflineImage]) -> Sequence[Ink]:
        """Return one ink an image, in the same order.

        Coordinates are pixels of the image (x to the right, y down, the centre of the top left pixel at (0.5, 0.5));
        ``t`` is in seconds of relative time, or None where the method says nothing about velocity. An image without
        ink gives ``Ink.empty()``.
        """
        ...
