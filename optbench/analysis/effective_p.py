"""The effective p: the exponent whose margin or norm a predictor is closest to optimizing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from optbench.analysis.kinds import Kind, kind_of
from optbench.instance import Instance
from optbench.references import Reference

NAMED = (1.0, 2.0, math.inf)  # exponents of norms with a name of their own, entrywise and Schatten
ALIKE = 0.01  # margins or norms within this part of the best are told apart by direction
CLOSE = math.degrees(math.acos(1.0 - ALIKE))  # so far from a direction its L2 margin loses 1 %

TITLES = {"lp": "effective p", "schatten": "effective Schatten p"}  # by family of norms

PLATEAU = 0.005  # so much of the best margin or norm decides nothing where an optimum is flat

Interval = tuple[float, float] | None


class EffectiveP(NamedTuple):
    """The exponent of a family of norms that a predictor is closest to optimizing.

    Attributes
    ----------
    p : float or None
        The best one of the grid; None when w has no margin.
    interval : (float, float) or None
        Its neighbours in the grid, or the ends of the plateau: p is known no better.
    plateau : tuple of float
        It, and the exponents that a flat optimum does not tell from it.
    """

    p: float | None
    interval: Interval
    plateau: tuple[float, ...] = ()


UNTOLD = EffectiveP(None, None)


def effective_p(instance: Instance, grid: Mapping[float, Reference], w: np.ndarray) -> EffectiveP:
    """The p whose normalised margin or norm is closest to optimal: the optimizer's geometry.

    Near an optimum a margin says little about the direction: of exponents whose quotients differ
    by less than 1 %, and whose solutions lie as close together as that explains (8 degrees), that
    one counts whose solution is nearest, unless all are farther than that, and of solutions that
    this instance does not tell apart the one that has a name.

    Parameters
    ----------
    instance : Instance
        Of directions or regression, for a vector or a matrix.
    grid : mapping of float to Reference
        Certified reference of largest margin or least norm for each p: of the entries, or, of a
        matrix, of the singular values.
    w : ndarray, float64 (d,)
        A predictor.

    Returns
    -------
    EffectiveP
    """
    if not grid or not np.all(np.isfinite(w)) or not np.any(w):
        return UNTOLD
    kind, exponents = kind_of(instance), sorted(grid)
    quality = {p: kind.quality(instance, w, grid[p]) for p in exponents}
    best = max(exponents, key=quality.__getitem__)
    if not 0.0 < quality[best] < np.inf:
        return UNTOLD
    alike = [
        p
        for p in exponents
        if quality[p] >= quality[best] * (1.0 - ALIKE)
        and kind.angle(instance, grid[p].solution, grid[best].solution) <= CLOSE
    ]
    nearest = min(alike, key=lambda p: kind.distance(instance, w, grid[p]))
    if kind.angle(instance, w, grid[nearest].solution) > CLOSE:  # far from all of their solutions
        nearest = best
    p = _named(instance, kind, grid, nearest, alike)
    plateau = [
        r
        for r in exponents
        if r == p
        or (
            quality[r] >= quality[best] * (1.0 - PLATEAU)
            and _is_flat(instance, kind, grid[p], grid[r])
        )
    ]
    place = exponents.index(p)
    beside = exponents[max(place - 1, 0) : place + 2]
    interval = min(beside[0], plateau[0]), max(beside[-1], plateau[-1])
    return EffectiveP(p, interval, tuple(plateau))


def _is_flat(instance: Instance, kind: Kind, solution: Reference, optimum: Reference) -> bool:
    """Whether a solution for another exponent is optimal too, though it lies elsewhere."""
    elsewhere = kind.angle(instance, solution.solution, optimum.solution) > CLOSE
    return elsewhere and kind.quality(instance, solution.solution, optimum) >= 1.0 - PLATEAU


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
        if p in NAMED and kind.distance(instance, solution, grid[p]) < kind.told_apart
    ]
    return nearest if nearest in twins or not twins else twins[0]
