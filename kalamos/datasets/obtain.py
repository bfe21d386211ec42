"""Get a corpus: download it where it is open and its checksum is known, else say how to obtain it.

The only place in Kalamos that asks the network for anything, and only when ``kalamos get`` is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kalamos.datasets import CORPORA
from kalamos.datasets.corpus import Corpus
from kalamos.datasets.known import KNOWN_AND_NOT_READ
from kalamos.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Download:
    """A file of a corpus on the network.

    Attributes:
        url: where it is published by the corpus' authors.
        sha256: of the file; another content is refused.
        unpack: whether it is a zip archive to be unpacked in place.
    """

    url: str
    sha256: str
    unpack: bool = False


_OMNIGLOT = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"

_OMNIGLOT_SHA256 = {
    "strokes_background_small1": "8cb3960fb6cf4ccf5f064ad83169f828c36c36782a0f6e7faacb7ecfae4468a2",
    "strokes_background_small2": "345bf2141efbea062833dbb2828abbc23d9e07825e46f2afdd4daecddfed6e78",
    "images_background_small1": "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4",
    "images_background_small2": "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f",
}

DOWNLOADS: dict[str, tuple[Download, ...]] = {
    "omniglot": tuple(
        Download(f"{_OMNIGLOT}{part}.zip", sha256, unpack=True) for part, sha256 in _OMNIGLOT_SHA256.items()
    ),
}
"""The corpora that are open, small enough for a command, and whose checksums were taken from real files."""


def obtain(name: str, destination: Path) -> str:
    """Download a corpus into ``destination``, or return how to obtain it by hand.

    What was downloaded before and has the right checksum is not fetched again.

    Raises:
        CorpusError: where a file cannot be fetched, or is not the one whose checksum is known.
    """
    if name in KNOWN_AND_NOT_READ:
        raise CorpusError(f"{name} is known and not read: {KNOWN_AND_NOT_READ[name]}")
    corpus: Corpus = CORPORA.load(name)
    card = corpus.card
    terms = f"{card.title}\nlicence: {card.licence}\ncite: {card.citation}"
    if name not in DOWNLOADS:
        return f"{terms}\n\nNot downloaded: {card.obtain}\n\nExpected layout:\n{card.layout}"
    for download in DOWNLOADS[name]:
        _fetch(download, destination)
    return f"{terms}\n\nin {destination}: kalamos convert {name} {destination} DEST"


def _fetch(download: Download, destination: Path) -> None:
    import pooch  # noqa: PLC0415 - only where something is downloaded

    file = download.url.rpartition("/")[2]
    unpack = pooch.Unzip(extract_dir=".") if download.unpack else None
    try:
        pooch.retrieve(
            download.url, f"sha256:{download.sha256}", file, path=destination, processor=unpack, progressbar=False
        )
    except ValueError as error:
        raise CorpusError(
            f"{download.url} is not the file whose checksum is known; it may have been replaced. {error}"
        ) from error
    except OSError as error:
        raise CorpusError(f"{download.url} cannot be downloaded: {error}. Try again later, or by hand.") from error
