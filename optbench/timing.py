"""What a step of one run costs: its processor time, and how many times that of the baseline.

A kernel neither waits nor sleeps, so its processor time is its wall time on an idle machine; on a
busy one it leaves out the time that others had the core.  What is left (another clock frequency, a
shared cache) only adds time, to whatever runs at that moment.  So two contenders take turns in short
bursts, and the least time of each is compared: minutes apart they would be on another machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from optbench.contract import Optimizer
from optbench.engine.chunk import Chunk
from optbench.errors import UserError
from optbench.runs import RunSpec, prepare
from optbench.status import Status
from optbench.study import Cell, Choice

ROUNDS = 9
OUTER = 1  # so many rounds may be outside of the interval at each end: it covers 96.1 %
SECONDS = 3e-4  # of a burst
FEWEST_STEPS, MOST_STEPS = 4, 2**20
EMPTY_ROUNDS = 4  # every so many rounds the call around the steps is timed as well

# Seconds of a call of so many steps from the start; nan when the run diverges in them.
Stopwatch = Callable[[int], float]


@dataclass(frozen=True)
class StepTime:
    """What a step costs.

    Attributes
    ----------
    nanoseconds : float
        Least of all rounds; nan when the run diverges in them.
    ratio : float
        That over the baseline's, of the same rounds; nan where there is none.
    interval : tuple of float
        Where the ratio lies: the second smallest and second largest of the rounds, widened to the
        ratio itself; nan where there is none.
    """

    nanoseconds: float
    ratio: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)


def step_time(own: Stopwatch, baseline: Stopwatch | None = None) -> StepTime:
    """Time the steps of a run in turn with those of the baseline.

    What a call costs beside its steps is subtracted: an optimizer that draws samples evaluates the
    whole objective at the end of a call.

    The interval is that of a sign test.  In a round both contenders meet the same machine: when
    disturbances hit either of them alike, its ratio is above the true one as often as below, and of
    nine such rounds the second smallest and the second largest enclose it in 1 - 20 / 512 = 96.1 %
    of all cases, whatever the machine does from one round to the next.

    Parameters
    ----------
    own, baseline : callable
        ``seconds = stopwatch(steps)``.

    Returns
    -------
    StepTime
    """
    watches = [own] if baseline is None else [own, baseline]
    lengths = [_burst(watch) for watch in watches]
    bursts = np.empty((ROUNDS, len(watches)))
    empty = np.full(len(watches), math.inf)
    for place in range(ROUNDS):
        in_turn = range(len(watches)) if place % 2 == 0 else reversed(range(len(watches)))
        for i in in_turn:
            bursts[place, i] = watches[i](lengths[i])
            if place % EMPTY_ROUNDS == 0:
                empty[i] = min(empty[i], watches[i](1))
    least = bursts.min(axis=0)
    taken = (least - empty) / (np.array(lengths) - 1)
    nanoseconds = float(taken[0]) * 1e9
    if baseline is None or not min(taken) > 0.0:
        return StepTime(nanoseconds if nanoseconds > 0.0 else math.nan)
    ratio = float(taken[0] / taken[1])
    slower = bursts / least  # than in the best round
    apart = np.sort(slower[:, 0] / slower[:, 1])
    low, high = min(float(apart[OUTER]), 1.0), max(float(apart[-1 - OUTER]), 1.0)
    return StepTime(nanoseconds, ratio, (ratio * low, ratio * high))


def _burst(watch: Stopwatch) -> int:
    """Return how many steps take long enough to be timed."""
    steps = FEWEST_STEPS
    while steps < MOST_STEPS:
        empty = watch(1)
        seconds = watch(steps) - empty
        enough = max(SECONDS, empty)
        if math.isnan(seconds) or seconds >= enough / 2:
            break
        growth = 0.8 * enough / max(seconds, 1e-6)
        steps = int(min(steps * min(max(2.0, growth), 64.0), MOST_STEPS))
    return steps


def stopwatch(cell: Cell, rate: float | None) -> Stopwatch:
    """Return what times a run of a cell, compiled before: from its start, without records between.

    Parameters
    ----------
    cell : Cell
    rate : float or None
        Value of the tuned hyperparameter.
    """
    hypers = tuple(cell.choice.hypers(rate).tolist())
    spec = RunSpec(cell.instance, cell.parametrization, cell.choice.optimizer, hypers)
    (start,) = prepare([spec])
    start.advance(0)
    return lambda steps: _seconds(start, steps)


def standing_still(cell: Cell, baseline: Optimizer) -> Stopwatch | None:
    """Return what times the baseline where a cell runs, with a learning rate of 0.

    A step costs the same wherever it leads.  One that leads nowhere neither diverges nor depends on
    a search, and it can be timed where the baseline could not run: in the positive orthant.

    Returns
    -------
    callable or None
        None where the baseline needs what there is not.
    """
    try:
        watch = stopwatch(replace(cell, choice=Choice(baseline, {})), 0.0)
    except UserError:
        return None
    return None if math.isnan(watch(FEWEST_STEPS)) else watch


def _seconds(start: Chunk, steps: int) -> float:
    chunk = start.subset(np.array([0]))
    seconds = chunk.seconds_to(steps)
    return seconds if chunk.status == [Status.HORIZON] else math.nan
