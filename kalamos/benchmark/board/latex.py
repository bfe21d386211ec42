"""The tables as LaTeX that goes into a paper as it is: no wider than a column of two, for the package booktabs alone.

A table that is wider is set in blocks one below the other, each with the entries' names. Widths are estimated from the
advance widths of Computer Modern, a little above them, so that narrower fonts (Times) fit too.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kalamos.benchmark.board.selection import EVERYTHING, Selection
from kalamos.benchmark.board.table import Cell, Line, Table, metric_heads, number_text, said_texts, tables
from kalamos.benchmark.result import Result

COLUMN_PT = 219.0
"""Width that a table may take, points: 7.7 cm, a column of the narrowest of the usual styles (ACL)."""
ENTRY_PT = 68.0
"""Width of the entries' names; longer ones are broken."""
PAGE_PT = 600.0
"""Height from which a table says in a comment that it may be more than a page."""
_GAP_PT = 6.0
_ROW_PT = 9.5
_FOOTNOTE_PT, _SCRIPT_PT, _TINY_PT = 8.5, 8.0, 6.9  # of an em of cmr10 at these sizes: small fonts are drawn wider
_HEAD_LETTERS = 11
_UNBROKEN = 14
_SAID = ((("run by",), 82.0), (("trained on", "this corpus?"), 56.0))
"""Heads and widths of what cards say, which is broken into lines: beside an entry's name they fill a block."""

_KEY = "Bold: best of a column"
_TIED = "; underlined: cannot be told from the best (Holm-corrected)"
_INTERVALS = "; in brackets: 95 % intervals by writer"
_CARDS = " First party: run by those who made the model; third party: by others; as their cards say."
_ATTACKS = " Attacks, last, try to game the metrics and are not ranked."
_CONTROLS = " Below the line: controls, which have seen the truth, or cheat, and are not ranked."


@dataclass(frozen=True)
class _Column:
    """Head lines, and for each row a value and its interval (empty where it has none), all of it LaTeX."""

    head: tuple[str, ...]
    values: tuple[str, ...]
    intervals: tuple[str, ...]
    width_pt: float
    spec: str = "r"


def to_latex(results: Sequence[Result], *, all_metrics: bool = False, selection: Selection = EVERYTHING) -> str:
    """Return the tables as LaTeX for the package booktabs: best in bold, ties underlined, intervals below the values.

    Each has the label ``tab:TASK``, and ``tab:TASK-2`` where that is taken.

    Raises:
        UnknownNameError, TaskError: where something chosen is not there.
    """
    labels: set[str] = set()
    parts = ["% \\usepackage{booktabs}\n"]
    for table in tables(results, all_metrics=all_metrics, selection=selection):
        result = table.lines[0].result
        parts.append(_float(table, unique(label_text(result.task), labels)))
    return "\n".join(parts)


def escaped(text: str) -> str:
    """Return a text that LaTeX prints as it is, on one line, also at the beginning of a row of a table."""
    plain = "".join(c if c.isprintable() else " " for c in text.replace("\ufffd", "?"))
    return re.sub("-(?=-)", "-\0", " ".join(plain.split())).translate(_TEX)


