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
from optbench.study import Cell
from optbench.tune import Search


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
    given = cell.choice.tuned is not None and not cell.choice.as_theorem_asks
    if not given or len(search.longest) < len(search.rates):
        return ()
    return tuple(
        _entry(cell, rate, chunks, best)
        for rate, chunks in zip(search.rates, search.runs, strict=True)
        if rate is not None
    )


def _entry(
    cell: Cell,
    rate: float,
    chunks: list[Chunk],
    best: Mapping[Instance, float],
) -> LearningRate:
    went = progress(cell, chunks, best)
    return LearningRate(
        learning_rate=rate,
        hyperparameters=hyperparameters(cell, rate),
        status=went.status,
        success_rate=went.success_rate,
        steps_to=went.steps_to,
        reached=went.reached,
        left_again_at=went.left_again_at,
        passages=went.passages_from,
        final_loss=went.final_loss,
        final_suboptimality=went.final_suboptimality,
        log10_final_suboptimality=went.log10_final_suboptimality,
        log10_left=known(went.left / math.log(10.0)),
        selected=majority(
            [
                judge(
                    end.instance, candidates(cell, end.instance, rate), end.path, end.at_rest
                ).selected
                for end in last_parts(went.runs, went.statuses)
            ]
        ),
    )
