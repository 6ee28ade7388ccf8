"""When runs reach relative targets, when they leave them again, and from when on they keep them.

The gap of a step is loss - optimum; it is at a target when it is at most that fraction of the
first gap.  The loop keeps the steps of every run at which that changes, exactly
(:mod:`optbench.engine.passages`).  Where it cannot, they are read off the log-spaced records:
between the last record above a target (s_a, v_a) and the next at or below it (s_b, v_b), log v is
interpolated against log s and rounded up:

    step = ceil( s_a (s_b / s_a)^x ),   x = log(v_a / target) / log(v_a / v_b)  in (0, 1]

This is exact for a power law.  For a linear law, and any law between the two, it undershoots by at
most (log(s_b / s_a))^2 / 8 of the answer before rounding up: 0.7% at 10 records per decade.  For
any trace s_a < step <= s_b, and a harder target never takes fewer steps.  What happens between two
records on the same side of a target is not seen: a first passage can be earlier, and the last one
later, by any number of records.  Where a logarithm is missing (step 0, a value of 0, a value that
is not finite) the answer is the recorded step s_b.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.errors import UserError
from optbench.status import Status

RELATIVE_TARGETS = (1e-1, 1e-2, 1e-4, 1e-6, 1e-8)
TARGET_NAMES = tuple(f"1e{round(math.log10(target))}" for target in RELATIVE_TARGETS)
SUCCESS_TARGET = TARGET_NAMES[-1]
EXACT, INTERPOLATED = "exact", "interpolated"
AGAIN = 1.1  # times the step from which on a target is kept that had been left: then it counts
_ROUNDING = 1e-9  # relative: keeps ceil from adding a step to a whole number


@dataclass(frozen=True)
class Passages:
    """When K runs passed T targets: one row a run, one column a target of ``RELATIVE_TARGETS``.

    Attributes
    ----------
    reached : ndarray, float64 (K, T)
        The first step at or below each target; inf where there is none.
    kept : ndarray, float64 (K, T)
        The step from which on the gap stays at or below it to the end of the run; inf where it
        ends above.  At least ``reached``.
    last : ndarray, float64 (K,)
        The last step of each run.
    exact : ndarray, bool (K,)
        Whether every step was looked at; else they are interpolated between records.
    """

    reached: NDArray[np.float64]
    kept: NDArray[np.float64]
    last: NDArray[np.float64]
    exact: NDArray[np.bool_]

    @property
    def left(self) -> NDArray[np.float64]:
        """The last step above each target after it was reached; nan where it never left again."""
        again = np.isfinite(self.reached) & (self.kept > self.reached)
        return np.where(again, np.minimum(self.kept - 1.0, self.last[:, None]), np.nan)

    def counted(self, statuses: Sequence[Status]) -> NDArray[np.float64]:
        """Return ``kept`` where that is more than chance, and inf elsewhere.

        A run that bursts again and again may be below a target at its end.  One that was left
        counts when it has been kept since for a tenth of the steps up to then, or the run is at
        rest.

        Parameters
        ----------
        statuses : sequence of Status
            How each run ended.
        """
        at_rest = np.array([status in (Status.CONVERGED, Status.STALLED) for status in statuses])
        never_left = self.kept == self.reached
        long_kept = AGAIN * self.kept <= self.last[:, None]
        return np.where(at_rest[:, None] | never_left | long_kept, self.kept, np.inf)

    @staticmethod
    def side_by_side(parts: Sequence[Passages]) -> Passages:
        """Join the passages of several chunks, run after run."""
        return Passages(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("reached", "kept", "last", "exact")
            )
        )


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
        return np.log(np.maximum(loss - optimum, rounding_of(optimum)))


def rounding_of(optimum: float) -> float:
    """Return the least difference from the optimum that is more than rounding."""
    return 4.0 * np.finfo(float).eps * abs(optimum)


def interpolated(
    steps: ArrayLike,
    log_gap: ArrayLike,
    targets: ArrayLike = RELATIVE_TARGETS,
    log_initial: float | None = None,
) -> Passages:
    """Read the passages of one run off its records.

    Parameters
    ----------
    steps : array_like, shape (R,)
        Recorded step counts, whole and increasing.
    log_gap : array_like, shape (R,)
        Natural logarithm of f_t - f*; -inf where the gap is exactly 0.  nan is not at any target.
    targets : array_like, shape (T,)
        Fractions of the initial suboptimality, positive.
    log_initial : float, optional
        Natural logarithm of the initial suboptimality; the first record's by default.

    Returns
    -------
    Passages
        Of one run, all of them whole numbers of steps or inf.

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
    reached, kept = np.full((2, 1, fractions.size), np.inf)
    if not math.isnan(start) and start < math.inf:
        for k, goal in enumerate(start + np.log(fractions)):
            reached[0, k], kept[0, k] = _crossings(count, logs, float(goal))
    return Passages(reached, kept, last=count[-1:], exact=np.zeros(1, bool))


def _crossings(
    steps: NDArray[np.float64], logs: NDArray[np.float64], goal: float
) -> tuple[float, float]:
    """Return the first step at or below a goal, and that from which on a trace stays there."""
    below = logs <= goal
    above = np.flatnonzero(~below)
    first = math.inf if not below.any() else _crossing(steps, logs, goal, int(np.argmax(below)))
    after = 0 if above.size == 0 else int(above[-1]) + 1
    return first, math.inf if after == steps.size else _crossing(steps, logs, goal, after)


def _crossing(steps: NDArray[np.float64], logs: NDArray[np.float64], goal: float, b: int) -> float:
    """Return the interpolated step at which a trace came to a goal that it is at in record b."""
    if b == 0 or steps[b - 1] < 1 or not np.isfinite(logs[b - 1 : b + 1]).all():
        return float(steps[b])
    before, after = steps[b - 1], steps[b]
    x = (logs[b - 1] - goal) / (logs[b - 1] - logs[b])
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
