"""Seeds that depend on what is computed, never on when or by which worker."""

from __future__ import annotations

import hashlib

import numpy as np


def stable_hash(text: str) -> int:
    """Hash a text to 64 bits, the same on every machine, Python version and run (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def rng_for(seed: int, *keys: object) -> np.random.Generator:
    """Return the random generator that belongs to ``(seed, *keys)``, e.g. ``rng_for(0, sample.key, epoch)``."""
    return np.random.default_rng(stable_hash("\x1f".join(map(str, (seed, *keys)))))
