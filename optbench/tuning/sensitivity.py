"""How carefully a learning rate must be tuned: the width of those that are nearly as good."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optbench.tuning.grid import SPACING
from optbench.tuning.score import Score

FACTOR = 2.0  # in steps to the target, or in the final gap


def width_in_decades(scores: Sequence[Score]) -> float | None:
    """Return the width of the rates around the best that are within a factor of two of it.

    Each rate of the grid stands for half a decade around it, so that a width is known to that.
    All rates are compared after the same number of steps.

    Parameters
    ----------
    scores : sequence of Score
        Of neighbours in the grid, after the short run.

    Returns
    -------
    float or None
        None when nothing is known: no rate has halved the first gap, or the optimum is unknown.
    """
    place = min(range(len(scores)), key=scores.__getitem__)
    best = scores[place]
    if not best.gap <= -math.log(FACTOR):
        return None
    low, high = place, place
    while low > 0 and _is_close(scores[low - 1], best):
        low -= 1
    while high + 1 < len(scores) and _is_close(scores[high + 1], best):
        high += 1
    return SPACING * (high - low + 1)


def _is_close(score: Score, best: Score) -> bool:
    if score.lost > best.lost:
        return False
    if math.isfinite(best.kept):
        return score.kept <= FACTOR * best.kept + 1.0
    return score.gap <= best.gap + math.log(FACTOR)
