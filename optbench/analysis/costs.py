"""Time of a step in the rows: its own, and relative to the baseline's of the same minute."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from optbench.columns import ConvergenceRow
from optbench.contract import Optimizer
from optbench.environment import now
from optbench.study import Cell
from optbench.timing import Stopwatch, standing_still, step_time, stopwatch


@dataclass
class Costs:
    """What steps cost in one session.

    Attributes
    ----------
    baseline : Optimizer, optional
        What costs are relative to.
    date : str
        When: UTC, ISO 8601.
    """

    baseline: Optimizer | None
    date: str = field(default_factory=now)
    _standing: dict[tuple[str, str], Stopwatch | None] = field(default_factory=dict)

    def timed(self, cell: Cell, row: ConvergenceRow) -> ConvergenceRow:
        """Return a row with the times of a run at its best learning rate.

        Parameters
        ----------
        cell : Cell
        row : ConvergenceRow
            Its numbers of steps.
        """
        found = step_time(stopwatch(cell, row.best_learning_rate), self._baseline_of(cell))
        if math.isnan(found.nanoseconds):
            return row
        row = replace(
            row,
            ns_per_step=found.nanoseconds,
            timed_on=self.date,
            seconds_to={
                target: None if steps is None else steps * found.nanoseconds * 1e-9
                for target, steps in row.steps_to.items()
            },
        )
        if self._is_baseline(cell):
            return replace(row, relative_cost=1.0, baseline=cell.choice.optimizer.name)
        if self.baseline is None or math.isnan(found.ratio):
            return replace(row, relative_cost=None, relative_cost_interval=None, baseline=None)
        return replace(
            row,
            relative_cost=found.ratio,
            relative_cost_interval=found.interval,
            baseline=self.baseline.name,
        )

    def _is_baseline(self, cell: Cell) -> bool:
        own = cell.choice.optimizer.identity
        return self.baseline is not None and own == self.baseline.identity

    def _baseline_of(self, cell: Cell) -> Stopwatch | None:
        if self.baseline is None or self._is_baseline(cell):
            return None
        place = cell.instance.identity, cell.parametrization.name
        if place not in self._standing:
            self._standing[place] = standing_still(cell, self.baseline)
        return self._standing[place]
