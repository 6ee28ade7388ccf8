"""When a run that moves would be close to its limit, if the law of its last decades went on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

FIT = 0.02  # a law fits when the logarithm of what is missing is off by no more than this
FARTHEST = 1000.0  # times the last step; no extrapolation goes farther


def extrapolated(steps: Sequence[int], missing: Sequence[float], limit: float) -> float | None:
    """Return the step at which what is missing would have fallen to a limit, or None.

    The law is the one of c t^-a, 1 / (a + b log t) and c exp(-a t) that fits best, if one does.

    Parameters
    ----------
    steps : sequence of int
    missing : sequence of float
        At each of them; three or more that are positive are needed.
    limit : float
        Below the last one.
    """
    t, y = np.asarray(steps, float), np.asarray(missing, float)
    told = (t > 1) & (y > 0)
    if told.sum() < 3 or y[-1] <= limit:
        return None
    t, y = t[told], y[told]
    laws = (
        (np.log(t), np.log(y), np.exp, math.log(limit), _exponential),
        (np.log(t), 1.0 / y, _inverse, 1.0 / limit, _exponential),
        (t, np.log(y), np.exp, math.log(limit), float),
    )
    fits = []
    for x, z, back, goal, step_of in laws:
        slope, offset = np.polyfit(x, z, 1)
        error = float(np.max(np.abs(np.log(back(slope * x + offset) / y))))
        fits.append((error, step_of((goal - offset) / slope) if slope != 0.0 else math.inf))
    error, at = min(fits)
    return float(at) if error <= FIT and t[-1] < at <= FARTHEST * t[-1] else None


def _exponential(x: float) -> float:
    return math.exp(min(x, 700.0))


def _inverse(z: np.ndarray) -> np.ndarray:
    inverse: np.ndarray = 1.0 / np.maximum(z, 1e-300)
    return inverse
