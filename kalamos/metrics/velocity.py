"""Velocity: whether the pen was fast and slow where the writer's was.

All of these compare **speed profiles**: the pen-down time, pauses left out, is cut into equal bins, and a bin's value
is the path drawn in it. Averages over bins are defined where repeated timestamps make a derivative infinite. The truth
has a bin for every 10 ms (32 to 2,048 of them), the recovered ink as many over its own pen-down time: its times are
relative, so its duration is no error. They apply only where the truth's times are real, and to entries that give times.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from kalamos import geometry
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.metrics.metric import Metric, Need
from kalamos.metrics.pair import Pair, Reference

BINS_PER_S = 100
FEWEST_BINS, MOST_BINS = 32, 2048
SMOOTHING_BINS = 1.5
PROMINENCE = 0.1
BEST_DB, WORST_DB = 100.0, -20.0
_NEEDS: frozenset[Need] = frozenset({"truth_time", "recovered_time"})
_FLAT = 1e-5


def speed_profile(ink: Ink, bins: int) -> Floats:
    """Return the path drawn in each of ``bins`` equal parts of the pen-down time, over its mean, ``(bins,)``.

    Its mean is 1. An ink without length or without pen-down time has the profile of constant speed.
    """
    assert ink.t is not None  # noqa: S101 - for the type checker: the rows say that times are needed
    down = np.diff(ink.t, prepend=ink.t[:1])
    path = np.hypot(*np.diff(ink.xy.astype(np.float64), axis=0, prepend=ink.xy[:1]).T)
    starts = ink.offsets[:-1]
    down[starts], path[starts] = 0.0, 0.0
    down, path = np.cumsum(down), np.cumsum(path)
    if down[-1] <= 0.0 or path[-1] <= 0.0:
        return np.ones(bins)
    reached = np.interp(np.linspace(0.0, down[-1], bins + 1), down, path)
    reached[0], reached[-1] = 0.0, path[-1]
    profile: Floats = np.diff(reached) * (bins / path[-1])
    return profile


def bins_of(reference: Reference) -> int:
    """Return the number of bins: one for each 10 ms of the truth's pen-down time, 32 to 2,048."""
    duration = float(geometry.stroke_durations(reference.truth).sum())
    return int(np.clip(round(duration * BINS_PER_S), FEWEST_BINS, MOST_BINS))


def true_profile(reference: Reference) -> Floats:
    """Return the truth's speed profile."""
    return speed_profile(reference.truth, bins_of(reference))


def profiles(pair: Pair) -> tuple[Floats, Floats]:
    """Return the speed profiles of truth and recovered ink, each of mean 1."""
    truth = pair.reference.view(true_profile)
    return truth, speed_profile(pair.recovered, len(truth))


def speed_correlation(pair: Pair) -> float:
    """Return Pearson's r of the speed profiles; constant speed, for which r is undefined, says nothing: 0."""
    truth, recovered = pair.view(profiles)
    return pearson(truth, recovered)


def pearson(a: Floats, b: Floats) -> float:
    """Return Pearson's r of two ``(n,)`` arrays, 0 where one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    if np.abs(a).max() < _FLAT or np.abs(b).max() < _FLAT:
        return 0.0
    return float(np.clip((a @ b) / scale, -1.0, 1.0))


def speed_error(pair: Pair) -> float:
    """Return the mean difference of the speed profiles, in mean speeds: 0 the same, 2 never moving at the same time."""
    truth, recovered = pair.view(profiles)
    return float(np.abs(truth - recovered).mean())


def velocity_snr(pair: Pair) -> float:
    """Return the speed profile's ratio of signal to error in decibels, at most 100; constant speed gives 0."""
    truth, recovered = pair.view(profiles)
    signal = float(((truth - truth.mean()) ** 2).sum())
    return decibels(signal, float(((truth - recovered) ** 2).sum()))


def decibels(signal: float, error: float) -> float:
    """Return ``10 log10(signal / error)``, cut to -20 .. 100 dB."""
    if error <= 0.0:
        return BEST_DB
    if signal <= 0.0:
        return WORST_DB
    return float(np.clip(10.0 * np.log10(signal / error), WORST_DB, BEST_DB))


def velocity_pulses(pair: Pair) -> float:
    """Return by how many velocity pulses the answer is off."""
    _, recovered = pair.view(profiles)
    return float(abs(pair.reference.view(_true_pulses) - count_pulses(recovered)))


def count_pulses(profile: Floats) -> int:
    """Return the number of velocity pulses: peaks of the smoothed profile that stand out by a tenth of its maximum.

    Smoothed by a Gaussian of 1.5 bins; the pen stands still before and after. A peak of speed is where acceleration
    turns to braking, so this is the number of acceleration peaks on a common time base.
    """
    smooth = gaussian_filter1d(np.pad(profile, 8), SMOOTHING_BINS, mode="constant")
    return len(find_peaks(smooth, prominence=PROMINENCE * float(smooth.max()))[0])


def _true_pulses(reference: Reference) -> int:
    return count_pulses(reference.view(true_profile))


def _varies(reference: Reference) -> bool:
    return bool(np.abs(reference.view(true_profile) - 1.0).max() >= _FLAT)


def _moves(reference: Reference) -> bool:
    return reference.length_px > 0.0


METRICS = (
    Metric(
        "speed_correlation",
        speed_correlation,
        "",
        "higher",
        lambda reference: -1.0,
        "mean",
        "velocity",
        "Pearson r of the speed profiles",
        "Kalamos; no published code was found",
        _NEEDS,
        _varies,
    ),
    Metric(
        "speed_error",
        speed_error,
        "",
        "lower",
        lambda reference: 2.0,
        "mean",
        "velocity",
        "mean |v_truth - v_recovered|, each profile over its mean",
        "Kalamos",
        _NEEDS,
        _moves,
    ),
    Metric(
        "velocity_snr",
        velocity_snr,
        "dB",
        "higher",
        lambda reference: WORST_DB,
        "median",
        "velocity",
        "10 log10(sum (v - mean v)^2 / sum (v - v_recovered)^2), cut to -20..100",
        "after SNRv of the sigma-lognormal literature, on the speed profile; normalisation ours",
        _NEEDS,
        _varies,
    ),
    Metric(
        "velocity_pulses",
        velocity_pulses,
        "pulses",
        "lower",
        lambda reference: float(max(10, reference.view(_true_pulses))),
        "mean",
        "velocity",
        "|number of acceleration peaks, truth - recovered|, on normalised time",
        "Kalamos, after the kinematic theory's velocity pulses",
        _NEEDS,
        _moves,
    ),
)
