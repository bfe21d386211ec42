"""ADAB: names of Tunisian towns, written on a tablet (ICDAR 2009 and 2011 competitions).

Each word is an ink file, ``<set>/inkml/<name>.inkml``, and a UPX file that labels it, ``<set>/upx/<name>.upx``. The UPX
files are read, the ink through them. Sets 1 to 3 were the training data of the 2009 competition and set 4 its test
data; the later sets are taken as test data too, as the 2011 competition did.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import of_files, placed_by
from kalamos.ink import Split

_SET = re.compile(r"set[\s_-]*(\d+)", re.IGNORECASE)


def split_of_set(path: PurePosixPath) -> Split | None:
    """Return train for sets 1 to 3, test for the later ones; None where no folder names a set."""
    found = _SET.search(str(path.parent))
    return None if found is None else ("train" if int(found[1]) <= 3 else "test")


CORPUS = of_files(
    Card(
        name="adab",
        title="ADAB, Arabic online words",
        scripts=("Arab",),
        levels=("word",),
        size="about 33,000 words (937 town names) by some 170 writers, in six sets",
        licence="free for research, on registration with its authors",
        citation="H. El Abed, M. Kherallah, V. Maergner, A. M. Alimi: On-line Arabic handwriting recognition"
        " competition. IJDAR 14(1), 2011, pp. 15-23",
        obtain="ask the Institut fuer Nachrichtentechnik (TU Braunschweig) or REGIM (University of Sfax)",
        beside=("**/*.inkml",),
        layout="<set>/upx/*.upx beside <set>/inkml/*.inkml",
        verified="only against published descriptions of the corpus and the UPX 0.9.5 schema; no real file was at hand",
    ),
    reader=("upx",),
    suffixes=(".upx",),
    complete=placed_by("adab", "Arab", "word", split=split_of_set),
    keys="path",
)
