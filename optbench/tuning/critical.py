"""The critical rate: where a run begins to diverge within the short run, to 4%."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from optbench.status import Status
from optbench.tuning.starts import Asking, Starts

if TYPE_CHECKING:
    from optbench.tuning.search import Search

SHORTEST = 200  # steps: in fewer a run that grows by 4% a step is not told from one that does not
ROUNDS = 2
PARTS = 6  # of the interval, in each round


def critical_rate(starts: Starts, found: Search, short: int) -> Asking[float | None]:
    """Bracket the border between the rates that survive the short run and those that diverge.

    Parameters
    ----------
    starts : Starts
    found : Search
        Of which all rates have just had the short run; a rate diverges when any seed does.
    short : int
        How many steps that is.

    Returns
    -------
    float or None
        None when there is no such border among the rates that were tried: when none diverges, when
        all do, when a larger rate survives where a smaller one diverges, when the horizon is too
        short to tell, or when time was up.
    """
    border = _border([each.diverged for each in found.tried])
    if border is None or short < SHORTEST or not found.complete:
        return None
    low, high = (found.tried[place].rate for place in (border - 1, border))
    assert low is not None and high is not None
    for _ in range(ROUNDS):
        inner = [float(rate) for rate in np.geomspace(low, high, PARTS + 1)[1:-1]]
        runs = yield from starts.at([*inner], short)
        statuses = [{status for chunk in chunks for status in chunk.status} for chunks in runs]
        if any({Status.INTERRUPTED, Status.TIMEOUT} & each for each in statuses):
            found.complete = False
            return None
        first = next((k for k, each in enumerate(statuses) if Status.DIVERGED in each), len(inner))
        edges = [low, *inner, high]
        low, high = edges[first], edges[first + 1]
    return math.sqrt(low * high)


def _border(diverged: list[bool]) -> int | None:
    """Return the place of the smallest rate that diverges, if all larger ones and no smaller do."""
    survivors = diverged.count(False)
    single = diverged == sorted(diverged) and 0 < survivors < len(diverged)
    return survivors if single else None
