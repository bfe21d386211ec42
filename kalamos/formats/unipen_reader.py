"""Read a UNIPEN file with its includes into a :class:`~kalamos.formats.unipen_document.Document`.

Keywords are handled in the order in which they stand, an included file where its ``.INCLUDE`` stands. What a file may
ask for is bounded: nothing outside the root is opened, and depth, number and size of includes have a limit.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kalamos.errors import FormatError, UnreadableError, unreadable
from kalamos.formats.reading import read_bytes
from kalamos.formats.unipen_document import Document, Heading, Segment
from kalamos.formats.unipen_scan import Scan, block_lines, scan
from kalamos.machinery.arrays import Bools, Floats, Ints, Ints32

MAX_FILE_BYTES = 256 * 2**20
MAX_TOTAL_BYTES = 2**30
MAX_INCLUDES = 1000
MAX_REPEATED_BYTES = 16 * 2**20
"""What a file may include a second time, in all: real files do so with legends, hostile ones with data, 900 times."""
MAX_DEPTH = 8
MAX_COORDINATES = 32
MIN_RATE_HZ, MAX_RATE_HZ = 20.0, 1000.0
CACHE_BYTES = 64 * 2**20
CACHE_FILES = 16
MM_PER_INCH = 25.4

_LABEL = re.compile(r'"((?:[^"\\]|\\.)*)"\s*$', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\tn])')
_PLAIN = {'"': '"', "\\": "\\", "t": " ", "n": " "}


_Statement = tuple[str, str, int, int]
"""Name, text, blocks before it in the file, line."""
_PLACED = frozenset(("SEGMENT", "DT"))
"""Statements that change nothing for the blocks that follow, but must know how many components stand before them."""


class Reader:
    """Collects the parts of a document while its keywords pass by."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path, self.root = path, root
        self.heading, self.headings = Heading(), [Heading()]
        self.parts: list[tuple[tuple[str, ...], Floats]] = []
        self.sizes: list[Ints] = [np.empty(0, np.int64)]
        self.down: list[Bools] = [np.empty(0, np.bool_)]
        self.heading_of: list[Ints32] = [np.empty(0, np.int32)]
        self.gaps: list[tuple[int, float]] = []
        self.sets: list[int] = [0]
        self.segments: list[Segment] = []
        self.missing: list[str] = []
        self.hierarchy: tuple[str, ...] = ()
        self.counts: Counter[str] = Counter()
        self.n_components, self.n_includes, self.n_bytes, self.n_repeated = 0, 0, 0, 0
        self.included: set[Path] = set()
        self.y_up, self.has_coordinates, self.anything = True, False, False

    def document(self) -> Document:
        """Read the file and put the parts together.

        Raises:
            FormatError: where nothing in it is UNIPEN, a limit is passed or an include leaves the root.
        """
        text, root = str(self.path), f"{self.root}/"
        own = _plain_file(self.root, text[len(root) :]) if text.startswith(root) else None
        self._file(self.path, (own or self.path.resolve(),))
        if not self.anything:
            raise FormatError(self.path, "holds no UNIPEN keyword (a dot and a name at the beginning of a line)")
        if self.n_components and not self.has_coordinates:
            self.counts["unipen-coord-missing"] += 1
        columns, points = _joined(self.parts)
        starts = np.zeros(self.n_components + 1, np.int64)
        np.cumsum(np.concatenate(self.sizes), out=starts[1:])
        gap_s = np.zeros(self.n_components + 1)
        for component, elapsed_s in self.gaps:
            gap_s[component] += elapsed_s
        return Document(
            path=self.path,
            columns=columns,
            points=points,
            starts=starts,
            down=np.concatenate(self.down),
            gap_s=gap_s[:-1],
            headings=self.headings,
            heading_of=np.concatenate(self.heading_of),
            sets=self.sets,
            segments=self.segments,
            hierarchy=self.hierarchy,
            missing=self.missing,
            counts=self.counts,
            y_up=self.y_up,
        )

    def _file(self, path: Path, chain: tuple[Path, ...]) -> None:
        source = cached_scan(path)
        self.n_bytes += len(source.data)
        if self.n_bytes > MAX_TOTAL_BYTES:
            raise FormatError(self.path, f"it and its includes hold more than {MAX_TOTAL_BYTES >> 20} MB")
        self.anything = self.anything or source.n_keywords > 0 or len(source.down) > 0
        done, line, counted = 0, 1, 0
        waiting: list[_Statement] = []
        for begin, end, blocks in source.statements.tolist():
            name = _name(source.data, begin)
            if name is None:
                continue
            line, counted = line + source.data.count(b"\n", counted, begin), begin
            text = _text(source.data[begin:end])
            if name in _PLACED:
                waiting.append((name, text, blocks, line))
                continue
            self._take(source, done, blocks, waiting, path)
            done, waiting = blocks, []
            if name == "INCLUDE":
                self._include(text, path, chain, line)
            else:
                _HANDLERS[name](self, text.split()[1:])
        self._take(source, done, len(source.down), waiting, path)

    def _take(self, source: Scan, first: int, last: int, waiting: Sequence[_Statement], path: Path) -> None:
        """Take over blocks ``first`` to ``last`` (not included) under the present heading, and the statements there."""
        counts = [self.n_components]
        if first < last:
            counted = self._take_blocks(source, first, last)
            counts = (np.concatenate([[0], np.cumsum(counted)]) + self.n_components).tolist()
        self.n_components = counts[-1]
        for name, text, blocks, line in waiting:
            if name == "SEGMENT":
                self._segment(text, path, line, counts[blocks - first])
            else:
                self._elapsed(text.split()[1:], counts[blocks - first])

    def _take_blocks(self, source: Scan, first: int, last: int) -> Bools:
        """Take over blocks and say which of them count: those that hold points."""
        width = len(self.heading.coordinates)
        numbers = np.diff(source.starts[first : last + 1])
        uneven = (numbers % width != 0) | (source.junk[first:last] > 0)
        if uneven.any():
            points, sizes = self._take_uneven(source, first, last, uneven)
        else:
            points = source.values[source.starts[first] : source.starts[last]].reshape(-1, width)
            sizes = numbers // width
        counted: Bools = sizes > 0
        self.parts.append((self.heading.coordinates, points))
        self.sizes.append(sizes[counted])
        self.down.append(source.down[first:last][counted])
        if self.headings[-1] != self.heading:
            self.headings.append(self.heading)
        self.heading_of.append(np.full(len(self.sizes[-1]), len(self.headings) - 1, np.int32))
        return counted

    def _take_uneven(self, source: Scan, first: int, last: int, uneven: Bools) -> tuple[Floats, Ints]:
        width = len(self.heading.coordinates)
        pieces, sizes = [np.empty((0, width))], []
        for block in range(first, last):
            if uneven[block - first]:
                rows = block_lines(source, block)
                good = [row for row in rows if len(row) == width and not np.isnan(row).any()]
                self.counts["unipen-line-malformed"] += len(rows) - len(good)
                piece = np.array(good, np.float64).reshape(-1, width)
            else:
                piece = source.values[source.starts[block] : source.starts[block + 1]].reshape(-1, width)
            pieces.append(piece)
            sizes.append(len(piece))
        return np.concatenate(pieces), np.array(sizes, np.int64)

    def _include(self, text: str, path: Path, chain: tuple[Path, ...], line: int) -> None:
        words = text.split()
        if len(words) < 2:
            raise FormatError(path, ".INCLUDE names no file", f"line {line}")
        target = self._resolve(words[1], path, line)
        if target is None:
            if not path.exists():  # the whole folder is gone, a drive that failed for example
                raise UnreadableError(path, "does not exist any more")
            self.missing.append(words[1])
            return
        if target in chain:
            raise FormatError(path, f".INCLUDE goes round in a circle: {words[1]} is being read", f"line {line}")
        self.n_includes += 1
        if len(chain) > MAX_DEPTH or self.n_includes > MAX_INCLUDES:
            raise FormatError(path, f"more than {MAX_DEPTH} includes deep or {MAX_INCLUDES} in all", f"line {line}")
        if target in self.included:
            self.n_repeated += target.stat().st_size
            if self.n_repeated > MAX_REPEATED_BYTES:
                raise FormatError(path, f"includes more than {MAX_REPEATED_BYTES >> 20} MB again", f"line {line}")
        self.included.add(target)
        self._file(target, (*chain, target))

    def _resolve(self, name: str, path: Path, line: int) -> Path | None:
        """Return the file that an include names, or None where there is none.

        Raises:
            FormatError: where the name leads out of the root, whether or not there is a file.
        """
        plain = None if name.startswith("/") else _plain_file(self.root, f"include/{name}")
        if plain is not None:
            return plain
        for folder in (self.root / "include", path.parent, self.root):
            try:
                target = (folder / name).resolve()
                inside = target.is_relative_to(self.root)
                there = inside and target.is_file()
            except (OSError, ValueError, RuntimeError) as error:  # a loop of links is a RuntimeError up to Python 3.12
                raise FormatError(path, f".INCLUDE names no possible file: {error}", f"line {line}") from error
            if not inside:
                raise FormatError(path, f".INCLUDE {name[:80]} leads out of the folder {self.root}", f"line {line}")
            if there:
                return target
        return None

    def _segment(self, text: str, path: Path, line: int, after: int) -> None:
        begin = text.find('"')
        words = (text if begin < 0 else text[:begin]).split()
        kind = words[1].upper() if len(words) > 1 else ""
        delineation = words[2] if len(words) > 2 and words[2] != "?" else ""
        quality = words[3] if len(words) > 3 else ""
        if not after and not delineation and begin < 0:
            self.y_up = False
        label = None if begin < 0 else _unquoted(text[begin:])
        self.segments.append(Segment(kind, delineation, quality, label, self.sets[-1], after, path, line))

    def _elapsed(self, words: Sequence[str], after: int) -> None:
        elapsed_ms = _positive(words)
        if elapsed_ms is not None:
            self.gaps.append((after, elapsed_ms / 1000))

    def change(self, **fields: object) -> None:
        """Let a declaration take effect from here on."""
        self.heading = self.heading._replace(**fields)  # type: ignore[arg-type]


