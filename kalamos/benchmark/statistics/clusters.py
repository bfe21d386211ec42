"""How many writers a set of samples amounts to: few writers who wrote most of it say little more than they alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np


def effective_writers(writers: Sequence[str]) -> float:
    """Return Kish's effective number ``(sum n)^2 / sum n^2`` of writers with n samples each (Kish 1965, 8.2).

    A sample without a writer is a writer of its own; 0 where there is no sample.
    """
    named = Counter(name for name in writers if name)
    sizes = np.array([*named.values(), *[1] * sum(not name for name in writers)], np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0
