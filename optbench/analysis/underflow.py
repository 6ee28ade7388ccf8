"""Whether the gradients of an optimizer that is not declared homogeneous have underflowed.

On data that can be separated losses fall like exp(-margin), and gradients with them: below 1e-308
they lose their digits and their direction, while a rule that needs nothing else would go on.  A
homogeneous rule is handed them in a unit in which they do not underflow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from optbench.analysis.runs import Run
from optbench.engine.chunk import Chunk
from optbench.study import Cell

TINY = float(np.finfo(float).tiny)  # the smallest number that has all its digits
ADVICE = (
    "declare homogeneous=True if its path does not depend on the unit of the objective "
    "(`optbench check` finds the degrees)"
)


def underflow(cell: Cell, runs: Sequence[Run]) -> str | None:
    """Return since when the steps of runs mean nothing; None if no gradient underflowed."""
    if cell.choice.optimizer.homogeneous or not cell.instance.exponential_tail:
        return None
    found = [each for _, chunk, run in runs if (each := _underflow(chunk, run)) is not None]
    if not found:
        return None
    step, what = min(found)
    share = "" if len(runs) == 1 else f" ({len(found)} of {len(runs)} seeds)"
    return f"{what} underflowed at step {step:,}{share}: {ADVICE}"


def _underflow(chunk: Chunk, run: int) -> tuple[int, str] | None:
    """Return the first recorded step at which a run's gradient, or its square, was too small.

    In the tail of these losses the gradient is as small as the loss.  That the optimizer squares
    it is seen by what it holds.
    """
    steps, sizes = chunk.records.steps, chunk.records.log_loss[:, run]
    gone = np.flatnonzero(sizes < math.log(TINY))
    if gone.size:
        return int(steps[gone[0]]), "the gradient"
    small = np.flatnonzero(sizes < 0.5 * math.log(TINY))
    held = np.abs(chunk.runs.state[run])
    if small.size and np.any((held > 0.0) & (held < TINY)):
        return int(steps[small[0]]), "the square of the gradient"
    return None
