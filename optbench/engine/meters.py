"""What is measured of predictors along the runs: as records come, and then they are forgotten.

A meter measures many predictors at once, of several runs and several records: those that wait are
measured when they fill their room, and when the runs pause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

ROOM = 2**20  # numbers that predictors may take while they wait: 8 MB


class Meter(Protocol):
    """What is measured of the predictors of one instance."""

    @property
    def names(self) -> Sequence[str]:
        """What it measures."""

    @property
    def numbers(self) -> int:
        """How many numbers measuring one predictor takes."""

    def __call__(self, rows: np.ndarray) -> Sequence[np.ndarray]:
        """Measure predictors (m, d): for each name m numbers."""


Along: TypeAlias = dict[str, np.ndarray]  # name: numbers (R, K)


class Waiting(NamedTuple):
    """The predictors w (k, d) of some runs (k,) at one record."""

    record: int
    runs: np.ndarray
    w: np.ndarray


class Meters:
    """The meters of the runs of a chunk.

    Parameters
    ----------
    meters : sequence of Meter
    of_run : ndarray of int (K,)
        Which of them measures each run; -1: none.
    """

    def __init__(self, meters: Sequence[Meter], of_run: np.ndarray) -> None:
        self.meters = meters
        self.of_run = of_run
        self.numbers = max((meter.numbers for meter in meters), default=0)

    @property
    def names(self) -> list[str]:
        """What any of them measures."""
        return list(dict.fromkeys(name for meter in self.meters for name in meter.names))

    def subset(self, rows: np.ndarray) -> Meters:
        """Return those of some runs."""
        return Meters(self.meters, self.of_run[rows])

    @staticmethod
    def side_by_side(parts: Sequence[Meters]) -> Meters:
        """Return those of the runs of several chunks."""
        places = {id(meter): meter for part in parts for meter in part.meters}
        order = {own: place for place, own in enumerate(places)}
        moved = [np.array([*(order[id(m)] for m in part.meters), -1]) for part in parts]
        of_run = [new[part.of_run] for new, part in zip(moved, parts, strict=True)]
        return Meters(list(places.values()), np.concatenate(of_run))

    def take(self, predictors: Waiting, waiting: list[Waiting], along: Along) -> None:
        """Let predictors wait, and measure all that do when their room is full."""
        waiting.append(predictors)
        if sum(len(each.runs) for each in waiting) * self.numbers > ROOM:
            self.measure(waiting, along)

    def measure(self, waiting: list[Waiting], along: Along) -> None:
        """Write what is measured of the predictors that wait, which then do no longer."""
        if not waiting:
            return
        records = np.repeat([each.record for each in waiting], [len(e.runs) for e in waiting])
        runs = np.concatenate([each.runs for each in waiting])
        w = np.concatenate([each.w for each in waiting])
        waiting.clear()
        for place, meter in enumerate(self.meters):
            own = self.of_run[runs] == place
            if own.any():
                for name, numbers in zip(meter.names, meter(w[own]), strict=True):
                    along[name][records[own], runs[own]] = numbers
