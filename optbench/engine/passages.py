"""Which targets a run is at, step by step: kept inside the loop, without looking back.

A run's goals are the losses that are its relative targets.  How many of them its loss is at or
below is its level; while the loss stays in the band between two goals nothing happens, so a step
costs two comparisons.  When it leaves the band, each goal that it falls to notes the step before
as the last above, and this one as the first at it unless there was one.  Losses and goals are in
the unit of the run (see :mod:`optbench.engine.loop`), which is why the band moves with the unit.
"""

from __future__ import annotations

import math

import numpy as np

from optbench.engine.compiler.overloads import called, inlined
from optbench.engine.types import Runs
from optbench.targets import RELATIVE_TARGETS, Passages, rounding_of

NEVER = -1


def no_passages(count: int, optimum: float) -> dict[str, np.ndarray]:
    """Return these fields of runs that have not begun; nan as optimum: nothing will be kept."""
    targets = len(RELATIVE_TARGETS)
    return {
        "optimum": np.full(count, optimum),
        "goals": np.full((count, targets), np.nan),
        "goals_unit": np.zeros(count, np.int64),
        "band": np.tile([-np.inf, np.inf], (count, 1)),
        "level": np.zeros(count, np.int64),
        "reached": np.full((count, targets), NEVER),
        "above": np.full((count, targets), NEVER),
    }


def begin(runs: Runs) -> None:
    """Set the goals of runs whose start has been evaluated, where their optimum is known."""
    optimum, tracked = runs.optimum[:, None], ~np.isnan(runs.optimum)
    known = tracked & np.isfinite(runs.loss)
    with np.errstate(all="ignore"):
        # an optimum other than 0 is in the plain unit, as is the loss of whoever has one
        gap = runs.loss[:, None] - optimum
        goals = np.multiply(gap, RELATIVE_TARGETS)
        reachable = known[:, None] & (gap >= 0.0) & (goals >= rounding_of(1.0) * np.abs(optimum))
        runs.goals[:] = np.where(reachable, optimum + goals, -np.inf)
    runs.goals[~tracked] = np.nan
    runs.goals_unit[:] = runs.exponents
    runs.needs_loss[:] |= tracked
    runs.level[:], runs.reached[:], runs.above[:] = 0, NEVER, NEVER
    for run in np.flatnonzero(tracked):
        cross(0, run, runs)


def passages(runs: Runs, last: np.ndarray) -> Passages:
    """Return what was kept of runs that ended at ``last``; nothing where ``exact`` is false."""
    targets = np.arange(runs.goals.shape[1])
    above = targets >= runs.level[:, None]
    exact = ~np.isnan(runs.goals[:, 0])
    reached = np.where(runs.reached == NEVER, np.inf, runs.reached)
    kept = np.where(above, np.inf, runs.above + 1.0)
    return Passages(reached, kept, np.asarray(last, dtype=float), exact)


@inlined
def leaves_band(run, runs: Runs):
    """Whether a run's loss came to a goal or left one; also where it is nan."""
    return not (runs.band[run, 0] < runs.loss[run] <= runs.band[run, 1])


@called
def cross(step, run, runs: Runs):
    """Note the step for every goal that the run has come to; set the band that it is in now."""
    goals, before = runs.goals[run], runs.level[run]
    unit = math.pow(2.0, float(runs.exponents[run] - runs.goals_unit[run]))
    level = 0
    while level < goals.size and runs.loss[run] <= goals[level] * unit:
        level += 1
    for k in range(before, level):
        runs.above[run, k] = step - 1
        if runs.reached[run, k] < 0:
            runs.reached[run, k] = step
    runs.level[run] = level
    set_band(run, runs)


@called
def set_band(run, runs: Runs):
    """Write the goals on both sides of the run's level, in its unit."""
    goals, level = runs.goals[run], runs.level[run]
    unit = math.pow(2.0, float(runs.exponents[run] - runs.goals_unit[run]))
    runs.band[run, 0] = goals[level] * unit if level < goals.size else -np.inf
    runs.band[run, 1] = goals[level - 1] * unit if level > 0 else np.inf
