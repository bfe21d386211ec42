"""The pages that are open: one history each, one action at a time, and never two windows over each other unseen."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kalamos.errors import FormatError, KalamosError, StoreError
from kalamos.formats.recovered import RecoveredPage
from kalamos.formats.recovered.inkml import write_inkml
from kalamos.formats.recovered.reading import read_page
from kalamos.machinery.files import replacing, sha256_of
from kalamos.studio.drawer import CORRECTED, Drawer, Item
from kalamos.studio.history import History
from kalamos.studio.recoveries import LOG, RECOVERY, page_in
from kalamos.studio.sheet import Part, Strokes, corrected_page, sheet_of


class ConflictError(KalamosError):
    """The page is not what the window that acts has seen: another window, or another program, changed it."""


class Session:
    """An open page."""

    def __init__(self, drawer: Drawer, item: Item) -> None:
        self.item, self._drawer = item, drawer
        self._path = drawer.picture(item)
        self._seen = _state(self._path)
        self._folder = drawer.own(item)
        self.page: RecoveredPage = page_in(self._folder)
        recovery = sha256_of(self._folder / RECOVERY)
        base = f"{drawer.sha256(item)} {recovery}"
        self.history = History(sheet_of(self.page), self._folder / LOG, base)
        self.lock = threading.Lock()
        self._serials: dict[int, tuple[Part, int]] = {}
        self._counter = itertools.count(1)

    @property
    def is_stale(self) -> bool:
        """Say whether the picture is no longer the one that was opened."""
        try:
            return _state(self._path) != self._seen
        except OSError:
            return True

    def act(self, action: Mapping[str, Any], version: object) -> None:
        """Do an action to the version that the window has seen.

        Raises:
            ConflictError: where that is not the latest, or the picture has changed.
            ActionError: where it cannot be done.
            StoreError: where it cannot be written down.
        """
        with self.lock:
            self._refuse_stale(version)
            self.history.do(action)
        self._noted(state="begun")

    def save(self, version: object) -> Path:
        """Write the corrected page beside the picture and return its path.

        Raises:
            ConflictError, StoreError: as :meth:`act`.
        """
        with self.lock:
            self._refuse_stale(version)
            facts = self._drawer.facts()
            if not all(facts.values()):
                raise KalamosError("say first who wrote the pages of this folder, in which script, and the licence")
            target = self._drawer.beside(self.item, CORRECTED)
            about = {"writer": facts["writer"], "licence": facts["licence"], "picture": self._drawer.sha256(self.item)}
            page = corrected_page(self.history.sheet, self.page, about, facts["script"])
            if not page.recovery.pieces:
                raise KalamosError("there is no stroke on this page: nothing to save")
            self._put_aside(target, about["picture"])
            with replacing(target) as part:
                write_inkml(page, part)
            self.history.do({"do": "saved"})
        self._noted(state="saved", strokes=page.recovery.ink.n_strokes)
        return target

    def _noted(self, **changes: Any) -> None:
        """Change the card; it is a hint for the list alone, and what was done is done where it cannot be written."""
        with suppress(StoreError, FormatError):
            self._drawer.note(self.item, **changes)

    def said(self, have: Collection[int] = ()) -> dict[str, Any]:
        """Return the page as the browser takes it; pieces that it shows already (their serials) in short."""
        history = self.history
        parts = [(part, self._serial(part)) for part in history.sheet.parts]
        return {
            "version": history.version,
            "undo": history.can_undo,
            "redo": history.can_redo,
            "saved": history.is_saved,
            "begun": history.version > 0,
            "width": self.page.width_px,
            "height": self.page.height_px,
            "method": f"{self.page.recovery.method} {self.page.recovery.version}".strip(),
            "remarks": list(self.page.remarks),
            "parts": [{"id": n} if n in have else _part_said(part, n) for part, n in parts],
        }

    def _serial(self, part: Part) -> int:
        """Return a number that goes with these very strokes: a piece that comes back by undo has its old one."""
        known = self._serials.get(id(part))
        if known is None:
            known = self._serials[id(part)] = (part, next(self._counter))
        return known[1]

    def _refuse_stale(self, version: object) -> None:
        if self.is_stale:
            raise ConflictError("the picture has changed on the disk since it was opened; load the page again")
        if isinstance(version, bool) or version != self.history.version:
            raise ConflictError("this page was changed in another window; what you see now is its latest state")

    def _put_aside(self, target: Path, sha256: str) -> None:
        """Keep a corrected file that belongs to another picture, or that somebody else wrote, under another name."""
        if not target.exists():
            return
        try:
            about = read_page(target).about.get("picture", "")
        except FormatError:
            about = "unknown"
        if about == sha256:
            return
        aside = target.with_name(f"{target.name.removesuffix(CORRECTED)}.corrected.of-{about[:12]}.inkml")
        if aside.exists():
            raise StoreError(f"{target.name} belongs to another picture, and {aside.name} is there already; move one")
        target.rename(aside)


class Sessions:
    """All open pages by key; a picture that has changed since is opened anew."""

    def __init__(self, drawer: Drawer) -> None:
        self._drawer, self._open = drawer, dict[str, Session]()
        self._lock = threading.Lock()

    def get(self, item: Item) -> Session:
        """Return an open page; open it where it is not.

        Raises:
            FormatError: where it has no recovery yet.
            StoreError: where its log is damaged.
        """
        with self._lock:
            session = self._open.get(item.key)
            if session is None or session.is_stale:
                session = self._open[item.key] = Session(self._drawer, item)
            return session

    def forget(self, item: Item) -> None:
        """Close a page whose recovery is to be made anew."""
        with self._lock:
            self._open.pop(item.key, None)


def _part_said(part: Part, serial: int) -> dict[str, Any]:
    return {
        "id": serial,
        "box": list(part.box),
        "line": part.line,
        "pen": part.pen_px,
        "confidence": part.confidence,
        "covered": part.covered,
        "warning": part.warning,
        "label": part.label,
        "changed": part.is_changed,
        "chosen": part.chosen,
        "paths": len(part.paths),
        "strokes": _strokes_said(part.strokes),
    }


def _strokes_said(strokes: Strokes) -> list[dict[str, Any]]:
    return [
        {
            "xy": [round(float(value), 2) for value in stroke.xy.ravel()],
            "t": None if stroke.t is None else [round(float(value), 4) for value in stroke.t],
            "pause": round(stroke.pause_s, 4),
            "sure": stroke.confidence,
            "hand": stroke.by_hand,
        }
        for stroke in strokes
    ]


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
