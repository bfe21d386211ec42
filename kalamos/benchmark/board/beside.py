"""Small tables beside the ranking: what entries state of themselves, and how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from kalamos.benchmark.certainty import SAID
from kalamos.benchmark.result import Result

TITLE = "What entries state of themselves (ranks nothing)"


class Beside(NamedTuple):
    """A small table.

    Attributes:
        columns: what was measured, as :data:`kalamos.benchmark.certainty.SAID` names it.
        rows: entry -> column -> value, low, high; NaN where there is none.
    """

    columns: tuple[str, ...]
    rows: dict[str, dict[str, tuple[float, float, float]]]


def beside(results: Sequence[Result], *, intervals: bool = True) -> Beside:
    """Return what the entries among some results state; no columns where none states anything."""
    stating = [result for result in results if result.certainty]
    names = tuple(name for name in SAID if any(math.isfinite(r.certainty.get(name, math.nan)) for r in stating))
    return Beside(names, {r.entry: {name: _cell(r, name, intervals) for name in names} for r in stating})


def _cell(result: Result, name: str, intervals: bool) -> tuple[float, float, float]:
    found = result.certainty
    ends = (found.get(f"{name}_{end}", math.nan) if intervals else math.nan for end in ("low", "high"))
    low, high = ends
    return found.get(name, math.nan), low, high


def meaning(columns: Sequence[str]) -> str:
    """Return what the columns mean, in one line."""
    return "; ".join(f"{name}: {SAID[name]}" for name in columns) + "."
