"""From ink in any format to files in one: what ``kalamos export`` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from pathlib import Path

from kalamos.errors import FormatError, StoreError
from kalamos.formats import files_below, read_files
from kalamos.formats.export import WRITERS
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample
from kalamos.machinery.files import Outputs, safe_name, write_bytes
from kalamos.renderers import Style, render
from kalamos.storage.png import encode_png

TARGETS = (*WRITERS, "png")


def export(
    source: Path,
    destination: Path,
    to: str,
    *,
    style: Style | None = None,
    seed: int = 0,
    limit: int | None = None,
    columns: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> tuple[int, UnitReport]:
    """Write the samples of ``source``, a file or a folder, in another format; return how many, and what was refused.

    Args:
        source: ink in any format that Kalamos reads.
        destination: the new file; for ``png`` a folder, into which each sample is drawn.
        to: one of :data:`TARGETS`.
        style: how images are drawn.
        seed: seed of what the style leaves to chance.
        limit: only the first so many samples.
        columns: for tables and JSON, which column or key is what.
        overwrite: whether files that are there may be replaced; an input never is.

    Raises:
        FormatError: where ``source`` cannot be read, or holds no ink.
        StoreError: where the destination cannot be written, or is there already.
    """
    report = UnitReport()
    outputs = Outputs(files_below(source), overwrite=overwrite)
    target = destination if to == "png" else outputs.claim(destination.parent, destination.name)
    samples = islice(read_files(source, report, columns=columns), limit)
    first = next(samples, None)
    if first is None:
        reasons = sorted({refusal.reason for refusal in report.refusals})
        raise FormatError(source, f"no sample of ink could be read; {'; '.join(reasons[:3]) or 'it holds none'}")
    everything = chain([first], samples)
    if to == "png":
        top = source if source.is_dir() else source.parent
        return _draw(everything, top, target, style, seed, outputs), report
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{target.parent} cannot be made: {error.strerror or error}") from error
    return WRITERS[to]((sample for _, sample in everything), target), report


def _draw(
    samples: Iterable[tuple[Path, Sample]], top: Path, folder: Path, style: Style | None, seed: int, outputs: Outputs
) -> int:
    """Draw samples into a folder, those of a file where the file lies below ``top``; return how many."""
    count = 0
    for file, sample in samples:
        target = outputs.claim(folder / file.parent.relative_to(top), safe_name(sample.key), ".png")
        picture = render(sample.ink, style, seed=seed, key=sample.key, script=sample.script).image
        write_bytes(target, encode_png(picture.pixels), overwrite=outputs.overwrite)
        count += 1
    return count
