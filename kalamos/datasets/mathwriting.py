"""MathWriting: handwritten mathematical expressions and symbols (Google, 2024), in InkML with X, Y and T in seconds.

Folders: ``train``, ``valid`` and ``test`` hold what people wrote, ``synthetic`` expressions put together from pieces of
it, ``symbols`` single symbols cut from it. ``synthetic`` and ``symbols`` come from training ink and count as training.
The label is the annotation ``normalizedLabel``, or ``label`` as it was entered. **Writers are not published**: the
split is the authors' folders, and that nobody stands on two sides of it can neither be checked nor arranged. No result
on it may be called writer-disjoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.folders import FolderCorpus, listed
from kalamos.errors import CorpusError
from kalamos.formats import inkml
from kalamos.ink import Sample, Split

NAME = "mathwriting"
FOLDERS: dict[str, Split] = {
    "train": "train",
    "synthetic": "train",
    "symbols": "train",
    "valid": "validation",
    "test": "test",
}
"""Folder -> split."""
DEFAULT = "train,valid,test"
SCRIPT = "Zmth"


def _find(root: Path, folders: str = DEFAULT) -> Sequence[str]:
    """Return the InkML files of the folders.

    Raises:
        CorpusError: where a folder is unknown, or none of the folders is there.
    """
    chosen = listed(folders)
    if not chosen or not set(chosen) <= set(FOLDERS):
        raise CorpusError(f"mathwriting has the option folders: a comma list of {', '.join(FOLDERS)}")
    found = [f"{name}/{file.name}" for name in chosen for file in (root / name).glob("*.inkml")]
    if not found:
        raise CorpusError(f"{root} has no *.inkml in {' or '.join(chosen)}; name the folder mathwriting-2024 itself")
    return sorted(found)


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the expression or symbol of one file."""
    report.expected["ink"] += 1
    document = inkml.read_document(root / unit)
    ink = document.ink(counts=report.mendings)
    report.mendings.update(document.counts)
    if not ink.n_points:
        report.refusals.append(Refusal(unit, "", "the file holds no ink"))
        return
    folder = unit.partition("/")[0]
    facts = inkml.notes(document.root)
    yield Sample(
        unit.removesuffix(".inkml"),
        ink,
        facts.get("normalizedLabel") or facts.get("label", ""),
        "character" if folder == "symbols" else "line",
        script=SCRIPT,
        corpus=NAME,
        split=FOLDERS[folder],
        time_source="none" if ink.t is None else document.time_source,
        source=unit,
        provenance="synthetic" if folder == "synthetic" else "recorded",
    )


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="MathWriting",
        scripts=(SCRIPT,),
        levels=("line", "character"),
        size="229,864, 15,674 and 7,644 written expressions (training, validation, test), 400,000 synthetic, symbols;"
        " writers not published",
        licence="CC BY-NC-SA 4.0",
        citation="P. Gervais, A. Fadeeva, A. Maksai: MathWriting: a dataset for handwritten mathematical expression"
        " recognition. arXiv 2404.10690, 2024",
        obtain="unpack https://storage.googleapis.com/mathwriting_data/mathwriting-2024.tgz (2.9 GB)",
        layout="train, valid, test, synthetic, symbols, each a folder of *.inkml",
        verified="only against the published description and files written after it; no real file was at hand",
        url="https://arxiv.org/abs/2404.10690",
        options=(("folders", f"comma list of {', '.join(FOLDERS)}; default {DEFAULT}"),),
    ),
    _find,
    _read,
)
