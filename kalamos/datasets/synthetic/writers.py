"""Writers: everything that stays the same when one hand writes another letter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kalamos.machinery.arrays import Floats
from kalamos.machinery.kernels import kernel
from kalamos.machinery.seeding import rng_for, stable_hash

Path = NDArray[np.complex128]
Waves = Floats  # (w, 5): wave vector in rad per plan unit, x and y amplitude in plan units, phase


@dataclass(frozen=True, slots=True, eq=False)
class Writer:
    """One simulated hand. The ranges that :meth:`from_seed` draws from are in ``docs/corpora/synthetic.md``.

    Attributes:
        name: unique for a seed and a number, ``s0-00007``.
        size_mm: height of a capital, an alif, or of the body of an Indian letter.
        aspect: width over height, against the plan.
        slant_rad: shear of the uprights, positive to the right.
        rotation_rad: of the writing line, positive is uphill.
        spacing: gap between letters and words, against the plan.
        period_s: from one pulse to the next, for a pulse of 30 plan units.
        isochrony: how duration grows with distance: duration ~ distance ** isochrony.
        sigma: spread of the pulses in log time; more is a more lopsided bell.
        overlap: how much of a pulse's time it shares with the next one where the path is smooth: roundness and haste.
        corner_overlap: the same at a corner; above 0 rounds it off.
        jitter: spread of the motor commands from one instance to the next (radians, and relative distance).
        tremor_mm: amplitude of the physiological tremor; tremor_hz: its frequency.
        pen_up_s: pause that each lift costs beside the way through the air.
        rate_hz: sampling rate of the tablet.
        fused_dots: whether two dots become a dash and three a caret, as in quick Arabic hands.
        proportion: how much higher the middle of a letter lies than in the plan, in quarters of its height: what
            x-height, ascenders and descenders are to each other.
        style: waves that bend every letter of this hand the same way.
        habit: amplitude in plan units of the waves that bend one letter or word of this hand always the same way.
        wobble: amplitude in plan units of the further bending of each instance.
    """

    name: str
    size_mm: float = 6.0
    aspect: float = 1.0
    slant_rad: float = 0.0
    rotation_rad: float = 0.0
    spacing: float = 1.0
    period_s: float = 0.08
    isochrony: float = 0.3
    sigma: float = 0.16
    overlap: float = 0.5
    corner_overlap: float = 0.08
    jitter: float = 0.0
    tremor_mm: float = 0.0
    tremor_hz: float = 9.0
    pen_up_s: float = 0.1
    rate_hz: float = 200.0
    fused_dots: bool = False
    proportion: float = 0.0
    style: Waves | None = None
    habit: float = 0.0
    wobble: float = 0.0

    @classmethod
    def neutral(cls) -> Writer:
        """Return the hand that follows the plans: no slant, no jitter, first allographs."""
        return cls("neutral")

    @classmethod
    def from_seed(cls, seed: int, number: int) -> Writer:
        """Return writer ``number`` of the population ``seed``."""
        rng = rng_for(seed, "synthetic writer", number)
        size_mm = float(np.exp(rng.normal(np.log(5.5), 0.22)))
        haste = float(rng.beta(2.0, 2.0))  # fast hands round corners, run pulses together and shake less
        return cls(
            name=f"s{seed}-{number:05d}",
            size_mm=size_mm,
            aspect=float(np.exp(rng.normal(0.0, 0.12))),
            slant_rad=float(np.clip(rng.normal(0.08, 0.16), -0.35, 0.6)),
            rotation_rad=float(rng.normal(0.0, 0.03)),
            spacing=float(np.exp(rng.normal(0.0, 0.25))),
            period_s=float(0.1 - 0.05 * haste + rng.normal(0.0, 0.004)),
            isochrony=float(rng.uniform(0.2, 0.4)),
            sigma=float(rng.uniform(0.09, 0.22)),
            overlap=float(0.42 + 0.16 * haste + rng.uniform(-0.03, 0.03)),
            corner_overlap=float(max(0.0, 0.36 * haste - 0.03 + rng.uniform(-0.04, 0.04))),
            jitter=float(rng.uniform(0.01, 0.045)),
            tremor_mm=float(min(rng.gamma(1.2, 0.012) * (1.4 - haste), 0.015 * size_mm)),
            tremor_hz=float(rng.uniform(7.5, 11.5)),
            pen_up_s=float(rng.uniform(0.05, 0.14) * (1.5 - haste)),
            rate_hz=float(rng.choice([60.0, 100.0, 120.0, 133.0, 200.0])),
            fused_dots=bool(rng.random() < 0.4),
            proportion=float(np.clip(rng.normal(0.0, 0.12), -0.3, 0.3)),
            style=waves(rng, 4, 3.8),
            habit=float(rng.uniform(1.5, 4.0)),
            wobble=float(rng.uniform(0.8, 2.2)),
        )

    def choice(self, letter: str, count: int) -> int:
        """Return which of ``count`` allographs of a letter this hand has learnt; the neutral one the first."""
        return 0 if count == 1 or self.name == "neutral" else stable_hash(f"{self.name}/{letter}") % count


def waves(rng: np.random.Generator, count: int, amplitude: float) -> Waves:
    """Draw a smooth field of displacements: ``count`` plane waves of 90 to 260 plan units, any direction and phase."""
    angle, phase, length = rng.uniform((0.0, 0.0, 90.0), (2 * np.pi, 2 * np.pi, 260.0), (count, 3)).T
    field = np.empty((count, 5))
    field[:, 0] = 2 * np.pi / length * np.cos(angle)
    field[:, 1] = 2 * np.pi / length * np.sin(angle)
    field[:, 2:4] = rng.normal(0.0, amplitude / np.sqrt(count), (count, 2))
    field[:, 4] = phase
    return field


@kernel
def bent(path: Path, field: Waves) -> Path:
    """Return the path displaced by a field of waves."""
    displaced = path.copy()
    for k in range(len(path)):
        for kx, ky, x, y, phase in field:
            wave = math.sin(kx * path[k].real + ky * path[k].imag + phase)
            displaced[k] += complex(x * wave, y * wave)
    return displaced
