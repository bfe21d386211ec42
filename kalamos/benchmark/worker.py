"""The other end of :mod:`kalamos.benchmark.isolation`: a process that holds one recoverer and answers batches."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence

import numpy as np

from kalamos.benchmark import stated, wire
from kalamos.errors import KalamosError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.kernels import compile_at_once
from kalamos.recoverer import GroupRecoverer, Recoverer, checked_answer, load_recoverer, recover_groups
from kalamos.registry import describe

Reply = tuple[dict[str, object], bytes]
"""``{"kind": "inks", "inks": [...]}`` with the inks, or ``{"kind": "error", "text": ...}``; seconds and peak MB.

A method that has ``recover_many`` is asked by it, and answers ``{"kind": "recoveries", ...}``: the same, and what it
states beside its inks (:mod:`kalamos.benchmark.stated`).
"""


def main() -> None:
    """Serve: ``python -m kalamos.benchmark.worker FD SPEC``, FD being one end of a socket pair."""
    descriptor, spec = int(sys.argv[1]), sys.argv[2]
    compile_at_once()  # while the model starts, and not within the time of an image
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as an interpreter started here by hand would have it
    with socket.socket(fileno=descriptor) as connection:
        serve(connection, spec)


def serve(connection: socket.socket, spec: str) -> None:
    """Load the recoverer, try it on a blank image, then answer batches until the socket closes."""
    try:
        recoverer = load_recoverer(spec)
        checked_answer(recoverer.recover([_blank()]), [_blank()])
        if isinstance(recoverer, GroupRecoverer):
            recover_groups(recoverer, [[_blank()]], stated.N_BEST)
        wire.send(connection, {"kind": "ready", "text": wire.clean(recoverer.name)})
    except Exception as error:
        wire.send(connection, {"kind": "error", "text": _message(error)})
        return
    while True:
        try:
            head, body = wire.receive(connection)
        except EOFError:
            return
        images = iter(wire.unpack_images(head, body))
        groups = [[next(images) for _ in range(count)] for count in head["groups"]]
        wire.send(connection, *reply(recoverer, groups, head["n_best"], pages=head["pages"]))


def reply(recoverer: Recoverer, groups: Sequence[Sequence[OfflineImage]], n_best: int, *, pages: bool = False) -> Reply:
    """Ask a recoverer, by ``recover_many`` where it has it; time the call alone, of pages with what goes before it."""
    start = time.perf_counter()
    try:
        if pages:
            told, body = wire.pack_inks([_of_page(recoverer, image) for group in groups for image in group])
            seconds = time.perf_counter() - start
            return {"kind": "inks", "inks": told, "seconds": seconds, "memory": _peak_memory_mb()}, body
        if isinstance(recoverer, GroupRecoverer):
            recoveries = recover_groups(recoverer, groups, n_best)
            seconds = time.perf_counter() - start
            recovered, body = stated.pack([piece for found in recoveries for piece in found.pieces], n_best)
            return {"kind": "recoveries", **recovered, "seconds": seconds, "memory": _peak_memory_mb()}, body
        images = [image for group in groups for image in group]
        answer = recoverer.recover(images)
        seconds = time.perf_counter() - start
        inks, body = wire.pack_inks(checked_answer(answer, images))
        return {"kind": "inks", "inks": inks, "seconds": seconds, "memory": _peak_memory_mb()}, body
    except Exception as error:
        seconds = time.perf_counter() - start
        return {"kind": "error", "text": _message(error), "seconds": seconds, "memory": _peak_memory_mb()}, b""


def _of_page(recoverer: Recoverer, image: OfflineImage) -> Ink:
    """Return the ink of a whole page, as the front door recovers it."""
    from kalamos.paper import recover_page  # noqa: PLC0415 - not for single pieces
    from kalamos.scans.read import page_of  # noqa: PLC0415

    return recover_page(page_of(image.pixels), recoverer, script=image.script).recovery.ink


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
