"""Corpora of pictures: handwriting on real paper with its label, and no trajectory.

A picture corpus cannot be converted to ink. It says what a method's recovered ink can be read as, where nobody knows
how the pen moved: :func:`read_pictures` yields the pictures as their authors publish them, each with its key and its
label in Unicode.
"""

from __future__ import annotations

import csv
import gzip
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from kalamos.errors import CorpusError, FormatError, UnknownNameError
from kalamos.machinery.arrays import Bytes

_MOST_PIXELS = 100_000_000


class LabelledPicture(NamedTuple):
    """A picture of handwriting, as it is in its corpus.

    Attributes:
        key: unique in the corpus and stable.
        pixels: uint8 ``(h, w)``; paper and ink as they are in the file.
        label: Unicode text.
        script: ISO 15924 code, ``Zyyy`` for digits of the Latin world.
        writer: where the corpus tells, else empty.
    """

    key: str
    pixels: Bytes
    label: str
    script: str
    writer: str = ""


class PictureEntry(NamedTuple):
    """A picture that is not read yet; fields as in :class:`LabelledPicture`, and how to read its pixels."""

    key: str
    label: str
    script: str
    pixels: Callable[[], Bytes]
    writer: str = ""


@dataclass(frozen=True, slots=True)
class PictureCard:
    """What a user has to know of a corpus of pictures; fields as in :class:`~kalamos.datasets.corpus.Card`."""

    name: str
    title: str
    script: str
    size: str
    licence: str
    citation: str
    obtain: str
    layout: str
    url: str


def picture_corpora() -> tuple[str, ...]:
    """Return the names of the corpora of pictures."""
    return tuple(_CORPORA)


def picture_card(name: str) -> PictureCard:
    """Return what a user has to know of a corpus of pictures.

    Raises:
        UnknownNameError: where no corpus of pictures is called so.
    """
    if name not in _CORPORA:
        raise UnknownNameError(f"no corpus of pictures is called {name!r}; known are: {', '.join(_CORPORA)}")
    return _CORPORA[name][0]


def read_pictures(name: str, root: Path) -> Iterator[LabelledPicture]:
    """Yield the test pictures of a corpus in the order of their keys.

    Args:
        name: of :func:`picture_corpora`.
        root: the corpus' folder as its card lays it out.

    Raises:
        UnknownNameError: where no corpus of pictures is called so.
        CorpusError: where the folder is not laid out as the card says.
        FormatError: where a file breaks the rules of its format.
    """
    for entry in picture_entries(name, root):
        yield LabelledPicture(entry.key, entry.pixels(), entry.label, entry.script, entry.writer)


def picture_entries(name: str, root: Path) -> Iterator[PictureEntry]:
    """Yield what :func:`read_pictures` does, without reading the pictures; the same errors."""
    card = picture_card(name)
    return _CORPORA[name][1](Path(root), card)


def _mnist(root: Path, card: PictureCard) -> Iterator[PictureEntry]:
    """Read the idx files of LeCun, Cortes and Burges: magic, sizes as big-endian int32, then bytes."""
    pictures = _idx(_found(root, card, "t10k-images-idx3-ubyte"), 3)
    labels = _idx(_found(root, card, "t10k-labels-idx1-ubyte"), 1)
    if len(pictures) != len(labels):
        raise CorpusError(f"{root}: {len(pictures)} pictures, but {len(labels)} labels; download both files again")
    for k, (pixels, label) in enumerate(zip(pictures, labels.tolist(), strict=True)):
        if not 0 <= label <= 9:
            raise CorpusError(f"{root}: the label of picture {k} is {label}, which is no digit")
        yield PictureEntry(f"t10k/{k:05d}", str(label), card.script, partial(np.asarray, pixels))


def _found(root: Path, card: PictureCard, stem: str) -> Path:
    for name in (f"{stem}.gz", stem, f"{stem.replace('-idx', '.idx')}"):
        if (root / name).is_file():
            return root / name
    raise CorpusError(f"{root} holds no {stem}.gz; {card.layout}")


