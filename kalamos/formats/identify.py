"""What a file is that holds no ink in a known format, so that a refusal can say it and what to do instead."""

from __future__ import annotations

import json
import re

from kalamos.formats.xmltree import root_tag

_PICTURE = "; take `kalamos recover`, which reads handwriting from pictures"
MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", f"a PNG picture{_PICTURE}"),
    (b"\xff\xd8\xff", f"a JPEG picture{_PICTURE}"),
    (b"GIF8", f"a GIF picture{_PICTURE}"),
    (b"BM", f"a BMP picture{_PICTURE}"),
    (b"II*\0", f"a TIFF picture{_PICTURE}"),
    (b"MM\0*", f"a TIFF picture{_PICTURE}"),
    (b"%PDF", f"a PDF document{_PICTURE}"),
    (b"%!PS", f"a PostScript document{_PICTURE}"),
    (b"\x7fELF", "a program (ELF)"),
    (b"SQLite format 3", "an SQLite database; export its points as a table (CSV)"),
    (b"\x89HDF", "an HDF5 file (MATLAB 7.3 writes such); save it with -v7, or export its points as a table (CSV)"),
    (b"MATLAB 5.0", "a MATLAB 5 file without the variables that Character Trajectories has"),
    (b"\x1f\x8b", "gzip data that hold no Xournal page; unpack them first"),
    (b"BZh", "bzip2 data; unpack them first"),
    (b"\xfd7zXZ", "xz data; unpack them first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\xe4\x52\x5c\x7b", "a OneNote section (.one); export its pages, or ask the service for them as InkML"),
    (b"\x80\x04", "a Python pickle; pickles can run programs and are not read: save the arrays as .npz"),
    (b"\x80\x03", "a Python pickle; pickles can run programs and are not read: save the arrays as .npz"),
    (b"WILL", "Wacom ink of the first generation (WILL); export it as InkML"),
)
"""First bytes -> what begins so."""
ROOTS: dict[str, str] = {
    "html": "a web page",
    "svg": "a drawing",
    "tei": "a TEI text",
    "pcgts": "PageXML: text and places on a picture, no ink",
    "alto": "ALTO: text and places on a picture, no ink",
    "plist": "a property list of Apple's; notes keep their ink in a form that is not published, export InkML or SVG",
    "gpx": "a track of places",
    "kml": "a track of places",
    "mxfile": "a diagram",
    "math": "MathML: a formula, no ink",
}
"""Root element, lower case -> what such XML is."""


def what_it_is(head: bytes) -> str:
    """Return in words what a file that begins with ``head`` is."""
    named = next((what for mark, what in MARKS if head.startswith(mark)), None)
    if named is not None:
        return named
    if head[4:12] in (b"ftypheic", b"ftypmif1", b"ftypheix"):
        return f"an HEIC picture{_PICTURE}"
    if head[:4] == b"RIFF":
        return f"a RIFF file of the kind {head[8:12].decode('latin-1')!r}"
    if head.startswith(b"PK\x03\x04"):
        return _zip(head)
    if b"\0" in head[:1024] and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "binary data"
    root = root_tag(head)
    if root is not None:
        space = f" of {root[1]['xmlns']}" if root[1].get("xmlns") else ""
        known = ROOTS.get(root[0].lower())
        return f"XML with the root element <{root[0][:60]}>{space[:100]}{f': {known}' if known else ''}"
    return _text(head)


def _zip(head: bytes) -> str:
    size = int.from_bytes(head[26:28], "little")
    first = head[30 : 30 + size].decode("utf-8", "replace")[:60]
    for mark, what in (
        (b"word/", "a Word document; save its ink as InkML (word/ink/*.xml inside)"),
        (b"ppt/", "a PowerPoint document; save its ink as InkML (ppt/ink/*.xml inside)"),
        (b"mimetypeapplication/vnd", "an OpenDocument file"),
        (b".rm", "an archive of reMarkable pages; unpack it, its .rm files are read"),
        (b"Session.plist", "a Notability note, in a form that is not published; export it as SVG"),
        (b".note", "a note; unpack it first"),
    ):
        if mark in head:
            return f"a zip archive: {what}"
    return f"a zip archive that begins with {first!r}; unpack it first"


def _text(head: bytes) -> str:
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    begins = text[:200].strip()[:40]
    if begins[:1] in ("{", "["):
        return _json(text)
    cells = re.split(r"[\t;,| ]+", text.strip().splitlines()[0].strip()) if text.strip() else []
    if len(cells) > 1 and all(re.fullmatch(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?", cell) for cell in cells):
        return f"{len(cells)} columns of numbers without names; say which is what: --columns x=1,y=2"
    return f"text that begins {begins!r}"


def _json(text: str) -> str:
    keys = list(dict.fromkeys(re.findall(r'"((?:[^"\\]|\\.){1,40})"\s*:', text)))[:8]
    try:
        json.loads(text)
    except ValueError:
        whole = False
    else:
        whole = True
    names = ", ".join(keys) or "none"
    kind = "JSON" if whole or keys else "text like JSON"
    return f"{kind} with the keys {names}, none of them points; name them with --columns x=..,y=..,t=.."
