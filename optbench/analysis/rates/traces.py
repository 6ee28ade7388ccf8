"""What is in the way of a law: a trace that is none, that diverged, stalled, or rose again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.errors import UserError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

ROSE = math.log(1e3)  # over the lowest gap that was held: rounding and oscillations rise less
HELD = 3  # records: a single record between two swings is not held
STALLED = 1e-3  # least drop of y over the last decade that counts as progress
LOG_FLOOR = math.log(1e-14)  # of the initial gap: below it f_t - f* is rounding in float64
HALF_A_DECADE = math.sqrt(10.0)


def as_trace(steps: ArrayLike, log_gap: ArrayLike) -> tuple[Array, Array]:
    """Return steps and log gaps as floats, checked."""
    t = np.asarray(steps, dtype=np.float64)
    y = np.asarray(log_gap, dtype=np.float64)
    if t.ndim != 1 or t.shape != y.shape or t.size == 0:
        shapes = f"got steps of shape {t.shape} and log gaps of shape {y.shape}"
        raise UserError(f"a trace needs one log gap per recorded step, {shapes}")
    if not (np.isfinite(t).all() and t[0] >= 0 and (np.diff(t) > 0).all()):
        raise UserError("steps must be increasing numbers from 0 on, e.g. 0, 1, 2, 3, 4, 5, 6, 8")
    return t, y


def diverged(t: Array, y: Array) -> str | None:
    """Say where a trace blew up or how far it grew, if it did."""
    broken = ~(y < np.inf)
    if broken.any():
        return f"diverged at step {t[np.argmax(broken)]:.0f}"
    if y[-1] > y[0] + math.log(10.0):
        return f"diverged: the gap grew {math.exp(min(y[-1] - y[0], 700.0)):.0e}-fold"
    return None


def rose_again(t: Array, y: Array, floored: Mask) -> str | None:
    """Say when a trace left its lowest gap for good, or its floor: from there it follows no law.

    Parameters
    ----------
    t, y : ndarray, shape (n,)
        Steps and log gaps, nowhere below the rounding floor.
    floored : ndarray of bool, shape (n,)
        Whether a record is at the floor.
    """
    if floored.any():
        reached = int(np.argmax(floored))
        above = reached + np.flatnonzero(y[reached:] > y[reached] + ROSE)
        if above.size:  # even where it comes back: it has burst, and may do so again
            return f"left the floor again at step {t[above[0]]:.0f}"
    if y.size < HELD:
        return None
    held = np.max([y[k : y.size - HELD + 1 + k] for k in range(HELD)], axis=0)
    lowest = int(np.argmin(held))
    above = lowest + np.flatnonzero(y[lowest:] > held[lowest] + ROSE)
    if not above.size or t[above[-1]] < t[-1] / 3 or y[-1] < held[lowest] + ROSE / 2:
        return None
    return f"rose again at step {t[above[0]]:.0f}"


def stalled_from(t: Array, y: Array) -> int | None:
    """First step of the plateau on which the trace ends, if its last decade shows no trend."""
    last = t >= t[-1] / 10
    noise = _noise_of_rest(t[last], y[last])
    if noise is None:
        return None
    above = np.flatnonzero(y > y[last].max() + max(STALLED, noise))
    return int(t[above[-1] + 1] if above.size else t[0])


def _noise_of_rest(t: Array, y: Array) -> float | None:
    """Standard deviation about the line through records that show no trend; None if they do."""
    x = np.log(t)
    x -= x.mean()
    slope = float(x @ y / (x @ x))
    noise = float(np.std(y - slope * x))
    return None if abs(slope) * (x[-1] - x[0]) > max(STALLED, 3 * noise) else noise


def floor_of_zero(steps: ArrayLike, log_gap: ArrayLike) -> float:
    """Log gap at and below which a trace is rounding whose optimum is exactly 0.

    A squared error is the square of a residual, whose own rounding is 1e-14 of the first one: gaps
    are right to 1e-28 of the first gap.  What is no square, or has large weights that cancel, rests
    at a higher level, from below 1e-14 on: then that level is the floor.

    Parameters
    ----------
    steps, log_gap : array_like, shape (n,)
        As in :func:`~optbench.analysis.rates.search.fit_rate`.
    """
    t, y = as_trace(steps, log_gap)
    square = float(y[0]) + 2 * LOG_FLOOR
    told = np.isfinite(y) & (t >= t[-1] / HALF_A_DECADE)
    level = float(y[told].max()) if told.sum() >= HELD else math.inf
    if not square < level < y[0] + LOG_FLOOR or _noise_of_rest(t[told], y[told]) is None:
        return square
    return level
