"""MILE: words in Kannada and Tamil, collected by the MILE laboratory of the Indian Institute of Science, Bangalore.

The word files are XML; their layout is not published. Files in InkML or UPX are read, with their own labels or the text
of the file of the same name that ends in ``.txt``, and the writer is the folder called ``usr...`` or ``user...`` that a
file lies in. The script follows from the label's characters.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kalamos.datasets.corpus import Card, UnitReport
from kalamos.datasets.folder_corpus import FolderCorpus, text_beside
from kalamos.ink import Sample

_USER = re.compile(r"(?:^|/)((?:usr|user|writer)[\s_-]*\d+)(?=/)", re.IGNORECASE)


def writer_of_folder(root: Path, path: PurePosixPath) -> str:
    """Return the folder on the way to a file that names a user; empty where none does."""
    found = _USER.search(str(path))
    return found[1] if found else ""


def script_of(label: str) -> str:
    """Return Knda or Taml by the first character of either; Zyyy where there is none."""
    for character in label:
        if 0x0C80 <= ord(character) <= 0x0CFF:
            return "Knda"
        if 0x0B80 <= ord(character) <= 0x0BFF:
            return "Taml"
    return "Zyyy"


@dataclasses.dataclass(frozen=True)
class Mile(FolderCorpus):
    """The corpus; as any folder corpus, but in two scripts."""

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the words of one file."""
        for sample in FolderCorpus.read(self, root, unit, report):
            yield dataclasses.replace(sample, script=script_of(sample.label))


CORPUS = Mile(
    Card(
        name="mile",
        title="MILE Kannada and Tamil words",
        scripts=("Knda", "Taml"),
        levels=("word",),
        size="about 100,000 words in each script by more than 600 writers",
        licence="free for research, on request",
        citation="B. Nethravathi, C. P. Archana, K. Shashikiran, A. G. Ramakrishnan, V. Kumar: Creation of a huge"
        " annotated database for Tamil and Kannada OHR. ICFHR 2010, pp. 415-420, doi:10.1109/ICFHR.2010.71",
        obtain="ask the MILE laboratory, Indian Institute of Science, Bangalore",
        layout="folders of InkML or UPX files, one a word, with *.txt of the same names",
        verified="nothing: the XML of the release is described nowhere in detail, and no real file was at hand",
    ),
    suffixes=(".inkml", ".upx", ".xml"),
    formats=("inkml", "upx"),
    script="Zyyy",
    level="word",
    label=text_beside,
    writer=writer_of_folder,
)
