"""Words of the Online-Handwritten George Washington Dataset: the word in the first line, then ``x y pen-state``.

x and y are device units, y up; the pen state is 1 at the last point of a stroke. No times. The first line may be any
text, so that such a file is not recognised by its content alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.mending import mend_flat
from kalamos.formats.reading import read_bytes, text_of
from kalamos.formats.report import Refusal, UnitReport
from kalamos.ink import Sample

MAX_FILE_BYTES = 4 * 2**20


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the one word of a file.

    Raises:
        FormatError: where a line is not two numbers and a pen state of 0 or 1; names it.
    """
    word, _, rest = text_of(read_bytes(path, MAX_FILE_BYTES)).partition("\n")
    rows = []
    for number, line in enumerate(rest.splitlines(), 2):
        parts = line.split()
        if not parts:
            continue
        try:
            x, y, state = (float(part) for part in parts)
        except ValueError:
            raise FormatError(path, "expected x, y and a pen state", f"line {number}") from None
        if state not in (0, 1):
            raise FormatError(path, "the pen state is 0 or 1", f"line {number}")
        rows.append((x, y, state))
    if not rows:
        report.refusals.append(Refusal(path.name, "", "no ink: the file holds no point"))
        return
    values = np.array(rows, np.float64)
    ends = np.flatnonzero(values[:, 2] == 1) + 1
    offsets = np.unique(np.concatenate([[0], ends, [len(values)]]))
    ink = mend_flat(values[:, :2] * (1.0, -1.0), offsets, counts=report.mendings)
    yield Sample(path.stem, ink, word.strip(), "word", "Latn", source=path.name)
