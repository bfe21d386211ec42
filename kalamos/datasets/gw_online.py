"""Online-Handwritten George Washington Dataset: the words of twenty pages of letters, written anew by one person.

Layout: ``2700270/1426619929868_you.txt``, a folder a page, a file a word (:mod:`kalamos.formats.gw_online`). The same
words stand, as the scanned pages of the letters of 1755, in the word-spotting literature; here one writer of our time
copied them with a finger or pen on a tablet. One writer means that no split by writer exists; samples have none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import of_files
from kalamos.formats import gw_online
from kalamos.ink import Sample


def _complete(sample: Sample, root: Path, unit: str) -> Sample | None:
    return replace(sample, writer="1") if "/" in unit else None


CORPUS = of_files(
    Card(
        name="gw-online",
        title="Online-Handwritten George Washington Dataset",
        scripts=("Latn",),
        levels=("word",),
        size="4,860 words of 20 pages, 1 writer",
        licence="non-commercial research and education",
        citation=(
            "C. Wieprecht, L. Rothacker, G. A. Fink: Word Spotting in Historical Document Collections with"
            " Online-Handwritten Queries. DAS 2016, pp. 162-167, doi:10.1109/DAS.2016.41"
        ),
        obtain="clone the repository cwiep/gw-online-dataset",
        layout="<page>/<time>_<word>.txt",
        verified="the syntax on one file of the repository, by eye; its words were not at hand",
        url="https://github.com/cwiep/gw-online-dataset",
    ),
    gw_online,
    (".txt",),
    _complete,
)
