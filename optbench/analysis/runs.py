"""Where each seed's run is found, and what of it has a meaning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.instance import Instance
from optbench.status import Status
from optbench.study import Cell

Run = tuple[Instance, Chunk, int]
AT_REST = (Status.CONVERGED, Status.STALLED)  # the parameters repeat


def runs_with_instances(cell: Cell, chunks: Sequence[Chunk]) -> list[Run]:
    """Return (instance, chunk, run) for every seed."""
    table = []
    for index, chunk in enumerate(chunks):
        instance = cell.instances[index] if cell.instance.seeded else cell.instance
        table += [(instance, chunk, run) for run in range(len(chunk.status))]
    return table


class LastPart(NamedTuple):
    """The end of a run: predictors of its last decades, and whether it is at rest."""

    instance: Instance
    path: list[tuple[int, np.ndarray]]
    at_rest: bool

    @property
    def w(self) -> np.ndarray:
        """The last predictor."""
        return self.path[-1][1]


def last_parts(runs: Sequence[Run], statuses: Sequence[Status]) -> list[LastPart]:
    """Return the end of every run that lasted."""
    return [
        LastPart(instance, _path(chunk, run), status in AT_REST)
        for (instance, chunk, run), status in zip(runs, statuses, strict=True)
        if status.has_numbers
    ]


def _path(chunk: Chunk, run: int) -> list[tuple[int, np.ndarray]]:
    """Return steps and predictors that were kept of a run, the last one included."""
    records, last = chunk.records, int(chunk.stopped[run])
    kept = [
        (int(step), records.snapshots[place, run])
        for step, place in zip(records.steps, records.place, strict=True)
        if place >= 0 and step < last and not np.isnan(records.snapshots[place, run, 0])
    ]
    return [*kept, (last, chunk.measured.w[run])]


def evaluations_of(chunk: Chunk, run: int) -> float:
    """Return how often a run had the whole objective evaluated until its last record; nan: none."""
    told = chunk.records.evaluations[:, run]
    return float(np.nanmax(told)) if not np.isnan(told).all() else math.nan


def hyperparameters(cell: Cell, rate: float | None) -> dict[str, float]:
    """Return all hyperparameters by name."""
    names = cell.choice.optimizer.hypers
    return dict(zip(names, map(float, cell.choice.hypers(rate)), strict=True))
