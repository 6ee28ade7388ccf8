"""Where each seed's run is found, and what of it has a meaning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optbench.contract.combinations import ends_by_design
from optbench.engine.chunk import Chunk
from optbench.instance import Instance
from optbench.status import Status
from optbench.study import Cell

Run = tuple[Instance, Chunk, int]
AT_REST = dict.fromkeys((Status.CONVERGED, Status.STALLED), "it is at rest")
ENDED = {Status.HORIZON: "its schedule has ended"}  # no step would be longer than 0


def runs_with_instances(cell: Cell, chunks: Sequence[Chunk]) -> list[Run]:
    """Return (instance, chunk, run) for every seed."""
    table = []
    for index, chunk in enumerate(chunks):
        instance = cell.instances[index] if cell.instance.seeded else cell.instance
        table += [(instance, chunk, run) for run in range(len(chunk.status))]
    return table


class LastPart(NamedTuple):
    """The end of a run: predictors of its last decades, and why it would not go on, if so."""

    instance: Instance
    path: list[tuple[int, np.ndarray]]
    at_rest: str

    @property
    def w(self) -> np.ndarray:
        """The last predictor."""
        return self.path[-1][1]


def last_parts(cell: Cell, runs: Sequence[Run], statuses: Sequence[Status]) -> list[LastPart]:
    """Return the end of every run of a cell that lasted."""
    rests = AT_REST | (ENDED if ends_by_design(cell.choice.optimizer) else {})
    return [
        LastPart(instance, _path(chunk, run), rests.get(status, ""))
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
