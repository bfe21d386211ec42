"""Files that are whole or not there, and outputs that never take the place of something else unasked.

Everything that Kalamos writes goes to a temporary name beside the final one, is flushed to the disk and renamed: a
killed run or a full disk leaves no half file under a final name.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import psutil

from kalamos.errors import BusyError, StoreError
from kalamos.machinery.seeding import stable_hash


@contextmanager
def replacing(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Give a temporary name beside ``path``; what was written there takes its place when it is whole, and on the disk.

    The name belongs to this machine, process and call, so that two runs at once never write into one file.

    Args:
        path: the final name; its folder is made where it is not there.
        overwrite: whether a file of that name may be replaced.

    Raises:
        StoreError: where the disk is full, the folder cannot be written, or the file is there and may not be replaced;
            no half file stays behind.
    """
    part = path.with_name(f".{path.name[:_NAME_KEPT]}.{_HOST}-{os.getpid()}-{next(_CALLS)}.part")
    try:
        refuse_present(path, overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if overwrite:
            part.replace(path)
        else:
            _place(part, path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}. Free some space or choose another "
            "folder, then run the same command again: finished files are kept."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def write_bytes(path: Path, data: bytes, *, overwrite: bool = True) -> None:
    """Write a file whole or not at all.

    Raises:
        StoreError: as :func:`replacing`.
    """
    with replacing(path, overwrite=overwrite) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write a text file whole or not at all; a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.

    Raises:
        StoreError: as :func:`replacing`.
    """
    write_bytes(path, utf8(text), overwrite=overwrite)


@contextmanager
def writing_text(path: Path, *, overwrite: bool = True) -> Iterator[TextIO]:
    """Open a text file for writing that takes its place only when all is written.

    Raises:
        StoreError: as :func:`replacing`.
    """
    with replacing(path, overwrite=overwrite) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        yield file


def utf8(text: str) -> bytes:
    """Encode a text; a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode("utf-8")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Outputs:
    """The outputs of one run: each name is given once, and never that of an input or of a file that is there.

    Args:
        inputs: files that no output may replace, not even where ``overwrite`` is given.
        overwrite: whether files of an earlier run may be replaced.
    """

    def __init__(self, inputs: Iterable[Path] = (), *, overwrite: bool = False) -> None:
        self.overwrite = overwrite
        self._inputs = {_identity(path) for path in inputs} - {None}
        self._given: set[str] = set()

    def claim(self, folder: Path, name: str, suffix: str = "") -> Path:
        """Return the path of a new output, its name numbered where another of this run has it already.

        Raises:
            StoreError: where an input, or without ``overwrite`` any file, has that name.
        """
        for number in itertools.count(1):
            path = folder / f"{name}{'' if number == 1 else f'-{number}'}{suffix}"
            spelt = str(path).casefold()  # what file systems that ignore case would take for one name
            if spelt not in self._given:
                break
        self._given.add(spelt)
        if _identity(path) in self._inputs:
            raise StoreError(f"{path} is an input and is never written over; choose another folder for the outputs")
        refuse_present(path, self.overwrite)
        return path


def safe_name(text: str) -> str:
    """Return a file name for any text, a sample's key for example: one name, visible, that every file system can hold.

    Slashes and what Windows forbids become ``_``; a name of more than 120 bytes is cut and gets a hash of the whole.
    """
    name = _NOT_IN_NAMES.sub("_", text).strip(" ")
    name = f"_{name[1:]}" if name.startswith(".") else name.rstrip(".")
    name = f"_{name}" if _RESERVED.fullmatch(name.partition(".")[0]) else name
    if len(utf8(name)) <= _NAME_BYTES:
        return name or "unnamed"
    return f"{utf8(name)[: _NAME_BYTES - 17].decode('utf-8', 'ignore')}-{stable_hash(text):016x}"


def refuse_present(path: Path, overwrite: bool) -> None:
    """Stop before work is done for a file that may not be written.

    Raises:
        StoreError: where a folder or special file has that name, or a file that may not be replaced.
    """
    if not os.path.lexists(path):
        return
    if path.exists() and not path.is_file():
        raise StoreError(f"{path} is a folder or a device and cannot be written as a file; choose another name")
    if not overwrite:
        raise StoreError(f"{path} is there already; give --overwrite to replace it, or choose another name")


def remove_abandoned(folder: Path) -> int:
    """Remove the temporary files of processes that were killed, and return how many.

    A process of another machine cannot be asked whether it lives: what it has not touched for a day is abandoned.
    """
    removed = 0
    for part in folder.glob(".*.part"):
        owner = _PART.fullmatch(part.name)
        with suppress(OSError):  # another run may be removing it too
            if owner and (
                not is_alive(int(owner["pid"]))
                if owner["host"] == _HOST
                else time.time() - part.stat().st_mtime > _ABANDONED_S
            ):
                part.unlink()
                removed += 1
    return removed


@contextmanager
def sole_run(folder: Path, *, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold a folder for this run alone, so that two runs do not write each other's files.

    Each run leaves a file of its own name and time, touches it every few seconds, and looks for those of older runs.
    A file that nobody has touched for a minute, by the clock of the disk, or whose process is gone, is of a run that
    was killed: it does not count and is removed.

    Args:
        folder: made where it is not there.
        waiting: told once, where another run's end is waited for, whose; None for an error instead.

    Raises:
        BusyError: where another run is at work there.
        StoreError: where the folder cannot be written.
    """
    began = time.time_ns()
    mine = folder / f".run.{_HOST}-{os.getpid()}-{began}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mine.touch()
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    told, ended = False, threading.Event()
    threading.Thread(target=_touch, args=(mine, ended), daemon=True, name="kalamos-sole-run").start()
    try:
        while (other := _run_before(folder, began, mine.name)) is not None:
            if waiting is None:
                raise BusyError(
                    f"another run is at work in {folder} ({other.name}); wait for its end or take another --out. A run "
                    "that was killed counts as gone after a minute"
                )
            if not told:
                waiting(other.name)
            told = True
            time.sleep(_LOOKED_AGAIN_S)
        yield
    finally:
        ended.set()
        with suppress(OSError):
            mine.unlink()


def _touch(path: Path, ended: threading.Event) -> None:
    """Show that a run lives, until it ends."""
    while not ended.wait(_TOUCHED_S):
        with suppress(OSError):
            os.utime(path)


def _run_before(folder: Path, began: int, own: str) -> Path | None:
    """Return the file of a run that lives and began in a folder before this one; remove those of runs that do not."""
    for lock in sorted(folder.glob(".run.*.lock")):
        owner = _LOCK.fullmatch(lock.name)
        if owner is None or lock.name == own:
            continue
        with suppress(OSError):
            os.utime(folder / own)  # now, as the disk's own clock says
            silent_s = (folder / own).stat().st_mtime - lock.stat().st_mtime
            if silent_s > _SILENT_S or (owner["host"] == _HOST and not is_alive(int(owner["pid"]))):
                lock.unlink()
            elif (int(owner["began"]), lock.name) < (began, own):
                return lock
    return None


def is_alive(pid: int) -> bool:
    """Say whether a process of this machine lives; one that ended and that nobody has collected does not."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.AccessDenied:  # it lives, and is somebody else's
        return True
    except (psutil.Error, ValueError, OverflowError):
        return False


def _place(part: Path, path: Path) -> None:
    """Give a file its final name without ever replacing another, also where two runs end at the same moment."""
    try:
        os.link(part, path)
    except FileExistsError:
        refuse_present(path, overwrite=False)
    except OSError:  # a file system without links
        refuse_present(path, overwrite=False)
        part.replace(path)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from all others however it is named; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


_HOST = re.sub(r"[^A-Za-z0-9_]", "_", socket.gethostname())[:40]
_CALLS = itertools.count()
_NAME_KEPT = 40
"""Characters of the final name in the temporary one: at most 160 bytes of the 255 that file systems allow."""
_PART = re.compile(r"\..*\.(?P<host>\w*)-(?P<pid>\d+)-\d+\.part", re.DOTALL)
_LOCK = re.compile(r"\.run\.(?P<host>\w*)-(?P<pid>\d+)-(?P<began>\d+)\.lock")
_ABANDONED_S = 24 * 3600.0
_LOOKED_AGAIN_S, _TOUCHED_S, _SILENT_S = 0.2, 5.0, 60.0
_NAME_BYTES = 120
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
