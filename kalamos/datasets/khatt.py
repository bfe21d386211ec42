"""Online-KHATT: lines of Arabic text, written on Android and Windows devices.

A line is an InkML file; its text is an annotation in it, or the file of the same name that ends in ``.txt``. Folders
called after train, validation and test are the release's own random 70/15/15 split of the lines, and are kept: in it a
writer can stand on both sides.
"""

from __future__ import annotations

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import of_files, placed_by, text_beside

CORPUS = of_files(
    Card(
        name="khatt",
        title="Online-KHATT",
        scripts=("Arab",),
        levels=("line",),
        size="10,040 lines by 623 writers; 70, 15 and 15 % of the lines for training, test and verification",
        licence="free for research, on request",
        citation="S. A. Mahmoud, H. Luqman, B. M. Al-Helali, G. BinMakhashen, M. T. Parvez: Online-KHATT: an"
        " open-vocabulary database for Arabic online-text processing. Open Cybern. Syst. J. 12, 2018, 42-59",
        obtain="ask its authors at King Fahd University of Petroleum and Minerals",
        beside=("**/*.txt",),
        layout="a folder of *.inkml, one a line, with *.txt of the same names",
        verified="only against the published description; no real file was at hand",
        url="https://benthamopen.com/FULLTEXT/TOCSJ-12-42",
    ),
    reader=("inkml",),
    suffixes=(".inkml",),
    complete=placed_by("khatt", "Arab", "line", label=text_beside),
    keys="path",
)
