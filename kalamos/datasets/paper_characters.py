"""Real scanned characters with labels and no trajectory: the test parts of MNIST, DHCD and AHCD as one corpus.

Nobody knows how the pen moved, so the ink of a sample is empty: what can be asked of a recovered ink is whether it
lies on the ink of the scan, and whether a recogniser of pen movements still reads the character.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.folders import refuse_options
from kalamos.datasets.pictures import PictureEntry, picture_card, picture_entries
from kalamos.errors import CorpusError, KalamosError
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Ink, Sample
from kalamos.scans.load import fitted, prepare
from kalamos.scans.read import page_of
from kalamos.scans.segment import segment

NAME = "paper-characters"
PARTS = ("mnist", "dhcd", "ahcd")
SIZE_PX = 64
"""Side of the images that methods get, as the front door makes them of characters."""


class PaperCharacters:
    """The corpus: a unit is one class of one part, ``dhcd#क``."""

    card = Card(
        name=NAME,
        title="Scanned characters without a trajectory: the test parts of MNIST, DHCD and AHCD",
        scripts=("Zyyy", "Deva", "Arab"),
        levels=("character",),
        size="; ".join(f"{name}: {picture_card(name).size}" for name in PARTS),
        licence="; ".join(f"{name}: {picture_card(name).licence}" for name in PARTS),
        citation="; ".join(picture_card(name).citation for name in PARTS),
        obtain=" ".join(f"Into {name}/: {picture_card(name).obtain}" for name in PARTS),
        layout="; ".join(f"{name}/ with {picture_card(name).layout}" for name in PARTS),
        verified="All 27,160 pictures of the three test parts were read; labels by the authors' tables of classes.",
        url="",
        options=(("part", f"{', '.join(PARTS)} (all that are there)"),),
    )

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the classes of every part that is there.

        Raises:
            CorpusError: where no part is there, or an option has no meaning.
        """
        refuse_options(self.card, options)
        wanted = options.get("part", "")
        if wanted and wanted not in PARTS:
            raise CorpusError(f"{NAME}: part is {', '.join(PARTS)}; not {wanted!r}")
        there = [name for name in PARTS if (not wanted or name == wanted) and (root / name).is_dir()]
        if not there:
            raise CorpusError(f"{root} holds none of {', '.join(PARTS)}; {self.card.layout}")
        return [f"{name}#{label}" for name in there for label in sorted(_by_label(root, name))]

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the characters of a class, with empty inks."""
        part, _, label = unit.partition("#")
        try:
            entries = _by_label(root, part).get(label, [])
        except KalamosError as error:
            report.refusals.append(Refusal(unit, "", str(error)))
            return
        for entry in entries:
            yield Sample(
                key=f"{part}/{entry.key}",
                ink=Ink.empty(),
                label=entry.label,
                level="character",
                script=entry.script,
                writer=entry.writer,
                corpus=NAME,
                units="px",
                time_source="none",
                source=unit,
            )

    def image(self, root: Path, sample: Sample) -> tuple[OfflineImage, Placement]:
        """Return a character as a method gets it: ink dark on white, 64 px.

        Raises:
            KalamosError: where the picture cannot be read, or nothing is on it.
        """
        part, _, key = sample.key.partition("/")
        found = next((one for one in _by_label(root, part).get(sample.label, []) if one.key == key), None)
        if found is None:
            raise CorpusError(f"{root} has no picture {sample.key}")
        page = page_of(found.pixels())
        pieces = segment(prepare(page.pixels, page.opaque).grey, level="page")
        if not pieces:
            raise CorpusError(f"{sample.key}: no ink is found on the picture")
        made = fitted(pieces, page, sample.script, size_px=SIZE_PX)[0]
        return made.image, made.placement


def _by_label(root: Path, part: str) -> dict[str, list[PictureEntry]]:
    if part not in PARTS:
        raise CorpusError(f"{NAME} has no part {part!r}; parts are {', '.join(PARTS)}")
    folder = root / part
    return _listed(folder, part, folder.stat().st_mtime_ns if folder.is_dir() else 0)


@lru_cache(maxsize=4)
def _listed(folder: Path, part: str, _changed_ns: int) -> dict[str, list[PictureEntry]]:
    found: dict[str, list[PictureEntry]] = {}
    for entry in picture_entries(part, folder):
        found.setdefault(entry.label, []).append(entry)
    return found


CORPUS = PaperCharacters()
