"""HP Labs' isolated characters of Indian scripts: Tamil, Telugu and Devanagari (``hpl-*-iso-char-online``).

A file is one character in UNIPEN, ``usr_<writer>/<class>t<trial>.txt``. The class is a number, of which the meaning is
published as a table beside the data: put it into the corpus folder as ``classes.tsv`` (number, tab, Unicode text).
Without it the label is the number itself, as ``#012``, so that nothing is guessed.
"""

from __future__ import annotations

import dataclasses
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import of_files, placed_by
from kalamos.errors import CorpusError
from kalamos.formats.reading import read_bytes, text_of
from kalamos.ink import Sample

SCRIPTS = {"tamil": "Taml", "telugu": "Telu", "dev": "Deva"}
"""What the name of the corpus folder, or of one below it, holds -> the script."""
_FILE = re.compile(r"(?P<class>\d+)[tT](?P<trial>\d+)")
_USER = re.compile(r"usr_?\d+|user_?\d+", re.IGNORECASE)
CLASSES = "classes.tsv"


def writer_of(root: Path, path: PurePosixPath) -> str:
    """Return the writer's folder, with the corpus' script in front: the three corpora count their writers alike."""
    found = [part for part in path.parts if _USER.fullmatch(part)]
    return f"{script_of(root, path)}/{found[0]}" if found else ""


def script_of(root: Path, path: PurePosixPath) -> str:
    """Return the script that the folders on the way to a file name; Zyyy where none does."""
    way = f"{root.resolve().name}/{path.parent}".lower()
    return next((script for name, script in SCRIPTS.items() if name in way), "Zyyy")


def label_of(root: Path, path: PurePosixPath) -> str:
    """Return the character of a file's class, or the class as ``#012`` where no table tells."""
    found = _FILE.match(path.stem)
    if found is None:
        return ""
    number = found["class"]
    return _classes(root).get(int(number), f"#{number}")


@lru_cache(maxsize=8)
def _classes(root: Path) -> dict[int, str]:
    file = root / CLASSES
    if not file.is_file():
        return {}
    table = {}
    for number, line in enumerate(text_of(read_bytes(file, 2**20)).splitlines(), 1):
        left, tab, right = line.partition("\t")
        if not line.strip() or line.startswith("#"):
            continue
        if not tab or not left.strip().isdecimal():
            raise CorpusError(f"{file}, line {number}: not a class number, a tab and a text")
        table[int(left)] = right.strip()
    return table


_placed = placed_by("hpl", "Zyyy", "character", writer=writer_of)


def _complete(sample: Sample, root: Path, unit: str) -> Sample | None:
    """Place a character; the class in the name of its file is the label, whatever the file says."""
    placed, path = _placed(sample, root, unit), PurePosixPath(unit)
    if placed is None:
        return None
    return dataclasses.replace(placed, label=label_of(root, path), script=script_of(root, path))


CORPUS = of_files(
    Card(
        name="hpl",
        title="HP Labs India isolated characters",
        scripts=("Taml", "Telu", "Deva"),
        levels=("character",),
        size="Tamil: 156 classes, 169 writers, about 77,600 characters; Telugu: 166 classes, 143 writers, about 45,200;"
        " Devanagari: 111 classes, 117 writers, about 23,000",
        licence="free for research; see the licence in each archive",
        citation="A. S. Bhaskarabhatla, S. Madhvanath: Experiences in collection of handwriting data for online"
        " handwriting recognition in Indic scripts. LREC 2004",
        obtain="download hpl-tamil-iso-char-online, hpl-telugu-iso-char-online and hpl-devnagari-iso-char-online",
        beside=("classes.tsv",),
        layout="[<corpus>/]usr_<n>/<class>t<trial>.txt, and classes.tsv written by hand from the published table",
        verified="UNIPEN of the same makers (LipiTk's numerals) on real files; names and numbers only against published"
        " descriptions",
    ),
    reader=("unipen",),
    suffixes=(".txt",),
    complete=_complete,
    keys="path",
    named=_FILE.pattern,
)
