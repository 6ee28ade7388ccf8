"""What every learning rate did that was given or tried by the search: the sweep behind one row.

A search lets most of its rates run for a while only: how long is told, and they select nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from optbench.analysis.progress import Progress, progress
from optbench.analysis.runs import hyperparameters, last_parts
from optbench.analysis.selection import majority
from optbench.analysis.settling import judge
from optbench.analysis.statistics import known
from optbench.analysis.theory import candidates
from optbench.columns import LearningRate
from optbench.instance import Instance
from optbench.study import Cell
from optbench.tuning.search import Search, Tried


def learning_rates(
    cell: Cell, search: Search, best: Mapping[Instance, float]
) -> tuple[LearningRate, ...]:
    """Return what each learning rate did, in increasing order; nothing if none is tuned.

    Parameters
    ----------
    cell : Cell
    search : Search
        What ran.
    best : mapping of Instance to float
        From :func:`optbench.analysis.optimum.best_losses`.
    """
    if cell.choice.tuned is None or cell.choice.follows_flow:
        return ()
    return tuple(
        _entry(cell, each, best, selects=each.asked == search.horizon) for each in search.tried
    )


def _entry(cell: Cell, tried: Tried, best: Mapping[Instance, float], selects: bool) -> LearningRate:
    assert tried.rate is not None
    went = progress(cell, tried.chunks, best)
    return LearningRate(
        learning_rate=tried.rate,
        hyperparameters=hyperparameters(cell, tried.rate),
        steps=tried.asked,
        status=went.status,
        stopped=float(min(int(chunk.stopped[run]) for _, chunk, run in went.runs)),
        success_rate=went.success_rate,
        steps_to=went.steps_to,
        reached=went.reached,
        left_again_at=went.left_again_at,
        passages=went.passages_from,
        final_loss=went.final_loss,
        final_suboptimality=went.final_suboptimality,
        log10_final_suboptimality=went.log10_final_suboptimality,
        log10_left=known(went.left / math.log(10.0)),
        selected=_selected(cell, went, tried.rate) if selects else None,
    )


def _selected(cell: Cell, went: Progress, rate: float) -> str | None:
    ends = last_parts(cell, went.runs, went.statuses)
    return majority(
        [
            judge(
                end.instance, candidates(cell, end.instance, rate), end.path, end.at_rest
            ).selected
            for end in ends
        ],
        len(went.runs),
    )
