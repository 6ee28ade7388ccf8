"""Which optimizers are slower than another one beyond chance: over seeds, or over instances.

A block is a seed of an instance, or an instance; all optimizers meet the same blocks.  In a block
one optimizer beats another when it reaches a tighter target, or the same one in fewer steps: units
and distributions play no part, and what was never reached is no special case.  Of each pair of
optimizers a sign test compares how many blocks either of them won; Holm's procedure over all pairs
keeps the chance of any false claim in the table below the level.  Because every pair is tested it
does not matter that the eye picks the fastest row first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optbench.analysis.profiles import common_horizon
from optbench.analysis.statistics import known
from optbench.columns import ConvergenceRow
from optbench.labels import full_labels

LEVEL = 0.05


@dataclass(frozen=True)
class Slower:
    """What one optimizer is slower than.

    Attributes
    ----------
    than : tuple of int
        The optimizers that are significantly faster.
    p : float
        Smallest p-value of one that is faster, corrected for all pairs; nan: with so few blocks
        none can be told from chance.
    """

    than: tuple[int, ...]
    p: float


def slower(steps: NDArray[np.float64], level: float = LEVEL) -> list[Slower]:
    """Compare optimizers in pairs over blocks.

    Parameters
    ----------
    steps : ndarray, float64 (K, N, T)
        Steps of K optimizers in N blocks to T targets, from loose to tight; inf: not reached;
        nan: it did not run there, so that nobody beats it and it beats nobody.
    level : float
        At most this is the probability that any of the claims is false.

    Returns
    -------
    list of Slower
        One for each optimizer.

    Notes
    -----
    The sign test is exact when blocks are independent and in each of them either optimizer is as
    likely to be ahead; ties say nothing.  It asks for less than Wilcoxon's signed-rank test, which
    also takes the differences for symmetric.  Tests on mean ranks of all optimizers (Friedman,
    Nemenyi) would let the company decide about a pair.

    References
    ----------
    J. Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006.
    A. Benavoli, G. Corani, F. Mangili, "Should we really use post-hoc tests based on mean-ranks?",
    JMLR 17, 2016.
    S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.
    """
    from scipy.stats import binom

    if steps.shape[1] < fewest_blocks(len(steps)):
        return [Slower((), math.nan)] * len(steps)
    won = wins(steps)
    first, second = np.triu_indices(len(won), 1)
    ahead, behind = won[first, second], won[second, first]
    tails = binom.cdf(np.minimum(ahead, behind), ahead + behind, 0.5)
    adjusted = holm(np.minimum(1.0, 2.0 * tails))
    p = np.ones(won.shape)
    p[first, second] = p[second, first] = adjusted
    p = np.where(won < won.T, p, 1.0)  # entry (i, j): of i being slower than j
    return [
        Slower(tuple(np.flatnonzero(row <= level).tolist()), float(row.min(initial=1.0)))
        for row in p
    ]


def wins(steps: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return in how many blocks the first of two optimizers is ahead of the second, (K, K)."""
    reached = np.isfinite(steps)
    targets = steps.shape[2]
    tightest = np.where(reached, np.arange(1, targets + 1), 0).max(axis=2, initial=0)
    place = np.maximum(tightest - 1, 0)[:, :, None]
    taken = np.take_along_axis(steps, place, axis=2)[:, :, 0]
    ran = np.logical_not(np.isnan(steps).any(axis=2, keepdims=True))[:, :, 0]
    farther = np.greater(tightest[:, None], tightest[None])
    equal = np.equal(tightest[:, None], tightest[None])
    sooner = equal & np.less(taken[:, None], taken[None])
    counts: NDArray[np.int64] = ((farther | sooner) & ran[:, None] & ran[None]).sum(axis=2)
    return counts


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values that are corrected for their number, each at least as large as before."""
    order = np.argsort(p)
    scaled = p[order] * np.arange(p.size, 0, -1)
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def fewest_blocks(optimizers: int, level: float = LEVEL) -> int:
    """Return how many blocks it takes until one that wins all of them is significantly faster."""
    pairs = optimizers * (optimizers - 1) / 2
    return 1 + math.ceil(math.log2(max(pairs, 1.0) / level))


def with_slower(rows: Sequence[ConvergenceRow]) -> list[ConvergenceRow]:
    """Say of each row which others on its instance are significantly faster, over seeds."""
    found = list(rows)
    for place in dict.fromkeys(row.instance_id for row in rows):
        own = [i for i, row in enumerate(rows) if row.instance_id == place and is_compared(row)]
        if len(own) < 2:
            continue
        names = full_labels([rows[i] for i in own])
        steps = within_horizon(np.array([_steps(rows[i]) for i in own]), [rows[i] for i in own])
        for i, told in zip(own, slower(steps), strict=True):
            than = tuple(names[j] for j in told.than)
            found[i] = replace(rows[i], slower_than=than, slower_p=known(told.p))
    return found


def is_compared(row: ConvergenceRow) -> bool:
    """Whether all runs of a row came to their own end, towards a known optimum."""
    return row.status.final and bool(row.steps_by_seed) and row.success_rate is not None


def within_horizon(
    steps: NDArray[np.float64], rows: Sequence[ConvergenceRow]
) -> NDArray[np.float64]:
    """Return steps as if no run had been longer than the shortest one."""
    return np.where(steps > common_horizon(rows), math.inf, steps)


def _steps(row: ConvergenceRow) -> NDArray[np.float64]:
    """Return a row's steps, (seeds, targets)."""
    names = sorted(row.steps_by_seed, key=float, reverse=True)
    return np.array([row.steps_by_seed[name] for name in names], dtype=float).T
