"""Nanoseconds per step of one run alone: compiled before, the best of alternating repeats."""

from __future__ import annotations

import statistics
import time

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import make_chunks
from optbench.study import Cell

REPEATS = 5
SECONDS = 0.01


def nanoseconds_per_step(cell: Cell, rate: float | None) -> float:
    """Time the inner loop of a single run from its start, without records between.

    Parameters
    ----------
    cell : Cell
        What to run.
    rate : float or None
        Value of the tuned hyperparameter.

    Returns
    -------
    float
        Median over five repeats of about 10 ms each; nan when the run ends at once.
    """
    steps = 16
    times: list[float] = []
    while len(times) < REPEATS:
        chunk = _fresh(cell, rate)
        chunk.advance(0)
        began = time.perf_counter()
        chunk.advance(steps, steps=np.array([steps]))
        seconds = chunk.seconds if chunk.step == steps else time.perf_counter() - began
        if not all(status == "horizon" for status in chunk.status):
            return float("nan")
        if seconds < SECONDS / 2 and steps < 2**22:
            steps = int(min(steps * max(2.0, 0.8 * SECONDS / max(seconds, 1e-7)), 2**22))
            continue
        times.append(seconds / steps * 1e9)
    return statistics.median(times)


def _fresh(cell: Cell, rate: float | None) -> Chunk:
    hypers = cell.choice.hypers(rate)[None]
    optimizer = cell.choice.optimizer
    return make_chunks(cell.instance, cell.parametrization, optimizer, hypers, [0])[0]
