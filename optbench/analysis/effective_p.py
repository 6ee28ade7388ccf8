"""The effective p: the exponent whose margin or norm a predictor is closest to optimizing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from optbench.analysis.kinds import Kind, kind_of
from optbench.analysis.kinds.distances import NORMS, angle
from optbench.instance import Instance
from optbench.references import Reference

ALIKE = 0.01  # margins or norms within this part of the best are told apart by direction
CLOSE = math.degrees(math.acos(1.0 - ALIKE))  # so far from a direction its L2 margin loses 1 %

Interval = tuple[float, float] | None
PLATEAU = 0.005  # so much of the best margin or norm decides nothing between exponents


class EffectiveP(NamedTuple):
    """The exponent that a predictor is closest to optimizing, and how well it is known.

    Attributes
    ----------
    exponent : float or None
        The best one of the grid; None when w has no margin.
    interval : (float, float) or None
        Its neighbours in the grid, or the ends of the plateau: it is known no better.
    plateau : tuple of float
        Exponents whose margin or norm is within 0.5 % of the best, relative to the optima.
    """

    exponent: float | None
    interval: Interval
    plateau: tuple[float, ...] = ()


NOWHERE = EffectiveP(None, None)


def effective_p(instance: Instance, grid: Mapping[float, Reference], w: np.ndarray) -> EffectiveP:
    """The p whose normalised margin or norm is closest to optimal: the optimizer's geometry.

    Near an optimum a margin says little about the direction: of exponents whose quotients differ
    by less than 1 %, and whose solutions lie as close together as that explains (8 degrees), that
    one counts whose solution is nearest, and of solutions that this instance does not tell apart
    the one that has a name.

    Parameters
    ----------
    instance : Instance
        Classification or regression.
    grid : mapping of float to Reference
        Certified reference of largest margin or least norm for each p.
    w : ndarray, float64 (d,)
        A predictor.

    Returns
    -------
    EffectiveP
    """
    if not grid or not np.all(np.isfinite(w)) or not np.any(w):
        return NOWHERE
    kind, exponents = kind_of(instance), sorted(grid)
    quality = {p: kind.quality(instance, w, p, grid[p].value) for p in exponents}
    best = max(exponents, key=quality.__getitem__)
    if not 0.0 < quality[best] < np.inf:
        return NOWHERE
    alike = [
        p
        for p in exponents
        if quality[p] >= quality[best] * (1.0 - ALIKE)
        and angle(grid[p].solution, grid[best].solution) <= CLOSE
    ]
    nearest = min(alike, key=lambda p: kind.distance(instance, w, grid[p]))
    if angle(w, grid[nearest].solution) > CLOSE:  # optimal, and far from all of their solutions
        nearest = best
    p = _named(instance, kind, grid, nearest, alike)
    plateau = [
        r
        for r in exponents
        if r == p
        or (
            quality[r] >= quality[best] * (1.0 - PLATEAU)
            and _is_flat(instance, kind, grid[p], grid[r], r)
        )
    ]
    place = exponents.index(p)
    beside = exponents[max(place - 1, 0) : place + 2]
    interval = min(beside[0], plateau[0]), max(beside[-1], plateau[-1])
    return EffectiveP(p, interval, tuple(plateau))


def _is_flat(
    instance: Instance, kind: Kind, solution: Reference, optimum: Reference, p: float
) -> bool:
    """Whether another solution is optimal in a norm too, though it lies elsewhere."""
    elsewhere = angle(solution.solution, optimum.solution) > CLOSE
    return elsewhere and kind.quality(instance, solution.solution, p, optimum.value) >= 1 - PLATEAU


def _named(
    instance: Instance,
    kind: Kind,
    grid: Mapping[float, Reference],
    nearest: float,
    alike: Sequence[float],
) -> float:
    """Return the exponent with a name whose solution is the nearest one here, else that one."""
    solution = grid[nearest].solution
    twins = [
        p
        for p in alike
        if p in NORMS.values() and kind.distance(instance, solution, grid[p]) < kind.told_apart
    ]
    return nearest if nearest in twins or not twins else twins[0]
