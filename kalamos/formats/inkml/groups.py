"""Groups and views of an InkML document that stand for a line, a word or a character, as its annotations say.

A group says what it is in ``<annotation type="type">`` (IAMonDo-db, Kalamos) or in the ``type`` of an
``<annotationXML type="Ground truth">`` (ImadocSen-OnDB). One that says nothing and has a label is a character where
its label is one character or LaTeX command and no labelled group lies within it (CROHME); else a word where none lies
within it, and a line otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from kalamos.formats.inkml.document import notes
from kalamos.ink import Level

LABELS = ("truth", "label", "transcription", "Transcription", "text", "textField", "normalizedLabel")
"""Annotations that hold a label, the first that is there counts."""
_SAID: dict[str, Level] = {
    **dict.fromkeys(("character", "char", "symbol", "glyph", "letter", "digit"), "character"),
    **dict.fromkeys(("word", "token"), "word"),
    **dict.fromkeys(("line", "textline", "sentence", "expression", "formula"), "line"),
    **dict.fromkeys(("page", "document", "paragraph", "textblock", "block"), "page"),
}
_ONE = re.compile(r"\\[A-Za-z]+|\\?.", re.DOTALL)


class Group(NamedTuple):
    """A labelled group: its element, what it is, and its label."""

    element: Element
    level: Level
    label: str


def labelled_groups(root: Element) -> list[Group]:
    """Return the groups and views below the root that have a label, outer before inner."""
    found: list[tuple[Element, str]] = []
    outer: set[int] = set()
    stack: list[tuple[Iterator[Element], int]] = [(iter(root), -1)]
    while stack:
        children, around = stack[-1]
        element = next((child for child in children if child.tag in {"traceGroup", "traceView"}), None)
        if element is None:
            stack.pop()
            continue
        label = label_of(element)
        if label:
            outer.add(around)
            around = len(found)
            found.append((element, label))
        stack.append((iter(element), around))
    return [Group(element, _level_of(element, label, k in outer), label) for k, (element, label) in enumerate(found)]


def label_of(element: Element) -> str:
    """Return the label that stands in the annotations of an element itself; empty where there is none."""
    found = notes(element)
    label = _ground_truth(element, "label") or next((found[name] for name in LABELS if found.get(name)), "")
    return "" if label.lower() == "ground truth" else label  # CROHME heads its groups so


def _level_of(element: Element, label: str, holds_others: bool) -> Level:
    said = (_ground_truth(element, "type") or notes(element).get("type", "")).replace(" ", "").lower()
    if said in _SAID:
        return _SAID[said]
    if holds_others:
        return "line"
    return "character" if _ONE.fullmatch(label.strip("$ ")) else "word"


def _ground_truth(element: Element, what: str) -> str:
    """Return what an ``<annotationXML type="Ground truth">`` says, as ImadocSen-OnDB writes it."""
    for note in element.findall("annotationXML"):
        if note.get("type") == "Ground truth":
            return (note.findtext(what) or "").strip()
    return ""
