"""Bootstrap of the median over repeated runs, where a failed run is infinity."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.errors import UserError


def median_interval(
    values: ArrayLike, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Median of repeated measurements and its percentile bootstrap interval.

    Every non-finite value (nan, inf or -inf) is a run that never got there and counts as +inf:
    the median is right-censored, and inf when half or more of the runs failed.  The ends of the
    interval are order statistics of the resampled medians, so infinity never meets arithmetic.

    Parameters
    ----------
    values : array_like, shape (n,)
        One number per repetition: steps, seconds, losses.
    level : float
        Nominal coverage, in (0, 1).  No interval of n values covers the true median more often
        than 1 - 2**(1 - n) (the range of the data): 75% for n = 3, 94% for n = 5.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of this call's own generator: equal input gives equal output.

    Returns
    -------
    tuple of float
        (median, low, high).  The ends are nan for n = 1: one value says nothing about spread.

    Raises
    ------
    UserError
        When there is no value, or `level` or `resamples` is out of range.

    References
    ----------
    B. Efron, "Bootstrap methods: another look at the jackknife", 1979,
    doi:10.1214/aos/1176344552.
    """
    sample = _as_sample(values)
    if not 0.0 < level < 1.0:
        raise UserError(f"level is {level}, but a coverage lies between 0 and 1, e.g. 0.95")
    if resamples < 1:
        raise UserError(f"resamples is {resamples}, but the bootstrap needs at least 1, e.g. 2000")
    median = float(np.median(sample))
    if sample.size == 1:
        return median, math.nan, math.nan
    rng = np.random.default_rng(seed)
    medians = np.median(rng.choice(sample, size=(resamples, sample.size)), axis=1)
    medians.sort()
    tail = (1.0 - level) / 2.0
    last = resamples - 1
    low = medians[math.floor(tail * last)]
    high = medians[math.ceil((1.0 - tail) * last)]
    return median, float(low), float(high)


def known(value: float) -> float | None:
    """Return a number, also infinity, or None for nan."""
    return None if math.isnan(value) else float(value)


def finite(value: float) -> float | None:
    """Return a finite number or None."""
    return float(value) if math.isfinite(value) else None


def _as_sample(values: ArrayLike) -> NDArray[np.float64]:
    """Flat float array with every non-finite value replaced by +inf."""
    try:
        sample = np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise UserError(f"values must be numbers, one per run: {error}") from None
    if sample.size == 0:
        raise UserError("values is empty, but a median needs at least one run")
    return np.where(np.isfinite(sample), sample, np.inf)
