"""Steps to a target, read off a log-spaced trace.

A trace is recorded at steps s_0 < s_1 < ..., about 10 per decade, so the first record at or below
the target overstates the answer by up to 26%.  Between the last record above the target (s_a, v_a)
and the first at or below it (s_b, v_b), log v is interpolated against log s and rounded up:

    steps_to = ceil( s_a (s_b / s_a)^x ),   x = log(v_a / target) / log(v_a / v_b)  in (0, 1]

This is exact for a power law.  For a linear law, and any law between the two, it undershoots by at
most (log(s_b / s_a))^2 / 8 of the answer before rounding up: 0.7% at 10 records per decade.  For
any trace s_a < steps_to <= s_b, and a harder target never takes fewer steps.  Where a logarithm is
missing (step 0, a value of 0, a value that is not finite) the answer is the recorded step s_b.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.errors import UserError

RELATIVE_TARGETS = (1e-1, 1e-2, 1e-4, 1e-6, 1e-8)
TARGET_NAMES = tuple(f"1e{round(math.log10(target))}" for target in RELATIVE_TARGETS)
SUCCESS_TARGET = TARGET_NAMES[-1]
_ROUNDING = 1e-9  # relative: keeps ceil from adding a step to a whole number


def log_suboptimality(
    log_loss: NDArray[np.float64], loss: NDArray[np.float64], optimum: float
) -> NDArray[np.float64]:
    """Return log(loss - optimum); exact in the log domain where the optimum is 0.

    Parameters
    ----------
    log_loss, loss : ndarray, float64
        The loss, which may be negative, and its natural logarithm; nan stays nan.
    optimum : float
        Infimum of the loss; where it is nan, what is unknown, so is the result.  Differences below
        the rounding of numbers of its size are raised to that.
    """
    if math.isnan(optimum):
        return np.full(log_loss.shape, np.nan)
    if optimum == 0.0:
        return log_loss
    with np.errstate(all="ignore"):
        floor = 4.0 * np.finfo(float).eps * abs(optimum)
        return np.log(np.maximum(loss - optimum, floor))


def steps_to(steps: ArrayLike, values: ArrayLike, target: float) -> float:
    """First step at which `values` is at or below `target`; inf when it never is.

    Parameters
    ----------
    steps : array_like, shape (n,)
        Recorded step counts, whole and increasing.
    values : array_like, shape (n,)
        What was recorded, e.g. the suboptimality.  nan is not at any target.
    target : float
        The value to reach, in the unit of `values`.

    Returns
    -------
    float
        A whole number of steps, or inf.

    Raises
    ------
    UserError
        When the two arrays do not form a trace, or the target is nan.
    """
    if math.isnan(target):
        raise UserError("target is nan, but a target must be a number")
    count, value = _as_trace(steps, values)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(value > 0, np.log(np.abs(value)), -np.inf)
    log_target = math.log(target) if target > 0 else -math.inf
    return _first_crossing(count, value <= target, logs, log_target)


def steps_to_targets(
    steps: ArrayLike,
    log_gap: ArrayLike,
    targets: ArrayLike = RELATIVE_TARGETS,
    log_initial: float | None = None,
) -> NDArray[np.float64]:
    """Steps to each relative suboptimality, from the logarithm of the suboptimality.

    Parameters
    ----------
    steps : array_like, shape (n,)
        Recorded step counts, whole and increasing.
    log_gap : array_like, shape (n,)
        Natural logarithm of f_t - f*; -inf where the gap is exactly 0.
    targets : array_like, shape (m,)
        Fractions of the initial suboptimality, positive.
    log_initial : float, optional
        Natural logarithm of the initial suboptimality; the first record's by default.

    Returns
    -------
    ndarray, shape (m,)
        Whole numbers of steps; inf for a target that was not reached.

    Raises
    ------
    UserError
        When the two arrays do not form a trace, or a target is not positive.
    """
    count, logs = _as_trace(steps, log_gap)
    fractions = np.atleast_1d(np.asarray(targets, dtype=np.float64))
    if not np.all(fractions > 0):
        raise UserError(f"targets are {fractions.tolist()}, but each must be positive, e.g. 1e-4")
    start = float(logs[0]) if log_initial is None else log_initial
    if math.isnan(start) or start == math.inf:
        return np.full(fractions.size, np.inf)
    goals = start + np.log(fractions)
    return np.array([_first_crossing(count, logs <= goal, logs, float(goal)) for goal in goals])


def _first_crossing(
    steps: NDArray[np.float64],
    reached: NDArray[np.bool_],
    logs: NDArray[np.float64],
    log_target: float,
) -> float:
    """Interpolated step of the first record that reached the target."""
    if not reached.any():
        return math.inf
    b = int(np.argmax(reached))
    if b == 0 or steps[b - 1] < 1 or not np.isfinite(logs[b - 1 : b + 1]).all():
        return float(steps[b])
    before, after = steps[b - 1], steps[b]
    x = (logs[b - 1] - log_target) / (logs[b - 1] - logs[b])
    between = before * (after / before) ** x
    whole = math.ceil(between * (1.0 - _ROUNDING))
    return float(min(max(whole, before + 1), after))


def _as_trace(
    steps: ArrayLike, values: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two arrays of a trace as floats, checked."""
    count = np.asarray(steps, dtype=np.float64)
    value = np.asarray(values, dtype=np.float64)
    if count.ndim != 1 or count.shape != value.shape or count.size == 0:
        raise UserError(
            f"a trace needs one value per recorded step, got steps of shape {count.shape} "
            f"and values of shape {value.shape}"
        )
    whole = np.isfinite(count).all() and (count == np.floor(count)).all() and count[0] >= 0
    if not whole or not (np.diff(count) > 0).all():
        raise UserError("steps must be whole, increasing numbers from 0 on, e.g. 0, 1, 2, 3, 4, 5")
    return count, value
