"""What every learning rate did that the user gave: the sweep behind one row.

Only rates that all went to the horizon are told.  The automatic search runs most of its rates for
a short while: these are no results, and its list is empty.
"""

from __future__ import annotations

import math
from typing import Any

from optbench.analysis.progress import (
    final_suboptimality,
    hyperparameters,
    last_predictors,
    progress,
)
from optbench.analysis.selection import majority, select
from optbench.analysis.statistics import finite
from optbench.analysis.theory import candidates
from optbench.engine.chunk import Chunk
from optbench.instance import Instance
from optbench.references import Reference
from optbench.study import Cell
from optbench.tune import Search

Candidates = dict[Instance, dict[str, Reference]]


def learning_rates(cell: Cell, search: Search) -> list[dict[str, Any]]:
    """Return one entry per learning rate that the user gave, in increasing order.

    Parameters
    ----------
    cell : Cell
    search : Search
        Its finished runs.

    Returns
    -------
    list of dict
        ``learning_rate``, ``hyperparameters``, ``status``, ``success_rate``, ``steps_to``,
        ``final_suboptimality`` and ``log10_final_suboptimality`` as in rows of the convergence
        table; ``log10_left``: the last over the first suboptimality, the unit of the targets;
        ``selected`` as in rows of the implicit-bias table.
    """
    if cell.choice.tuned is None or len(search.longest) < len(search.rates):
        return []
    references = {instance: candidates(cell, instance) for instance in cell.instances}
    return [
        _entry(cell, rate, chunks, references)
        for rate, chunks in zip(search.rates, search.runs, strict=True)
    ]


def _entry(
    cell: Cell, rate: float | None, chunks: list[Chunk], references: Candidates
) -> dict[str, Any]:
    went = progress(cell, chunks)
    return {
        "learning_rate": rate,
        "hyperparameters": hyperparameters(cell, rate),
        "status": went.status,
        "success_rate": went.success_rate,
        "steps_to": went.steps_to,
        **final_suboptimality(went),
        "log10_left": finite(went.left / math.log(10.0)),
        "selected": majority(
            [
                select(instance, references[instance], w).selected
                for instance, w in last_predictors(went.runs, went.statuses)
            ]
        ),
    }