def _plain_file(root: Path, name: str) -> Path | None:
    """Return the file where the way to it from ``root`` holds no link and no ``..``: most often, and soon found out."""
    at, mode, parts = str(root), 0, name.split("/")
    if ".." in parts:
        return None
    try:
        for part in parts:
            at = f"{at}/{part}"
            mode = os.lstat(at).st_mode
            if stat.S_ISLNK(mode):
                return None
    except (OSError, ValueError):
        return None
    return Path(at) if stat.S_ISREG(mode) else None


def cached_scan(path: Path) -> Scan:
    """Return the scan of a file; the latest scans are kept, because many files include the same data.

    Raises:
        FormatError: where it is no regular file or is too large.
        UnreadableError: where it is not there, or the machine fails.
    """
    try:
        facts = path.stat()
        key = (str(path), facts.st_mtime_ns, facts.st_size)
        with _CACHE_LOCK:
            if key in _CACHE:
                _CACHE.move_to_end(key)
                return _CACHE[key]
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    result = scan(read_bytes(path, MAX_FILE_BYTES))
    with _CACHE_LOCK:
        _CACHE[key] = result
        room = CACHE_BYTES
        for old in reversed(list(_CACHE)):
            room -= _CACHE[old].n_bytes
            if room < 0 and old != key:
                del _CACHE[old]
        while len(_CACHE) > CACHE_FILES:
            _CACHE.popitem(last=False)
    return result


