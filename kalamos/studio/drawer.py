"""The folder: its pictures, what lies beside each of them, and what a person said of the whole of it.

Beside ``page.jpg`` stand ``page.inkml`` (what a method recovered) and ``page.corrected.inkml`` (what a person put
right). What the studio needs besides lies in ``.kalamos-studio``, a folder for each picture: the recovery with its
other paths, the log of actions, a small picture, and a card. A picture whose content changes gets a new such folder;
the old one is kept under another name.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from kalamos.datasets.corrected import CORRECTED, FACTS, NEEDED
from kalamos.errors import FormatError, KalamosError, StoreError
from kalamos.machinery.files import is_alive, safe_name, sha256_of, write_text
from kalamos.machinery.seeding import stable_hash
from kalamos.scans.read import SUFFIXES
from kalamos.scripts import checked_script

HIDDEN = ".kalamos-studio"
MOST_PAGES = 500
"""Of one file that the studio shows."""
_PAGED = {".pdf", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class Item:
    """A page of a picture.

    Attributes:
        name: of its file, relative to the folder, with ``/``.
        page: in its file, from 1.
        pages: in its file.
    """

    name: str
    page: int = 1
    pages: int = 1

    @property
    def key(self) -> str:
        """Return what names the page in addresses: text also where the name of the file is none in UTF-8."""
        return f"{os.fsencode(self.name).decode('utf-8', 'backslashreplace')}#{self.page}"


@dataclass
class CardData:
    """What the list of pictures shows of one: a state of ``waiting``, ``failed``, ``blank``, ``recovered``, ``begun``
    or ``saved``, what the method thought of its answer, and whether another picture had the name before.
    """  # noqa: D205

    state: str = "waiting"
    covered: float | None = None
    confidence: float | None = None
    strokes: int = 0
    warnings: int = 0
    error: str = ""
    replaced: bool = False
    size: int = 0
    changed_ns: int = 0
    sha256: str = ""


class Drawer:
    """A folder of pictures.

    Raises:
        StoreError: where another studio has it open, or it is no folder that can be written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not self.root.is_dir():
            raise StoreError(f"{root} is no folder; give the folder that holds the pictures")
        self._hidden = self.root / HIDDEN
        if self._hidden.is_symlink():
            raise StoreError(f"{self._hidden} leads out of the folder; remove it")
        self._lock = self._hidden / "lock"
        self._items: dict[str, Item] = {}
        self._cards: dict[str, tuple[tuple[int, int], CardData]] = {}
        self._pages: dict[tuple[str, int, int], int] = {}
        self._acquire()

    def close(self) -> None:
        """Let another studio open the folder."""
        with suppress(OSError):
            self._lock.unlink()

    def items(self) -> list[Item]:
        """Return the pages of all pictures now in the folder, sorted by name."""
        found = {}
        for path in _pictures(self.root):
            name = path.relative_to(self.root).as_posix()
            pages = self._pages_of(path)
            for page in range(1, pages + 1):
                item = Item(name, page, pages)
                found[item.key] = item
        self._items = found
        return list(found.values())

    def item(self, key: str) -> Item:
        """Return a page by its key.

        Raises:
            KeyError: where the folder has no such picture: names from outside are looked up, never opened.
        """
        if key not in self._items:
            self.items()
        return self._items[key]

    def picture(self, item: Item) -> Path:
        """Return the file of a page.

        Raises:
            FormatError: where it is gone, or leads out of the folder.
        """
        path = self.root / item.name
        if not _is_inside(path, self.root) or not path.is_file():
            raise FormatError(item.name, "the picture is gone, or leads out of the folder")
        return path

    def beside(self, item: Item, ending: str) -> Path:
        """Return the path of what stands beside a picture, ``.inkml`` or ``.corrected.inkml``.

        Its stem is the picture's, as ``kalamos recover`` has it: with the ending where two pictures share a stem.
        """
        path = self.picture(item)
        shared = [
            other
            for other in path.parent.iterdir()
            if other.suffix.lower() in SUFFIXES and other.stem.casefold() == path.stem.casefold()
        ]
        stem = path.stem if len(shared) == 1 else path.name
        return path.parent / f"{stem if item.pages == 1 else f'{stem}.p{item.page}'}{ending}"

    def own(self, item: Item) -> Path:
        """Return the studio's own folder of a page; one of a picture that has changed since is put aside.

        Raises:
            StoreError: where it cannot be put aside.
        """
        path = self.picture(item)
        folder = self._hidden / _folder_name(item)
        seen, now = self._card_in(folder), path.stat()
        if seen.sha256 and (seen.size, seen.changed_ns) != (now.st_size, now.st_mtime_ns):
            sha256 = _sha256(path)
            if sha256 == seen.sha256:
                self._write_card(folder, replace(seen, size=now.st_size, changed_ns=now.st_mtime_ns))
            else:
                try:
                    folder.rename(folder.with_name(f"{folder.name}.of-{seen.sha256[:12]}-{time.time_ns()}"))
                except OSError as error:
                    raise StoreError(f"{folder} cannot be put aside: {error.strerror or error}") from error
                self._write_card(folder, CardData(replaced=True))
        return folder

    def card(self, item: Item) -> CardData:
        """Return what is known of a page."""
        return self._card_in(self.own(item))

    def note(self, item: Item, **changes: Any) -> None:
        """Change what is known of a page."""
        folder = self.own(item)
        card = replace(self._card_in(folder), **changes)
        if not card.sha256:
            path = self.picture(item)
            status = path.stat()
            card.size, card.changed_ns, card.sha256 = status.st_size, status.st_mtime_ns, _sha256(path)
        self._write_card(folder, card)

    def sha256(self, item: Item) -> str:
        """Return the SHA-256 of a page's file."""
        return self.card(item).sha256 or _sha256(self.picture(item))

    def facts(self) -> dict[str, str]:
        """Return what was said of the whole folder: writer, script, licence; empty texts where nothing was."""
        try:
            said = json.loads((self.root / FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            said = {}
        said = said if isinstance(said, dict) else {}
        return {name: str(said.get(name, "")) for name in NEEDED}

    def set_facts(self, said: Mapping[str, Any]) -> None:
        """Write down who wrote the pages of this folder, in which script, and what may be done with them.

        Raises:
            KalamosError: where one is missing, or the script is none of ISO 15924.
        """
        facts = {name: str(said.get(name, "")).strip()[:200] for name in NEEDED}
        missing = [name for name, text in facts.items() if not text]
        if missing:
            raise KalamosError(f"say the {missing[0]} too: a page of nobody knows whom helps nobody")
        facts["script"] = checked_script(facts["script"].capitalize())
        write_text(self.root / FACTS, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")

    def _card_in(self, folder: Path) -> CardData:
        """Return the card of a page's own folder; the file is read again only where it has changed."""
        try:
            status = (folder / "card.json").stat()
        except OSError:
            return CardData()
        version = status.st_mtime_ns, status.st_ino  # each writing makes a new file; clocks of file systems are coarse
        known = self._cards.get(folder.name)
        if known is None or known[0] != version:
            known = self._cards[folder.name] = (version, _read_card(folder))
        return known[1]

    def _write_card(self, folder: Path, card: CardData) -> None:
        write_text(folder / "card.json", json.dumps(asdict(card)) + "\n")

    def _pages_of(self, path: Path) -> int:
        if path.suffix.lower() not in _PAGED:
            return 1
        status = path.stat()
        key = str(path), status.st_size, status.st_mtime_ns
        if key not in self._pages:
            self._pages[key] = min(MOST_PAGES, _count_pages(path))
        return self._pages[key]

    def _acquire(self) -> None:
        try:
            self._hidden.mkdir(exist_ok=True)
            for _ in range(2):
                with suppress(FileExistsError), self._lock.open("x", encoding="ascii") as file:
                    file.write(f"{os.getpid()} {psutil.Process().create_time()}")
                    return
                if _is_held(self._lock):
                    raise StoreError(f"{self.root} is open in another studio already; close that one first")
                self._lock.unlink()
        except OSError as error:
            raise StoreError(f"{self.root} cannot be written to: {error.strerror or error}") from error
        raise StoreError(f"{self.root} is being opened in another studio at this very moment")


def _folder_name(item: Item) -> str:
    """Return the name of a page's own folder, no two pages the same: a hash where the name alone would not tell."""
    plain = f"{item.name.replace('/', '+')}+{item.page}"
    name = safe_name(plain)
    return name if name == plain and "+" not in item.name else f"{name}-{stable_hash(item.key):016x}"


def _pictures(root: Path) -> Iterator[Path]:
    """Yield the pictures below a folder, sorted; what leads out of it, and hidden folders, are left out."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and path.is_file():
                if path.is_symlink() and not _is_inside(path, root):
                    continue
                yield path


def _is_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _count_pages(path: Path) -> int:
    """Return the pages of a PDF or TIFF; 1 where it cannot be told, and reading will say why."""
    with suppress(Exception):  # a damaged file is told where it is read
        if path.suffix.lower() == ".pdf":
            import pypdfium2  # noqa: PLC0415 - an extra

            document = pypdfium2.PdfDocument(path)
            try:
                return max(1, len(document))
            finally:
                document.close()
        from PIL import Image  # noqa: PLC0415

        with Image.open(path) as image:
            return max(1, int(getattr(image, "n_frames", 1)))
    return 1


def _read_card(folder: Path) -> CardData:
    try:
        said = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        return CardData(**said)
    except (OSError, ValueError, TypeError, RecursionError):
        return CardData()


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise FormatError(path, f"it cannot be read: {error.strerror or error}") from error


def _is_held(lock: Path) -> bool:
    try:
        pid, begun = lock.read_text(encoding="ascii").split()
        return is_alive(int(pid)) and bool(abs(psutil.Process(int(pid)).create_time() - float(begun)) < 1.0)
    except (OSError, ValueError, psutil.Error, OverflowError):
        return False


__all__ = ["CORRECTED", "FACTS", "CardData", "Drawer", "Item"]
