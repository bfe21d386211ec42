"""Kalamos' own Parquet files of samples and images, as :mod:`kalamos.storage.parquet` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kalamos.errors import FormatError, StoreError
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample
from kalamos.storage.parquet import read_rows


def sniff(head: bytes) -> str | None:
    """Return why a file is Parquet, from its first bytes; None where it is not."""
    return "begins with the magic number PAR1" if head.startswith(b"PAR1") else None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the samples of a file, their ink in the corpus' units.

    Raises:
        FormatError: where it is some other Parquet file.
    """
    try:
        for row in read_rows(path, images=False):
            yield row.sample
    except StoreError as error:
        raise FormatError(path, str(error)) from error
