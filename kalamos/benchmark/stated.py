"""What a method states beside its inks: how sure it is, and the other ways in which it may have been written.

On the way from the process that holds a model it is JSON, and nothing of it is believed before it is checked here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kalamos.benchmark import wire
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.recoverer import MAX_POINTS, fault
from kalamos.recovery import Alternative, RecoveredPiece

N_BEST = 3
"""Paths an image that a method is asked for, the chosen one among them."""
_MOST_STROKES = MAX_POINTS


class Stated(NamedTuple):
    """What a method states of its answer to one image.

    Attributes:
        confidence: probability in 0..1 that the whole path is right; None where it says nothing.
        stroke_confidence: of each stroke of the ink, in 0..1; empty where it says nothing.
        log_probability: natural logarithm of what it holds the path to be worth; None where it says nothing.
        alternatives: other paths in pixels, likeliest first.
    """

    confidence: float | None = None
    stroke_confidence: tuple[float, ...] = ()
    log_probability: float | None = None
    alternatives: tuple[Alternative, ...] = ()


NOTHING = Stated()


def pack(pieces: Sequence[RecoveredPiece], n_best: int) -> tuple[dict[str, Any], bytes]:
    """Return pieces as head and body: ``inks`` has their inks, then all alternatives; ``said`` the rest a piece.

    More alternatives than were asked for are left out.
    """
    others = [list(piece.alternatives[: max(n_best - 1, 0)]) for piece in pieces]
    told, body = wire.pack_inks([*(piece.ink for piece in pieces), *(one.ink for some in others for one in some)])
    return {"inks": told, "said": [_told(piece, some) for piece, some in zip(pieces, others, strict=True)]}, body


def _told(piece: RecoveredPiece, others: Sequence[Alternative]) -> dict[str, Any]:
    strokes = [] if piece.stroke_confidence is None else [float(share) for share in piece.stroke_confidence]
    return {
        "confidence": None if piece.confidence is None else float(piece.confidence),
        "strokes": strokes,
        "log_p": None if piece.log_probability is None else _number(piece.log_probability),
        "others": [_number(other.log_probability) for other in others],
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def unpack(
    head: Mapping[str, Any], body: bytes, images: Sequence[OfflineImage], n_best: int
) -> list[tuple[Ink | str, Stated]]:
    """Return the ink of each image, or a text where it is none, and what is stated of it.

    An alternative that is no answer to its image is left out.

    Raises:
        BrokenMessageError: where the message does not hold what it says.
    """
    said = head.get("said")
    if not isinstance(said, list) or len(said) != len(images) or not all(isinstance(one, dict) for one in said):
        raise wire.BrokenMessageError("an answer does not state something of every image")
    counts = [_count(one.get("others"), n_best) for one in said]
    inks = wire.unpack_inks(head.get("inks"), body, len(images) + sum(counts))
    others = iter(inks[len(images) :])
    return [
        (ink, _stated(one, ink, _alternatives(one["others"], [next(others) for _ in range(count)], image)))
        for ink, one, count, image in zip(inks, said, counts, images, strict=False)
    ]


def _count(others: object, n_best: int) -> int:
    if not isinstance(others, list) or len(others) >= max(n_best, 1):
        raise wire.BrokenMessageError(f"an answer has more than {n_best - 1} alternatives")
    return len(others)


def _alternatives(told: list[object], inks: Sequence[Ink | str], image: OfflineImage) -> Iterator[Alternative]:
    for log_p, ink in zip(told, inks, strict=True):
        if isinstance(ink, Ink) and fault(ink, image.width_px, image.height_px) is None:
            yield Alternative(ink, -math.inf if log_p is None else _checked(log_p, -math.inf, math.inf))


def _stated(one: Mapping[str, Any], ink: Ink | str, alternatives: Iterator[Alternative]) -> Stated:
    strokes = one.get("strokes")
    if not isinstance(strokes, list) or len(strokes) > _MOST_STROKES:
        raise wire.BrokenMessageError("the confidence of the strokes of an answer is no list")
    confidence, log_p = one.get("confidence"), one.get("log_p")
    shares = tuple(_checked(share, 0.0, 1.0) for share in strokes)
    return Stated(
        None if confidence is None else _checked(confidence, 0.0, 1.0),
        shares if isinstance(ink, Ink) and len(shares) == ink.n_strokes else (),
        None if log_p is None else _checked(log_p, -math.inf, math.inf),
        tuple(alternatives),
    )


def _checked(value: object, low: float, high: float) -> float:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not low <= number <= high:
        raise wire.BrokenMessageError("an answer states a probability that is none")
    return number
