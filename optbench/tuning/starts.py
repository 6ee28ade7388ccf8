"""Fresh runs of one cell at some learning rates, all seeds, and runs that others advance."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.engine.meters import Meter
from optbench.instance import Instance
from optbench.runs import RunSpec, prepare
from optbench.study import Cell

Result = TypeVar("Result")
# Asks for runs to be advanced to a step, is sent them, and returns something in the end.
Asking: TypeAlias = Generator[tuple[list[Chunk], int], list[Chunk], Result]
# What is measured along the runs of a cell on one of its instances, at some learning rates.
Along: TypeAlias = Callable[[Cell, Instance, Sequence[float | None]], Meter]


@dataclass(frozen=True)
class Starts:
    """What the runs of a cell share.

    Attributes
    ----------
    cell : Cell
    seeds : int
        How many.
    horizon : int
        How far any of them may go.
    perturbation : float
        Standard deviation of the initial noise of seeds 1, 2, ... where the data is given.
    along : callable, optional
        Says what is measured along the runs.
    """

    cell: Cell
    seeds: int
    horizon: int
    perturbation: float
    along: Along | None = None

    def at(self, rates: list[float | None], step: int) -> Asking[list[list[Chunk]]]:
        """Return runs from the start to ``step``: for each rate one chunk an instance."""
        seeds = list(range(self.seeds))
        groups = [(self.cell.instance, seeds)]
        if self.cell.instance.seeded:
            groups = [(instance, [seed]) for seed, instance in enumerate(self.cell.instances)]
        fresh = [self._fresh(rates, instance, seeds) for instance, seeds in groups]
        advanced = iter((yield [chunk for chunks in fresh for chunk in chunks], step))
        by_rate: list[list[Chunk]] = [[] for _ in rates]
        for (_, seeds), chunks in zip(groups, fresh, strict=True):
            own = [next(advanced) for _ in chunks]
            flat = [(chunk, row) for chunk in own for row in range(len(chunk.status))]
            for index in range(len(rates)):
                mine = flat[index * len(seeds) : (index + 1) * len(seeds)]
                for chunk in dict.fromkeys(chunk for chunk, _ in mine):
                    rows = np.array([row for owner, row in mine if owner is chunk])
                    by_rate[index].append(chunk.subset(rows))
        return by_rate

    def _fresh(
        self, rates: list[float | None], instance: Instance, seeds: list[int]
    ) -> list[Chunk]:
        """Return runs that have not begun: rate after rate, seed after seed."""
        choice = self.cell.choice
        shared = RunSpec(
            instance,
            self.cell.parametrization,
            choice.optimizer,
            (),
            self.horizon,
            perturbation=0.0 if instance.seeded else self.perturbation,
            snapshots="last decades",  # whether w has settled
            passages=True,
        )
        values = [tuple(choice.hypers(rate).tolist()) for rate in rates]
        chunks = prepare([replace(shared, hypers=own, seed=s) for own in values for s in seeds])
        if self.along is not None:
            meter = self.along(self.cell, instance, rates)
            for chunk in chunks:
                chunk.measure_along(meter)
        return chunks
