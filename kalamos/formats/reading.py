"""Open files that may be anything: missing, unreadable, a folder, endless."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kalamos.errors import FormatError, KalamosError, UnreadableError, unreadable


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading.

    Raises:
        FormatError: where it is no regular file; a pipe would block.
        UnreadableError: where it is not there, or the machine fails while it is read.
    """
    try:
        if not path.is_file():
            raise _no_file(path)
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def _no_file(path: Path) -> KalamosError:
    if path.exists():
        return FormatError(path, "is not a file")
    return FormatError(path, "is a link to nothing") if path.is_symlink() else UnreadableError(path, "does not exist")


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file of at most ``limit`` bytes.

    Raises:
        FormatError: where it is no regular file or is larger.
        UnreadableError: as :func:`opened`.
    """
    with opened(path) as file:
        # asked for what is there and no more: room for the limit would be made anew for every small file
        size = min(os.fstat(file.fileno()).st_size, limit)
        data = file.read(size + 1)
        if len(data) > size:  # it says of itself that it is smaller, as files below /proc do
            data += file.read(limit - size)
    if len(data) > limit:
        raise FormatError(path, f"is larger than {limit / 2**20:.0f} MB, the most that this format is read from")
    return data


def text_of(data: bytes) -> str:
    """Decode UTF-8, with or without a byte-order mark; what is not UTF-8 is taken as Latin-1."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def lines_of(path: Path, limit: int) -> Iterator[bytes]:
    """Yield the lines of a file one by one, none longer than ``limit`` bytes, whatever the size of the file.

    Raises:
        FormatError: where it is no regular file, or a line is longer.
        UnreadableError: as :func:`opened`.
    """
    with opened(path) as file:
        number = 0
        while line := file.readline(limit + 1):
            number += 1
            if len(line) > limit:
                raise FormatError(path, f"the line is longer than {limit / 2**20:.0f} MB", f"line {number}")
            yield line
