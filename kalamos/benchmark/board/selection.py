"""Which metrics and entries of a leaderboard are shown, and with what: the same choice for every form of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import PARTS, Result
from kalamos.errors import TaskError, UnknownNameError

UNUSABLE = "folders that cannot be used"
"""The task of results that stand for folders without a sound result; no real task has such a name."""


@dataclass(frozen=True)
class Selection:
    """What of a leaderboard is shown.

    Attributes:
        metrics: names in the order of the columns; empty for those that a table shows by itself.
        entries: names of the rows, controls among them; empty for all.
        controls: whether control rows are shown.
        intervals: whether 95 % intervals are shown.
    """

    metrics: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    controls: bool = True
    intervals: bool = True

    def shows(self, result: Result) -> bool:
        """Say whether an entry is among the rows."""
        return (self.controls or result.is_ranked) and (not self.entries or result.entry in self.entries)

    def check(self, results: Sequence[Result]) -> None:
        """Check that everything chosen is there.

        Raises:
            UnknownNameError: where no metric, or no entry of the results, has a chosen name; says what comes nearest.
            TaskError: where no row or no value is left.
        """
        names_among(self.metrics, TABLE, "metric")
        sound = [result for result in results if result.task != UNUSABLE]
        names_among(self.entries, known_entries(results), "entry", _unusable_hint(results))
        seen = [result.entry for result in sound if not result.is_ranked and result.entry in self.entries]
        if seen and not self.controls:
            raise TaskError(f"{seen[0]} is a control or an attack, and those are left out; choose one or the other")
        shown = [result for result in results if self.shows(result)]
        if not shown:
            raise TaskError("no row is left: all entries are controls or attacks, and those are left out")
        for name in self.metrics:
            if not any(name in result.metrics for result in shown):
                raise TaskError(
                    f"none of the entries was scored by {name}; score the predictions again, or leave it out"
                )


EVERYTHING = Selection()


def known_entries(results: Iterable[Result]) -> list[str]:
    """Return the names of all entries with a sound result, each once, sorted."""
    return sorted({result.entry for result in results if result.task != UNUSABLE})


def names_in(values: Iterable[str], known: Iterable[str], what: str) -> tuple[str, ...]:
    """Return the names in texts like ``a,b``, each once; a text that is a known name as a whole is one name.

    Raises:
        UnknownNameError: where texts were given and hold no name.
    """
    known = set(known)
    values = list(values)
    parts = [part for value in values for part in ([value] if value in known else value.split(","))]
    names = tuple(dict.fromkeys(stripped for part in parts if (stripped := part.strip())))
    if values and not names:
        raise UnknownNameError(f"no {what} is named by {', '.join(map(repr, values))}; give names, parted by commas")
    return names


def names_among(names: Iterable[str], known: Iterable[str], what: str, hint: str = "") -> None:
    """Check that names are known.

    Raises:
        UnknownNameError: where one is not; says what comes nearest.
    """
    known = list(known)
    for name in names:
        if name not in known:
            raise UnknownNameError(f"no {what} is called {name!r}; {nearest(name, known)}{hint}")


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the question which of the known names was meant, or all of them where none is near."""
    spelt = {word.casefold(): word for word in known}
    near = [spelt[word] for word in difflib.get_close_matches(name.casefold(), spelt, n=3, cutoff=0.5)]
    return f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(known) or 'none'}"


def selected(results: Sequence[Result], selection: Selection) -> list[Result]:
    """Return the results with nothing in them but what is chosen; what was not chosen is left out, nothing is changed.

    Raises:
        UnknownNameError, TaskError: as :meth:`Selection.check`.
    """
    selection.check(results)
    return [_narrowed(result, selection) for result in results if selection.shows(result)]


def without_interval(result: Result) -> Result:
    """Return a result whose summaries have no intervals."""
    nan = float("nan")
    return replace(result, metrics={name: replace(s, low=nan, high=nan) for name, s in result.metrics.items()})


def _narrowed(result: Result, selection: Selection) -> Result:
    kept = result if selection.intervals else without_interval(result)
    if not selection.intervals:
        ends = ("_low", "_high")
        recognition = {
            part: {name: value for name, value in values.items() if not name.endswith(ends)}
            for part, values in kept.recognition.items()
        }
        certainty = {name: value for name, value in kept.certainty.items() if not name.endswith(ends)}
        kept = replace(kept, recognition=recognition, certainty=certainty)
    if not selection.metrics:
        return kept
    parts: dict[str, Any] = {
        name: {
            part: {metric: value for metric, value in values.items() if metric in ("samples", *selection.metrics)}
            for part, values in getattr(kept, name).items()
        }
        for name in PARTS
    }
    metrics = {name: kept.metrics[name] for name in selection.metrics if name in kept.metrics}
    return replace(kept, metrics=metrics, **parts)


def _unusable_hint(results: Iterable[Result]) -> str:
    faults = [result.entry for result in results if result.task == UNUSABLE]
    return f" Folders that cannot be used: {'; '.join(faults[:3])}" if faults else ""
