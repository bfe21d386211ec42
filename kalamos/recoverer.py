"""What a recovery method has to supply, where methods are registered, and what is asked of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable
from urllib.parse import parse_qsl

import numpy as np

from kalamos.errors import KalamosError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.compiling import listen
from kalamos.recovery import RecoveredPiece, Recovery, in_lines
from kalamos.registry import Registry

MAX_POINTS = 100_000
"""An ink of more points than this is no answer to one image."""


@runtime_checkable
class Recoverer(Protocol):
    """Anything that turns images of handwriting into ink.

    Built-ins, entry points of the group ``kalamos.recoverers`` and ``path/to/file.py:Class`` all follow it; a class is
    called without arguments to make the object.
    """

    name: str

    def recover(self, images: Sequence[OfflineImage]) -> Sequence[Ink]:
        """Return one ink an image, in the same order.

        Coordinates are pixels of the image (x to the right, y down, the centre of the top left pixel at (0.5, 0.5));
        ``t`` is in seconds of relative time, or None where the method says nothing about velocity. An image without
        ink gives ``Ink.empty()``.
        """
        ...


@runtime_checkable
class GroupRecoverer(Recoverer, Protocol):
    """A recoverer that can say more: alternatives and confidence, from all images of a group together.

    A group is what one hand wrote (a page, a form, the samples of an opaque writer): what is learnt of the hand from
    one image may help with the others.
    """

    def recover_many(self, groups: Sequence[Sequence[OfflineImage]], n_best: int) -> Sequence[Recovery]:
        """Return one recovery a group, whose ``pieces[k]`` answers image k of the group, in pixels of that image.

        A piece has at most ``n_best - 1`` alternatives.
        """
        ...


RECOVERERS = Registry(
    "model",
    "kalamos.recoverers",
    {
        "nearest": "kalamos.baselines.nearest:Nearest",
        "good-continuation": "kalamos.baselines.good_continuation:GoodContinuation",
        "kato-yasuhara": "kalamos.baselines.kato_yasuhara:KatoYasuhara",
        "qiao": "kalamos.baselines.qiao:Qiao",
        "jaeger": "kalamos.baselines.jaeger:Jaeger",
        "diaz": "kalamos.baselines.diaz:Diaz",
        "elbaati": "kalamos.baselines.elbaati:Elbaati",
        "dinh": "kalamos.baselines.dinh:Dinh",
        "rabhi2020": "kalamos.models.rabhi2020.rabhi2020:Rabhi2020",
        "rabhi2023": "kalamos.models.rabhi2023.rabhi2023:Rabhi2023",
        "kalamos": "kalamos.models.kalamos.kalamos:Kalamos",
        "kalamos+writer": "kalamos.models.kalamos.writer:KalamosWriter",
    },
)


SHOWN = ("nearest", "good-continuation", "qiao", "rabhi2020", "kalamos")
"""The methods of the demonstration: the naive one, two tracers, and the learned ones where they can be loaded."""


def load_recoverer(name: str) -> Recoverer:
    """Make the recoverer called ``name``: registered, ``package.module:Class`` or ``path/to/file.py:Class``.

    Options of the class may follow: ``good-continuation?velocity=power-law``, several with ``&`` between them.

    Raises:
        UnknownNameError: where nothing is called so.
        KalamosError: where it cannot be made, or is not a recoverer.
    """
    plain, _, options = name.partition("?")
    made = RECOVERERS.load(plain)
    listen()
    try:
        chosen = dict(parse_qsl(options, keep_blank_values=True, strict_parsing=True)) if options else {}
        if empty := [option for option, value in chosen.items() if not value]:
            raise ValueError(f"{', '.join(empty)} has no value")
        recoverer = made(**chosen) if isinstance(made, type) or not hasattr(made, "recover") else made
    except (TypeError, ValueError) as error:
        raise KalamosError(f"{plain} cannot be made with the options {options!r}: {error}") from error
    return _checked_recoverer(recoverer, name)


def as_recoverer(model: object) -> Recoverer:
    """Return a recoverer: the object itself, one that a class or function makes, or what :func:`load_recoverer` does.

    Raises:
        UnknownNameError: where nothing is called so.
        KalamosError: where it cannot be made, or is not a recoverer.
    """
    if isinstance(model, str):
        return load_recoverer(model)
    if not callable(model) or (hasattr(model, "recover") and not isinstance(model, type)):
        return _checked_recoverer(model, type(model).__name__)
    called = getattr(model, "__name__", type(model).__name__)
    try:
        made = model()
    except (TypeError, ValueError) as error:
        raise KalamosError(f"{called} cannot be made: {error}") from error
    return _checked_recoverer(made, called)


def _checked_recoverer(made: object, called: str) -> Recoverer:
    if not isinstance(made, Recoverer):
        raise KalamosError(f"{called} is no recoverer: it needs an attribute `name` and a method `recover(images)`")
    return made


def loadable_models() -> list[str]:
    """Return the registered names that can be loaded here: learned ones need the extra ``kalamos[models]``."""
    names = []
    for name in RECOVERERS.names():
        try:
            RECOVERERS.load(name)
        except KalamosError:
            continue
        names.append(name)
    return names


def checked_answer(answer: object, images: Sequence[OfflineImage]) -> list[Ink]:
    """Return what a recoverer answered as a list, one ink an image.

    Raises:
        KalamosError: where the answer is something else.
    """
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        raise KalamosError(f"recover() returned {type(answer).__name__}, not a sequence with one Ink an image")
    if len(answer) != len(images):
        raise KalamosError(f"recover() returned {len(answer)} inks for {len(images)} images")
    for item in answer:
        if not isinstance(item, Ink):
            raise KalamosError(f"recover() returned {type(item).__name__} where an Ink is due")
    return list(answer)


def recover_groups(recoverer: Recoverer, groups: Sequence[Sequence[OfflineImage]], n_best: int = 1) -> list[Recovery]:
    """Return one checked recovery a group, by ``recover_many`` where the recoverer has it, else by ``recover``.

    Raises:
        KalamosError: where no path is asked for, or the answer is not what was asked for.
    """
    if n_best < 1:
        raise KalamosError(f"n_best is the number of paths, 1 or more; got {n_best!r}")
    if isinstance(recoverer, GroupRecoverer):
        return _checked_recoveries(recoverer.recover_many(groups, n_best), groups)
    images = [image for group in groups for image in group]
    inks = iter(checked_answer(recoverer.recover(images), images) if images else [])
    return [_plain_recovery(recoverer, group, [next(inks) for _ in group]) for group in groups]


def _plain_recovery(recoverer: Recoverer, images: Sequence[OfflineImage], inks: Sequence[Ink]) -> Recovery:
    """Return the recovery of a method that says nothing but inks."""
    from kalamos.skeleton.coverage import covered_share  # noqa: PLC0415 - scipy, which a list of names does without

    pieces = [
        RecoveredPiece(
            ink,
            (0.0, 0.0, float(image.width_px), float(image.height_px)),
            covered=covered_share(ink, image.pixels),
            warning=fault(ink, image.width_px, image.height_px) or "",
        )
        for ink, image in zip(inks, images, strict=True)
    ]
    version, weights = getattr(recoverer, "version", ""), getattr(recoverer, "weights", "")
    return Recovery(in_lines(pieces), recoverer.name, str(version), str(weights))


def _checked_recoveries(answer: object, groups: Sequence[Sequence[OfflineImage]]) -> list[Recovery]:
    if not isinstance(answer, Sequence) or len(answer) != len(groups):
        raise KalamosError(f"recover_many() returned no sequence of {len(groups)} recoveries, one a group")
    for found, group in zip(answer, groups, strict=True):
        if not isinstance(found, Recovery):
            raise KalamosError(f"recover_many() returned {type(found).__name__} where a Recovery is due")
        if len(found.pieces) != len(group):
            raise KalamosError(f"recover_many() returned {len(found.pieces)} pieces for a group of {len(group)} images")
    return list(answer)


def fault(ink: Ink, width_px: int, height_px: int) -> str | None:
    """Say why an ink cannot be an answer to an image of that size; None where it can.

    An empty ink, more than ``MAX_POINTS`` points, or a point further outside than the image is large are faults.
    """
    if ink.n_points == 0:
        return "empty ink"
    if ink.n_points > MAX_POINTS:
        return f"more than {MAX_POINTS} points"
    reach = max(width_px, height_px)
    low, high = ink.xy.min(axis=0), ink.xy.max(axis=0)
    if (low < -reach).any() or (high > np.array([width_px, height_px]) + reach).any():
        return "points far outside the image"
    return None
