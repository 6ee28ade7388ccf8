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
from numba.extending import register_jitable

from optbench.engine.compiler.overloads import INLINED, called, inlined
from optbench.engine.types import RUNNING, Runs
from optbench.targets import RELATIVE_TARGETS, Passages, rounding_of

NEVER = -1
CAUTION, ROUNDING = 1.0 - 1e-6, 1e-12  # of distances, and of logarithms of losses: far more
LARGEST_POWER = 1000.0  # of two, that a goal is multiplied by: no loss in its unit is as large


def no_passages(
    count: int,
    optimum: float,
    reach: float = 0.0,
    smoothness: float = math.inf,
    anchored: int = 0,
) -> dict[str, np.ndarray]:
    """Return these fields of runs that have not begun; nan as optimum: nothing will be kept."""
    targets = len(RELATIVE_TARGETS)
    return {
        "optimum": np.full(count, optimum),
        "goals": np.full((count, targets), np.nan),
        "goals_unit": np.zeros(count, np.int64),
        "band": np.tile([-np.inf, np.inf], (count, 1)),
        "reach": np.full(count, reach),
        "smoothness": np.full(count, smoothness),
        "room": np.zeros(count),
        "anchor": np.zeros((count, anchored)),
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
    runs.room[:] = 0.0
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
def ask_for_losses(runs: Runs):
    """Have those losses evaluated that may be at another level than where they were last."""
    for run in range(runs.reach.size):
        if runs.reach[run] > 0.0 and runs.status[run] == RUNNING:
            way = distance(runs.w[run], runs.anchor[run])
            runs.needs_loss[run] = not way < runs.room[run]


@register_jitable(fastmath={"reassoc"}, **INLINED)
def distance(w, anchor):
    """Return the L2 distance of two vectors."""
    total = 0.0
    for i in range(w.size):
        total += (w[i] - anchor[i]) * (w[i] - anchor[i])
    return math.sqrt(total)


@register_jitable(fastmath={"reassoc"}, **INLINED)
def norm(vector):
    """Return the L2 norm of a vector."""
    total = 0.0
    for i in range(vector.size):
        total += vector[i] * vector[i]
    return math.sqrt(total)


@inlined
def follow(step, run, runs: Runs):
    """Take notice of a loss that has been evaluated, unless it is in the band where it was."""
    if not (runs.band[run, 0] < runs.loss[run] <= runs.band[run, 1]):  # also where it is nan
        cross(step, run, runs)
    if runs.reach[run] > 0.0:
        drop_anchor(run, runs)


@called
def drop_anchor(run, runs: Runs):
    """Measure from here how far w may go before the loss can be at a goal.

    The logarithm of the loss changes by at most ``reach`` times the distance; the loss by at most
    the slope times the distance and half the smoothness times its square.  Where the optimum is not
    0 and the gap is small against it, the slope is small, too, and the second bound is far better.
    """
    w, anchor = runs.w[run], runs.anchor[run]
    for i in range(w.size):
        anchor[i] = w[i]
    low, loss, high = runs.band[run, 0], runs.loss[run], runs.band[run, 1]
    down = math.log(loss / low) if low > 0.0 else math.inf
    up = math.log(high / loss) if high < math.inf else math.inf
    runs.room[run] = (CAUTION * min(down, up) - ROUNDING) / runs.reach[run]
    space = CAUTION * min(loss - low, high - loss) - ROUNDING * loss
    if runs.smoothness[run] < math.inf and 0.0 < space < math.inf:
        steepest = ROUNDING * runs.reach[run] * loss + norm(runs.gradient_w[run])
        bend = runs.smoothness[run] * math.pow(2.0, min(runs.exponents[run], LARGEST_POWER))
        root = math.sqrt(steepest * steepest + 2.0 * bend * space)
        runs.room[run] = max(runs.room[run], 2.0 * space / (steepest + root))


@called
def cross(step, run, runs: Runs):
    """Note the step for every goal that the run has come to; set the band that it is in now."""
    goals, before = runs.goals[run], runs.level[run]
    unit = own_unit(run, runs)
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
    unit = own_unit(run, runs)
    runs.band[run, 0] = goals[level] * unit if level < goals.size else -np.inf
    runs.band[run, 1] = goals[level - 1] * unit if level > 0 else np.inf


@called
def own_unit(run, runs: Runs):
    """Return what a goal is multiplied by in the unit that the run has now."""
    powers = float(runs.exponents[run] - runs.goals_unit[run])
    return math.pow(2.0, min(powers, LARGEST_POWER))
