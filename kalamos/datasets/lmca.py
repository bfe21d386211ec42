"""LMCA (Lettres, Mots et Chiffres Arabe): isolated Arabic digits, letters and words of REGIM, University of Sfax.

UNIPEN files, each with its label in ``.SEGMENT``; where a segment states none, the folder that holds the file is the
label, as the release sorts its files by class. Where the file names no writer there is none, and no split.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import of_files, placed_by


def label_of_folder(root: Path, path: PurePosixPath) -> str:
    """Return the name of the folder that a file lies in; empty for the corpus folder itself."""
    return path.parent.name


CORPUS = of_files(
    Card(
        name="lmca",
        title="LMCA, Arabic letters, words and digits",
        scripts=("Arab",),
        levels=("character", "word"),
        size="about 30,000 digits, 100,000 letters and 500 words by 55 writers",
        licence="free for research, on request",
        citation="M. Kherallah, A. Elbaati, H. El Abed, A. M. Alimi: The On/Off (LMCA) dual Arabic handwriting"
        " database. ICFHR 2008",
        obtain="ask REGIM, University of Sfax",
        layout="a folder of UNIPEN files, *.dat, *.unp or *.txt, sorted in folders by class",
        verified="only against published descriptions; no real file was at hand",
    ),
    reader=("unipen",),
    suffixes=(".dat", ".unp", ".txt", ".upn"),
    complete=placed_by("lmca", "Arab", label=label_of_folder),
    keys="path",
)
