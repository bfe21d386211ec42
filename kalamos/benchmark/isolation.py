"""Run somebody's recoverer in a process of its own, so that a crash or a hang is an answer and not an end.

The model can do no harm but to itself: what it sends back is plain numbers (:mod:`kalamos.benchmark.wire`), what it
prints goes to a log, and :mod:`kalamos.benchmark.supervisor` bounds its memory and ends all that it started. It is kept
apart, not jailed: it is a program of the user's, with the user's rights.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import psutil

from kalamos.benchmark import stated, wire
from kalamos.benchmark.stated import NOTHING, Stated
from kalamos.errors import ModelError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.files import write_bytes
from kalamos.recoverer import fault

Status = Literal["ok", "failed", "timeout", "crashed"]

START_TIMEOUT_S = 180.0
"""So much processor time, or so long without using any, may a model take to start: on a busy machine, where what has to
be compiled takes many times longer by the clock, nobody is ended for waiting for his turn."""
BUSY_SHARE = 0.02
"""A process that gets this share of a core is at work; less is waiting for something else."""
START_POLL_S = 1.0
GIVE_UP_AFTER = 20
"""So many calls in a row that end in a hang or a crash, and the rest is not tried."""
SLOWDOWN = 20.0
"""How much longer than the images before it a batch may take an image, before it counts as hanging."""
MAX_LOG_BYTES = 2**20
ENDING_S = 2.0
"""How long a process whose connection closed may take to end, so that it can be told how it ended."""
CLOSE_TIMEOUT_S = 20.0


def default_memory_mb() -> float:
    """Return how much memory a model's processes may hold together: half of the machine's."""
    return float(psutil.virtual_memory().total) / 2**21


@dataclass(frozen=True, slots=True)
class Answer:
    """What a recoverer made of one image.

    Attributes:
        ink: the recovered ink in pixels; None where there is none.
        status: ``ok``, ``failed`` (exception or useless answer), ``timeout`` or ``crashed``.
        message: what went wrong; empty where nothing did.
        seconds: its share of the time that the call took.
        stated: how sure the recoverer is, and its alternatives; nothing of an answer that is not ``ok``.
    """

    ink: Ink | None
    status: Status = "ok"
    message: str = ""
    seconds: float = float("nan")
    stated: Stated = NOTHING


class IsolatedRecoverer:
    """A recoverer in a worker process; start it once and ask it in batches.

    Args:
        spec: what :func:`kalamos.recoverer.load_recoverer` takes.
        timeout_s: how long one image may take. The first is asked alone; from its time follows what a batch may take.
        memory_mb: what the model's processes may hold together; None for half of the machine's.
        log: the file that gets what the model prints; None for nowhere.

    Attributes:
        pages: whether the images are whole pages, to be prepared and cut into pieces first.

    Raises:
        ModelError: where it cannot be started.
    """

    _connection: socket.socket
    _process: subprocess.Popen[bytes]
    _status: int | None

    def __init__(
        self, spec: str, timeout_s: float = 20.0, memory_mb: float | None = None, log: Path | None = None
    ) -> None:
        self.spec, self.timeout_s, self.log = spec, timeout_s, log
        self.memory_mb = default_memory_mb() if memory_mb is None else memory_mb
        self.name, self.pages = "", False
        self.peak_memory_mb = 0.0
        self._faults_in_a_row = 0
        self._seconds_an_image: float | None = None
        self._broken = ""
        self._printed = _Printed()
        self._start()

    def recover(self, images: Sequence[OfflineImage]) -> list[Answer]:
        """Return one answer an image; a batch that fails is halved until the images at fault are alone."""
        return self.recover_many([[image] for image in images])

    def recover_many(self, groups: Sequence[Sequence[OfflineImage]], n_best: int = 1) -> list[Answer]:
        """Return one answer an image, group by group.

        A recoverer that has ``recover_many`` is told which images are of one group, and asked for ``n_best`` paths. A
        batch that fails is halved until the groups at fault are alone; such a group is asked image by image.
        """
        count = sum(map(len, groups))
        if self._faults_in_a_row >= GIVE_UP_AFTER:
            message = f"not tried: the {GIVE_UP_AFTER} calls before hung or crashed the model"
            return [Answer(None, "failed", message) for _ in range(count)]
        if self._broken:
            return [Answer(None, "failed", f"not tried: {self._broken}") for _ in range(count)]
        if self._seconds_an_image is None and count > 1:
            return self._measured(groups, n_best)
        answers = self._ask(groups, n_best)
        if answers is not None:
            self._faults_in_a_row = 0
            return answers
        if count == 1:
            return [self._last_fault]
        parts = groups if len(groups) > 1 else [[image] for image in groups[0]]
        middle = len(parts) // 2
        return self.recover_many(parts[:middle], n_best) + self.recover_many(parts[middle:], n_best)

    def _measured(self, groups: Sequence[Sequence[OfflineImage]], n_best: int) -> list[Answer]:
        """Ask one image alone first, so that it is known how long a batch may take."""
        first, rest = list(groups[0]), list(groups[1:])
        if len(first) == 1:
            return self.recover_many([first], n_best) + self.recover_many(rest, n_best)
        if self._ask([first[:1]], n_best) is None:
            return self.recover_many([[image] for image in first], n_best) + self.recover_many(rest, n_best)
        return self.recover_many(groups, n_best)

    def close(self) -> None:
        """End the worker process and all that it started, and write the log of what it printed."""
        self._end()
        if self.log is not None:
            self._printed.write(self.log)

    def _end(self, grace_s: float = 0.0) -> str:
        """End the processes and say how the model's own one ended; ``grace_s`` is for one that is ending by itself."""
        self._connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        with contextlib.suppress(OSError):
            self._input.close()
        try:
            self._process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:  # a model that stopped its supervisor
            self._process.kill()
            self._process.wait()
        if self._status is None:
            return ""
        with os.fdopen(self._status, "rb") as status:
            os.set_blocking(status.fileno(), False)
            ending = status.read(200) or b""
        self._status = None
        return ending.decode("utf-8", "replace") or "its supervisor was killed"

    def _start(self) -> None:
        # Not multiprocessing: its children import the caller's main module, which scripts without a guard do not bear.
        ours, theirs = socket.socketpair()
        self._status, told = os.pipe()
        words = (str(theirs.fileno()), self.spec, str(self.memory_mb), str(told))
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "kalamos.benchmark.supervisor", *words],
            pass_fds=[theirs.fileno(), told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        theirs.close()
        os.close(told)
        self._connection = ours
        self._input: IO[bytes] = _there(self._process.stdin)
        self._printed.drain(_there(self._process.stdout))
        if not self._starts():
            self._end()
            raise ModelError(
                f"model {self.spec} did not start within {START_TIMEOUT_S:.0f} s of processor time or of waiting"
            )
        try:
            head, _ = wire.receive(self._connection, START_TIMEOUT_S)
        except TimeoutError:
            self._end()
            raise ModelError(f"model {self.spec} began to say that it is ready, and did not end") from None
        except (EOFError, OSError, wire.BrokenMessageError):
            ending = self._end(ENDING_S)
            raise ModelError(
                f"model {self.spec} ended its process while starting ({ending}){self._printed.last()}"
            ) from None
        if head.get("kind") != "ready":
            self._end()
            raise ModelError(f"model {self.spec} cannot be started: {wire.clean(head.get('text'))}")
        self.name = wire.clean(head.get("text"))

    def _starts(self) -> bool:
        """Wait for the process to say something, as long as it may take to start; say whether it did."""
        spent_s, waited_s, at = 0.0, 0.0, time.monotonic()
        while not select.select([self._connection], [], [], min(START_POLL_S, START_TIMEOUT_S))[0]:
            before_s, began, at = spent_s, at, time.monotonic()
            spent_s = max(spent_s, _processor_s(self._process.pid))
            if spent_s - before_s < BUSY_SHARE * (at - began):
                waited_s += at - began
            if max(spent_s, waited_s) >= START_TIMEOUT_S:
                return False
        return True

    def _ask(self, groups: Sequence[Sequence[OfflineImage]], n_best: int) -> list[Answer] | None:
        """Return the answers, or None after noting the fault of the whole batch."""
        images = [image for group in groups for image in group]
        try:
            allowed_s = self._allowed_s(len(images))
            self._connection.settimeout(allowed_s)
            wire.send(self._connection, *wire.pack_groups(groups, n_best, pages=self.pages))
            return self._answers(images, n_best, *wire.receive(self._connection, allowed_s))
        except TimeoutError:
            self._restart("timeout", f"no answer within {self.timeout_s:g} s")
        except wire.BrokenMessageError as error:
            self._restart("crashed", f"the model broke the connection: {error}")
        except (EOFError, OSError):
            self._restart("crashed", "the model ended its process")
        return None

    def _answers(
        self, images: Sequence[OfflineImage], n_best: int, head: Mapping[str, Any], body: bytes
    ) -> list[Answer] | None:
        seconds, memory = _number(head.get("seconds")), _number(head.get("memory"))
        found = _found(images, n_best, head, body)
        self.peak_memory_mb = max(self.peak_memory_mb, memory)
        self._seconds_an_image = max(self._seconds_an_image or 0.0, seconds / len(images))
        if found is None:
            self._last_fault = Answer(None, "failed", wire.clean(head.get("text")), seconds)
            return None
        each = seconds / len(images)
        return [_judged(ink, beside, image, each) for (ink, beside), image in zip(found, images, strict=True)]

    def _allowed_s(self, images: int) -> float:
        usual = self.timeout_s if self._seconds_an_image is None else self._seconds_an_image * SLOWDOWN
        return self.timeout_s + min(usual, self.timeout_s) * (images - 1)

    def _restart(self, status: Status, message: str) -> None:
        ending = self._end(ENDING_S if status == "crashed" else 0.0)
        if status == "crashed":
            message = f"the model {ending}" if ending.startswith("used") else f"{message} ({ending})"
        self._last_fault = Answer(None, status, message)
        self._faults_in_a_row += 1
        try:
            self._start()
        except ModelError as error:
            self._broken = str(error)


def _processor_s(pid: int) -> float:
    """Return the processor time that a process and all below it have used, seconds; 0 where it is gone."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                total += times.user + times.system
    return total


class _Printed:
    """What a model printed: its beginning, up to a limit, and how much more there was."""

    def __init__(self) -> None:
        self._kept, self._lost = bytearray(), 0

    def drain(self, stream: IO[bytes]) -> None:
        """Read a stream to its end in a thread of its own, so that printing never blocks the model."""

        def read() -> None:
            with stream, contextlib.suppress(OSError, ValueError):
                while data := os.read(stream.fileno(), 65_536):
                    room = max(MAX_LOG_BYTES - len(self._kept), 0)
                    self._kept += data[:room]
                    self._lost += max(len(data) - room, 0)

        threading.Thread(target=read, daemon=True, name="kalamos-model-log").start()

    def last(self) -> str:
        """Return the last line that was printed, to stand in a message."""
        lines = bytes(self._kept[-2000:]).decode("utf-8", "replace").split("\n")
        line = next((line for line in reversed(lines) if line.strip()), "")
        return f": {wire.clean(line)}" if line else ""

    def write(self, path: Path) -> None:
        """Write the log where anything was printed."""
        if self._kept:
            more = f"\n[{self._lost} bytes more]\n".encode() if self._lost else b""
            write_bytes(path, bytes(self._kept) + more)


def _there(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - it was asked for
    return stream


def _number(value: object) -> float:
    """Return a number of an answer that can be one of seconds or megabytes."""
    number = float(value) if isinstance(value, int | float) else math.nan
    if not 0.0 <= number < 1e9:
        raise wire.BrokenMessageError("an answer has impossible seconds or megabytes")
    return number


def _found(
    images: Sequence[OfflineImage], n_best: int, head: Mapping[str, Any], body: bytes
) -> list[tuple[Ink | str, Stated]] | None:
    """Return what an answer holds of each image; None where it tells of an error."""
    if head.get("kind") == "recoveries":
        return stated.unpack(head, body, images, n_best)
    if head.get("kind") == "inks":
        return [(ink, NOTHING) for ink in wire.unpack_inks(head.get("inks"), body, len(images))]
    return None


def _judged(ink: Ink | str, beside: Stated, image: OfflineImage, seconds: float) -> Answer:
    reason = ink if isinstance(ink, str) else fault(ink, image.width_px, image.height_px)
    if isinstance(ink, Ink) and reason is None:
        return Answer(ink, "ok", "", seconds, beside)
    return _failed(reason, seconds)


def _failed(reason: str | None, seconds: float) -> Answer:
    return Answer(None, "failed", reason or "no ink", seconds)
