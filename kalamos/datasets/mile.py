"""MILE: words in Kannada and Tamil, collected by the MILE laboratory of the Indian Institute of Science, Bangalore.

The word files are XML; their layout is not published. Files in InkML or UPX are read, with their own labels or the text
of the file of the same name that ends in ``.txt``, and the writer is the folder called ``usr...`` or ``user...`` that a
file lies in. The script follows from the label's characters.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path, PurePosixPath

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import of_files, placed_by, text_beside
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


_placed = placed_by("mile", "Zyyy", "word", label=text_beside, writer=writer_of_folder)


def _complete(sample: Sample, root: Path, unit: str) -> Sample | None:
    """Place a word as its folder and files say, in the script of its label."""
    placed = _placed(sample, root, unit)
    return None if placed is None else dataclasses.replace(placed, script=script_of(placed.label))


CORPUS = of_files(
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
        beside=("**/*.txt", "**/*.inkml"),
        layout="folders of InkML or UPX files, one a word, with *.txt of the same names",
        verified="nothing: the XML of the release is described nowhere in detail, and no real file was at hand",
    ),
    reader=("inkml", "upx"),
    suffixes=(".inkml", ".upx", ".xml"),
    complete=_complete,
    keys="path",
)
