"""Small files in the true formats, written byte by byte from the published descriptions."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence

import numpy as np

Strokes = Sequence[Sequence[tuple[int, int]]]

SEVEN: Strokes = [[(10, 10), (40, 10), (20, 60)], [(15, 35), (35, 35)]]
"""A seven with a bar, y down."""

UNIPEN = b"""\
.VERSION 1.0
.DATA_SOURCE somewhere
.COORD X Y T
.HIERARCHY WORD CHARACTER
.X_POINTS_PER_INCH 508
.Y_POINTS_PER_INCH 508
.WRITER_ID w7
.COMMENT previously: .WRITER_ID other
   .COORD P Q R is prose here
.PEN_DOWN
10 -10 1000
40 -10 1010
20 -60 1020
.PEN_UP
.PEN_DOWN
15 -35 1200
35 -35 1215
.PEN_UP
.PEN_DOWN
100 -20 1400
110 -60 1420
120 -20 1440
.SEGMENT CHARACTER 0-1 OK "7"
.SEGMENT CHARACTER 2 ? "V"
.SEGMENT WORD 0-2 OK "7V"
"""

OMNIGLOT = b"START\n10.0,-10.0,0\n40.0,-10.0,30\n20.0,-60.0,60\nBREAK\n15.5,-35.0,200\n35.0,-35.0,230\nBREAK\n"

QUICKDRAW = (
    json.dumps(
        {
            "key_id": "5891796615823360",
            "word": "nose",
            "countrycode": "AE",
            "timestamp": "2017-03-01 20:41:36.70725 UTC",
            "recognized": True,
            "drawing": [[[10, 40, 20], [10, 10, 60], [0, 30, 60]], [[15, 35], [35, 35], [200, 230]]],
        }
    )
    + "\n"
    + json.dumps({"word": "cat", "key_id": "2", "drawing": [[[1, 2], [3, 4]]]})
    + "\n"
).encode()

PENDIGITS = b"""\
47,100, 27, 81, 57, 37, 26,  0,  0, 23, 56, 53,100, 90, 40, 98,8
  0, 89, 27,100, 42, 75, 29, 45, 15, 15, 37,  0, 69,  2,100,  6,2
"""

PENDIGITS_ORIG = b"""\
.INCLUDE dene.doc
.LEXICON "0" "1"
.HIERARCHY DIGIT
.SEGMENT DIGIT 0 ? "8"
.COMMENT 8 1 17
.PEN_DOWN
 273 323
 270 300
.PEN_UP
.DT 100
.SEGMENT DIGIT 1-2 ? "4"
.COMMENT 4 12 224
.PEN_DOWN
 10 20
 30 40
.PEN_UP
.DT 100
.PEN_DOWN
 50 60
 70 80
.PEN_UP
.DT 100
"""

UJI = """\
// UJIpenchars2
//
WORD a trn_UJI_W01-01
  NUMSTROKES 2
  POINTS 3 # 10 10 40 10 20 60
  POINTS 2 # 15 35 35 35
WORD ñ tst_UPV_W44-02
  NUMSTROKES 1
  POINTS 2 # 1 2 3 4
""".encode()

CALLIAR = json.dumps(
    [{"\u062e": "M10,10 L40,10 L20,60"}, {"\u0627": [[15, 35], [35, 35]]}, {".": "M5,5"}], ensure_ascii=True
).encode()

CALLIAR_SCRIPT = b"stroke_0 = [[[10, 10],[40, 10],[20, 60],],[[15, 35],[35, 35]]] \nstroke_1 = [[[1, 2],[3, 4]]] \n"

SVC2004 = b"6\n10 -10 0 1\n40 -10 10 1\n20 -60 20 1\n18 -50 30 0\n15 -35 40 1\n35 -35 50 1\n"

WACOM = b"""\
4
4034 -7509 354642400 1 1190 720 10852
4044 -7509 354642408 1 1180 700 10997
4044 -7519 354642416 0 1180 700 0
4150 -7582 354642424 1 1170 690 21704
"""


def pot_record(label: str, strokes: Strokes) -> bytes:
    """Return one record of a CASIA ``.pot`` file."""
    points = [value for stroke in strokes for point in [*stroke, (-1, 0)] for value in point] + [-1, -1]
    body = struct.pack(f"<{len(points)}h", *points)
    tag = int.from_bytes(label.encode("gb18030"), "big")
    return struct.pack("<HIH", 8 + len(body), tag, len(strokes)) + body


def wptt(lines: Sequence[tuple[str, Strokes]], illustration: bytes = b"#CASIA-OLHWDB2.0") -> bytes:
    """Return a CASIA ``.wptt`` page; a label's ``\\ufffd`` is written as the mark of an unreadable character."""
    strokes = [stroke for _, line in lines for stroke in line]
    page = struct.pack("<i", len(strokes))
    for stroke in strokes:
        page += struct.pack("<H", len(stroke)) + b"".join(struct.pack("<hh", *point) for point in stroke)
    page += struct.pack("<H", len(lines))
    first = 0
    for label, line in lines:
        indices = range(first, first + len(line))
        page += struct.pack(f"<H{len(line)}H", len(line), *indices) + struct.pack("<H", len(label))
        page += b"".join(b"\xff\xff" if c == "\ufffd" else c.encode("gb18030").ljust(2, b"\0") for c in label)
        first += len(line)
    header = struct.pack("<i8s", 54 + len(illustration), b"WPTT") + illustration
    header += struct.pack("<20sH20s", b"GB", 2, b"short")
    return header + struct.pack("<ii", len(page), 14) + page


def fpg(vectors: Sequence[tuple[int, int, int, int, int]], rate_hz: int = 100, bits: int = 16) -> bytes:
    """Return an MCYT ``.fpg`` signature: x, y, pressure, azimuth, elevation."""
    head = struct.pack("<4sHHHHIHiIIIHIII", b"FPG ", 48, 4, 1, 1, 10000, bits, 0, 0, 5, len(vectors), 0, rate_hz, 0, 0)
    assert len(head) == 48
    kind = {16: "<i2", 32: "<f4", 64: "<f8"}[bits]
    return head + np.array(vectors, kind).tobytes()


def npz(**arrays: np.ndarray) -> bytes:
    """Return an ``.npz``; object arrays are pickled, as Sketch-RNN's are."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def objects(*drawings: np.ndarray) -> np.ndarray:
    """Return an object array of drawings."""
    array = np.empty(len(drawings), object)
    array[:] = drawings
    return array


def trajectories(velocities: Sequence[np.ndarray], classes: Sequence[int], names: Sequence[str]) -> bytes:
    """Return a MATLAB file as that of Character Trajectories."""
    from scipy.io import savemat

    stream = io.BytesIO()
    consts = {"key": objects(*names), "charlabels": np.array([classes], np.float64)}
    savemat(stream, {"mixout": objects(*velocities).reshape(1, -1), "consts": consts})
    return stream.getvalue()
