"""The built-in corpus: its card, its units (ranges of writers) and its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar, get_args
from urllib.parse import parse_qsl, urlencode

from kalamos.datasets.corpus import Card, UnitReport, split_by_writer
from kalamos.datasets.synthetic.glyphs import SCRIPTS, letters, plan_file, words
from kalamos.datasets.synthetic.signatures import sign
from kalamos.datasets.synthetic.writers import Writer
from kalamos.datasets.synthetic.writing import synthesise
from kalamos.errors import CorpusError
from kalamos.ink import Ink, Level, Sample, Split
from kalamos.machinery.seeding import rng_for

T = TypeVar("T", bound=str)
NAME = "synthetic"
WRITERS_A_UNIT = 10
MOST_WRITERS = 1_000_000
SIGNATURES = 4
"""Signatures of a writer."""
DEFAULTS = {
    "seed": "0",
    "writers": "200",
    "scripts": "Latn,Arab,Deva,Taml",
    "level": "character",
    "kind": "text",
    "split": "",
}

CARD = Card(
    name=NAME,
    title="Kalamos synthetic handwriting",
    scripts=(*SCRIPTS, "Zyyy"),
    levels=("character", "word"),
    size="as many writers as asked for (200 by default), each writing every letter of four scripts once",
    licence="MIT, as Kalamos itself",
    citation="The Kalamos authors, Kalamos: built-in synthetic corpus (sigma-lognormal model of Plamondon 1995)",
    obtain="Nothing to obtain: it is computed. The folder that a command asks for is ignored.",
    layout="No files. A unit is a range of ten writers, writers/0000-0009.",
    verified="Simulated: the letter plans were drawn by hand and compared with printed letters by eye; times are those"
    " of a kinematic model and were never measured on a person.",
    options=(
        ("seed", "the population of writers (0)"),
        ("writers", "how many writers (200)"),
        ("scripts", "ISO 15924 codes, separated by commas (Latn,Arab,Deva,Taml)"),
        ("kind", "text, or signature: signature-like ink, four a writer, whatever the scripts and levels (text)"),
        ("level", "character, word, or both, separated by a comma (character)"),
        ("split", "only the writers of train, validation or test (all)"),
    ),
)


class Choices(NamedTuple):
    """The options, read and checked."""

    seed: int
    writers: int
    scripts: tuple[str, ...]
    levels: tuple[Level, ...]
    split: str
    kind: str


class Synthetic:
    """The corpus object of the registry."""

    card = CARD

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the ranges of writers; options that differ from the defaults follow a ``#``.

        Raises:
            CorpusError: where an option is unknown or has no meaning.
        """
        choices = _choices(options)
        others = {name: value for name, value in options.items() if name != "writers" and value != DEFAULTS[name]}
        tail = f"#{urlencode(sorted(others.items()), safe=',')}" if others else ""
        return [
            f"writers/{first:04d}-{min(first + WRITERS_A_UNIT, choices.writers) - 1:04d}{tail}"
            for first in range(0, choices.writers, WRITERS_A_UNIT)
        ]

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of a range of writers: writer by writer, script by script, letters before words.

        Raises:
            CorpusError: where the unit is not one that :meth:`units` gives.
        """
        first, last, choices = _parse_unit(unit)
        texts = {(script, level): _texts(script, level) for script in choices.scripts for level in choices.levels}
        for number in range(first, last + 1):
            writer = Writer.from_seed(choices.seed, number)
            if choices.split and split_by_writer(NAME, writer.name) != choices.split:
                continue
            if choices.kind == "signature":
                report.expected["samples"] += SIGNATURES
                yield from (_signature(number, writer, choices.seed, unit) for number in range(SIGNATURES))
                continue
            report.expected["samples"] += sum(map(len, texts.values()))
            for (script, level), every in texts.items():
                for text in every:
                    yield _written(text, (script, level), writer, choices.seed, unit)


CORPUS = Synthetic()


def _written(text: str, kind: tuple[str, Level], writer: Writer, seed: int, unit: str) -> Sample:
    script, level = kind
    key = f"{script}/{writer.name}/{level}/{'-'.join(f'{ord(character):04X}' for character in text)}"
    ink = synthesise(text, script, writer, rng_for(seed, NAME, key))
    return _sample(key, ink, writer, unit, label=text, level=level, script="Zyyy" if text.isdecimal() else script)


def _signature(number: int, writer: Writer, seed: int, unit: str) -> Sample:
    key = f"Latn/{writer.name}/signature/{number}"
    ink = sign(writer, rng_for(seed, NAME, key))
    return _sample(key, ink, writer, unit, label="", level="word", script="Latn")


def _sample(key: str, ink: Ink, writer: Writer, unit: str, *, label: str, level: Level, script: str) -> Sample:
    return Sample(
        key=key,
        ink=ink,
        label=label,
        level=level,
        script=script,
        writer=writer.name,
        corpus=NAME,
        split=split_by_writer(NAME, writer.name),
        units="mm",
        points_per_mm=1.0,
        time_source="synthetic",
        source=unit,
        provenance="synthetic",
    )


def _texts(script: str, level: Level) -> tuple[str, ...]:
    if level == "word":
        return words(script)
    return (*letters(script), *plan_file(script).get("syllables", "").split())


def _choices(options: dict[str, str]) -> Choices:
    unknown = sorted(set(options) - set(DEFAULTS))
    if unknown:
        raise CorpusError(f"{NAME} has no option {unknown[0]!r}; it has {', '.join(DEFAULTS)}")
    given = DEFAULTS | options
    return Choices(
        _integer("seed", given["seed"], 0, 2**63),
        _integer("writers", given["writers"], 1, MOST_WRITERS),
        _listed("scripts", given["scripts"], SCRIPTS),
        _listed("level", given["level"], CARD.levels),
        _split(given["split"]),
        _kind(given["kind"]),
    )


def _kind(name: str) -> str:
    if name not in ("text", "signature"):
        raise CorpusError(f"{NAME}: kind is text or signature, not {name!r}")
    return name


def _split(name: str) -> str:
    if name and name not in get_args(Split):
        raise CorpusError(f"{NAME}: split is one of {', '.join(get_args(Split))}, not {name!r}")
    return name


def _integer(name: str, text: str, low: int, high: int) -> int:
    if not text.isdecimal() or not low <= int(text) <= high:
        raise CorpusError(f"{NAME}: {name} is a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _listed(name: str, text: str, known: tuple[T, ...]) -> tuple[T, ...]:
    wanted = text.split(",")
    if not set(wanted) <= set(known):
        raise CorpusError(f"{NAME}: {name} holds one or more of {', '.join(known)}, not {text!r}")
    return tuple(one for one in known if one in wanted)


def _parse_unit(unit: str) -> tuple[int, int, Choices]:
    place, _, tail = unit.partition("#")
    first, _, last = place.removeprefix("writers/").partition("-")
    if not (place.startswith("writers/") and first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise CorpusError(f"{NAME}: {unit!r} is not a unit; units look like writers/0000-0009")
    return int(first), int(last), _choices(dict(parse_qsl(tail)))
