"""An ink in the terminal: braille cells of 2 x 4 dots, a colour for each stroke, its number beside its start."""

from __future__ import annotations

import io
import itertools
import shutil

import numpy as np
from rich.console import Console
from rich.text import Text

from kalamos.errors import KalamosError
from kalamos.geometry import bounds, resample
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes, Floats, Ints

_COLOURS = ("bright_cyan", "bright_magenta", "bright_yellow", "bright_green", "bright_red", "bright_blue", "white")
_BLANK = 0x2800
# bit of each dot of a cell, [row, column]: the code points of Unicode's Braille Patterns block
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
_MOST_ROWS = 40
_AROUND = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, 1), (1, 0), (1, -1), (1, 1))


def draw(ink: Ink, *, columns: int | None = None, colour: bool = True, numbers: bool = True) -> str:
    """Draw an ink as text.

    Args:
        ink: in any units.
        columns: 4 to 400; by default the terminal's width, 80 at most. The height follows, 40 lines at most.
        colour: colour the strokes by ANSI escapes, which rich leaves out where ``NO_COLOR`` is set.
        numbers: put the number of each stroke beside its start, where there is room.

    Returns:
        lines without trailing spaces; the empty string for an empty ink.

    Raises:
        KalamosError: where ``columns`` is out of its range.
    """
    columns = min(80, shutil.get_terminal_size().columns) if columns is None else columns
    if not 4 <= columns <= 400:
        raise KalamosError(f"columns is 4 to 400; got {columns}")
    if ink.n_points == 0:
        return ""
    dots, owner = _dots(ink, columns)
    characters = [[chr(_BLANK + int(bits)) if bits else " " for bits in row] for row in dots]
    if numbers:
        _number_starts(ink, columns, characters, owner)
    inked = [row for row, line in enumerate(characters) if any(character != " " for character in line)]
    rows = slice(inked[0], inked[-1] + 1)
    if not colour:
        return "\n".join("".join(line).rstrip() for line in characters[rows])
    return _coloured(characters[rows], owner[rows])


def _scale(ink: Ink, columns: int) -> tuple[float, Floats]:
    """Return dots a unit, and the top left corner; a cell is left free around the ink for the numbers."""
    box = bounds(ink)
    across, down = 2 * (columns - 2) - 1, 4 * (_MOST_ROWS - 2) - 1
    fit = min(across / box.width if box.width > 0 else np.inf, down / box.height if box.height > 0 else np.inf)
    return (float(fit) if np.isfinite(fit) else 1.0), np.array([box.x0, box.y0])


def _dots(ink: Ink, columns: int) -> tuple[Bytes, Ints]:
    """Return the braille bits of every cell, and which stroke reached it last (-1: none)."""
    scale, corner = _scale(ink, columns)
    dense = resample(Ink(ink.xy, ink.offsets), step=0.5 / scale)
    stroke = np.repeat(np.arange(dense.n_strokes), np.diff(dense.offsets))
    column, row = np.rint((dense.xy - corner) * scale).astype(np.int64).T + np.array([[2], [4]])
    cells = (int(row.max()) // 4 + 2, int(column.max()) // 2 + 2)
    bits, owner = np.zeros(cells, np.uint8), np.full(cells, -1)
    np.bitwise_or.at(bits, (row // 4, column // 2), _BITS[row % 4, column % 2])
    np.maximum.at(owner, (row // 4, column // 2), stroke)
    return bits, owner


def _number_starts(ink: Ink, columns: int, characters: list[list[str]], owner: Ints) -> None:
    """Write each stroke's number into a free cell next to its start."""
    scale, corner = _scale(ink, columns)
    starts = np.rint((ink.xy[ink.offsets[:-1]] - corner) * scale).astype(np.int64)
    for k, (x, y) in enumerate(starts.tolist()):
        text = str(k + 1)
        for down, aside in _AROUND:
            row, first = y // 4 + 1 + down, x // 2 + 1 + aside - (len(text) - 1 if aside < 0 else 0)
            if not (0 <= row < len(characters) and first >= 0 and first + len(text) <= len(characters[0])):
                continue
            if all(character == " " for character in characters[row][first : first + len(text)]):
                characters[row][first : first + len(text)] = list(text)
                owner[row, first : first + len(text)] = k
                break


def _coloured(characters: list[list[str]], owner: Ints) -> str:
    lines = []
    for row, strokes in zip(characters, owner.tolist(), strict=True):
        line = Text()
        for stroke, run in itertools.groupby(zip(strokes, row, strict=True), key=lambda cell: cell[0]):
            part = "".join(character for _, character in run)
            line.append(part, _COLOURS[stroke % len(_COLOURS)] if stroke >= 0 else None)
        line.rstrip()
        lines.append(line)
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=500, legacy_windows=False)
    with console.capture() as capture:
        console.print(Text("\n").join(lines), end="", soft_wrap=True)
    return capture.get()
