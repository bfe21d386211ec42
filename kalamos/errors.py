"""The errors that Kalamos raises on purpose: each says what is wrong, where, and what to do next."""

from __future__ import annotations

import errno


class KalamosError(Exception):
    """Base class of every error that a user's input can cause."""


class InkError(KalamosError):
    """Arrays that do not form an ink: wrong shape, not finite, times that run backwards."""


class FormatError(KalamosError):
    """A file that breaks the rules of its format.

    Attributes:
        path: the file, as the user named it.
        where: the place in it, e.g. ``"line 12"`` or ``"segment 7"``; empty where the whole file is meant.
        reason: what is wrong and, where something can be done, what to do.
    """

    def __init__(self, path: object, reason: str, where: str = "") -> None:
        self.path, self.where, self.reason = str(path), where, reason
        super().__init__(f"{path}{', ' + where if where else ''}: {reason}")

    def __reduce__(self) -> tuple[type[FormatError], tuple[str, str, str]]:
        """Cross process borders whole."""
        return type(self), (self.path, self.reason, self.where)


class UnreadableError(KalamosError):
    """A file that the machine does not give: it is gone, locked, or its drive fails; no fault of what it holds.

    Attributes:
        path: the file.
        reason: what the system says.
    """

    where = ""

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(f"{path} {reason}")

    def __reduce__(self) -> tuple[type[UnreadableError], tuple[str, str]]:
        """Cross process borders whole."""
        return type(self), (self.path, self.reason)


class CorpusError(KalamosError):
    """A corpus folder that is missing, unreadable or laid out differently from what its card says."""


class StyleError(KalamosError):
    """A rendering parameter that is unknown or out of its range."""


class StoreError(KalamosError):
    """A Parquet file or manifest that cannot be written or read as Kalamos data."""


class BusyError(StoreError):
    """A folder in which another run is at work."""


class TaskError(KalamosError):
    """A benchmark task, prediction or result file that does not fit what it claims to be."""


class ModelError(KalamosError):
    """Weights or a plug-in that cannot be loaded, or a training configuration that cannot be run."""


class UnknownNameError(KalamosError):
    """A name that no registry knows."""


_NAMES = (errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EISDIR)
"""What the system says of names that can be no file's, whatever the state of the machine."""


def unreadable(path: object, error: OSError | ValueError) -> KalamosError:
    """Return the error to raise where a file cannot be read: of the file itself, or of the machine."""
    reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if isinstance(error, OSError) and error.errno not in _NAMES:
        return UnreadableError(path, reason)
    return FormatError(path, reason)
