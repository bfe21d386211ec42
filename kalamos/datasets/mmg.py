"""MMG: multistroke gestures of the $-family (arrowhead, asterisk, five-point star ...), by stylus and by finger.

Layout: ``<subject>-<input>-<speed>/<subject>-<input>-<speed>-<gesture>-<number>.xml`` (:mod:`kalamos.formats.gesture`).
A writer is the ``Subject``, who wrote either with a stylus or with a finger. Splits are by the writer's hash.
"""

from __future__ import annotations

from kalamos.datasets.corpus import Card
from kalamos.datasets.gestures import gestures_in

CORPUS = gestures_in(
    Card(
        name="mmg",
        title="Mixed Multistroke Gestures (MMG)",
        scripts=("Zyyy",),
        levels=("character",),
        size="9,600 gestures of 16 classes, ten times at three speeds, by 20 people",
        licence="free for research, with the citation",
        citation=(
            "L. Anthony, J. O. Wobbrock: $N-Protractor: A Fast and Accurate Multistroke Recognizer. Graphics Interface"
            " 2012, pp. 117-120"
        ),
        obtain="download mmg.zip from the page of the $N recogniser (University of Washington) and unpack it",
        layout="folders of *.xml, one a gesture",
        verified="only against published descriptions and files written after them; no real file was at hand",
        url="https://depts.washington.edu/acelab/proj/dollar/ndollar.html",
    ),
    "Zyyy",
)
