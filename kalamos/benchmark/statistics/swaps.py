"""The paired randomisation test by writer: would the difference be as large if the two entries' names said nothing?

Under the null hypothesis a writer's two columns of values might as well carry the other's name (Fisher 1935, section
21; Good 2005, section 3.6). So the names are swapped or not, writer by writer, and the p-value is the share of swaps
whose difference is at least as large, in either direction, as the one found. With 13 writers or fewer every swap is
tried, with more 10,000 drawn ones. Unlike a bootstrap it keeps its level with few writers: of three, the smallest p is
2 / 8, and nothing can be told apart.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.machinery.kernels import kernel
from kalamos.machinery.seeding import rng_for

ALL_TRIED = 13
"""Writers up to which every one of the ``2^n`` swaps is tried."""
_SAME = 1e-9
_ROUNDING = 1e-13
_ROWS = 4096


def p_of_sums(first: Floats, second: Floats, *, root: bool, seed: int, draws: int) -> float:
    """Return p for the difference of two sums over writers, each ``(g,)``, or with ``root`` of their roots."""
    return _share(_sum_differences(_swaps(len(first), seed, draws), first, second, root))


def p_of_many_sums(sums: Floats, pairs: Ints, *, root: bool, seed: int, draws: int) -> Floats:
    """Return :func:`p_of_sums` of many pairs of rows of ``sums`` ``(entries, g)``; ``pairs`` is ``(m, 2)``.

    What a swap does to a pair is the difference of what it does to each entry, which is computed once an entry and not
    once a pair. Differences below the rounding of the sums count as none.
    """
    swapped = _swaps(sums.shape[1], seed, draws)
    totals, counts = sums.sum(axis=1), np.zeros(len(pairs), np.int64)
    for start in range(0, len(swapped), _ROWS):
        signs = np.where(swapped[start : start + _ROWS], -1.0, 1.0)
        _count(np.ascontiguousarray(sums @ signs.T), totals, pairs, root, counts)
    shares: Floats = counts / len(swapped)
    return shares


def p_of_medians(first: Floats, second: Floats, writer: Ints, writers: int, *, seed: int, draws: int) -> float:
    """Return p for the difference of the medians of two columns ``(n,)``; ``writer`` is the place of each one's."""
    values = np.concatenate([first, second])
    order = np.argsort(values, kind="stable")
    is_second = (order >= len(first)).astype(np.bool_)
    both = np.concatenate([writer, writer])[order]
    return _share(_median_differences(_swaps(writers, seed, draws), values[order], both, is_second))


def _share(differences: Floats) -> float:
    """Return the share of differences as large as the first, which is the one found and counts itself."""
    size = np.abs(differences)
    return float((size >= size[0] * (1.0 - _SAME)).mean())


@lru_cache(maxsize=8)
def _swaps(writers: int, seed: int, draws: int) -> Bools:
    """Return whose names are swapped ``(rows, writers)``; nobody's in the first row."""
    if writers <= ALL_TRIED:
        every: Bools = (np.arange(2**writers)[:, None] >> np.arange(writers)[None]) & 1 == 1
        return every
    swapped: Bools = rng_for(seed, "swaps", writers).integers(0, 2, (draws + 1, writers), dtype=np.uint8) == 1
    swapped[0] = False
    return swapped


@kernel
def _count(signed: Floats, totals: Floats, pairs: Ints, root: bool, counts: Ints) -> None:
    """Add to ``counts`` in how many swaps, the columns of ``signed``, each pair differs as much as unswapped."""
    for p in range(len(pairs)):
        i, j = pairs[p, 0], pairs[p, 1]
        both, size = totals[i] + totals[j], totals[i] - totals[j]
        if root:
            size = np.sqrt(totals[i]) - np.sqrt(totals[j])
        least = abs(size) * (1.0 - _SAME) - _ROUNDING * (np.sqrt(abs(both)) if root else abs(both))
        found = 0
        for row in range(signed.shape[1]):
            difference = signed[i, row] - signed[j, row]
            if root:
                difference = np.sqrt(max(both + difference, 0.0) / 2) - np.sqrt(max(both - difference, 0.0) / 2)
            found += abs(difference) >= least
        counts[p] += found


@kernel
def _sum_differences(swapped: Bools, first: Floats, second: Floats, root: bool) -> Floats:
    made = np.empty(len(swapped))
    for row in range(len(swapped)):
        a, b = 0.0, 0.0
        for k in range(len(first)):
            if swapped[row, k]:
                a += second[k]
                b += first[k]
            else:
                a += first[k]
                b += second[k]
        made[row] = np.sqrt(a) - np.sqrt(b) if root else a - b
    return made


@kernel
def _median_differences(swapped: Bools, values: Floats, writer: Ints, is_second: Bools) -> Floats:
    """Walk up the ascending values once a row, counting for both columns, until both have their middle."""
    n = len(values) // 2
    lower, upper = (n - 1) // 2, n // 2
    made = np.empty(len(swapped))
    seen, low, high = np.zeros(2, np.int64), np.empty(2), np.empty(2)
    for row in range(len(swapped)):
        seen[:] = 0
        for k in range(len(values)):
            side = int(is_second[k] != swapped[row, writer[k]])
            if seen[side] == lower:
                low[side] = values[k]
            if seen[side] == upper:
                high[side] = values[k]
            seen[side] += 1
            if seen[0] > upper and seen[1] > upper:
                break
        made[row] = 0.5 * (low[0] + high[0]) - 0.5 * (low[1] + high[1])
    return made