_CACHE: OrderedDict[tuple[str, int, int], Scan] = OrderedDict()
_CACHE_LOCK = threading.Lock()


def _joined(
    parts: Sequence[tuple[tuple[str, ...], Floats]],
) -> tuple[tuple[str, ...], Floats]:
    """Join the points of all parts; a coordinate that a part does not have is NaN there."""
    columns = tuple(dict.fromkeys(name for names, _ in parts for name in names)) or ("X", "Y")
    if all(names == columns for names, _ in parts):
        arrays = [points for _, points in parts]
        return columns, arrays[0] if len(arrays) == 1 else np.concatenate([np.empty((0, len(columns))), *arrays])
    wide = []
    for names, points in parts:
        rows = np.full((len(points), len(columns)), np.nan)
        rows[:, [columns.index(name) for name in names]] = points
        wide.append(rows)
    return columns, np.concatenate(wide)


def _name(data: bytes, begin: int) -> str | None:
    """Return the keyword that stands at a place, None where it says nothing of ink or segments."""
    word = data[begin + 1 : begin + 33].split(None, 1)[0]
    return _KNOWN.get(word) or _KNOWN.get(word.upper())


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _unquoted(text: str) -> str:
    """Return a label without its quotes and escapes; a quote that should have been escaped belongs to the label."""
    match = _LABEL.match(text)
    inner = match[1] if match else text[1 : max(text.rfind('"'), 1)] or text[1:].strip()
    return _ESCAPE.sub(lambda found: _PLAIN[found[1]], inner).replace("\n", " ").replace("\t", " ")


