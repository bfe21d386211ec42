"""Corpora that Kalamos knows of and does not read: said here, so that nobody searches for a reader in vain."""

from __future__ import annotations

KNOWN_AND_NOT_READ: dict[str, str] = {
    "ohwr-gurmukhi": (
        "OHWR-Gurmukhi, online words and characters in Gurmukhi (Guru) by 190 writers; its files have not been seen,"
        " and no reader was written from a guess"
    ),
    "molhw": (
        "MOLHW, online words in traditional Mongolian (Mong), written from the top down; its files have not been seen,"
        " and no reader was written from a guess"
    ),
}
"""Name -> what it is, and why it is not read."""
