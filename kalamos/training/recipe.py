"""The recipe of a training run: read from TOML, and every entry checked before anything is trained."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

import numpy as np

from kalamos.errors import ModelError, StyleError, UnknownNameError
from kalamos.ink import Level
from kalamos.models.weights import SHIPPED
from kalamos.renderers import Style, preset
from kalamos.training.mixture import PEN, Source

LEARNERS = {
    "kalamos": "kalamos.training.kalamos_learner:KalamosLearner",
    "rabhi2020": "kalamos.models.rabhi2020.rabhi2020:Rabhi2020Learner",
    "rabhi2023": "kalamos.models.rabhi2023.rabhi2023:Rabhi2023Learner",
}
_LEAST = {
    "seed": 0, "samples": 1, "chunk": 1, "budget": 1, "warm_up": 0, "validate_every": 1, "validation_inks": 1,
    "patience": 0, "threads": 1, "workers": 0,
}  # fmt: skip
"""Whole numbers, and the least that each may be."""
_BETWEEN = {
    "learning_rate": (0.0, 1.0), "decay": (0.0, 1.0), "weight_decay": (0.0, 1.0), "clip": (1e-6, 1e6),
    "average": (0.0, 1.0), "hide_script": (0.0, 1.0),
}  # fmt: skip
"""Other numbers, and between which each is."""
_FRAMES = ("fixed", "height", "tight")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training run does; read from TOML.

    Attributes:
        model: a name of :data:`LEARNERS`, or ``module:Class``.
        network: the model's sizes; where nothing is said those of ``init_from``, else the model's own.
        seed: of weights, order, styles and renderings.
        samples: how many the run sees in all; the learning rate falls to nothing at the end of them.
        chunk: samples between two checkpoints at least.
        budget: the largest sum of sample sizes in a batch.
        learning_rate: at its height.
        warm_up: samples until there.
        decay: the last share of the samples, in which it falls linearly.
        weight_decay: of AdamW.
        clip: largest norm of the gradient.
        average: decay, per step, of the running mean of the weights that is validated and shipped.
        validate_every: chunks.
        validation_inks: of each source.
        patience: validations without improvement of the LDTW after which the run ends early.
        init_from: weights to start from, a shipped model's name or a folder; of ``kalamos`` also those of a network
            with fewer layers.
        threads: of torch.
        workers: processes that make the data.
        style: preset that ``ranges`` change, where there are no ``looks``; validation is always in the clean style.
        looks: preset -> share of the samples that look so.
        hide_script: share of the samples whose script the model is not told.
        ranges: parameter of the style -> range, sampled anew for every group of samples; ``pen_px``: of the pen's
            width, sampled on a logarithmic scale.
        source: the corpora.
    """

    model: str = "kalamos"
    network: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    samples: int = 1_000_000
    chunk: int = 4096
    budget: int = 6000
    learning_rate: float = 1e-3
    warm_up: int = 20_000
    decay: float = 0.4
    weight_decay: float = 0.01
    clip: float = 1.0
    average: float = 0.999
    validate_every: int = 16
    validation_inks: int = 512
    patience: int = 30
    init_from: str = ""
    threads: int = 1
    workers: int = 0
    style: str = "clean"
    looks: dict[str, float] = field(default_factory=dict)
    hide_script: float = 0.0
    ranges: dict[str, Any] = field(default_factory=dict)
    source: tuple[Source, ...] = ()

    @classmethod
    def read(cls, config: Path | Mapping[str, Any]) -> Recipe:
        """Read a recipe from a TOML file or a mapping.

        Raises:
            ModelError: where it is not TOML, or holds a name or a value that no training can be run with; names the
                file and the entry.
        """
        if not isinstance(config, Path):
            return _recipe(config)
        try:
            values = tomllib.loads(config.read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ModelError(f"{config} cannot be read as a training recipe: {error}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                f"{config} is no training recipe ({error}); your own ink goes with --from kalamos"
            ) from error
        try:
            return _recipe(values)
        except ModelError as error:
            raise ModelError(f"{config}: {error}") from error

    def rate(self, seen: int) -> float:
        """Return the learning rate after so many samples: up, level, down to zero."""
        left = (self.samples - seen) / max(1.0, self.decay * self.samples)
        return self.learning_rate * max(0.0, min(1.0, (seen + 1) / max(1, self.warm_up), left))


def weights_folder(named: str) -> Path:
    """Return the folder of weights that is named: by a model that is shipped, or by a path.

    A path that leads nowhere from here, and to shipped weights from the folder that holds the package, means those: the
    shipped recipes are run from anywhere.
    """
    if named.removesuffix("+writer") in LEARNERS:
        return SHIPPED / named.removesuffix("+writer")
    folder, shipped = Path(named), SHIPPED.parents[2] / named
    return shipped if not folder.exists() and shipped.parent == SHIPPED else folder


def _recipe(config: Mapping[str, Any]) -> Recipe:
    """Return the recipe of plain values.

    Raises:
        ModelError: where one of them is none; names the entry.
    """
    _refuse_unknown("a training recipe", config, [item.name for item in fields(Recipe)])
    _check_numbers(config)
    for name in ("model", "init_from", "style"):
        _check(isinstance(config.get(name, ""), str), name, "a text", config.get(name))
    for name in ("network", "looks", "ranges"):
        _check(isinstance(config.get(name, {}), Mapping), name, f"a table: [{name}]", config.get(name))
    model = config.get("model", Recipe.model)
    _check(model in LEARNERS or ":" in model, "model", f"one of {', '.join(LEARNERS)}, or module:Class", model)
    _check_looks(config.get("looks", {}), config.get("style", Recipe.style))
    _check_ranges(config.get("ranges", {}))
    sources = config.get("source", ())
    is_list = isinstance(sources, Sequence) and not isinstance(sources, str) and len(sources) > 0
    _check(is_list, "source", "a list of one or more corpora, each headed [[source]]", sources)
    return Recipe(**{**config, "source": tuple(_source(one, k + 1) for k, one in enumerate(sources))})


def _check_numbers(config: Mapping[str, Any]) -> None:
    for name, least in _LEAST.items():
        value = config.get(name, least)
        _check(_is_whole(value) and value >= least, name, f"a whole number, {least} or more", value)
    for name, (low, high) in _BETWEEN.items():
        value = config.get(name, high)
        fits = _is_number(value) and low <= value <= high
        _check(name not in config or fits, name, f"a number from {low:g} to {high:g}", value)


def _check_looks(looks: Mapping[str, Any], style: str) -> None:
    for name, share in looks.items():
        _check(_is_number(share) and 0 <= share < math.inf, f"[looks] {name}", "a share, 0 or more", share)
    _check(not looks or sum(looks.values()) > 0, "[looks]", "shares of which one at least is above 0", dict(looks))
    try:
        for name in (*looks, style):
            preset(name)
    except UnknownNameError as error:
        raise ModelError(f"[looks] {error}" if looks else f"style: {error}") from error


def _check_ranges(ranges: Mapping[str, Any]) -> None:
    for name, value in ranges.items():
        _check(isinstance(value, list | tuple) and len(value) > 0, f"[ranges] {name}", "a list, [low, high]", value)
    if PEN in ranges:
        pen = ranges[PEN]
        fits = len(pen) == 2 and all(map(_is_number, pen)) and 0 < pen[0] <= pen[1] < math.inf
        _check(fits, f"[ranges] {PEN}", "two widths above 0, [thinnest, widest]", pen)
    try:
        Style.sample(np.random.default_rng(0), {name: value for name, value in ranges.items() if name != PEN})
    except (StyleError, TypeError, ValueError) as error:
        raise ModelError(f"[ranges]: {error}") from error


def _source(given: object, number: int) -> Source:
    """Return a source as the recipe has it, or as it is in memory."""
    called = f"[[source]] number {number}"
    if isinstance(given, Source):
        return given
    if not isinstance(given, Mapping):
        raise ModelError(f"{called} is a table with the name of a corpus; got {given!r}")
    _refuse_unknown(called, given, [item.name for item in fields(Source)])
    corpus = given.get("corpus")
    _check(isinstance(corpus, str) and corpus != "", f"{called}: corpus", "the name of a corpus", corpus)
    called = f"{called} ({corpus})"
    share, parts, frame = given.get("share", 1.0), given.get("parts", 0.0), given.get("frame", _FRAMES[0])
    _check(_is_number(share) and 0 < share < math.inf, f"{called}: share", "a number above 0", share)
    _check(_is_number(parts) and 0 <= parts <= 1, f"{called}: parts", "a share from 0 to 1", parts)
    _check(frame in _FRAMES, f"{called}: frame", f"one of {', '.join(_FRAMES)}", frame)
    _check(isinstance(given.get("folder", ""), str), f"{called}: folder", "a text", given.get("folder"))
    known, levels = get_args(Level), given.get("levels", ("character",))
    is_list = isinstance(levels, list | tuple) and len(levels) > 0 and all(level in known for level in levels)
    _check(is_list, f"{called}: levels", f"a list of {', '.join(known)}", levels)
    options = given.get("options", {})
    _check(isinstance(options, Mapping), f"{called}: options", "a table of texts", options)
    for name, value in options.items():
        _check(isinstance(value, str), f"{called}: options.{name}", f'a text in quotes ("{value}")', value)
    return Source(**given)


def _refuse_unknown(what: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ModelError(f"{what} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")


def _check(fits: bool, name: str, what: str, value: object) -> None:
    if not fits:
        raise ModelError(f"{name} is {what}; got {value!r}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
