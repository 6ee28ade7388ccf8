"""What makes a learning rate better than another: it is judged where its runs end.

Whoever loses fewer seeds is ahead; then whoever keeps the target from an earlier step to the end,
for a target that is reached and left again does not count; then whoever ends nearer to the optimum.
A rate at which one seed diverges is therefore behind every rate at which none does: what a user
wants is one rate that works, and the median over the other seeds would hide that this one does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from optbench.engine.chunk import Chunk
from optbench.instance import Instance
from optbench.targets import RELATIVE_TARGETS, log_suboptimality, steps_to_targets

TARGET = RELATIVE_TARGETS[-1]  # relative suboptimality at which speed decides
SOLVED = math.log(TARGET)
BELOW_ALL = 1000.0  # no logarithm of a positive number is as low as minus that


class Score(NamedTuple):
    """How well a rate did: compared from left to right, lower is better.

    Attributes
    ----------
    lost : int
        How many seeds diverged or failed.
    kept : float
        Median over seeds of the step from which the target is met to the end; inf: it is not.
    gap : float
        Median over seeds of log((last loss - optimum) / (first loss - optimum)); where the optimum
        is unknown, of the logarithm of the last loss, carried on below 0.
    """

    lost: int
    kept: float
    gap: float


NOTHING = Score(1, math.inf, math.inf)


def score(instance: Instance, chunk: Chunk) -> list[Score]:
    """Return how well each run did, as far as it went."""
    return [_run_score(instance, chunk, run) for run in range(len(chunk.status))]


def least_kept(instance: Instance, chunk: Chunk) -> list[float]:
    """Return for each run a step before which no continuation of it can keep the target."""
    found = []
    for run, status in enumerate(chunk.status):
        steps, gaps = _relative_gaps(instance, chunk, run)
        above = np.flatnonzero(~(gaps <= SOLVED))
        last = float(steps[above[-1]]) if above.size else -1.0
        found.append(last + 1.0 if status.has_numbers else math.inf)
    return found


def over_seeds(scores: Sequence[Score]) -> Score:
    """Return the score of a rate from those of its seeds."""
    lost, kept, gap = zip(*scores, strict=True)
    return Score(sum(lost), median(kept), median(gap))


def _run_score(instance: Instance, chunk: Chunk, run: int) -> Score:
    if not chunk.status[run].has_numbers:
        return NOTHING
    if math.isnan(instance.optimum):
        return Score(0, math.inf, _last_loss(chunk, run))
    steps, gaps = _relative_gaps(instance, chunk, run)
    if gaps.size == 0:
        return NOTHING
    above = np.flatnonzero(~(gaps <= SOLVED))
    since = int(above[-1]) if above.size else 0
    (kept,) = steps_to_targets(steps[since:], gaps[since:], TARGET, log_initial=0.0)
    return Score(0, float(kept), float(gaps[-1]))


def _relative_gaps(
    instance: Instance, chunk: Chunk, run: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the recorded steps of a run and log((loss - optimum) / (first loss - optimum))."""
    records = chunk.records
    gaps = log_suboptimality(records.log_loss[:, run], records.loss[:, run], instance.optimum)
    with np.errstate(invalid="ignore"):  # inf - inf where the first loss is infinite
        gaps = gaps - gaps[0]
    told = ~np.isnan(gaps)
    return records.steps[told], gaps[told]


def _last_loss(chunk: Chunk, run: int) -> float:
    """Return the logarithm of the last loss; losses below 0 are lower than all of them."""
    known = np.flatnonzero(~np.isnan(chunk.records.loss[:, run]))
    if known.size == 0:
        return math.inf
    last = float(chunk.records.loss[known[-1], run])
    if last < 0.0:
        return -BELOW_ALL - math.log1p(-last)
    return max(float(chunk.records.log_loss[known[-1], run]), -BELOW_ALL)
