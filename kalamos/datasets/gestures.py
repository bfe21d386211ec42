"""Folders of gestures in the XML of the $-family: what the corpora written in it share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card
from kalamos.datasets.folders import FolderCorpus, of_files
from kalamos.datasets.identity import split_of
from kalamos.formats import gesture
from kalamos.ink import Sample


def gestures_in(card: Card, script: str) -> FolderCorpus:
    """Return the corpus of a folder of gestures, all of one script."""

    def complete(sample: Sample, root: Path, unit: str) -> Sample:
        return replace(sample, script=script, split=split_of(card.name, sample.key, sample.writer))

    return of_files(card, gesture, (".xml",), complete)
