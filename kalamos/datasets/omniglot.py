"""Omniglot: characters of 50 alphabets, each drawn once by 20 people with a mouse or trackpad.

Layout: ``strokes_<part>/<alphabet>/characterNN/<class>_<drawer>.txt``, and beside it the drawing as the browser showed
it, ``images_<part>/<alphabet>/characterNN/<class>_<drawer>.png`` (105 x 105). The two small background parts share the
alphabets Latin and Greek, byte for byte: every drawing is read once.

Facts that the files do not state:

- **Label.** The characters have numbers and no names; the label is ``alphabet/characterNN``, a class and not a text.
- **Writers.** Drawers are numbered 01 to 20 within an alphabet. Nobody says whether drawer 07 of one alphabet is drawer
  07 of another, so a writer is ``alphabet/NN``. The published split is by alphabet: take it with the option
  ``alphabets`` where characters never seen are the question.
- **Hand.** They copied a printed shape of a script that they mostly did not know. The order of strokes is a human's,
  not that taught to readers of the script.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.folders import FolderCorpus, listed
from kalamos.datasets.identity import split_of
from kalamos.errors import CorpusError, FormatError
from kalamos.formats import omniglot
from kalamos.ink import Sample, Split

NAME = "omniglot"
SCRIPTS: dict[str, str] = {
    "Anglo-Saxon_Futhorc": "Runr",
    "Armenian": "Armn",
    "Asomtavruli_(Georgian)": "Geok",
    "Avesta": "Avst",
    "Balinese": "Bali",
    "Bengali": "Beng",
    "Blackfoot_(Canadian_Aboriginal_Syllabics)": "Cans",
    "Braille": "Brai",
    "Burmese_(Myanmar)": "Mymr",
    "Cyrillic": "Cyrl",
    "Early_Aramaic": "Armi",
    "Ge_ez": "Ethi",
    "Glagolitic": "Glag",
    "Grantha": "Gran",
    "Greek": "Grek",
    "Gujarati": "Gujr",
    "Gurmukhi": "Guru",
    "Hebrew": "Hebr",
    "Inuktitut_(Canadian_Aboriginal_Syllabics)": "Cans",
    "Japanese_(hiragana)": "Hira",
    "Japanese_(katakana)": "Kana",
    "Kannada": "Knda",
    "Korean": "Hang",
    "Latin": "Latn",
    "Malay_(Jawi_-_Arabic)": "Arab",
    "Malayalam": "Mlym",
    "Manipuri": "Mtei",
    "Mkhedruli_(Georgian)": "Geor",
    "Mongolian": "Mong",
    "N_Ko": "Nkoo",
    "Ojibwe_(Canadian_Aboriginal_Syllabics)": "Cans",
    "Old_Church_Slavonic_(Cyrillic)": "Cyrs",
    "Oriya": "Orya",
    "Sanskrit": "Deva",
    "Sylheti": "Sylo",
    "Syriac_(Estrangelo)": "Syre",
    "Syriac_(Serto)": "Syrj",
    "Tagalog": "Tglg",
    "Tengwar": "Teng",
    "Tibetan": "Tibt",
    "Tifinagh": "Tfng",
}
"""Alphabet -> ISO 15924. Invented alphabets without a code (Futurama, Angelic, ULOG ...) are ``Zzzz``."""


HELD_OUT = frozenset(
    ("Balinese", "Early_Aramaic", "Greek", "Japanese_(katakana)", "Korean", "Latin", "Sanskrit", "Tagalog")
)
"""The alphabets of the two small background parts: the drawings of their test drawers were taken out of the sketches
before anything was trained on these."""


def split_of_drawing(alphabet: str, key: str, writer: str) -> Split | None:
    """Return the split of a drawing."""
    return split_of(NAME, key, writer) if alphabet in HELD_OUT else "train"


def _find(root: Path, alphabets: str = "") -> Sequence[str]:
    """Return the character folders, each once though several parts may hold it.

    Args:
        root: the folder that holds ``strokes_*``.
        alphabets: comma list of alphabets to keep; all where empty.

    Raises:
        CorpusError: where no strokes are found, or an alphabet is unknown.
    """
    found: dict[str, str] = {}
    for unit in _character_folders(root):
        found.setdefault(unit.partition("/")[2], unit)
    present = {character.partition("/")[0] for character in found}
    if not present:
        raise CorpusError(f"{root} holds no strokes_*/<alphabet>/character*; unpack strokes_background.zip there")
    wanted = set(listed(alphabets)) or present
    if wanted - present:
        missing, there = ", ".join(sorted(wanted - present)), ", ".join(sorted(present))
        raise CorpusError(f"omniglot has no alphabet {missing} in {root}; it holds {there}")
    return [unit for character, unit in sorted(found.items()) if character.partition("/")[0] in wanted]


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the drawings of one character."""
    _, alphabet, character = PurePosixPath(unit).parts
    for path in sorted((root / unit).glob("*.txt")):
        report.expected["drawings"] += 1
        source = f"{unit}/{path.name}"
        try:
            ink = omniglot.read_ink(path, report.mendings)
            if not ink.n_strokes:
                raise FormatError(path, "the drawing has no points")
        except FormatError as error:
            report.refusals.append(Refusal(source, error.where, error.reason))
            continue
        writer = f"{alphabet}/{path.stem.rpartition('_')[2]}"
        key = f"{alphabet}/{character}/{path.stem}"
        yield Sample(
            key=key,
            ink=ink,
            label=f"{alphabet}/{character}",
            script=SCRIPTS.get(alphabet, "Zzzz"),
            writer=writer,
            corpus=NAME,
            split=split_of_drawing(alphabet, key, writer),
            units="px",
            time_source="none" if ink.t is None else "recorded",
            source=source,
        )


def _character_folders(root: Path) -> Iterator[str]:
    for part in sorted(_folders(root)):
        if part.startswith("strokes_"):
            for alphabet in _folders(root / part):
                names = _folders(root / part / alphabet)
                yield from (f"{part}/{alphabet}/{name}" for name in names if name.startswith("character"))


def _folders(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except OSError as error:
        raise CorpusError(f"the folder {path} cannot be read: {error.strerror}") from error


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="Omniglot",
        scripts=tuple(sorted({*SCRIPTS.values(), "Zzzz"})),
        levels=("character",),
        size="50 alphabets, 1,623 characters, 32,460 drawings by 20 drawers each",
        licence="MIT",
        citation=(
            "B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum: Human-level concept learning through probabilistic program"
            " induction. Science 350 (6266), 2015, pp. 1332-1338, doi:10.1126/science.aab3050"
        ),
        obtain=(
            "from the repository brendenlake/omniglot, folder python, unpack strokes_background.zip and"
            " strokes_evaluation.zip (or the small ones) into one folder, and the images_*.zip beside them"
        ),
        layout="strokes_<part>/<alphabet>/characterNN/<class>_<drawer>.txt, images_<part>/... .png",
        verified="the two small background parts, strokes and images: 8 alphabets, 242 characters, 4,840 drawings",
        url="https://github.com/brendenlake/omniglot",
        options=(("alphabets", "comma list of alphabets, as their folders are named; default all"),),
    ),
    _find,
    _read,
)
