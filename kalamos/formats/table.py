"""Tables of points: CSV, TSV and other text in columns, a row a point.

The first line that is no comment (``#``) names the columns; :mod:`kalamos.formats.columns` says which names are known
and how others are mapped (``--columns``). Separators are the tab, semicolon, comma, bar or white space; a decimal comma
is read where semicolons or tabs separate. A table without names is read where ``--columns`` numbers them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from kalamos.errors import FormatError, InkError
from kalamos.formats.columns import ink_of, roles_of, spans, turned
from kalamos.formats.reading import read_bytes
from kalamos.formats.report import Refusal, UnitReport
from kalamos.ink import Ink, Sample

MAX_FILE_BYTES = 512 * 2**20
SEPARATORS = "\t;,|"
_DECIMAL_COMMA = re.compile(r"(?:^|[;\t])\s*-?\d+,\d+\s*(?=[;\t]|$)", re.MULTILINE)
_NUMBER = re.compile(r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?")


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is a table of points, or None."""
    if b"\0" in head[:4096] and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    text = _decoded(head)
    line = _first_line(text)
    separator = _separator(line)
    names = _cells(line, separator)
    if len(names) < 2 or not {"x", "y"} <= roles_of(names).keys():
        return None
    return f"a table whose first line names x and y among its {len(names)} columns"


def read(path: Path, report: UnitReport, columns: Mapping[str, str] | None = None) -> Iterator[Sample]:
    """Yield a sample for each drawing of a table, the whole of it where no column tells drawings apart.

    Raises:
        FormatError: where the file is no table, or its columns are not known and not chosen.
    """
    names, table = _table(path, columns)
    try:
        roles = roles_of(names, columns)
    except ValueError as error:
        raise FormatError(path, str(error)) from error
    if not {"x", "y"} <= roles.keys():
        found = ", ".join(names)[:120]
        raise FormatError(path, f"has the columns {found}; say which is what: --columns x=..,y=..,t=..,stroke=..")
    values = {role: table.column(name).to_pylist() for role, name in roles.items()}
    n = table.num_rows
    pieces = spans(list(values["sample"])) if "sample" in values else [(0, n)] if n else []
    for a, b in pieces:
        report.expected["drawing"] += 1
        part = {role: column[a:b] for role, column in values.items()}
        where = f"rows {a + 1} to {b}"
        try:
            ink = ink_of(part, roles, report.mendings, turned(columns))
            if not ink.n_points:
                raise ValueError("no point has a pen that is down")
        except (ValueError, InkError) as error:
            report.refusals.append(Refusal(path.name, where, str(error)))
            continue
        yield _sample(path, part, ink, where)


def _sample(path: Path, part: Mapping[str, list[Any]], ink: Ink, where: str) -> Sample:
    name = str(part["sample"][0]) if "sample" in part else ""
    return Sample(
        f"{path.stem}/{name}".rstrip("/"),
        ink,
        str(part["label"][0] or "") if "label" in part else "",
        "page",
        writer=str(part["writer"][0] or "") if "writer" in part else "",
        time_source="none" if ink.t is None else "recorded",
        source=f"{path.name}, {where}",
    )


def _table(path: Path, columns: Mapping[str, str] | None) -> tuple[list[str], pa.Table]:
    text = _decoded(read_bytes(path, MAX_FILE_BYTES))
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    rows = list(lines)
    if not rows:
        raise FormatError(path, "holds no row")
    separator = _separator(rows[0])
    if separator == " ":
        rows, separator = ["\t".join(row.split()) for row in rows], "\t"
    names = _cells(rows[0], separator)
    if all(_NUMBER.fullmatch(name) for name in names):
        if not columns:
            raise FormatError(
                path, f"is {len(names)} columns of numbers without names; say which is what: --columns x=1,y=2,t=3"
            )
        names, first = [str(k) for k in range(1, len(names) + 1)], 0
    else:
        first = 1
    if len(set(names)) < len(names):
        raise FormatError(path, f"has two columns of one name: {', '.join(names)[:120]}", "line 1")
    decimal = "," if separator in ";\t" and _DECIMAL_COMMA.search("\n".join(rows[first : first + 50])) else "."
    try:
        table = csv.read_csv(
            io.BytesIO("\n".join(rows[first:]).encode()),
            csv.ReadOptions(column_names=names),
            csv.ParseOptions(delimiter=separator),
            csv.ConvertOptions(decimal_point=decimal, strings_can_be_null=True),
        )
    except (pa.ArrowException, UnicodeError) as error:
        raise FormatError(path, f"is no table: {str(error)[:150]}") from error
    return names, table


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")


def _separator(line: str) -> str:
    return next((mark for mark in SEPARATORS if mark in line), " ")


def _cells(line: str, separator: str) -> list[str]:
    cells = line.split() if separator == " " else line.split(separator)
    return [cell.strip().strip('"').strip() for cell in cells]


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
