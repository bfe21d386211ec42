"""UPX, the XML successor of UNIPEN (HP Labs and the International Unipen Foundation, version 0.9.5).

A UPX file annotates ink that lies in InkML files beside it, or within it: ``hwData`` holds ``hLevel`` elements, each of
a ``level`` (PARAGRAPH, LINE, WORD, CHARACTER ...), with ``label`` elements of a ``labelType``, of which the
``alternate`` of the lowest rank counts, a ``writerRef`` that lower levels inherit, further ``hLevel`` elements, and the
ink: ``<trace>``, ``<traceView>``, or a reference to a file, to an element of it (after ``#``), and to a part of that
(``from`` and ``to``).

Every labelled ``hLevel`` becomes a sample, so that ink labelled as line and as word is given twice, at both levels.
Files are looked for beside the UPX file, below its folder's parent, and by name in sibling folders called ``inkml``;
never anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from kalamos.errors import FormatError, InkError
from kalamos.formats import inkml
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.xmltree import parse_xml, read_bytes, root_tag
from kalamos.geometry import concat
from kalamos.ink import Ink, Level, Sample

LEVELS: dict[str, Level] = {
    "CHARACTER": "character",
    "AKSHARA": "character",
    "GLYPH": "character",
    "SYMBOL": "character",
    "STROKE": "character",
    "WORD": "word",
    "LINE": "line",
    "TEXTLINE": "line",
    "SENTENCE": "line",
    "TEXT": "line",
}
"""UPX level -> level of the sample; any other is a page."""
_REFERENCES = ("traceDataRef", "traceRef", "href", "uri", "fileRef", "src")
_TRUTH = {"truth", "label", "text", ""}
MAX_FILES = 1000
MAX_POINTS = 20_000_000
"""No file yields more points, those of outer and inner levels counted both."""


@dataclass(slots=True)
class _Reader:
    """One UPX file being read, and the ink files that it has opened."""

    path: Path
    report: UnitReport
    documents: dict[Path, inkml.Document] = field(default_factory=dict)
    n_points: int = 0

    def samples(self, root: Element) -> Iterator[Sample]:
        """Yield a sample for each labelled ``hLevel``, outer before inner."""
        stack = [(block, "", f"{number}") for number, block in enumerate(root.iter("hwData"), 1)][::-1]
        while stack:
            block, writer, place = stack.pop()
            writer = block.get("writerRef", writer)
            if block.tag == "hLevel" and (sample := self._sample(block, writer, place)) is not None:
                yield sample
            inner = block.findall("hLevel")
            stack.extend((child, writer, f"{place}.{k}") for k, child in reversed(list(enumerate(inner, 1))))

    def _sample(self, block: Element, writer: str, place: str) -> Sample | None:
        label = _label(block)
        if label is None:
            return None
        self.report.expected[f"hLevel {block.get('level', '')}".strip()] += 1
        try:
            ink, source = self._ink(block)
        except (FormatError, InkError) as error:
            self.report.refusals.append(Refusal(self.path.name, f"hLevel {place}", str(error)))
            return None
        self.n_points += ink.n_points
        if self.n_points > MAX_POINTS:
            raise FormatError(self.path, f"its levels refer to more than {MAX_POINTS:,} points")
        if not ink.n_points:
            self.report.refusals.append(Refusal(self.path.name, f"hLevel {place}", "no ink belongs to the label"))
            return None
        return Sample(
            f"{self.path.stem}/{block.get('id') or place}",
            ink,
            label,
            LEVELS.get(block.get("level", "").upper(), "page"),
            writer=writer.lstrip("#"),
            time_source="none" if ink.t is None else (source.time_source if source else "recorded"),
            points_per_mm=source.points_per_mm if source else None,
            source=f"{self.path.name}#{place}",
        )

    def _ink(self, block: Element) -> tuple[Ink, inkml.Document | None]:
        """Return the ink of a block: what it refers to or holds, that of its inner blocks included, in order."""
        found: list[tuple[inkml.Document, list[inkml.Piece]]] = []
        loose: list[Element] = []
        for element in block.iter():
            reference = next((element.attrib[name] for name in _REFERENCES if name in element.attrib), "")
            if element.tag == "trace":
                loose.append(element)
            elif element.tag != "hLevel" and ".inkml" in reference.lower():
                document, pieces = self._referred(element, reference)
                if not found or found[-1][0] is not document:
                    found.append((document, []))
                found[-1][1].extend(pieces)
        if loose:
            holder = Element("ink")
            holder.extend(loose)
            document = inkml.document_of(holder, self.path)
            self.report.mendings.update(document.counts)
            found.append((document, document.pieces()))
        inks = [document.ink(pieces, counts=self.report.mendings) for document, pieces in found]
        source = found[0][0] if found else None
        return (inks[0] if len(inks) == 1 else concat(inks)), source

    def _referred(self, element: Element, reference: str) -> tuple[inkml.Document, list[inkml.Piece]]:
        name, _, fragment = reference.partition("#")
        document = self._document(name)
        if not fragment:
            return document, document.pieces()
        view = Element("traceView", {**_only(element.attrib, "from", "to"), "traceDataRef": fragment})
        return document, document.pieces(view)

    def _document(self, name: str) -> inkml.Document:
        file = self._find(name)
        if file not in self.documents:
            if len(self.documents) >= MAX_FILES:
                raise FormatError(self.path, f"refers to more than {MAX_FILES} files")
            self.documents[file] = inkml.read_document(file)
            self.report.mendings.update(self.documents[file].counts)
        return self.documents[file]

    def _find(self, name: str) -> Path:
        """Return the ink file called ``name``, as it is written or by its last part, below the folder's parent."""
        folder = self.path.resolve().parent
        plain = name.replace("\\", "/").removeprefix("file:")
        for candidate in (folder / plain, folder / Path(plain).name, folder.parent / "inkml" / Path(plain).name):
            try:
                found = candidate.resolve()
            except (OSError, ValueError, RuntimeError):  # no possible name, or a loop of links
                continue
            if found.is_relative_to(folder.parent) and found.is_file():
                return found
        raise FormatError(self.path, "the ink file that it refers to is not beside it", name[:100])


def sniff(head: bytes) -> str | None:
    """Say why these first bytes of a file are UPX, or None."""
    root = root_tag(head)
    if root is None or root[0].lower() not in {"hwdataset", "upx"}:
        return None
    return f"XML with the root element <{root[0]}> of UPX"


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield a sample for each labelled ``hLevel`` of one file.

    Raises:
        FormatError: where the file is not UPX.
    """
    root = parse_xml(read_bytes(path), path)
    if root.tag.lower() not in {"hwdataset", "upx"}:
        raise FormatError(path, f"the root element is <{root.tag[:40]}>, not <hwDataset>: this is not UPX")
    yield from _Reader(path, report).samples(root)


def _label(block: Element) -> str | None:
    """Return the truth of a block: its best alternate; None where it has no such label."""
    for label in block.findall("label"):
        if label.get("labelType", "").lower() in _TRUTH:
            alternates = sorted(label.findall("alternate"), key=_rank)
            text = alternates[0].text if alternates else label.text
            return (text or "").strip()
    return None


def _rank(alternate: Element) -> int:
    text = alternate.get("rank", alternate.get("Rank", "1"))
    return int(text) if text.isdecimal() and len(text) < 9 else 10**9


def _only(attributes: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: attributes[name] for name in names if name in attributes}
