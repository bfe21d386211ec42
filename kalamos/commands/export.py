"""From ink in any format to files in one: what ``kalamos export`` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from kalamos.datasets.corpus import UnitReport
from kalamos.errors import FormatError, StoreError
from kalamos.formats import read_samples
from kalamos.formats.export import WRITERS
from kalamos.ink import Sample
from kalamos.renderers import Style, render
from kalamos.storage.parquet import replacing
from kalamos.storage.png import encode_png

TARGETS = (*WRITERS, "png")


def export(
    source: Path, destination: Path, to: str, *, style: Style | None = None, seed: int = 0, limit: int | None = None
) -> tuple[int, UnitReport]:
    """Write the samples of ``source``, a file or a folder, in another format; return how many, and what was refused.

    Args:
        source: ink in any format that Kalamos reads.
        destination: the new file; for ``png`` a folder, into which each sample is drawn.
        to: one of :data:`TARGETS`.
        style: how images are drawn.
        seed: seed of what the style leaves to chance.
        limit: only the first so many samples.

    Raises:
        FormatError: where ``source`` cannot be read, or holds no ink.
        StoreError: where the destination cannot be written.
    """
    report = UnitReport()
    samples = islice(read_samples(source, report), limit)
    first = next(samples, None)
    if first is None:
        reasons = sorted({refusal.reason for refusal in report.refusals})
        raise FormatError(source, f"no sample of ink could be read; {'; '.join(reasons[:3]) or 'it holds none'}")
    everything = _with_first(first, samples)
    if to == "png":
        return _draw(everything, destination, style, seed), report
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{destination.parent} cannot be made: {error.strerror or error}") from error
    return WRITERS[to](everything, destination), report


def _with_first(first: Sample, rest: Iterator[Sample]) -> Iterator[Sample]:
    yield first
    yield from rest


def _draw(samples: Iterable[Sample], folder: Path, style: Style | None, seed: int) -> int:
    count = 0
    for sample in samples:
        picture = render(sample.ink, style, seed=seed, key=sample.key, script=sample.script).image
        with replacing(folder / f"{sample.key.replace('/', '_')}.png") as part:
            part.write_bytes(encode_png(picture.pixels))
        count += 1
    return count
