"""What every learning rate did that the user gave: the sweep behind one row.

Only rates that all went to the horizon are told.  The automatic search runs most of its rates for
a short while: these are no results, and its list is empty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from optbench.analysis.progress import progress
from optbench.analysis.runs import hyperparameters, last_parts
from optbench.analysis.selection import majority
from optbench.analysis.settling import judge
from optbench.analysis.statistics import known
from optbench.analysis.theory import candidates
from optbench.columns import LearningRate
from optbench.engine.chunk import Chunk
from optbench.instance import Instance
from optbench.references import Reference
from optbench.study import Cell
from optbench.tune import Search

Candidates = dict[Instance, dict[str, Reference]]


def learning_rates(
    cell: Cell, search: Search, best: Mapping[Instance, float]
) -> tuple[LearningRate, ...]:
    """Return what each learning rate did that the user gave, in increasing order.

    Parameters
    ----------
    cell : Cell
    search : Search
        Its finished runs.
    best : mapping of Instance to float
        From :func:`optbench.analysis.optimum.best_losses`.
    """
    if cell.choice.tuned is None or len(search.longest) < len(search.rates):
        return ()
    references = {instance: candidates(cell, instance) for instance in cell.instances}
    return tuple(
        _entry(cell, rate, chunks, references, best)
        for rate, chunks in zip(search.rates, search.runs, strict=True)
        if rate is not None
    )


def _entry(
    cell: Cell,
    rate: float,
    chunks: list[Chunk],
    references: Candidates,
    best: Mapping[Instance, float],
) -> LearningRate:
    went = progress(cell, chunks, best)
    return LearningRate(
        learning_rate=rate,
        hyperparameters=hyperparameters(cell, rate),
        status=went.status,
        success_rate=went.success_rate,
        steps_to=went.steps_to,
        final_loss=went.final_loss,
        final_suboptimality=went.final_suboptimality,
        log10_final_suboptimality=went.log10_final_suboptimality,
        log10_left=known(went.left / math.log(10.0)),
        selected=majority(
            [
                judge(end.instance, references[end.instance], end.path, end.at_rest).selected
                for end in last_parts(went.runs, went.statuses)
            ]
        ),
    )
