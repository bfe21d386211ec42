"""QuickDraw: drawings of 345 things, each made within twenty seconds with a mouse or finger.

Nothing says who drew what: samples have no writer and no split by writer. The label is the word that was asked for,
whether or not the game recognised the drawing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import of_files
from kalamos.formats import quickdraw
from kalamos.ink import Sample


def _complete(sample: Sample, root: Path, unit: str) -> Sample:
    return replace(sample, script="Zyyy")


CORPUS = of_files(
    Card(
        name="quickdraw",
        title="The Quick, Draw! Dataset",
        scripts=("Zyyy",),
        levels=("character",),
        size="50 million drawings in 345 categories",
        licence="CC BY 4.0",
        citation=(
            "D. Ha, D. Eck: A Neural Representation of Sketch Drawings. ICLR 2018, arXiv:1704.03477; data: Google"
            " Creative Lab"
        ),
        obtain="download <category>.ndjson, raw or simplified, as the repository says",
        layout="*.ndjson (raw or simplified)",
        verified="the published description only; no real file was at hand",
        url="https://github.com/googlecreativelab/quickdraw-dataset",
    ),
    quickdraw,
    (".ndjson",),
    _complete,
)
