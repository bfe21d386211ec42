"""Where corpora are: one folder for all of them, named by ``KALAMOS_CORPORA``, a folder a corpus below it.

So that no command has to be told more than the name of a corpus. ``kalamos get`` puts a corpus there too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from kalamos.datasets import CORPORA
from kalamos.datasets.corpus import Card, Corpus
from kalamos.errors import CorpusError

VARIABLE = "KALAMOS_CORPORA"
FOLDERS: dict[str, tuple[str, ...]] = {
    "unipen": ("unipen-train_r01_v07", "train_r01_v07", "unipen"),
    "poh-db": ("poh-db", "POH-Db", "POH-DB"),
    "assamese": ("assamese", "assamese_dataset"),
    "paper-characters": ("paper", "paper-characters"),
}
"""The names under which a corpus is looked for; of any other its registered name."""
WITHOUT_FOLDER = ("synthetic", "made-pairs", "paper-pages")


def shared_root() -> Path | None:
    """Return the folder of all corpora, or None where the environment names none."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def folder_names(corpus: str) -> tuple[str, ...]:
    """Return the names under which a corpus is looked for below the shared folder."""
    return FOLDERS.get(corpus, (corpus,))


def place_of(corpus: str) -> Path:
    """Return where ``kalamos get`` puts a corpus.

    Raises:
        CorpusError: where the environment names no shared folder.
    """
    root = shared_root()
    if root is None:
        raise CorpusError(f"name a folder for {corpus}, or set {VARIABLE} to the folder that is to hold all corpora")
    return root / folder_names(corpus)[0]


def find_corpus(corpus: str, root: Path | None, holds: Callable[[Path], bool] | None = None) -> Path:
    """Return the folder of a corpus: the one of its name before the one that is named, which may hold them all.

    Many readers take every file below their folder, so that the folder of all corpora would pass for any of them: it is
    taken for the corpus itself only where it was named for it, or ``holds`` knows the corpus' own files.

    Args:
        corpus: registered name.
        root: the corpus folder itself, or a folder of all corpora; None for what the environment names.
        holds: says whether a folder holds what is wanted; by default whether the corpus finds units there.

    Raises:
        CorpusError: where it is not there: which folder is wanted, and how to get it.
    """
    if corpus in WITHOUT_FOLDER:
        return Path()
    asked = list(dict.fromkeys(_candidates(corpus, root, holds is not None)))
    right = holds or (lambda folder: _has_units(corpus, folder))
    for folder in asked:
        if folder.is_dir() and right(folder):
            return folder
    raise CorpusError(_wanted(CORPORA.load(corpus).card, asked))


def _candidates(corpus: str, root: Path | None, known: bool) -> Iterator[Path]:
    for base, itself in ((root, True), (shared_root(), known)):
        if base is not None:
            yield from (base / name for name in folder_names(corpus))
            if itself:
                yield base


def _has_units(corpus: str, folder: Path) -> bool:
    read: Corpus = CORPORA.load(corpus)
    try:
        return bool(read.units(folder))
    except CorpusError:
        return False


def _wanted(card: Card, asked: list[Path]) -> str:
    looked = f"not in {', '.join(map(str, asked))}" if asked else "no folder was named"
    names = " or ".join(folder_names(card.name))
    return (
        f"{card.title} is needed, and {looked}. Name its folder (--root of `bench` and `score`), or set {VARIABLE} to "
        f"a folder that holds it as {names}. It holds: {card.layout}. How to get it: {card.obtain}"
    )
