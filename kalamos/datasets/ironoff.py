"""IRONOFF: isolated characters, digits and words written on paper over a tablet, French and English.

The on-line part is UNIPEN. The public description names the format but not the folders, so any UNIPEN file below the
root is read: segments where the file has them, else the whole file as a word without a label. The writer is
``.WRITER_ID``, or else the file's folder.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card, split_by_writer
from kalamos.datasets.folders import of_files
from kalamos.formats import unipen
from kalamos.ink import Sample


def _complete(sample: Sample, root: Path, unit: str) -> Sample:
    writer = sample.writer or unit.rpartition("/")[0]
    script = "Latn" if any(letter.isalpha() for letter in sample.label) else "Zyyy"
    level = "word" if sample.level == "line" and not sample.label else sample.level
    split = split_by_writer("ironoff", writer) if writer else None
    return replace(sample, script=script, level=level, writer=writer, split=split)


CORPUS = of_files(
    Card(
        name="ironoff",
        title="IRESTE On/Off (IRONOFF) dual handwriting database",
        scripts=("Latn", "Zyyy"),
        levels=("character", "word"),
        size="4,086 digits, 10,685 lower-case letters, 10,679 capitals, 31,346 words of 196 classes; about 700 writers",
        licence="by agreement with the University of Nantes (LS2N)",
        citation=(
            "C. Viard-Gaudin, P. M. Lallican, S. Knerr, P. Binter: The IRESTE On/Off (IRONOFF) Dual Handwriting"
            " Database. ICDAR 1999, pp. 455-458"
        ),
        obtain="ask the IRCCyN/LS2N laboratory, University of Nantes",
        layout="UNIPEN files below the root (*.dat, *.unp, *.upn, *.on)",
        verified="the published description only; no real file was at hand, and the folders are not described",
    ),
    unipen,
    (".dat", ".unp", ".upn", ".on"),
    _complete,
)
