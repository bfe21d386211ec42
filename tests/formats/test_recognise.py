"""Formats are recognised by content; whatever the name says."""

from __future__ import annotations

from pathlib import Path

import pytest

from kalamos.errors import FormatError, UnreadableError
from kalamos.formats import FORMATS, read_samples, recognise
from kalamos.formats.report import UnitReport

CONTENTS = {
    "inkml": b'\xef\xbb\xbf<?xml version="1.0"?><!-- a comment with <svg> --><ink><trace>1 2, 3 4</trace></ink>',
    "upx": b'<?xml version="1.0"?><!DOCTYPE hwDataset SYSTEM "hw.dtd"><hwDataset/>',
    "iamondb": b"<WhiteboardCaptureSession><StrokeSet/></WhiteboardCaptureSession>",
    "kanjivg": b'<svg xmlns:kvg="http://kanjivg.tagaini.net"><g kvg:element="a"><path d="M1,2L3,4"/></g></svg>',
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M1,2L3,4"/></svg>',
    "tegaki": b"<character><utf8>a</utf8></character>",
    "xournal": b"<xournal/>",
    "remarkable": b"reMarkable .lines file, version=6          ",
    "multipart": b"--b\r\nContent-Type: text/html\r\n\r\n",
    "inkobjects": b'[{"points": [{"x": 1, "y": 2}]}]',
    "table": b"time;X;Y\n1;2;3\n",
    "signature": b"ABC-001 2\n1 2 3\n1 2 4\n",
    "unipen": b".VERSION 1.0\n.COORD X Y\n.PEN_DOWN\n1 2\n.PEN_UP\n",
    "inkjson": b'{"kalamos":1,"key":"a","strokes":[{"x":[1],"y":[2]}]}\n',
    "parquet": b"PAR1....",
}


@pytest.mark.parametrize(("name", "content"), CONTENTS.items())
def test_by_content(name: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "named.dat"
    file.write_bytes(content)
    found, why = recognise(file)
    assert found == name
    assert why


def test_every_format_has_a_module_with_its_two_functions() -> None:
    for name in FORMATS.names():
        module = FORMATS.load(name)
        assert module.sniff(b"") is None
        assert module.sniff(b"nothing of the kind") is None
        assert callable(module.read)
        assert module.__doc__


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\x7fELF\0\0", "a program"),
        (b"\0\1\2", "binary data"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture; take `kalamos recover`"),
        (b"<?xml version='1.0'?><gpx/>", "root element <gpx>: a track of places"),
        (b"<a:b xmlns:a='urn:x'/>", "root element <b> of urn:x: in no known format"),
        (b"PK\x03\x04" + bytes(22) + b"\x08\0\0\0notes.rm", "an archive of reMarkable pages"),
        (b'{"colour": 1, "size": 2}', "JSON with the keys colour, size"),
        (b"1 2 3\n4 5 6\n", "3 columns of numbers without names"),
        (b"\x80\x04K\1.", "a Python pickle"),
        (b"Dear Sir or Madam", "text that begins 'Dear Sir"),
        (b"<html></html>", "root element <html>: a web page"),
        (b"\xff\xfe", "no known format"),
    ],
)
def test_the_unknown_is_named_with_what_was_tried(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "x.inkml"
    file.write_bytes(content)
    with pytest.raises(FormatError, match=said):
        recognise(file)


def test_a_bomb_is_recognised_and_refused_by_its_reader(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text('<!DOCTYPE ink [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><ink>&b;</ink>')
    assert recognise(file)[0] == "inkml"
    with pytest.raises(FormatError, match="entit"):
        list(read_samples(file))


def test_a_missing_file_a_folder_and_a_pipe(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for path, said in (("absent", "does not exist"), (".", "is a folder; name one of"), ("pipe", "is not a file")):
        with pytest.raises(UnreadableError if path == "absent" else FormatError, match=said):
            recognise(tmp_path / path)


def test_a_folder_is_read_file_by_file_and_strangers_are_refusals(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENTS["inkml"])
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(CONTENTS["kanjivg"])
    (tmp_path / "README").write_text("read me")
    report = UnitReport()
    assert [sample.key for sample in read_samples(tmp_path, report)] == ["a", "c"]
    assert [refusal.source for refusal in report.refusals] == ["README"]
