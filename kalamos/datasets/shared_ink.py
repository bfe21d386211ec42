"""Find the same ink under several writers, by content and not by name.

Two inks are **identical** where the same points in the same strokes make them, wherever on the paper they stand, to
one unit of the recorder. They are **alike** where one is the other resampled, rescaled or rounded: of the same number
of strokes, and never further apart than :data:`ALIKE` of the larger side of their box, with enough turning in them that
two hands do not draw that by chance.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from kalamos.ink import Ink

Member = TypeVar("Member", bound=Hashable)


def content(ink: Ink) -> int:
    """Return a hash of 64 bits of an ink's points from its first one on, rounded to units, and of its strokes."""
    places = np.rint(ink.xy - ink.xy[:1]).astype(np.int64)
    digest = hashlib.blake2b(places.tobytes(), digest_size=8)
    digest.update(ink.offsets.astype(np.int64).tobytes())
    return int.from_bytes(digest.digest(), "little")


def connected(pairs: Iterable[tuple[Member, Member]]) -> list[list[Member]]:
    """Return the connected groups of the graph of these pairs, each and all in the order of first mention."""
    parent: dict[Member, Member] = {}

    def root(one: Member) -> Member:
        parent.setdefault(one, one)
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for a, b in pairs:
        first, second = root(a), root(b)
        parent[second] = first
    groups: dict[Member, list[Member]] = defaultdict(list)
    for one in parent:
        groups[root(one)].append(one)
    return list(groups.values())


def groups_of(codes: Sequence[int]) -> list[list[int]]:
    """Return the numbers of the inks that share a code, for each code of more than one ink."""
    found: dict[int, list[int]] = defaultdict(list)
    for number, code in enumerate(codes):
        found[code].append(number)
    return [numbers for numbers in found.values() if len(numbers) > 1]
