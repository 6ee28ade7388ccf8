"""What the runs of a cell recorded, in the shape in which a comparison gives it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from optbench.analysis.instances import names_of
from optbench.analysis.optimum import optimum_of
from optbench.analysis.runs import runs_with_instances
from optbench.engine.chunk import Chunk
from optbench.engine.ensemble import side_by_side
from optbench.instance import Instance
from optbench.study import Cell
from optbench.targets import log_suboptimality
from optbench.traces import Trace
from optbench.tuning.search import Search


def traces_of(cell: Cell, search: Search, best: Mapping[Instance, float]) -> tuple[Trace, ...]:
    """Return what was recorded: of a search the winner's runs, else those of every learning rate.

    Parameters
    ----------
    cell : Cell
    search : Search
        What ran.
    best : mapping of Instance to float
        From :func:`optbench.analysis.optimum.best_losses`.
    """
    tried = [search.winner] if search.searched else search.tried
    return tuple(
        _trace(
            cell,
            (search.further if each is search.winner else []) or each.chunks,
            best,
            each.rate,
            each is search.winner,
        )
        for each in tried
    )


def _trace(
    cell: Cell,
    chunks: Sequence[Chunk],
    best: Mapping[Instance, float],
    rate: float | None,
    won: bool,
) -> Trace:
    runs, records = runs_with_instances(cell, chunks), side_by_side(chunks)
    optima = [optimum_of(instance, best) for instance, _, _ in runs]
    gaps = [
        log_suboptimality(records.log_loss[:, run], records.loss[:, run], optimum)
        for run, optimum in enumerate(optima)
    ]
    return Trace(
        **names_of(cell),
        learning_rate=rate,
        won=won,
        steps=records.steps,
        evaluations=records.evaluations,
        loss=records.loss,
        log_gap=np.stack(gaps, axis=1),
        measures=dict(records.along),
        w=np.array([chunk.measured.w[run] for _, chunk, run in runs]) if won else None,
    )
