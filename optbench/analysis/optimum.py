"""What suboptimality is measured from: the declared optimum, or the best loss of all rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from optbench.analysis.runs import runs_with_instances
from optbench.engine.ensemble import side_by_side
from optbench.instance import Instance
from optbench.study import Cell
from optbench.tune import Search

OPTIMUM_UNKNOWN = (
    'optimum unknown: no targets, gaps or rate laws; optimal_value="best" in the problem would '
    "measure from the best loss of all rows"
)


def depends_on_other_rows(cell: Cell) -> bool:
    """Whether a row of this cell cannot be told without the other rows of its instance."""
    return any(instance.optimal_value == "best" for instance in cell.instances)


def best_losses(searched: Iterable[tuple[Cell, Search]]) -> dict[Instance, float]:
    """Return the least loss that a row recorded, for instances with ``optimal_value="best"``.

    Parameters
    ----------
    searched : iterable of (Cell, Search)
        All cells of a comparison that ran: of each the winning rate counts, at every record.
    """
    least: dict[Instance, float] = {}
    for cell, search in searched:
        if not depends_on_other_rows(cell):
            continue
        chunks = search.runs[search.best]
        loss = side_by_side(chunks).loss
        for run, (instance, _, _) in enumerate(runs_with_instances(cell, chunks)):
            found = float(np.nanmin(loss[:, run], initial=math.inf))
            if math.isfinite(found):
                least[instance] = min(found, least.get(instance, math.inf))
    return least


def optimum_of(instance: Instance, best: Mapping[Instance, float]) -> float:
    """Return the infimum of the loss; nan where it is unknown."""
    return best.get(instance, instance.optimum)
