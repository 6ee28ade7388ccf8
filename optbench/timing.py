"""What a step of one run costs: its processor time, and how many times that of the baseline.

A kernel neither waits nor sleeps, so its processor time is its wall time on an idle machine; on a
busy one it leaves out the time that others had the core.  What is left (another clock frequency, a
shared cache) only adds time, to whatever runs at that moment.  So two contenders take turns in
short bursts, and the least times are compared: minutes apart they would be on another machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optbench.choices import Choice
from optbench.contract import Optimizer
from optbench.errors import UserError
from optbench.runs import RunSpec, prepare
from optbench.study import Cell

ROUNDS = 9
SECONDS = 1.2e-4  # of a burst
FEWEST_STEPS, MOST_STEPS = 4, 2**20

# Seconds of a call of so many steps from the start; nan when the run diverges in them.
Stopwatch = Callable[[int], float]


@dataclass(frozen=True)
class StepTime:
    """What a step costs.

    Attributes
    ----------
    nanoseconds : float
        The least; nan when the run diverges meanwhile.
    ratio : float
        That over the baseline's; nan where there is none.
    interval : tuple of float
        The smallest and the largest ratio of all rounds; nan where there is none.
    """

    nanoseconds: float
    ratio: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)


def step_time(own: Stopwatch, baseline: Stopwatch | None = None) -> StepTime:
    """Time the steps of a run in turn with those of the baseline.

    A round has two bursts of either, A B B A and then B A A B, and keeps the shorter of each.  What
    a call costs beside its steps is subtracted: an optimizer that draws samples evaluates the whole
    objective at the end of a call.

    The ratio is that of the least times, unless all rounds but one are on the same side of it: then
    the clock has changed between the two bursts that were the shortest.

    The interval is that of a sign test.  Within a round both contenders meet the same machine: if
    what disturbs one of them may as well disturb the other, its ratio is as often above the true
    one as below, and nine rounds enclose that in 1 - 2 / 512 = 99.6 % of all cases, whatever the
    machine does from one round to the next.

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
    while True:
        bursts, around = _rounds(watches, lengths)
        short = bursts.min(axis=0) - around.min(axis=0) < SECONDS / 4
        if not any(short) or max(lengths) >= MOST_STEPS:
            break
        lengths = [8 * n if is_short else n for n, is_short in zip(lengths, short, strict=True)]
    steps = np.array(lengths) - 1
    least = (bursts.min(axis=0) - around.min(axis=0)) / steps * 1e9
    if not least[0] > 0.0:
        return StepTime(math.nan)
    if baseline is None or not least[1] > 0.0:
        return StepTime(float(least[0]))
    # the least of five rounds; SciPy's filter takes longer to import than all the bursts
    near = np.pad(around, ((2, 2), (0, 0)), mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(near, 5, axis=0).min(axis=-1)
    taken = (bursts - near) / steps
    ratios = np.sort(taken[:, 0] / taken[:, 1])
    low, second, *_, last_but_one, high = ratios.tolist()
    if not second > 0.0:  # calls of one step took longer than of many
        return StepTime(float(least[0]))
    ratio = min(max(float(least[0] / least[1]), second), last_but_one)
    return StepTime(float(least[0]), ratio, (max(low, 0.0), high))


def _rounds(
    watches: Sequence[Stopwatch], lengths: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the seconds of each round's shorter burst and of a call of one step, (rounds, K)."""
    bursts = np.full((ROUNDS, len(watches)), math.inf)
    around = np.empty(bursts.shape)
    for place in range(ROUNDS):
        order = list(range(len(watches)))[:: 1 if place % 2 == 0 else -1]
        for i in [*order, *reversed(order)]:
            bursts[place, i] = np.minimum(bursts[place, i], watches[i](lengths[i]))
        for i in order:
            around[place, i] = watches[i](1)
    return bursts, around


def _burst(watch: Stopwatch) -> int:
    """Return how many steps seem to take long enough to be timed."""
    steps, empty = FEWEST_STEPS, math.inf
    watch(steps)  # the first call finds nothing in the caches
    while steps < MOST_STEPS:
        empty = min(empty, watch(1))
        seconds = watch(steps) - empty
        enough = max(SECONDS, empty)
        if math.isnan(seconds) or seconds >= enough / 2:
            break
        growth = 0.8 * enough / max(seconds, 1e-5)
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
    return start.stopwatch()


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