def _idx(path: Path, dimensions: int) -> Bytes:
    """Return the array of an idx file, packed by gzip or not."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            head = file.read(4 + 4 * dimensions)
            if len(head) < 4 + 4 * dimensions or head[:4] != bytes([0, 0, 8, dimensions]):
                raise FormatError(path, f"this is no idx file of bytes in {dimensions} dimensions")
            shape = struct.unpack(f">{dimensions}i", head[4:])
            size = int(np.prod(shape, dtype=np.int64))
            if min(shape) < 0 or size > _MOST_PIXELS:
                raise FormatError(path, f"it announces {shape}, more than {_MOST_PIXELS:,} bytes")
            content = file.read(size + 1)
    except (OSError, EOFError) as error:
        raise FormatError(path, f"it cannot be read ({error}); download it again") from error
    if len(content) != size:
        raise FormatError(path, f"it announces {size:,} bytes and holds {len(content):,} or more; download it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _dhcd(root: Path, card: PictureCard) -> Iterator[PictureEntry]:
    """Read a folder a class: ``character_1`` to ``character_36``, ``digit_0`` to ``digit_9``."""
    folder = root / "Test" if (root / "Test").is_dir() else root
    found = False
    for name, label in sorted(_DHCD.items()):
        for path in sorted((folder / name).glob("*.png")) or sorted(folder.glob(f"{name}_*/*.png")):
            found = True
            yield PictureEntry(f"{name}/{path.stem}", label, card.script, partial(_grey, path))
    if not found:
        raise CorpusError(f"{root} holds no folder like Test/character_1; {card.layout}")


def _ahcd(root: Path, card: PictureCard) -> Iterator[PictureEntry]:
    """Read ``id_<n>_label_<class>.png``."""
    folder = root / "test" if (root / "test").is_dir() else root
    found = [(match, path) for path in folder.glob("id_*_label_*.png") if (match := _AHCD_NAME.fullmatch(path.name))]
    if not found:
        raise CorpusError(f"{root} holds no file like test/id_1_label_1.png; {card.layout}")
    for match, path in sorted(found, key=lambda item: int(item[0][1])):
        number = int(match[2])
        if not 1 <= number <= len(_AHCD):
            raise CorpusError(f"{path}: class {number} is none of 1 to {len(_AHCD)}")
        yield PictureEntry(f"test/{int(match[1]):05d}", _AHCD[number - 1], card.script, partial(_grey, path))


def _ahawp(root: Path, card: PictureCard) -> Iterator[PictureEntry]:
    """Read the words that ``labels.csv`` lists: path, text, code points, writer."""
    table = root / "labels.csv"
    if not table.is_file():
        raise CorpusError(f"{root} holds no labels.csv; {card.layout}")
    with table.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: str(row.get("path")))
    for row in rows:
        named = row.get("path") or ""
        path = root.joinpath(*Path(named).parts[-2:])
        if ".." in path.parts or not path.is_file():
            raise CorpusError(f"{table} lists {named}, which is not there")
        key = "/".join(path.with_suffix("").parts[-2:])
        yield PictureEntry(key, row["text"], card.script, partial(_grey, path), row["writer"])


def _grey(path: Path) -> Bytes:
    from kalamos.scans.read import read_pages  # noqa: PLC0415 - not for a list of names

    pixels = next(read_pages(path)).pixels
    return pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))


_AHCD_NAME = re.compile(r"id_(\d+)_label_(\d+)\.png")
_AHCD = tuple("ابتثجحخدذرزسشصضطظعغفقكلمنهوي")
_CONSONANTS = "क ख ग घ ङ च छ ज झ ञ ट ठ ड ढ ण त थ द ध न प फ ब भ म य र ल व श ष स ह क्ष त्र ज्ञ"
_DHCD = {
    **{f"character_{k}": label for k, label in enumerate(_CONSONANTS.split(), 1)},
    **{f"digit_{k}": chr(0x0966 + k) for k in range(10)},
}

_CORPORA: dict[str, tuple[PictureCard, Callable[[Path, PictureCard], Iterator[PictureEntry]]]] = {
    "mnist": (
        PictureCard(
            "mnist",
            "MNIST, test files",
            "Zyyy",
            "10,000 digits by about 250 writers, 28 x 28, white on black",
            "CC BY-SA 3.0 as usually stated",
            "LeCun, Cortes, Burges: The MNIST database of handwritten digits, 1998",
            "Download t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz from one of its mirrors.",
            "t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz in one folder",
            "https://yann.lecun.com/exdb/mnist/",
        ),
        _mnist,
    ),
    "dhcd": (
        PictureCard(
            "dhcd",
            "Devanagari Handwritten Character Dataset, test part",
            "Deva",
            "13,800 characters of 46 classes (36 consonants, 10 digits), 32 x 32, white on black",
            "CC BY 4.0",
            "Acharya, Pant, Gyawali: Deep learning based large scale handwritten Devanagari recognition, 2015",
            "Download it from the UCI Machine Learning Repository (data set 389) and unpack it.",
            "Test/character_1 to Test/character_36 and Test/digit_0 to Test/digit_9, a PNG file a character",
            "https://archive.ics.uci.edu/dataset/389",
        ),
        _dhcd,
    ),
    "ahcd": (
        PictureCard(
            "ahcd",
            "Arabic Handwritten Characters Dataset, test part",
            "Arab",
            "3,360 letters of 28 classes by 12 writers, 32 x 32, white on black; alef often carries a hamza",
            "none stated",
            "El-Sawy, Loey, El-Bakry: Arabic handwritten characters recognition using CNN, 2017",
            "Download the repository mloey/Arabic-Handwritten-Characters-Dataset and unpack its test images.",
            "test/id_<n>_label_<class>.png, classes 1 to 28",
            "https://github.com/mloey/Arabic-Handwritten-Characters-Dataset",
        ),
        _ahcd,
    ),
    "ahawp": (
        PictureCard(
            "ahawp",
            "Arabic Handwritten Automatic Words and Paragraphs, ten words",
            "Arab",
            "150 of its words by 15 writers, grey, 128 px high, black on white",
            "CC BY 4.0",
            "Khan: Arabic handwritten alphabets, words and paragraphs per user (AHAWP), 2022",
            "Download it from Mendeley Data; labels.csv has the columns path, text, code_points and writer.",
            "labels.csv and the PNG files that it lists, a folder a word",
            "https://data.mendeley.com/datasets/2h76672znt",
        ),
        _ahawp,
    ),
}
