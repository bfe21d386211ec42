"""One small file of each kind: in every format that is read or written, and of what is no ink and is named."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import makers
import numpy as np
import uim_files

from kalamos.formats.export import WRITERS
from kalamos.ink import Ink, Sample
from kalamos.storage.parquet import Row, write_rows

UPX = (
    '<hwDataset><hwData><hLevel level="WORD" writerRef="#w3"><label labelType="truth"><alternate>تونس</alternate>'
    "</label><trace>7 7, 8 8, 9 9</trace></hLevel></hwData></hwDataset>"
)
IAMONDB = (
    '<WhiteboardCaptureSession><General><Form id="a" writerID="10084"/></General><Transcription><TextLine id="1"'
    ' text="A MOVE"/></Transcription><WhiteboardDescription><SensorLocation corner="top_left"/></WhiteboardDescription>'
    '<StrokeSet><Stroke><Point x="10" y="20" time="769.05"/><Point x="12" y="25" time="769.06"/></Stroke></StrokeSet>'
    "</WhiteboardCaptureSession>"
)
GESTURE = '<Gesture Name="arrow01"><Point X="1" Y="2" T="0"/><Point X="3" Y="4" T="20"/></Gesture>'
KANJIVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="109" height="109"><g id="kvg:StrokePaths_04e00"><g id="kvg:04e00"'
    ' kvg:element="一" xmlns:kvg="http://kanjivg.tagaini.net"><path id="kvg:04e00-s1" d="M11,54.25c3.19,0.62,6.25,0.75,'
    '9.73,0.5"/></g></g></svg>'
)
ASSAMESE = (
    "CHARACTER_NAME: A\r\nSTROKE_COUNT: 1\r\n  X           Y   STYLUS_STATE STROKE\r\nPEN_DOWN\r\n"
    "  26          53        1        1\r\n  53          79        1        1\r\nPEN_UP                  0\r\n"
    "END_CHARACTER: A\r\n\r\n"
)
SIGNATURE_CSV = "x,y,t,pen\n1,2,0,1\n2,3,10,1\n9,9,20,0\n"
CASES = Path(__file__).parents[1] / "formats" / "cases"


def written() -> dict[str, bytes]:
    """Return what each writer of Kalamos makes of two inks, of the first where a file holds one page."""
    ink = Ink.from_strokes([[(0, 0), (3, 9), (4, 1)], [(7, 2), (8, 2)]], [[0, 0.1, 0.2], [0.5, 0.6]])
    samples = [Sample("a/1", ink, "é", writer="w", time_source="recorded"), Sample("b", ink, time_source="recorded")]
    found = {}
    with TemporaryDirectory() as folder:
        for name, write in WRITERS.items():
            write(samples[:1] if name == "rm" else samples, Path(folder) / name)
            found[name] = (Path(folder) / name).read_bytes()
        write_rows(Path(folder) / "rows", [Row(sample) for sample in samples], {})
        found["parquet"] = (Path(folder) / "rows").read_bytes()
    return found


def ink_files() -> dict[str, tuple[str, bytes]]:
    """Return name -> (format, content) for every format that is read, and every case of the formats of today."""
    own = {"json": "inkjson", "xopp": "xournal", "rm": "remarkable", "svg": "kanjivg"}
    found = {f"kalamos.{name}": (own.get(name, name), data) for name, data in written().items()}
    texts = {"upx": UPX, "iamondb": IAMONDB, "gesture": GESTURE, "kanjivg": KANJIVG, "assamese": ASSAMESE}
    found |= {f"one.{name}": (name, text.encode()) for name, text in {**texts, "table": SIGNATURE_CSV}.items()}
    stroke3 = np.array([[0, 0, 0], [5, 5, 1], [1, 1, 0], [2, 2, 1]], np.int16)
    records = {
        "unipen": makers.UNIPEN, "omniglot": makers.OMNIGLOT, "quickdraw": makers.QUICKDRAW, "uci": makers.PENDIGITS,
        "calliar": makers.CALLIAR, "olhwdb": makers.pot_record("啊", makers.SEVEN) * 2, "signature": makers.SVC2004,
        "uim": uim_files.BY_WACOM, "stroke3": makers.npz(train=makers.objects(stroke3, stroke3)),
    }  # fmt: skip
    found |= {f"made.{name}": (name, data) for name, data in records.items()}
    for name, path in (("ujipenchars", makers.UJI), ("calliar-page", makers.CALLIAR_SCRIPT), ("wacom", makers.WACOM)):
        found[name] = ({"ujipenchars": "uci", "calliar-page": "calliar"}.get(name, "signature"), path)
    for path in sorted(CASES.iterdir()):
        kind = CASE_FORMATS.get(path.suffix) or CASE_FORMATS[path.name[:3]]
        found[path.name] = (kind, path.read_bytes())
    return found


CASE_FORMATS = {
    ".inkml": "inkml", ".rm": "remarkable", ".svg": "svg", ".unp": "unipen", ".xopp": "xournal", ".npy": "stroke3",
    ".json": "inkobjects", ".xml": "tegaki", "i18": "multipart",
    **dict.fromkeys(("v01", "v02", "v04", "v05"), "signature"),
}  # fmt: skip
"""Ending, or first letters, of a case -> its format."""


def _zip(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 20)
    return stream.getvalue()


def strangers() -> dict[str, tuple[str, bytes]]:
    """Return name -> (what the refusal says that it is, content) of files that hold no ink in a known format."""
    return {
        "photo.png": ("a PNG picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 30),
        "photo.jpg": ("a JPEG picture", b"\xff\xd8\xff\xe0" + b"\0" * 30),
        "letter.pdf": ("a PDF document", b"%PDF-1.7\n"),
        "notes.docx": ("a Word document", _zip("[Content_Types].xml", "word/ink/ink1.xml")),
        "slides.pptx": ("a PowerPoint document", _zip("[Content_Types].xml", "ppt/ink/ink1.xml")),
        "page.zip": ("a zip archive that begins with 'x.inkml'", _zip("x.inkml")),
        "tablet.zip": ("an archive of reMarkable pages", _zip("a/b.rm")),
        "old.will": ("Wacom ink of the first generation", b"WILL" + b"\0" * 20),
        "sound.wav": ("a RIFF file of the kind 'WAVE'", b"RIFF" + struct.pack("<I", 4) + b"WAVE"),
        "section.one": ("a OneNote section", b"\xe4\x52\x5c\x7b" + b"\0" * 30),
        "arrays.pkl": ("a Python pickle", b"\x80\x04\x95" + b"\0" * 20),
        "data.h5": ("an HDF5 file", b"\x89HDF\r\n\x1a\n"),
        "notes.db": ("an SQLite database", b"SQLite format 3\0"),
        "page.xml": ("PageXML", b"<PcGts><Page/></PcGts>"),
        "alto.xml": ("ALTO", b"<alto><Layout/></alto>"),
        "index.html": ("a web page", b"<html><body/></html>"),
        "other.xml": ("XML with the root element <music>", b"<music/>"),
        "list.json": ("JSON with the keys name, size", b'[{"name": "a", "size": 3}]'),
        "numbers.txt": ("4 columns of numbers without names", b"1 2 3 4\n5 6 7 8\n"),
        "README": ("text that begins 'some words", b"some words\n"),
        "empty": ("the file is empty", b""),
    }
