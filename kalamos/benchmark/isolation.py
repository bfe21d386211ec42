"""Run somebody's recoverer in a process of its own, so that a crash or a hang is an answer and not an end."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

import numpy as np

from kalamos.errors import KalamosError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.recoverer import fault

Status = Literal["ok", "failed", "timeout", "crashed"]

START_TIMEOUT_S = 180.0
GIVE_UP_AFTER = 20
"""So many calls in a row that end in a hang or a crash, and the rest is not tried."""
SLOWDOWN = 20.0
"""How much longer than the images before it a batch may take an image, before it counts as hanging."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a recoverer made of one image.

    Attributes:
        ink: the recovered ink in pixels; None where there is none.
        status: ``ok``, ``failed`` (exception or useless answer), ``timeout`` or ``crashed``.
        message: what went wrong; empty where nothing did.
        seconds: its share of the time that the call took.
    """

    ink: Ink | None
    status: Status = "ok"
    message: str = ""
    seconds: float = float("nan")


class IsolatedRecoverer:
    """A recoverer in a worker process; start it once and ask it in batches.

    Args:
        spec: what :func:`kalamos.recoverer.load_recoverer` takes.
        timeout_s: how long one image may take. The first is asked alone; from its time follows what a batch may take.
    """

    def __init__(self, spec: str, timeout_s: float = 20.0) -> None:
        self.spec, self.timeout_s = spec, timeout_s
        self.peak_memory_mb = 0.0
        self._faults_in_a_row = 0
        self._seconds_an_image: float | None = None
        self._start()

    def recover(self, images: Sequence[OfflineImage]) -> list[Answer]:
        """Return one answer an image; a batch that fails is halved until the images at fault are alone."""
        if self._faults_in_a_row >= GIVE_UP_AFTER:
            message = f"not tried: the {GIVE_UP_AFTER} calls before hung or crashed the model"
            return [Answer(None, "failed", message) for _ in images]
        if self._seconds_an_image is None and len(images) > 1:
            return self.recover(images[:1]) + self.recover(images[1:])
        answers = self._ask(images)
        if answers is not None:
            self._faults_in_a_row = 0
            return answers
        if len(images) == 1:
            return [self._last_fault]
        middle = len(images) // 2
        return self.recover(images[:middle]) + self.recover(images[middle:])

    def close(self) -> None:
        """End the worker process."""
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def _start(self) -> None:
        # Not multiprocessing: its children import the caller's main module, which scripts without a guard do not bear.
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "kalamos.benchmark.worker", str(theirs.fileno()), self.spec]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603
        theirs.close()
        self._connection = Connection(ours.detach())
        try:
            if not self._connection.poll(START_TIMEOUT_S):
                raise KalamosError(f"model {self.spec} did not start within {START_TIMEOUT_S:.0f} s")
            kind, text = self._connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.wait()
            raise KalamosError(f"model {self.spec} ended its process while starting ({self._exit()})") from None
        except KalamosError:
            self.close()
            raise
        if kind != "ready":
            self.close()
            raise KalamosError(f"model {self.spec} cannot be started: {text}")

    def _ask(self, images: Sequence[OfflineImage]) -> list[Answer] | None:
        """Return the answers, or None after noting the fault of the whole batch."""
        try:
            self._connection.send([(np.asarray(image.pixels), image.script) for image in images])
            if not self._connection.poll(self._allowed_s(len(images))):
                self._restart("timeout", f"no answer within {self.timeout_s:g} s")
                return None
            kind, payload, seconds, memory = self._connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.wait()
            self._restart("crashed", f"the model ended its process ({self._exit()})")
            return None
        self.peak_memory_mb = max(self.peak_memory_mb, memory)
        self._seconds_an_image = max(self._seconds_an_image or 0.0, seconds / len(images))
        if kind == "error":
            self._last_fault = Answer(None, "failed", payload, seconds)
            return None
        return [_judged(ink, image, seconds / len(images)) for ink, image in zip(payload, images, strict=True)]

    def _allowed_s(self, images: int) -> float:
        usual = self.timeout_s if self._seconds_an_image is None else self._seconds_an_image * SLOWDOWN
        return self.timeout_s + min(usual, self.timeout_s) * (images - 1)

    def _restart(self, status: Status, message: str) -> None:
        self._last_fault = Answer(None, status, message)
        self._faults_in_a_row += 1
        self.close()
        self._start()

    def _exit(self) -> str:
        code = self._process.returncode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _judged(ink: Ink, image: OfflineImage, seconds: float) -> Answer:
    reason = fault(ink, image.width_px, image.height_px)
    return Answer(ink, "ok", "", seconds) if reason is None else Answer(None, "failed", reason, seconds)
