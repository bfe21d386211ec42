"""What was done to a page, written down before it counts: an action a line, flushed to the disk.

The page is what was recovered and the actions upon it; undo and redo are lines as well, so that the log only ever
grows, and what was undone is never lost. A line that a killed server left half written is no line: it is cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kalamos.errors import StoreError
from kalamos.studio.actions import Action, ActionError, apply
from kalamos.studio.sheet import Sheet

RESERVED = frozenset({"saved"})
"""What the studio itself writes down, and no window may ask for."""


class _ForeignError(Exception):
    """The log is not as it was left."""


class History:
    """A sheet with all that was done to it.

    Attributes:
        version: grows with every line of the log; who acts says which version was seen.
        saved: the version that was saved last, or None.

    Raises:
        StoreError: where the log belongs to another recovery, or is damaged before its last line.
    """

    def __init__(self, sheet: Sheet, path: Path, base: str) -> None:
        self._path, self._base = path, base
        self._sheets, self._place = [sheet], 0
        self.version = 0
        self.saved: int | None = None
        self._whole = self._size = 0
        self._read()

    @property
    def sheet(self) -> Sheet:
        """Return the page as it is now."""
        return self._sheets[self._place]

    @property
    def can_undo(self) -> bool:
        """Say whether there is something to undo."""
        return self._place > 0

    @property
    def can_redo(self) -> bool:
        """Say whether something was undone."""
        return self._place < len(self._sheets) - 1

    @property
    def is_saved(self) -> bool:
        """Say whether the page as it is now was saved."""
        return self.saved == self.version

    def do(self, action: Action) -> None:
        """Apply an action and write it down; where either fails, nothing has happened.

        Raises:
            ActionError: where it cannot be done.
            StoreError: where it cannot be written.
        """
        after = self._after(action)
        self._append(action)
        self._take(action, after)

    def _after(self, action: Action) -> Sheet | None:
        name = action.get("do")
        if name == "undo" and not self.can_undo:
            raise ActionError("there is nothing to undo")
        if name == "redo" and not self.can_redo:
            raise ActionError("there is nothing to redo")
        return None if name in {"undo", "redo", "saved"} else apply(self.sheet, action)

    def _take(self, action: Action, after: Sheet | None) -> None:
        self.version += 1
        if after is not None:
            self._sheets[self._place + 1 :] = [after]
            self._place += 1
        elif action["do"] == "saved":
            self.saved = self.version
        else:
            self._place += 1 if action["do"] == "redo" else -1

    def _append(self, action: Action) -> None:
        try:
            line = json.dumps(action, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        except (ValueError, RecursionError) as error:  # in a field that the action has no use for
            raise ActionError(f"the action cannot be written down: {error}") from error
        if not self._whole:
            line = json.dumps({"log": 1, "of": self._base}).encode() + b"\n" + line
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("r+b" if self._path.exists() else "xb") as file:
                if os.fstat(file.fileno()).st_size != self._size:
                    raise _ForeignError
                file.seek(self._whole)
                file.truncate()
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except _ForeignError as error:
            raise StoreError(
                f"{self._path} was changed by another studio or program: the action was not done. End one of the two, "
                "then start the studio again"
            ) from error
        except OSError as error:
            with suppress(OSError):  # what was refused must not come back at the next start
                os.truncate(self._path, self._whole)
            with suppress(OSError):
                self._size = self._path.stat().st_size
            raise StoreError(
                f"{self._path} cannot be written ({error.strerror or error}): the action was not done. Free some space,"
                " then do it again; all before it is kept"
            ) from error
        self._whole += len(line)
        self._size = self._whole

    def _read(self) -> None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"{self._path} cannot be read: {error.strerror or error}") from error
        self._size = len(data)
        lines = data.split(b"\n")[:-1]  # what follows the last end of line was never whole
        for number, line in enumerate(lines, 1):
            try:
                self._replay(json.loads(line), number)
            except (ValueError, RecursionError, ActionError) as error:
                advice = (
                    "Cut the file before this line to go on from there" if number > 1 else "Move it away to begin anew"
                )
                raise StoreError(f"{self._path}, line {number}: {error}. {advice}") from error
            self._whole += len(line) + 1

    def _replay(self, action: Any, number: int) -> None:
        if not isinstance(action, Mapping):
            raise ValueError("no JSON object")
        if number > 1:
            self._take(action, self._after(action))
        elif action.get("of") != self._base:
            raise ValueError("the log belongs to another recovery of this picture")
