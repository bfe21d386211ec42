"""The other end of :mod:`kalamos.benchmark.isolation`: a process that holds one recoverer and answers batches."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence

import numpy as np

from kalamos.benchmark import wire
from kalamos.errors import KalamosError
from kalamos.image import OfflineImage
from kalamos.recoverer import Recoverer, checked_answer, load_recoverer
from kalamos.registry import describe

Reply = tuple[dict[str, object], bytes]
"""``{"kind": "inks", "inks": [...]}`` with the inks, or ``{"kind": "error", "text": ...}``; seconds and peak MB."""


def main() -> None:
    """Serve: ``python -m kalamos.benchmark.worker FD SPEC``, FD being one end of a socket pair."""
    descriptor, spec = int(sys.argv[1]), sys.argv[2]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as an interpreter started here by hand would have it
    with socket.socket(fileno=descriptor) as connection:
        serve(connection, spec)


def serve(connection: socket.socket, spec: str) -> None:
    """Load the recoverer, try it on a blank image, then answer batches until the socket closes."""
    try:
        recoverer = load_recoverer(spec)
        checked_answer(recoverer.recover([_blank()]), [_blank()])
        wire.send(connection, {"kind": "ready", "text": wire.clean(recoverer.name)})
    except Exception as error:
        wire.send(connection, {"kind": "error", "text": _message(error)})
        return
    while True:
        try:
            images = wire.unpack_images(*wire.receive(connection))
        except EOFError:
            return
        wire.send(connection, *reply(recoverer, images))


def reply(recoverer: Recoverer, images: Sequence[OfflineImage]) -> Reply:
    """Ask a recoverer; time the call alone."""
    start = time.perf_counter()
    try:
        answer = recoverer.recover(images)
        seconds = time.perf_counter() - start
        told, body = wire.pack_inks(checked_answer(answer, images))
        return {"kind": "inks", "inks": told, "seconds": seconds, "memory": _peak_memory_mb()}, body
    except Exception as error:
        seconds = time.perf_counter() - start
        return {"kind": "error", "text": _message(error), "seconds": seconds, "memory": _peak_memory_mb()}, b""


def _message(error: Exception) -> str:
    try:
        return wire.clean(str(error) if isinstance(error, KalamosError) else describe(error))
    except Exception:
        return wire.text_of(error)


def _peak_memory_mb() -> float:
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / (1 << 10)


def _blank() -> OfflineImage:
    """Return an image with a short stroke: the first call pays for compilation, untimed."""
    pixels = np.full((64, 64), 255, np.uint8)
    pixels[30:33, 20:44] = 0
    return OfflineImage(pixels)


if __name__ == "__main__":
    main()
