"""What suboptimality is measured from: the declared optimum, or the best loss of all rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from optbench.analysis.runs import runs_with_instances
from optbench.engine.ensemble import side_by_side
from optbench.instance import Instance
from optbench.study import Cell
from optbench.tuning.search import Search

ROUNDING = 1e-9  # of the first loss: sums of millions of terms stay far below it
OPTIMUM_UNKNOWN = (
    'optimum unknown: no targets, gaps or rate laws; optimal_value="best" in the problem would '
    "measure from the best loss of all rows"
)


def depends_on_other_rows(cell: Cell) -> bool:
    """Whether a row of this cell cannot be told without the other rows of its instance."""
    return any(instance.optimal_value == "best" for instance in cell.instances)


def best_losses(searched: Iterable[tuple[Cell, Search]]) -> dict[Instance, float]:
    """Return the optimum where the runs say more of it than the problem.

    That is the least loss that a row recorded for instances with ``optimal_value="best"``, and nan
    where a row went below the infimum that the problem declares: that number is refuted.

    Parameters
    ----------
    searched : iterable of (Cell, Search)
        All cells of a comparison that ran: of each the winning rate counts, at every record.
    """
    found: dict[Instance, float] = {}
    for cell, search in searched:
        chunks = search.runs[search.best]
        loss = side_by_side(chunks).loss
        for run, (instance, _, _) in enumerate(runs_with_instances(cell, chunks)):
            least = float(np.nanmin(loss[:, run], initial=math.inf))
            if not math.isfinite(least):
                continue
            if instance.optimal_value == "best":
                found[instance] = min(least, found.get(instance, math.inf))
            elif _is_below(instance, least, float(loss[0, run])):
                found[instance] = math.nan
    return found


def _is_below(instance: Instance, least: float, first: float) -> bool:
    """Whether a loss is below the declared infimum by more than rounding."""
    if instance.stochastic:  # what is recorded is the loss of a sample
        return False
    return least < instance.optimum - ROUNDING * max(abs(instance.optimum), abs(first))


def refuted(instances: Iterable[Instance], best: Mapping[Instance, float]) -> list[str]:
    """Return a line for each instance whose declared infimum its own runs refute."""
    return [
        f"{instance.problem} on {instance.name}: a loss is below {instance.optimum:.6g}, which the "
        "problem declares as the infimum: gaps, targets and rate laws of its rows are left out"
        for instance in instances
        if math.isnan(best.get(instance, 0.0))
    ]


def optimum_of(instance: Instance, best: Mapping[Instance, float]) -> float:
    """Return the infimum of the loss; nan where it is unknown."""
    return best.get(instance, instance.optimum)
