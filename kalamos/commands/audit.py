"""What ``kalamos audit`` prints: writers, effective numbers, persons and ink on two sides of a split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kalamos.datasets.audit import Audit, Facts

SHOWN = 8
"""Groups of shared ink and writers that are named; the others are counted."""


def as_text(found: Audit) -> Iterator[str]:
    """Yield the lines of a report."""
    yield f"{'split':<12}{'samples':>9}{'writers':>9}{'effective':>11}{'unknown writer':>16}"
    for split, side in found.splits.items():
        numbers = f"{side.samples:>9,}{side.writers:>9,}{side.effective_writers:>11.1f}{side.unknown:>16,}"
        yield f"{split:<12}{numbers}"
    yield "levels: " + ", ".join(f"{level} {count:,}" for level, count in found.levels.items())
    yield from _named(
        "writers with samples on two sides",
        [
            f"{writer}: " + ", ".join(f"{split} {count}" for split, count in sides.items())
            for writer, sides in found.writers_on_two_sides.items()
        ],
    )
    yield from _named("inks under several writers or corpora", [_group(group) for group in found.shared])
    yield from _named("of these on two sides of a split", [_group(group) for group in found.on_two_sides])
    for reason, count in found.refused.items():
        yield f"refused: {count} x {reason}"


def as_json(found: Audit) -> dict[str, Any]:
    """Return the whole report for a program to read."""
    return {
        "splits": {
            split: {
                "samples": side.samples,
                "writers": side.writers,
                "effective_writers": round(side.effective_writers, 3),
                "unknown_writer": side.unknown,
            }
            for split, side in found.splits.items()
        },
        "levels": found.levels,
        "writers_on_two_sides": found.writers_on_two_sides,
        "shared_ink": [
            [{"corpus": one.corpus, "key": one.key, "writer": one.writer, "split": one.split} for one in group]
            for group in found.shared
        ],
        "on_two_sides": len(found.on_two_sides),
        "refused": found.refused,
    }


def _named(what: str, lines: list[str]) -> Iterator[str]:
    yield f"{what}: {len(lines):,}"
    yield from (f"  {line}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  ... and {len(lines) - SHOWN:,} more (--json names all)"


def _group(group: tuple[Facts, ...]) -> str:
    return " = ".join(f"{one.corpus}:{one.key} ({one.writer or 'writer unknown'}, {one.split})" for one in group[:4])
