r"""UNIPEN train_r01_v07: isolated characters, words and texts in the Latin alphabet, from some fifty contributions.

Layout: ``data/<category>/<contributor>/.../<name>.dat`` lists segments and includes the ink from
``include/<contributor>/...``. The same ink stands in several categories (2 and 3 hold the characters of 1a to 1d again,
6 those words of 7 that hold no digits): take 1a to 1d, or 2, or 3, and 6 or 7, never their union.

Facts of the corpus that the format does not state:

- **Writers.** ``.WRITER_ID`` is unique within an institution, not within a contribution: twenty-two writers of ``apb``
  are also in ``apd``. A writer is therefore ``institution/id``, where the contributions of one institution share a
  name. Where a file names no writer the contribution's name is taken. Some institutions number *sessions*
  (:data:`SESSIONS`): ``ibm``'s ``r01-04`` is what writer 04 wrote in session 01, and each of its twelve wrote in two to
  four sessions here, so that one ink stands under as many identifiers. The person is the writer.
- **Splits.** :mod:`kalamos.datasets.identity`: by person, and what stands under two persons on one side.
- **Ligatures.** The contributor ``kai`` labels what joins two letters, and every delayed stroke, as ``\@``. That is no
  character: these segments (in 1d, 2 and 3) are refused and counted, and the marks are taken out of its words' labels.
- **Script.** Digits (1a) and symbols (1d) are ``Zyyy``, common to all scripts; letters, words and texts are ``Latn``.
  In 2 and 3 it follows from the label.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.folders import listed, need_folders, refuse_options, walk
from kalamos.datasets.identity import split_of
from kalamos.errors import CorpusError, FormatError
from kalamos.formats import unipen
from kalamos.ink import Sample

CATEGORIES: dict[str, str] = {
    "1a": "isolated digits",
    "1b": "isolated capitals",
    "1c": "isolated lower-case letters",
    "1d": "isolated symbols",
    "2": "isolated characters, mixed",
    "3": "characters in the context of words or texts",
    "6": "isolated words, cursive or mixed, no digits or symbols",
    "7": "isolated words, any style, all characters",
    "8": "texts of at least two words",
}
"""Category -> what it holds. Categories 4, 5 and 9 are empty in this release."""

DEFAULT_CATEGORIES = "1a,1b,1c"
LIGATURE = "\\@"

_INSTITUTIONS = {
    **dict.fromkeys(("att", "ata"), "att"),
    **dict.fromkeys(("apa", "apb", "apc", "apd", "ape", "app"), "ap"),
    **dict.fromkeys(("bba", "bbb", "bbc", "bbd"), "bb"),
    **dict.fromkeys(("cea", "ceb", "cec", "ced", "cee", "cef"), "ce"),
}
"""Contributors that are one institution, and share its writers."""

SESSIONS: dict[str, tuple[str, str]] = {
    "ibm": (r"r\d\d-(\d\d)|([a-z]{3})\d\d", r"\1\2"),
    "ap": (r"(.+)_\d", r"\1"),
    "ce": (r"(.+)\.[A-Z]", r"\1"),
    "scr": (r"d\d_(.+)", r"\1"),
}
"""Institution -> identifiers that are sessions (or disks) of a person, and what names the person.

