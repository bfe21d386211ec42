"""Zhuyin (Bopomofo) symbols recorded as gestures, in the XML of the $-family of recognisers.

Layout: folders of ``*.xml`` (:mod:`kalamos.formats.gesture`); the class is the name of the gesture without its number,
as the file gives it. A writer is the ``Subject``. Splits are by the writer's hash.
"""

from __future__ import annotations

from kalamos.datasets.corpus import Card
from kalamos.datasets.gestures import gestures_in

CORPUS = gestures_in(
    Card(
        name="zhuyin",
        title="Zhuyin symbols as gestures",
        scripts=("Bopo",),
        levels=("character",),
        size="not stated",
        licence="that of the files",
        citation="that of the files",
        obtain="any folder of Zhuyin symbols in the XML of the $-family",
        layout="folders of *.xml, one a symbol",
        verified="files written after the format alone; no real file was at hand",
    ),
    "Bopo",
)
