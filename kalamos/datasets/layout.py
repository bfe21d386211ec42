"""Find the files of a corpus folder, and say clearly what is wrong with the folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from kalamos.datasets.corpus import Card
from kalamos.errors import CorpusError


def files(root: Path, suffixes: Iterable[str], expected: str) -> Sequence[str]:
    """Return the files below ``root`` whose names end so (case ignored), relative and sorted.

    Raises:
        CorpusError: where ``root`` or a folder in it cannot be read, or there is no such file; ``expected`` says what
            should be there.
    """

    def complain(error: OSError) -> None:
        raise CorpusError(f"the folder {error.filename} cannot be read: {error.strerror}") from error

    endings = tuple(suffix.lower() for suffix in suffixes)
    found = [
        (Path(folder) / name).relative_to(root).as_posix()
        for folder, _, names in os.walk(root, onerror=complain)
        for name in names
        if name.lower().endswith(endings)
    ]
    if not found:
        raise CorpusError(f"{root} holds no {expected}")
    return sorted(found)


def refuse_options(card: Card, options: Iterable[str]) -> None:
    """Refuse options that the corpus does not have.

    Raises:
        CorpusError: naming them and those that it has.
    """
    unknown = sorted(options)
    if unknown:
        known = ", ".join(name for name, _ in card.options) or "none"
        raise CorpusError(f"{card.name} has no option {', '.join(unknown)}; it has: {known}")