``ibm``: ``ibm0.doc`` speaks of 12 writers in three sessions each, and the identifiers end in twelve different numbers;
those of ``ibm1`` are three initials and a number. ``ap``: a name and ``_1`` or ``_2``. ``ce``: four files end in ``.A``
or ``.B``. ``scr``: the disk stands in front, and the numbers of two disks overlap. Where the documentation leaves it
open, two names count as one person: that costs a writer, the other mistake a test."""


def person_of(writer: str) -> str:
    """Return the person behind ``institution/id``: sessions of one person are one."""
    institution, _, name = writer.partition("/")
    if institution not in SESSIONS:
        return writer
    pattern, person = SESSIONS[institution]
    found = re.fullmatch(pattern, name)
    return f"{institution}/{found.expand(person)}" if found else writer


@dataclasses.dataclass(frozen=True)
class Unipen:
    """The corpus; a unit is one ``.dat`` file below ``data``.

    Attributes:
        card: what a user has to know.
        person_of: who is behind a recorded writer.
    """

    card: Card
    person_of: Callable[[str], str] = person_of

    def units(self, root: Path, categories: str = DEFAULT_CATEGORIES, **options: str) -> Sequence[str]:
        """Return the ``.dat`` files of the categories, those that include the same ink one after the other.

        Raises:
            CorpusError: where a category or option is unknown, or a folder that is needed is not
                there (of the default categories, those that are there are taken).
        """
        refuse_options(self.card, options)
        chosen = listed(categories)
        unknown = [name for name in chosen if name not in CATEGORIES]
        if unknown or not chosen:
            raise CorpusError(f"unipen has the categories {', '.join(CATEGORIES)}; not {', '.join(unknown) or 'none'}")
        need_folders(root, ("data", "include"), "name the folder train_r01_v07 itself")
        present = [name for name in chosen if (root / "data" / name).is_dir()]
        if not present or (present != chosen and categories != DEFAULT_CATEGORIES):
            missing = ", ".join(name for name in chosen if name not in present)
            raise CorpusError(f"{root / 'data'} has no folder for the categories {missing}")
        found = [(path, name) for name in present for path in _dat_files(root, name)]
        return [f"data/{name}/{path}" for path, name in sorted(found)]

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the characters, words or texts of one file."""
        try:
            document = unipen.read_document(root / unit, root)
        except FormatError as error:
            report.refusals.append(Refusal(unit, error.where, error.reason))
            return
        _, category, contributor, *_ = Path(unit).parts
        institution = _INSTITUTIONS.get(contributor, contributor)
        name, folder = self.card.name, unit.removeprefix("data/")
        persons: dict[str, str] = {}
        for segment, number, ink, heading, source in unipen.delineated(document, document.segments, unit, report):
            label = segment.label or ""
            if label == LIGATURE:
                report.refusals.append(Refusal(unit, source, "a ligature or delayed stroke, no character"))
                continue
            writer = f"{institution}/{heading.writer or contributor}"
            if writer not in persons:
                persons[writer] = self.person_of(writer)
            key, person = f"{folder}#{number}", persons[writer]
            yield Sample(
                key,
                ink,
                label.replace(LIGATURE, ""),
                unipen.LEVELS.get(segment.kind, "character"),
                _script(category, label),
                person,
                name,
                split_of(name, key, person),
                "device",
                heading.x_per_mm,
                "none" if ink.t is None else document.time_source,
                source,
            )


def _dat_files(root: Path, category: str) -> Iterator[str]:
    """Yield the ``.dat`` files of a category, relative to its folder."""
    base = root / "data" / category
    for folder, _, names in walk(base):
        yield from ((folder / name).relative_to(base).as_posix() for name in names if name.endswith(".dat"))


def _script(category: str, label: str) -> str:
    if category in ("1a", "1d") or (category in ("2", "3") and not label.isalpha()):
        return "Zyyy"
    return "Latn"


CORPUS = Unipen(
    Card(
        name="unipen",
        title="UNIPEN train_r01_v07",
        scripts=("Latn", "Zyyy"),
        levels=("character", "word", "line"),
        size=(
            "the complete release: 122,628 isolated characters, 85,213 words, 14,544 texts; the copy tried lacks eight"
            " contributors and holds 13,089 digits, 23,662 capitals, 52,806 lower-case letters and 14,541 symbols"
        ),
        licence="CC BY 4.0 on Zenodo; the notice inside the release (1999) grants use for research",
        citation=(
            "I. Guyon, L. Schomaker, R. Plamondon, M. Liberman, S. Janet: UNIPEN project of on-line data exchange and"
            " recognizer benchmarks. ICPR 1994, vol. 2, pp. 29-33, doi:10.1109/ICPR.1994.576870"
        ),
        obtain="download train_r01_v07 from Zenodo, record 1195803 (doi:10.5281/zenodo.1195803), and unpack it",
        beside=("include/**/*",),
        layout="data/<1a ... 8>/<contributor>/.../*.dat and include/<contributor>/...",
        verified="every .dat file of a copy without the contributions bbc, cee, gmd, hpb, imp, lav, ugi, val",
        url="https://zenodo.org/records/1195803",
        options=(("categories", f"comma list of {', '.join(CATEGORIES)}; default {DEFAULT_CATEGORIES}"),),
    )
)
