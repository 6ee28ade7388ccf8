"""Where each seed's run is found, and what of it has a meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.instance import Instance
from optbench.status import Status
from optbench.study import Cell

Run = tuple[Instance, Chunk, int]


def runs_with_instances(cell: Cell, chunks: Sequence[Chunk]) -> list[Run]:
    """Return (instance, chunk, run) for every seed."""
    table = []
    for index, chunk in enumerate(chunks):
        instance = cell.instances[index] if cell.instance.seeded else cell.instance
        table += [(instance, chunk, run) for run in range(len(chunk.status))]
    return table


def last_predictors(
    runs: Sequence[Run], statuses: Sequence[Status]
) -> list[tuple[Instance, np.ndarray]]:
    """Return (instance, w) of every run that lasted and has moved from zero."""
    found = []
    for (instance, chunk, run), status in zip(runs, statuses, strict=True):
        w = chunk.runs.w[run]
        if status.has_numbers and np.any(w):
            found.append((instance, w))
    return found


def hyperparameters(cell: Cell, rate: float | None) -> dict[str, float]:
    """Return all hyperparameters by name."""
    names = cell.choice.optimizer.hypers
    return dict(zip(names, map(float, cell.choice.hypers(rate)), strict=True))
