"""Recover in the background what has no ink yet: one page at a time, in a process of its own, the opened one first.

A page that brings the process down, or takes too long, is marked as failed; the others go on. The answer is kept as
InkML beside the picture, where ``kalamos recover`` would have put it (a file that is there is never replaced, and taken
where it is of this picture), and with the other paths of each piece in the studio's own folder.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

from kalamos.errors import FormatError, KalamosError
from kalamos.formats.recovered import RecoveredPage
from kalamos.formats.recovered.inkml import write_inkml
from kalamos.formats.recovered.reading import read_page
from kalamos.machinery.engine import local_pool
from kalamos.machinery.files import replacing
from kalamos.scans.read import size_of
from kalamos.studio.drawer import CORRECTED, Drawer, Item
from kalamos.studio.stored import read_stored, write_stored

RECOVERY, LOG = "recovery.json", "actions.log"
"""In the studio's own folder of a page: what was recovered, and what was done to it."""
N_BEST = 5
LONGEST_S = 900.0
"""What one page may take."""


class Recoveries:
    """The queue. ``model`` and ``script`` are what ``kalamos recover`` takes."""

    def __init__(self, drawer: Drawer, model: str | None = None) -> None:
        self._drawer, self._model = drawer, model
        self._first: list[Item] = []
        self._known: set[str] = set()
        self._again: set[str] = set()
        self._wake, self._stop = threading.Event(), False
        self._pool: Executor | None = None
        self._thread = threading.Thread(target=self._run, name="recoveries", daemon=True)
        self.now = ""

    def start(self) -> None:
        """Begin with what has no ink yet."""
        self._thread.start()

    def close(self) -> None:
        """End, and with it the page that is being recovered."""
        self._stop = True
        self._wake.set()
        self._end_pool()

    def ask(self, item: Item) -> None:
        """Take a page next."""
        if item not in self._first:
            self._first.append(item)
        self._wake.set()

    def ask_again(self, item: Item) -> None:
        """Recover a page anew, with its other paths; an InkML file beside it stays as it is."""
        self._again.add(item.key)
        self._drawer.note(item, state="waiting", error="")
        self.ask(item)

    def _run(self) -> None:
        while not self._stop:
            item = self._next()
            if item is None:
                self._wake.wait(5.0)
                self._wake.clear()
                continue
            self.now = item.key
            try:
                self.take(item)
            except (KalamosError, OSError) as error:
                self._failed(item, str(error))
            finally:
                self.now = ""

    def _next(self) -> Item | None:
        while self._first:
            return self._first.pop(0)
        for item in self._drawer.items():
            if item.key in self._known:
                continue
            try:
                if self._drawer.card(item).state in {"waiting", "failed"}:  # each start tries once what failed before
                    return item
            except (KalamosError, OSError):
                pass
            self._known.add(item.key)
        return None

    def take(self, item: Item) -> None:
        """Take or make the ink of one page now.

        Raises:
            KalamosError: where that fails.
        """
        self._known.add(item.key)
        beside, own = self._drawer.beside(item, ".inkml"), self._drawer.own(item)
        if self._drawer.card(item).state not in {"waiting", "failed"} and has_recovery(own):
            return
        page = None if item.key in self._again else self._there(item, beside)
        if page is None:
            facts = self._drawer.facts()
            job = (str(self._drawer.picture(item)), item.page, self._model, facts["script"] or None)
            page = self._computed(_recover, *job)
            self._again.discard(item.key)
            if page.recovery.ink.n_points and not beside.exists():
                with replacing(beside, overwrite=False) as part:
                    write_inkml(page, part)
        write_stored(own / RECOVERY, page)
        begun = {"state": "begun"} if (own / LOG).exists() else {}
        self._drawer.note(item, **{**card_of(page), **begun})

    def _there(self, item: Item, beside: Path) -> RecoveredPage | None:
        """Return the ink that the studio keeps, or that lies beside a picture; None where that is another picture's.

        What is kept goes first, because a log of actions belongs to it; then what was put right, which would else be
        begun anew, and written over, wherever the studio's own folder did not come along.
        """
        if has_recovery(self._drawer.own(item)):
            return page_in(self._drawer.own(item))
        corrected = self._corrected(item)
        if corrected is not None:
            return corrected
        if not beside.exists() or self._drawer.card(item).replaced:
            return None
        page, path = read_page(beside), self._drawer.picture(item)
        if page.provenance != "estimated":
            raise FormatError(beside, "this is no answer of a method; move it away")
        size = size_of(path, item.page)
        if page.number != item.page or max(abs(page.width_px - size[0]), abs(page.height_px - size[1])) > 1:
            return None
        return replace(page, source=path.name)  # both may have been renamed

    def _corrected(self, item: Item) -> RecoveredPage | None:
        """Return the page that was put right, where it is of this picture."""
        try:
            page = read_page(self._drawer.beside(item, CORRECTED))
        except KalamosError:
            return None
        if page.about.get("picture") != self._drawer.sha256(item) or page.number != item.page:
            return None
        return replace(page, source=self._drawer.picture(item).name)

    def _computed(self, work: Callable[..., bytes], *job: Any) -> RecoveredPage:
        """Run in the other process; what ends it, or takes too long, is this page's fault alone."""
        if self._pool is None:
            self._pool = local_pool(1)
        try:
            page: RecoveredPage = pickle.loads(self._pool.submit(work, *job).result(LONGEST_S))  # noqa: S301 - our own
        except BrokenProcessPool as error:
            self._end_pool()
            raise KalamosError("the recovery of this page ended the process (out of memory?)") from error
        except TimeoutError as error:
            self._end_pool()
            raise KalamosError(f"the recovery of this page took longer than {LONGEST_S:.0f} s") from error
        return page

    def _failed(self, item: Item, reason: str) -> None:
        if self._stop:  # it was interrupted, and is asked again at the next start
            return
        try:
            self._drawer.note(item, state="failed", error=reason)
        except (KalamosError, OSError):  # the picture is gone, or the disk is full: asked again at the next start
            return

    def _end_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)


def card_of(page: RecoveredPage) -> dict[str, Any]:
    """Return what the list of pictures says of a recovered page."""
    found = page.recovery
    state = "recovered" if page.is_estimated else "saved"
    return {
        "state": state if found.ink.n_points else "blank",
        "covered": found.covered if page.is_estimated else None,
        "confidence": found.confidence,
        "strokes": found.ink.n_strokes,
        "warnings": sum(bool(piece.warning) for piece in found.pieces),
        "error": "",
    }


def page_in(folder: Path) -> RecoveredPage:
    """Return the recovery that the studio keeps of a page.

    Raises:
        FormatError: where there is none, or it is damaged.
    """
    return read_stored(folder / RECOVERY)


def has_recovery(folder: Path) -> bool:
    """Say whether the studio keeps a recovery of a page, whole or not."""
    return (folder / RECOVERY).exists()


def _recover(path: str, number: int, model: str | None, script: str | None) -> bytes:
    from kalamos.front import default_model  # noqa: PLC0415 - in the other process
    from kalamos.paper import page_of_recovery, recover_page  # noqa: PLC0415
    from kalamos.recoverer import load_recoverer  # noqa: PLC0415
    from kalamos.scans.read import numbered_page  # noqa: PLC0415

    key = model or ""
    if key not in _MODELS:
        _MODELS[key] = load_recoverer(model) if model else default_model()
    found = recover_page(numbered_page(path, number), _MODELS[key], script=script, n_best=N_BEST)
    return pickle.dumps(page_of_recovery(found, Path(path).name, script))


_MODELS: dict[str, Any] = {}
