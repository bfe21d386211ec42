"""Read XML that nobody vouches for: no entities, bounded size and depth, errors with a line number.

Expat is driven directly, so that an entity declaration is refused when it is met, before anything can expand; external
subsets of a DOCTYPE are never fetched. Tags come without their namespace: the ink formats are written with it, with a
wrong one and without any, and no local name means two things in one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, fromstring
from xml.parsers import expat

from kalamos.errors import FormatError
from kalamos.formats import reading

MAX_BYTES = 64 * 2**20
"""A larger file is refused; the largest XML file of any ink corpus known has a few megabytes."""
MAX_TAGS = 4_000_000
"""Documents with more tags are refused: a tree takes a hundred bytes for an element of four."""
MAX_DEPTH = 200
"""Elements nested deeper are refused; real ink documents nest less than 20 deep."""


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        FormatError: where it cannot be read, is empty, or is larger than :data:`MAX_BYTES`.
    """
    data = reading.read_bytes(path, MAX_BYTES)
    if not data.strip():
        raise FormatError(path, "the file is empty")
    return data


def parse_xml(data: bytes, path: object) -> Element:
    """Return the root element of an XML document, tags and attribute names without namespace.

    Args:
        data: the document.
        path: what error messages call it.

    Raises:
        FormatError: where it is not well-formed, declares entities, has more than :data:`MAX_TAGS` tags, or nests
            deeper than :data:`MAX_DEPTH`.
    """
    data = _with_true_encoding(data)
    if len(data) > MAX_TAGS and data.count(b"<") > MAX_TAGS:
        raise FormatError(path, f"more than {MAX_TAGS:,} tags; split it")
    plain = _PLAIN_PROLOG.match(data) is not None and _ROOT_FOLLOWS.match(data) is not None
    root = _parse_plain(data, path) if plain else _parse_guarded(data, path)
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise FormatError(path, f"elements nest deeper than {MAX_DEPTH}", f"element {level[0].tag[:40]}")
        for element in level:
            tag = element.tag
            if tag[0] == "{":
                element.tag = tag.rpartition("}")[2]
            for name in element.keys():  # noqa: SIM118 - an element is no dict: this copies the names
                if name[0] == "{":
                    attributes = element.attrib
                    attributes[name.rpartition("}")[2]] = attributes.pop(name)
        level = [child for element in level for child in element]
    return root


_PLAIN_PROLOG = re.compile(
    rb"(\xef\xbb\xbf)?\s*<(?!\?xml\s[^>]*encoding\s*=\s*[\"'](?!(?i:utf-8|us-ascii|iso-8859-1)[\"']))"
)
"""Documents in an encoding in which a DOCTYPE cannot hide, so that one that shows none has none."""
_ROOT_FOLLOWS = re.compile(rb"(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->)*+<[^!?]", re.DOTALL)
"""Documents whose root element follows upon comments and instructions alone: a DOCTYPE stands before it or nowhere."""


def _parse_plain(data: bytes, path: object) -> Element:
    """Parse a document without a DOCTYPE, all in C."""
    try:
        return fromstring(data)  # noqa: S314 - the caller has made sure that there is no DOCTYPE
    except ParseError as error:
        raise _ill_formed(path, error.code, *error.position) from error


def _parse_guarded(data: bytes, path: object) -> Element:
    """Parse a document with a parser that stops at an entity declaration."""
    builder = TreeBuilder()
    parser = new_parser(path)
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise FormatError(path, f"elements nest deeper than {MAX_DEPTH}", f"line {parser.CurrentLineNumber}")
        builder.start(
            "{" * ("}" in tag) + tag, {"{" * ("}" in name) + name: value for name, value in attributes.items()}
        )

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    run_parser(parser, data, path)
    return builder.close()


def run_parser(parser: expat.XMLParserType, data: bytes, path: object) -> None:
    """Feed a whole document to a parser.

    Raises:
        FormatError: where it is not well-formed; says the line.
    """
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise _ill_formed(path, error.code, error.lineno, error.offset) from error
    except (LookupError, ValueError) as error:
        raise FormatError(path, f"the encoding that the XML declaration names cannot be read: {error}") from error


def _ill_formed(path: object, code: int, line: int, column: int) -> FormatError:
    reason = f"not well-formed XML ({expat.ErrorString(code)})"
    return FormatError(path, reason, f"line {line}, column {column + 1}")


def new_parser(path: object) -> expat.XMLParserType:
    """Return a parser, without handlers for elements yet, that refuses entity declarations."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    parser.EntityDeclHandler = _refusal(path, parser)
    return parser


def is_misdeclared(data: bytes) -> bool:
    """Say whether a document declares UTF-16 and is in bytes: what comes of writing XML into a string first (.NET)."""
    return _SIXTEEN_BITS.match(data) is not None


def _with_true_encoding(data: bytes) -> bytes:
    declared = _SIXTEEN_BITS.match(data)
    return data if declared is None else data[: declared.start(1)] + b"utf-8" + data[declared.end(1) :]


_SIXTEEN_BITS = re.compile(
    rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']((?i:utf-?16(?:le|be)?|utf-?32|ucs-?[24]|unicode))[\"']"
)


def root_tag(head: bytes) -> tuple[str, dict[str, str]] | None:
    """Return local name and attributes of the root element of a document that begins so, or None if it is not XML."""
    found: list[tuple[str, dict[str, str]]] = []
    head = _with_true_encoding(head)
    parser = expat.ParserCreate(namespace_separator="}")

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not found:
            uri, _, local = tag.rpartition("}")
            found.append((local, {**attributes, "xmlns": uri}))

    def stop(*_: object) -> NoReturn:
        raise ValueError

    parser.StartElementHandler = start
    parser.EntityDeclHandler = stop
    try:
        parser.Parse(head, False)
    except (expat.ExpatError, LookupError, ValueError):
        return found[0] if found else _guessed_root(head)
    return found[0] if found else None


_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*+(?:\[.*?\])?\s*+>)*+"
    rb"<([A-Za-z_][\w.-]*+:)?([A-Za-z_][\w.-]*+)",
    re.DOTALL,
)
"""The root element behind comments, instructions and a DOCTYPE; nothing is tried twice, so that time is linear."""


def _guessed_root(head: bytes) -> tuple[str, dict[str, str]] | None:
    """Guess the root's name where the prolog cannot be parsed, so that the format's reader can say what is wrong."""
    match = _ROOT.match(head)
    return (match[2].decode("ascii"), {}) if match else None


def _refusal(path: object, parser: expat.XMLParserType) -> Callable[..., None]:
    def refuse(name: str, *_: object) -> None:
        reason = f"declares the entity {name[:40]!r}; entities are refused, because they can fetch files or fill memory"
        raise FormatError(path, reason, f"line {parser.CurrentLineNumber}")

    return refuse