def label_text(text: str) -> str:
    """Return a text of letters, digits, ``-``, ``.`` and ``:`` as labels and keys of BibTeX take it."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9.:-]+", "-", ascii_text).strip("-") or "unnamed"


def unique(name: str, taken: set[str]) -> str:
    """Return a name that is not taken, numbered where it is, and take it."""
    numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    free = next(candidate for candidate in numbered if candidate not in taken)
    taken.add(free)
    return free


def _float(table: Table, label: str) -> str:
    lines = table.lines
    columns = [*_said_columns(table), *_metric_columns(table, lines), _coverage_column(lines)]
    entry_pt = min(ENTRY_PT, max(_width(line.result.entry, _FOOTNOTE_PT) for line in lines))
    blocks = list(_blocks(columns, COLUMN_PT - entry_pt))
    tall = sum(_height(block, len(lines)) for block in blocks)
    return "\n".join(
        [
            *([_too_tall(tall)] if tall > PAGE_PT else []),
            r"\begin{table}[t]",
            r"\centering",
            r"\footnotesize",
            r"\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{_caption(table)}}}",
            rf"\label{{tab:{label}}}",
            "\n\n\\medskip\n".join(_tabular(block, table, entry_pt) for block in blocks),
            r"\end{table}",
            "",
        ]
    )


def _too_tall(height_pt: float) -> str:
    return (
        f"% About {height_pt:.0f} pt high, which may be more than a page: leave rows or columns out by --entries, "
        "--no-controls, --metrics, --no-intervals."
    )


def _caption(table: Table) -> str:
    tied = any(cell.mark == "tied" for line in table.ranked for cell in line.cells.values())
    known = any(line.cells for line in table.ranked)
    key = f"{_KEY}{_TIED if tied else ''}{_INTERVALS if table.intervals else ''}." if known else ""
    controls = _CONTROLS if table.ranked and table.controls else ""
    cards = _CARDS if table.has_cards else ""
    attacks = _ATTACKS if table.attacks else ""
    return escaped(
        " ".join(filter(None, [f"{table.title}.", table.note.replace("`", ""), f"{key}{controls}{attacks}{cards}"]))
    )


def _metric_columns(table: Table, lines: Sequence[Line]) -> Iterator[_Column]:
    for name, head in zip(table.metrics, metric_heads(table), strict=True):
        cells = [line.cells.get(name) for line in lines]
        values = [number_text(cell.summary.value) if cell else "" for cell in cells]
        intervals = [_interval(cell) if cell else "" for cell in cells]
        yield _column(head, values, [_value(cell) if cell else "" for cell in cells], intervals)


def _said_columns(table: Table) -> Iterator[_Column]:
    """Yield who ran an entry and whether it was trained on the corpus, where the table has entries with cards."""
    if not table.has_cards:
        return
    texts = [said_texts(line.result) for line in table.lines]
    for place, (head, width) in enumerate(_SAID):
        values = [rf"{{\raggedright {escaped(pair[place]).replace('–', '--')}\par}}" for pair in texts]
        yield _Column(head, tuple(values), ("",) * len(values), width, f"p{{{width:.0f}pt}}")


def _coverage_column(lines: Sequence[Line]) -> _Column:
    values = [f"{line.result.coverage:.3f}" for line in lines]
    return _column("coverage ↑", values, values, [""] * len(lines))


def _column(head: str, plain: Sequence[str], values: Sequence[str], intervals: Sequence[str]) -> _Column:
    stacked = _stacked(head)
    width = max(
        [_width(text, _SCRIPT_PT) for text in stacked]
        + [_width(text, 1.15 * _FOOTNOTE_PT) for text in plain]  # bold is wider
        + [_width(text, _TINY_PT) for text in intervals]
    )
    small = (rf"{{\tiny {_signed(text)}}}" if text else "" for text in intervals)
    return _Column(tuple(map(escaped, stacked)), tuple(values), tuple(small), width)


def _value(cell: Cell) -> str:
    text = _signed(number_text(cell.summary.value))
    return {"best": rf"\textbf{{{text}}}", "tied": rf"\underline{{{text}}}"}.get(cell.mark, text)


def _interval(cell: Cell) -> str:
    low, high = number_text(cell.summary.low), number_text(cell.summary.high)
    return "" if "–" in (low, high) else f"[{low}, {high}]"


def _signed(text: str) -> str:
    return text.replace("-", "$-$").replace("–", "--")


def _stacked(head: str) -> list[str]:
    """Return the lines of a head: broken behind underscores where it would be long."""
    name, _, arrow = head.partition(" ")
    lines = [""]
    for part in re.findall(r"[^_]*_|[^_]+", name):
        if lines[-1] and len(lines[-1]) + len(part) > _HEAD_LETTERS:
            lines.append("")
        lines[-1] += part
    if len(lines[-1]) + 2 > _HEAD_LETTERS:
        return [*lines, arrow]
    return [*lines[:-1], f"{lines[-1]} {arrow}"]


def _blocks(columns: Iterable[_Column], room_pt: float) -> Iterator[list[_Column]]:
    block: list[_Column] = []
    used = 0.0
    for column in columns:
        if block and used + column.width_pt + _GAP_PT > room_pt:
            yield block
            block, used = [], 0.0
        block.append(column)
        used += column.width_pt + _GAP_PT
    yield block


def _height(block: Sequence[_Column], rows: int) -> float:
    intervals = sum(any(column.intervals[row] for column in block) for row in range(rows))
    return _ROW_PT * (rows + intervals + max(len(column.head) for column in block) + 1)


def _tabular(block: Sequence[_Column], table: Table, entry_pt: float) -> str:
    names = [line.result.entry for line in table.lines]
    broken = max(_width(name, _FOOTNOTE_PT) for name in names) > ENTRY_PT
    first = f"p{{{entry_pt:.0f}pt}}" if broken else "l"
    rows = [_row(_name(name) if broken else escaped(name), block, row) for row, name in enumerate(names)]
    done = 0
    body: list[str] = []
    for section in table.sections():
        if body:
            body.append(r"\midrule")
        if section.head:
            body.append(rf"\multicolumn{{{len(block) + 1}}}{{@{{}}l}}{{\emph{{{escaped(section.head)}}}}} \\")
        body += rows[done : done + len(section.lines)]
        done += len(section.lines)
    return "\n".join(
        [
            rf"\begin{{tabular}}{{@{{}}{first}{''.join(column.spec for column in block)}@{{}}}}",
            r"\toprule",
            *_head_rows(block),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _head_rows(block: Sequence[_Column]) -> list[str]:
    """Return the heads as rows, the last line of each in the last row."""
    depth = max(len(column.head) for column in block)
    padded = [[""] * (depth - len(column.head)) + list(column.head) for column in block]
    rows = []
    for line in range(depth):
        texts = [rf"{{\scriptsize {lines[line]}}}" if lines[line] else "" for lines in padded]
        rows.append(" & ".join(["entry" if line == depth - 1 else "", *texts]) + r" \\")
    return rows


def _row(name: str, block: Sequence[_Column], row: int) -> str:
    values = " & ".join([name, *(column.values[row] for column in block)]) + r" \\"
    intervals = [column.intervals[row] for column in block]
    return values if not any(intervals) else f"{values}\n" + " & ".join(["", *intervals]) + r" \\"


def _name(text: str) -> str:
    """Return an entry's name that may be broken: behind signs, and within long words."""
    words = re.findall(rf"[^\W_]{{1,{_UNBROKEN}}}|.", " ".join(text.split()))
    parts = [f"{escaped(part)}{' ' if part.endswith(' ') else ''}" for part in _glued(words)]
    return r"\raggedright\hangindent=0.7em " + r"\allowbreak{}".join(parts)


