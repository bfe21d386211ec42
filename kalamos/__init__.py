"""Kalamos recovers how a pen moved from an offline image of handwriting.

    >>> import kalamos
    >>> found = kalamos.recover("scan.png")  # doctest: +SKIP
    >>> corpus = kalamos.load("unipen", "unipen-1a")  # doctest: +SKIP
    >>> picture = kalamos.render(found, "ballpoint")  # doctest: +SKIP
    >>> scores = kalamos.score(recovered, truth)  # doctest: +SKIP
    >>> kalamos.metrics.rmse_arc(xy_recovered, xy_truth)  # doctest: +SKIP

Nothing heavy is imported before it is asked for. The records are in :mod:`kalamos.ink`, :mod:`kalamos.image` and
:mod:`kalamos.recovery`; corpora in :mod:`kalamos.datasets`, images of ink in :mod:`kalamos.renderers`, recovery in
:mod:`kalamos.baselines` and :mod:`kalamos.models`, scores in :mod:`kalamos.benchmark`.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kalamos import metrics
    from kalamos.front import load, recover, render, score
    from kalamos.image import OfflineImage
    from kalamos.ink import Ink, Sample
    from kalamos.recovery import Recovery
    from kalamos.renderers import Style

__version__ = "0.1.0"
__all__ = ["Ink", "OfflineImage", "Recovery", "Sample", "Style", "load", "metrics", "recover", "render", "score"]

_PLACES = {
    "Ink": "kalamos.ink",
    "OfflineImage": "kalamos.image",
    "Recovery": "kalamos.recovery",
    "Sample": "kalamos.ink",
    "Style": "kalamos.renderers",
    "load": "kalamos.front",
    "recover": "kalamos.front",
    "render": "kalamos.front",
    "score": "kalamos.front",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name == "metrics":
        return _import_module("kalamos.metrics")
    if name not in _PLACES:
        raise AttributeError(f"module 'kalamos' has no attribute {name!r}")
    found = globals()[name] = getattr(_import_module(_PLACES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
