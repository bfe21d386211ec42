"""How large the network of :mod:`kalamos.models.kalamos.network` is, and what it is told of pieces."""

from __future__ import annotations

from dataclasses import dataclass, fields

from kalamos.models.kalamos.pieces import POINTS

MOTION_LAYERS = 3
N_PIECE = 2 * POINTS + POINTS + (POINTS - 2) + 1 + 2 + 2 + 4 + 2
N_PAIR = 12
N_STEP = 17
MASKED = -1e4
"""What is added to the score of what may not be: so much that nothing of it is left, and yet a number."""
UNIT_PX = 16.0
"""Up to about here the network takes distances as they are, beyond by their logarithm."""


@dataclass(frozen=True)
class Sizes:
    """How large the network is, and the scripts (ISO 15924) that it has a vector for.

    Raises:
        ValueError: where a size is no whole number above 0, or the channels cannot be shared by the heads.
    """

    channels: int = 128
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2
    pair_channels: int = 32
    motion_channels: int = 64
    scripts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Take the scripts from a list too, as JSON and TOML have them; refuse sizes of no network."""
        object.__setattr__(self, "scripts", tuple(self.scripts))
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "scripts" and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{item.name} is a whole number, 1 or more; got {value!r}")
        if self.channels % self.heads:
            raise ValueError(f"channels ({self.channels}) is no multiple of heads ({self.heads})")

    def script_row(self, script: str | None) -> int:
        """Return the row of ``script.weight`` for an ISO 15924 code; 0, unknown, for none and for others."""
        return self.scripts.index(script) + 1 if script in self.scripts else 0
