"""Nanoseconds per step of one run alone, compiled before: processor time of its thread.

A kernel neither waits nor sleeps, so its processor time is its wall time on an idle machine; on a
busy one it leaves out the time that others had the core.
"""

from __future__ import annotations

import math
import statistics

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.runs import RunSpec, prepare
from optbench.status import Status
from optbench.study import Cell

REPEATS = 5
SECONDS = 0.001
MOST_STEPS = 2**20


def nanoseconds_per_step(cell: Cell, rate: float | None) -> float:
    """Time the inner loop of a single run from its start, without records between.

    What a call of the loop costs beside its steps is subtracted: an optimizer that draws samples
    evaluates the whole objective at the end of a call.

    Parameters
    ----------
    cell : Cell
        What to run.
    rate : float or None
        Value of the tuned hyperparameter.

    Returns
    -------
    float
        Median over five repeats of about 1 ms each; nan when the run diverges in them.
    """
    start = _start(cell, rate)
    steps = 16
    times: list[float] = []
    while len(times) < REPEATS:
        seconds = _seconds(start, steps) - _seconds(start, 1)
        if math.isnan(seconds):
            return math.nan
        if seconds < SECONDS / 2 and steps < MOST_STEPS:
            growth = 0.8 * SECONDS / max(seconds, 1e-6)
            steps = int(min(steps * min(max(2.0, growth), 64.0), MOST_STEPS))
            continue
        times.append(seconds / (steps - 1) * 1e9)
    return statistics.median(times)


def _seconds(start: Chunk, steps: int) -> float:
    """Return the processor time of a call of ``steps`` steps; nan when the run diverges in them."""
    chunk = start.subset(np.array([0]))
    seconds = chunk.seconds_to(steps)
    return seconds if chunk.status == [Status.HORIZON] else math.nan


def _start(cell: Cell, rate: float | None) -> Chunk:
    hypers = tuple(cell.choice.hypers(rate).tolist())
    (chunk,) = prepare(
        [RunSpec(cell.instance, cell.parametrization, cell.choice.optimizer, hypers)]
    )
    chunk.advance(0)
    return chunk
