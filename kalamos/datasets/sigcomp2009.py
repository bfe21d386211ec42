"""SigComp2009: signatures recorded by a tablet under the paper on which they were written, and scanned.

``NISDCC-AAA_BBB_CCC_6g`` is a signature that person AAA wrote under the name of person BBB, number CCC;
``NFI-AAACCBBB`` likewise. Forgeries (AAA is not BBB) carry the name of the person whose signature they imitate, as in
the other corpora of signatures: a signature must not stand on two sides.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PurePosixPath

from kalamos.align import Alignment
from kalamos.datasets.corpus import Card, split_by_writer
from kalamos.datasets.pairs import PairCorpus, Recording
from kalamos.formats import signature
from kalamos.ink import Sample

NAME = "sigcomp2009"
RATE_HZ = 200.0
UNITS_A_MM = 100.0
PX_A_UNIT = 600 / 2540
MOST_OFF = 0.15
"""How far the scale of an alignment may be from that of tablet and scanner."""
_NAMES = (
    re.compile(r"(NISDCC)-(\d{3})_(\d{3})_(\d{3})(?:_6g)?", re.IGNORECASE),
    re.compile(r"(NFI)-(\d{3})(\d{2})(\d{3})", re.IGNORECASE),
)


def _read(root: Path, unit: str, counts: Counter[str]) -> Recording:
    ink, time_source = signature.read_ink(root / unit, counts, rate_hz=RATE_HZ)
    writer = writer_of(PurePosixPath(unit).stem)
    sample = Sample(
        key=str(PurePosixPath(unit).with_suffix("")),
        ink=ink,
        level="word",
        script="Latn",
        writer=writer,
        split=split_by_writer(NAME, writer) if writer else None,
        points_per_mm=UNITS_A_MM,
        time_source=time_source,
    )
    return Recording(sample, _wrong_scale)


def writer_of(stem: str) -> str:
    """Return whose signature a file name says it is; empty where it says nothing."""
    for number, pattern in enumerate(_NAMES):
        if (named := pattern.fullmatch(stem)) is not None:
            return f"{named[1].upper()}-{named[3] if number == 0 else named[4]}"
    return ""


def _wrong_scale(found: Alignment) -> str:
    if abs(found.scale / PX_A_UNIT - 1) <= MOST_OFF:
        return ""
    return (
        f"a unit of the tablet became {found.scale:.4f} px; at 600 dpi it is {PX_A_UNIT:.4f}. A scan of another "
        "resolution is laid by `kalamos align`"
    )


CORPUS = PairCorpus(
    Card(
        name=NAME,
        title="ICDAR 2009 Signature Verification Competition (SigComp2009), online and offline",
        scripts=("Latn",),
        levels=("word",),
        size="1,953 signatures, recorded and scanned; 100 writers, 33 forgers (the NFI part)",
        licence="research only, by agreement with its authors (IAPR-TC11)",
        citation=(
            "V. L. Blankers, C. E. van den Heuvel, K. Y. Franke, L. G. Vuurpijl: The ICDAR 2009 Signature Verification"
            " Competition. ICDAR 2009, pp. 1403-1407"
        ),
        obtain="ask for it at the page of IAPR-TC11, and unpack recordings and scans below one folder",
        layout="NAME.hwr (a header, then x y pressure azimuth altitude; 200 Hz) and NAME.png (600 dpi), in any folders",
        verified="fixtures alone; the names of the files as programs that read them have them",
        url="https://tc11.cvc.uab.es/datasets/SigComp2009_1",
    ),
    (".hwr",),
    _read,
)
