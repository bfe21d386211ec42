"""UJI Pen Characters: letters, digits and symbols, Latin with Spanish accents, each twice by each writer.

A session is ``trn_UJI_W01-01``: set, site, writer, repetition. The writer is ``UJI_W01``; the published set names
the split: ``tst`` is the test split, ``trn`` the others, of which a tenth of the writers, by hash, is validation.
Version 1, whose sessions name no set, is split by hash.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card, split_by_writer
from kalamos.datasets.folders import of_files
from kalamos.formats import uci
from kalamos.ink import Sample


def _complete(sample: Sample, root: Path, unit: str) -> Sample:
    part, _, person = sample.writer.partition("_")
    if part not in ("trn", "tst"):
        part, person = "", sample.writer
    split = split_by_writer("ujipenchars", person)
    if part:
        split = (
            "test" if part == "tst" else split_by_writer("ujipenchars", person, (("train", 0.9), ("validation", 0.1)))
        )
    script = "Latn" if sample.label.isalpha() else "Zyyy"
    return replace(sample, script=script, writer=person, split=split)


CORPUS = of_files(
    Card(
        name="ujipenchars",
        title="UJI Pen Characters, versions 1 and 2 (UCI)",
        scripts=("Latn", "Zyyy"),
        levels=("character",),
        size="version 2: 11,640 characters of 97 classes by 60 writers",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        citation=(
            "D. Llorens, F. Prat, A. Marzal, J. M. Vilar, M. J. Castro et al.: The UJIpenchars Database: a Pen-Based"
            " Database of Isolated Handwritten Characters. LREC 2008"
        ),
        obtain="download ujipenchars2.txt from the UCI repository, data set 177",
        layout="*.txt (ujipenchars2.txt)",
        verified="the published description only; no real file was at hand",
        url="https://archive.ics.uci.edu/dataset/177/uji+pen+characters+version+2",
    ),
    uci,
    (".txt",),
    _complete,
)
