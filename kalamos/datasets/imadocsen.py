"""ImadocSen-OnDB: English sentences in lower case, written on tablet computers, whole and cut into words by hand.

Layout: ``data/sentences/<session>/<sentence>.inkml`` as recorded, with the force of the pen, and
``data/words/<session>/<sentence>.inkml`` cut into words. Both are InkML without times; labels stand in an
``<annotationXML type="Ground truth">`` of the group of a sentence or word. ``task1.txt``, beside ``data``, lists the
sessions of the authors' training and test sets.

- **Writers.** A session is ``writer12`` or ``writer12b``: the number is the person, the letter another session. Name,
  age, gender, hand and language of the writer, which stand in every file, are not read.
- **Splits.** The authors' two sets where ``task1.txt`` lies there (a tenth of the training writers, by hash, is
  validation); else by the writer's hash. The same ink stands in both folders: never add them up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from xml.etree.ElementTree import Element

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.folders import FolderCorpus, files, refuse_value
from kalamos.datasets.identity import split_of
from kalamos.errors import CorpusError
from kalamos.formats import inkml
from kalamos.formats.reading import read_bytes, text_of
from kalamos.ink import Level, Sample, Split

NAME = "imadocsen"
FOLDERS: dict[str, Level] = {"sentences": "line", "words": "word"}
"""Folder below ``data`` -> level of its samples."""
LIST = "task1.txt"
_SESSION = re.compile(r"(writer\d+)[a-z]*")


def _find(root: Path, level: str = "line") -> Sequence[str]:
    """Return the files of the sentences, whole (``line``) or cut (``word``).

    Raises:
        CorpusError: where there is no such file.
    """
    refuse_value(NAME, "level", level, FOLDERS.values())
    chosen = next(folder for folder, own in FOLDERS.items() if own == level)
    below = root / "data" / chosen
    if not below.is_dir():
        raise CorpusError(f"{root} has no folder data/{chosen}; name the folder ImadocSen-OnDB itself")
    return [f"data/{chosen}/{name}" for name in files(below, (".inkml",), "InkML file")]


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the sentence of one file, or its words."""
    _, folder, session, *_ = Path(unit).parts
    person = _SESSION.fullmatch(session)
    if person is None:
        report.refusals.append(Refusal(unit, session, "the folder is not named as a session, as writer12b is"))
        return
    level = FOLDERS[folder]
    key, writer = f"{folder}/{session}/{Path(unit).stem}", person[1]
    document = inkml.read_document(root / unit)
    groups = [group for group in document.root.iter("traceGroup") if _truth(group, "type") == _TYPES[level]]
    report.expected[level] += len(groups)
    for number, group in enumerate(groups, 1):
        ink = document.ink(document.pieces(group), counts=report.mendings)
        if not ink.n_points:
            report.refusals.append(Refusal(unit, f"{level} {number}", "the group holds no ink"))
            continue
        own = key if level == "line" else f"{key}/{number}"
        yield Sample(
            own,
            ink,
            _truth(group, "label"),
            level,
            script="Latn",
            writer=writer,
            corpus=NAME,
            split=_split(root, own, writer),
            points_per_mm=document.points_per_mm,
            time_source="none" if ink.t is None else document.time_source,
            source=unit if level == "line" else f"{unit}#word {number}",
        )
    if not groups:
        report.refusals.append(Refusal(unit, "", f"no group says that it is a {_TYPES[level].lower()}"))


_TYPES: dict[Level, str] = {"line": "Sentence", "word": "Word"}


def _truth(group: Element, what: str) -> str:
    """Return the type or label in the ground truth of a group; empty where it has none."""
    for note in group.findall("annotationXML"):
        if note.get("type") == "Ground truth":
            return (note.findtext(what) or "").strip()
    return ""


def _split(root: Path, key: str, writer: str) -> Split | None:
    sets = _sets(root)
    if not sets:
        return split_of(NAME, key, writer)
    if sets.get(writer) == "test":
        return "test"
    return split_of(NAME, key, writer, (("train", 0.9), ("validation", 0.1))) if writer in sets else None


@lru_cache(maxsize=8)
def _sets(root: Path) -> dict[str, Split]:
    """Return the authors' set of each person; one with a session in both counts as training."""
    found: dict[str, Split] = {}
    if not (root / LIST).is_file():
        return found
    now: Split | None = None
    for line in text_of(read_bytes(root / LIST, 2**20)).splitlines():
        if line.startswith("##"):
            now = "train" if "training set" in line else "test" if "test set" in line else now
        session = _SESSION.fullmatch(line.strip())
        if session and now is not None and found.get(session[1]) != "train":
            found[session[1]] = now
    return found


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="ImadocSen-OnDB, English sentences",
        scripts=("Latn",),
        levels=("line", "word"),
        size="20 sentences a session, by 51 writers in one or two sessions each",
        licence="free for research; ask the Imadoc team (IRISA, Rennes)",
        citation=(
            "S. Quiniou, F. Bouteruche, E. Anquetil: Word extraction associated with a confidence index for online"
            " handwritten sentence recognition. IJPRAI 23(5), 2009, pp. 945-966"
        ),
        obtain="ask the Imadoc team, or find a copy; unpack it",
        beside=("task1.txt",),
        layout="data/sentences/<session>/*.inkml, data/words/<session>/*.inkml, task1.txt",
        verified="the syntax on two files of a public copy, by eye; its sentences were not at hand",
        url="http://www.irisa.fr/imadoc",
        options=(("level", "line (default: sentences as recorded) or word (cut by hand)"),),
    ),
    _find,
    _read,
)
