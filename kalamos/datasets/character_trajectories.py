"""Character Trajectories: 2,858 single-stroke letters by one writer, as pen-tip velocities.

One writer means that no split by writer exists; samples have none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import of_files
from kalamos.formats import uci
from kalamos.ink import Sample


def _complete(sample: Sample, root: Path, unit: str) -> Sample:
    return replace(sample, script="Latn", writer="1")


CORPUS = of_files(
    Card(
        name="character-trajectories",
        title="Character Trajectories (UCI)",
        scripts=("Latn",),
        levels=("character",),
        size="2,858 letters of 20 classes (those written in one stroke), 1 writer, 200 points a second",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        citation="B. Williams: Character Trajectories. UCI Machine Learning Repository, 2008, doi:10.24432/C58G7V",
        obtain="download mixoutALL_shifted.mat from the UCI repository, data set 175",
        layout="*.mat (mixoutALL_shifted.mat)",
        verified="the published description only; no real file was at hand",
        url="https://archive.ics.uci.edu/dataset/175/character+trajectories",
    ),
    uci,
    (".mat",),
    _complete,
)