def _positive(words: Sequence[str]) -> float | None:
    try:
        value = float(words[0])
    except (IndexError, ValueError):
        return None
    return value if 0 < value < 1e9 else None


def _coordinates(reader: Reader, words: Sequence[str]) -> None:
    names = tuple(word.upper() for word in words[:MAX_COORDINATES])
    if "X" not in names or "Y" not in names or len(set(names)) < len(names):
        raise FormatError(reader.path, f".COORD must name X and Y, each name once; got {' '.join(words[:9])}")
    reader.has_coordinates = True
    reader.change(coordinates=names)


def _rate(reader: Reader, words: Sequence[str]) -> None:
    rate_hz = _positive(words)
    if rate_hz is not None and not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        reader.counts["unipen-rate-implausible"] += 1
        rate_hz = None
    reader.change(rate_hz=rate_hz)


def _resolution(name: str, per_mm: float) -> Callable[[Reader, Sequence[str]], None]:
    def handle(reader: Reader, words: Sequence[str]) -> None:
        value = _positive(words)
        reader.change(**{name: None if value is None else value * per_mm})

    return handle


def _writer(reader: Reader, words: Sequence[str]) -> None:
    reader.change(writer=words[0] if words and words[0] != "?" else "")


def _hierarchy(reader: Reader, words: Sequence[str]) -> None:
    reader.hierarchy = tuple(word.upper() for word in words)


def _start_set(reader: Reader, _: Sequence[str]) -> None:
    reader.sets.append(reader.n_components)


_HANDLERS: dict[str, Callable[[Reader, Sequence[str]], None]] = {
    "COORD": _coordinates,
    "POINTS_PER_SECOND": _rate,
    "X_POINTS_PER_INCH": _resolution("x_per_mm", 1 / MM_PER_INCH),
    "Y_POINTS_PER_INCH": _resolution("y_per_mm", 1 / MM_PER_INCH),
    "X_POINTS_PER_MM": _resolution("x_per_mm", 1.0),
    "Y_POINTS_PER_MM": _resolution("y_per_mm", 1.0),
    "WRITER_ID": _writer,
    "HIERARCHY": _hierarchy,
    "START_SET": _start_set,
}
_KNOWN: dict[bytes, str] = {name.encode(): name for name in (*_HANDLERS, *_PLACED, "INCLUDE")}
