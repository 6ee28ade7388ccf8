"""What makes a learning rate better than another: what it keeps to the end of its runs.

Whoever loses fewer seeds is ahead; then whoever keeps 1e-8 from an earlier step to the end.  A
target that is reached and left again does not count (until it has been kept again for a while,
:meth:`optbench.targets.Passages.counted`).  Where nobody keeps 1e-8, whoever keeps more of the
looser targets is ahead: the last loss alone would judge a run that jumps between a large and a
small one by whether its horizon is even.  Then comes whoever ends nearer to the optimum, and of
those that are equally near, up to rounding, whoever keeps the hardest of their targets earlier.
A rate at which one seed diverges is behind every rate at which none does: what a user wants is one
rate that works, and the median over the other seeds would hide that this one does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.instance import Instance
from optbench.targets import RELATIVE_TARGETS, log_suboptimality

TARGET = RELATIVE_TARGETS.index(1e-8)  # the target at which speed decides
BELOW_ALL = 1000.0  # no logarithm of a positive number is as low as minus that


class Score(NamedTuple):
    """How well a rate did: compared from left to right, lower is better.

    Attributes
    ----------
    lost : int
        How many seeds diverged or failed.
    kept : float
        Median over seeds of the step from which 1e-8 is met to the end; inf: it is not.
    missed : float
        Median over seeds of the number of targets that do not count.
    gap : float
        Median over seeds of log((last loss - optimum) / (first loss - optimum)); where the optimum
        is unknown, of the logarithm of the last loss, carried on below 0.
    since : float
        Median over seeds of the step from which the hardest target that counts is met; inf: none.
    """

    lost: int
    kept: float
    missed: float
    gap: float
    since: float


LOST = Score(1, math.inf, len(RELATIVE_TARGETS), math.inf, math.inf)


def score(instance: Instance, chunk: Chunk) -> list[Score]:
    """Return how well each run did, as far as it went."""
    counted = chunk.passages(instance.optimum).counted(chunk.status)
    ends = zip(chunk.status, counted.tolist(), _final_gaps(instance, chunk), strict=True)
    return [_of_run(kept, gap) if how.has_numbers else LOST for how, kept, gap in ends]


def _of_run(kept: Sequence[float], gap: float) -> Score:
    since = [step for step in kept if math.isfinite(step)]
    hardest = since[-1] if since else math.inf
    return Score(0, kept[TARGET], len(kept) - len(since), gap, hardest)


def left_again(instance: Instance, chunk: Chunk) -> bool:
    """Return whether a run was at a target and does not keep it."""
    found = chunk.passages(instance.optimum)
    return bool((np.isfinite(found.reached) & np.isinf(found.counted(chunk.status))).any())


def least_kept(instance: Instance, chunk: Chunk) -> list[float]:
    """Return for each run a step before which no continuation of it can keep the target."""
    found = chunk.passages(instance.optimum)
    so_far = np.where(np.isfinite(found.kept[:, TARGET]), found.kept[:, TARGET], found.last + 1.0)
    numbers = [status.has_numbers for status in chunk.status]
    return [float(least) for least in np.where(numbers, so_far, math.inf)]


def over_seeds(scores: Sequence[Score]) -> Score:
    """Return the score of a rate from those of its seeds."""
    lost, *others = zip(*scores, strict=True)
    return Score(sum(lost), *map(median, others))


def _final_gaps(instance: Instance, chunk: Chunk) -> list[float]:
    if math.isnan(instance.optimum):
        return [_last_loss(chunk, run) for run in range(len(chunk.status))]
    records = chunk.records
    gaps = log_suboptimality(records.log_loss, records.loss, instance.optimum)
    found = []
    for column in gaps.T:
        known = column[~np.isnan(column)]
        with np.errstate(invalid="ignore"):  # inf - inf where the first loss is infinite
            gap = float(known[-1] - known[0]) if known.size else math.inf
        found.append(math.inf if math.isnan(gap) else gap)
    return found


def _last_loss(chunk: Chunk, run: int) -> float:
    """Return the logarithm of the last loss; losses below 0 are lower than all of them."""
    known = np.flatnonzero(~np.isnan(chunk.records.loss[:, run]))
    if known.size == 0:
        return math.inf
    last = float(chunk.records.loss[known[-1], run])
    if last < 0.0:
        return -BELOW_ALL - math.log1p(-last)
    return max(float(chunk.records.log_loss[known[-1], run]), -BELOW_ALL)
