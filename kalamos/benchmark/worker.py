"""The other end of :mod:`kalamos.benchmark.isolation`: a process that holds one recoverer and answers batches."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

import numpy as np

from kalamos.errors import KalamosError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.recoverer import Recoverer, checked_answer, load_recoverer
from kalamos.registry import describe

Reply = tuple[str, object, float, float]
"""``("inks", list of Ink, seconds, peak MB)`` or ``("error", message, seconds, peak MB)``."""


def main() -> None:
    """Serve: ``python -m kalamos.benchmark.worker FD SPEC``, FD being one end of a socket pair."""
    descriptor, spec = int(sys.argv[1]), sys.argv[2]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as an interpreter started here by hand would have it
    with Connection(descriptor) as connection:
        serve(connection, spec)


def serve(connection: Connection, spec: str) -> None:
    """Load the recoverer, try it on a blank image, then answer batches until the pipe closes."""
    try:
        recoverer = load_recoverer(spec)
        checked_answer(recoverer.recover([_blank()]), [_blank()])
    except Exception as error:
        connection.send(("error", _message(error)))
        return
    connection.send(("ready", recoverer.name))
    while True:
        try:
            images = [OfflineImage(pixels, script) for pixels, script in connection.recv()]
        except EOFError:
            return
        connection.send(reply(recoverer, images))


def reply(recoverer: Recoverer, images: Sequence[OfflineImage]) -> Reply:
    """Ask a recoverer; time the call alone."""
    start = time.perf_counter()
    try:
        answer: Sequence[Ink] = recoverer.recover(images)
        seconds = time.perf_counter() - start
        return "inks", checked_answer(answer, images), seconds, _peak_memory_mb()
    except Exception as error:
        return "error", _message(error), time.perf_counter() - start, _peak_memory_mb()


def _message(error: Exception) -> str:
    return str(error) if isinstance(error, KalamosError) else describe(error)


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / (1 << 10)


def _blank() -> OfflineImage:
    """Return an image with a short stroke: the first call pays for compilation, untimed."""
    pixels = np.full((64, 64), 255, np.uint8)
    pixels[30:33, 20:44] = 0
    return OfflineImage(pixels)


if __name__ == "__main__":
    main()
