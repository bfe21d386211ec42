"""CASIA-OLHWDB: Chinese characters and lines of text, written with a digital pen on paper.

Layout: a ``.pot`` file holds the characters of one writer and is named by his number (``001.pot``); a ``.wptt`` file
is a page and is named by writer and page (``001-P14.wptt``). The published split is by writer: the folders of the
distribution name it (``...train...``, ``...test...``), and a tenth of its training writers, by hash, becomes the
validation split. Other files are split by hash.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card, split_by_writer
from kalamos.datasets.folders import of_files
from kalamos.formats import olhwdb
from kalamos.ink import Sample, Split


def _complete(sample: Sample, root: Path, unit: str) -> Sample:
    stem = unit.rpartition("/")[2].rpartition(".")[0]
    writer = stem.partition("-")[0]
    script = "Hani" if any(ord(letter) > 0x2E7F for letter in sample.label) else "Zyyy"
    return replace(sample, script=script, writer=writer, split=_split(unit.lower(), writer))


def _split(unit: str, writer: str) -> Split:
    if "test" in unit or "tst" in unit:
        return "test"
    if "train" in unit or "trn" in unit:
        return split_by_writer("olhwdb", writer, (("train", 0.9), ("validation", 0.1)))
    return split_by_writer("olhwdb", writer)


CORPUS = of_files(
    Card(
        name="olhwdb",
        title="CASIA-OLHWDB 1.0-1.2 and 2.0-2.2",
        scripts=("Hani", "Zyyy"),
        levels=("character", "line"),
        size="3,912,017 characters of 7,356 classes (7,185 Chinese) and 5,092 pages of text by 1,020 writers",
        licence="free for academic research; commercial use by agreement with CASIA",
        citation=(
            "C.-L. Liu, F. Yin, D.-H. Wang, Q.-F. Wang: CASIA Online and Offline Chinese Handwriting Databases."
            " ICDAR 2011, pp. 37-41, doi:10.1109/ICDAR.2011.17"
        ),
        obtain="follow the home page of the databases; unpack the .zip files, keeping their folders' names",
        layout="*.pot (isolated characters) and *.wptt (pages)",
        verified="the published tables of the format only; no real file was at hand",
        url="https://nlpr.ia.ac.cn/databases/handwriting/Home.html",
    ),
    olhwdb,
    (".pot", ".wptt"),
    _complete,
)
