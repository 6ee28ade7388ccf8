"""What a step costs, relative to the baseline's on the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from optbench.columns import ConvergenceRow
from optbench.study import Cell


def relative_costs(cells: Sequence[Cell], rows: Sequence[ConvergenceRow]) -> list[ConvergenceRow]:
    """Divide each row's time per step by the baseline's on the same instance and parametrization.

    Parameters
    ----------
    cells, rows : sequence
        In the same order.  The baseline is the first row that was timed of an optimizer declared
        with ``baseline=True``; where there is none, rows stay without a relative cost.
    """
    baseline: dict[tuple[str, str], ConvergenceRow] = {}
    for cell, row in zip(cells, rows, strict=True):
        if cell.choice.optimizer.baseline and row.ns_per_step:
            baseline.setdefault((row.instance_id, row.parametrization), row)
    return [_compared(row, baseline.get((row.instance_id, row.parametrization))) for row in rows]


def _compared(row: ConvergenceRow, own: ConvergenceRow | None) -> ConvergenceRow:
    if own is None or not own.ns_per_step or row.ns_per_step is None:
        return replace(row, relative_cost=None, baseline=None)
    return replace(row, relative_cost=row.ns_per_step / own.ns_per_step, baseline=own.optimizer)
