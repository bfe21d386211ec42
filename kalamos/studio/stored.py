"""A recovered page with the other paths of each piece as JSON: what InkML of the page has no place for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.errors import FormatError, KalamosError
from kalamos.formats.recovered import RecoveredPage
from kalamos.ink import Ink
from kalamos.machinery.files import write_text
from kalamos.recovery import Alternative, RecoveredLine, RecoveredPiece, Recovery


def write_stored(path: Path, page: RecoveredPage) -> None:
    """Write a page; floats keep all their digits.

    Raises:
        StoreError: where it cannot be written.
    """
    found = page.recovery
    said = {
        "lines": [[_piece_said(piece) for piece in line.pieces] for line in found.lines],
        "method": found.method,
        "version": found.version,
        "weights": found.weights,
        "source": page.source,
        "size": [page.width_px, page.height_px],
        "pen_px": list(page.pen_px),
        "number": page.number,
        "script": page.script,
        "remarks": list(page.remarks),
    }
    write_text(path, json.dumps(said, separators=(",", ":")) + "\n")


def read_stored(path: Path) -> RecoveredPage:
    """Return the page that was written.

    Raises:
        FormatError: where it is missing or damaged.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        lines = tuple(RecoveredLine(tuple(_piece(piece) for piece in line)) for line in said["lines"])
        recovery = Recovery(lines, said["method"], said["version"], said["weights"])
        width, height = said["size"]
        pens, remarks = tuple(said["pen_px"]), tuple(said["remarks"])
        return RecoveredPage(recovery, said["source"], width, height, pens, said["number"], said["script"], remarks)
    except FileNotFoundError as error:
        raise FormatError(path, "the picture has no recovery yet") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError, KalamosError) as error:
        raise FormatError(path, f"the recovery is damaged ({error}); delete it, and it is made anew") from error


def _piece_said(piece: RecoveredPiece) -> dict[str, Any]:
    sure = piece.stroke_confidence
    return {
        "ink": _ink_said(piece.ink),
        "box": list(piece.box),
        "covered": piece.covered,
        "confidence": piece.confidence,
        "sure": None if sure is None else sure.tolist(),
        "warning": piece.warning,
        "label": piece.label,
        "others": [_ink_said(other.ink) for other in piece.alternatives],
    }


def _piece(said: dict[str, Any]) -> RecoveredPiece:
    x0, y0, x1, y1 = said["box"]
    return RecoveredPiece(
        _ink(said["ink"]),
        (x0, y0, x1, y1),
        covered=said["covered"],
        confidence=said["confidence"],
        stroke_confidence=None if said["sure"] is None else np.array(said["sure"], np.float64),
        warning=said["warning"],
        label=said.get("label", ""),
        alternatives=tuple(Alternative(_ink(other), -np.inf) for other in said["others"]),
    )


def _ink_said(ink: Ink) -> dict[str, Any]:
    t = None if ink.t is None else ink.t.tolist()
    return {"xy": ink.xy.tolist(), "offsets": ink.offsets.tolist(), "t": t}


def _ink(said: dict[str, Any]) -> Ink:
    xy = np.array(said["xy"], np.float32).reshape(-1, 2)
    t = None if said["t"] is None else np.array(said["t"], np.float64)
    return Ink(xy, np.array(said["offsets"], np.int32), t)