def _glued(words: Iterable[str]) -> list[str]:
    """Put signs and spaces to the word before them."""
    parts: list[str] = []
    for word in words:
        if parts and not word[0].isalnum():
            parts[-1] += word
        else:
            parts.append(word)
    return parts


def _width(text: str, size_pt: float) -> float:
    return size_pt * sum(map(_em, text))


def _em(letter: str) -> float:
    """Return the advance width of a letter, as share of the size: of Computer Modern, rounded up; wide scripts: one."""
    if letter in "ijl.,:;'|!()[] ":
        return 0.33
    if letter in "mwMW@%→" or (not letter.isascii() and unicodedata.east_asian_width(letter) in "WF"):
        return 1.0
    return 0.79 if letter.isupper() or letter in "=+<>" else 0.53


_TEX = str.maketrans(
    {
        "\0": "{}",  # between two hyphens, which would become a dash
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "`": r"\textasciigrave{}",
        '"': r"{\char34}",
        **{sign: rf"\{sign}" for sign in "_%&#${}"},
        **{sign: f"{{{sign}}}" for sign in "[]*"},  # behind the end of a row they would be its options
        "↓": r"$\downarrow$",
        "↑": r"$\uparrow$",
        "→": r"$\to$",
        "±": r"$\pm$",
        "—": "---",
        "–": "--",
    }
)
