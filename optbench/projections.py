"""Projections onto sets, as ``Instance(prox=...)`` takes them: ``project(v, step_size)`` in place.

Plain Python that the engine compiles; nothing is allocated.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Projection = Callable[[np.ndarray, float], None]


def onto_orthant(v: np.ndarray, _step_size: float) -> None:
    """Replace v by the nearest point of v >= 0."""
    for i in range(v.size):
        v[i] = max(v[i], 0.0)


def onto_box(lower: float, upper: float) -> Projection:
    """Return what replaces v by the nearest point of lower <= v <= upper."""

    def clip(v: np.ndarray, _step_size: float) -> None:
        for i in range(v.size):
            v[i] = min(max(v[i], lower), upper)

    return clip


def onto_simplex(total: float) -> Projection:
    """Return what replaces v by the nearest point of v >= 0, sum v = total.

    That is max(v - t, 0) for the t at which it adds up: Newton's method from below finds it in
    finitely many steps, since the sum is convex and piecewise linear in t (Michelot 1986,
    doi:10.1007/BF00938486).
    """

    def share_out(v: np.ndarray, _step_size: float) -> None:
        largest = -np.inf
        for i in range(v.size):
            largest = max(largest, v[i])
        for i in range(v.size):
            v[i] -= largest  # numbers of any size keep their differences
        above, threshold = -1, -np.inf
        searching = True
        while searching:
            count, together = 0, 0.0
            for i in range(v.size):
                if v[i] > threshold:
                    count += 1
                    together += max(v[i], -total)
            searching = count != above
            above, threshold = count, max((together - total) / count, -total)
        for i in range(v.size):
            v[i] = max(v[i] - threshold, 0.0)

    return share_out
