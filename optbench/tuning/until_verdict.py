"""Beyond the horizon: a winner's runs go on until they have settled, while that is cheap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.status import Status
from optbench.study import Cell
from optbench.tuning.starts import Asking

if TYPE_CHECKING:
    from optbench.tuning.search import Search

FURTHER = (math.sqrt(10.0), 10.0, math.sqrt(1000.0), 100.0)  # times the horizon
WORK = 1e11  # numbers of the data that one run may read in all: about a minute on one core

# Whether all runs of a cell, of the winner and its rate, have settled: no more steps are needed.
Settled: TypeAlias = Callable[[Cell, Sequence[Chunk], float | None], bool]


def cut_short(chunk: Chunk) -> bool:
    """Whether Ctrl-C or the time limit ended a run."""
    return bool({Status.INTERRUPTED, Status.TIMEOUT} & set(chunk.status))


def go_on(cell: Cell, found: Search, horizon: int, settled: Settled) -> Asking[None]:
    """Let the winner's runs go on beyond the horizon until they have settled.

    How far is a matter of steps, never of time, so that a table does not depend on the machine: a
    hundred times the horizon at most, and no more steps than read ``WORK`` numbers of the data.

    Parameters
    ----------
    cell : Cell
    found : Search
        After its search; ``found.further`` gets the runs, those of the horizon stay as they are.
    horizon : int
    settled : callable
        Whether the runs of a cell have settled.
    """
    features = cell.instance.features
    size = cell.instance.outputs * (features.nnz if cell.instance.sparse else features.size)
    chunks, rate = found.runs[found.best], found.rates[found.best]
    for factor in FURTHER:
        steps = round(horizon * factor)
        running = any(status == Status.HORIZON for chunk in chunks for status in chunk.status)
        affordable = found.complete and running and steps * size <= WORK
        if not affordable or settled(cell, chunks, rate):
            break
        copies = [chunk.subset(np.arange(len(chunk.status))) for chunk in chunks]
        chunks = found.further = yield copies, steps
        found.complete &= not any(map(cut_short, chunks))
