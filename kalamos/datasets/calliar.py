"""Calliar: sentences of Arabic calligraphy, traced over pictures of the works.

The label is the name of the file, without a leading number and the word ``copy``; the drawings of the web page have
none. The tracer is not named, and draws bodies first and dots after them by instruction: the order is not that of a
writer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import of_files
from kalamos.formats import calliar
from kalamos.ink import Sample

_DECORATION = re.compile(r"^\d+\s*|\s+copy(\s*\d+)?$")


def _complete(sample: Sample, root: Path, unit: str) -> Sample:
    stem = unit.rpartition("/")[2].rpartition(".")[0]
    label = _DECORATION.sub("", stem) if unit.endswith(".json") else ""
    words = len(label.split())
    return replace(sample, label=label, script="Arab", level="word" if words == 1 else "line")


CORPUS = of_files(
    Card(
        name="calliar",
        title="Calliar",
        scripts=("Arab",),
        levels=("word", "line"),
        size="2,500 sentences, some 40,000 strokes",
        licence="MIT",
        citation=(
            "Z. Alyafeai, M. S. Al-Shaibani, M. Ghaleb, Y. A. Al-Wajih: Calliar: An Online Handwritten Dataset for"
            " Arabic Calligraphy. 2021, arXiv:2106.10745"
        ),
        obtain="clone the repository ARBML/Calliar and unpack dataset.zip",
        layout="*.json, one a sentence, or json_sm.js of the web page",
        verified="5 annotations and the 100 drawings of the web page; the 2,500 of dataset.zip were not at hand",
        url="https://github.com/ARBML/Calliar",
    ),
    calliar,
    (".json", ".js"),
    _complete,
)
