"""The verdict of implicit bias: which reference solution did the optimizer pick?

A run has selected reference s when it is closer to s than half the way from s to any other
reference, in the angle between directions (separable data) or the distance (else), or in the
norm or margin that defines s.  By the triangle inequality it is then nearer to s than to any
other.  Everything else is INCONCLUSIVE, with the reason: not there yet, or references that this
instance does not tell apart.  A reference that is not certified decides nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from optbench.analysis.kinds import kind_of
from optbench.instance import Instance
from optbench.references import Reference

INCONCLUSIVE = "INCONCLUSIVE"
NO_REFERENCE = "no reference solution is known here"


@dataclass(frozen=True)
class Selection:
    """A verdict.

    Attributes
    ----------
    selected, runner_up : str or None
        Names of references; ``selected`` may be ``"INCONCLUSIVE"``.
    separation : float or None
        Distance from the selected (nearest) reference to the closest other one, in the unit of
        the verdict: degrees on separable data, relative distance else.
    reason : str or None
        Why it is inconclusive.
    """

    selected: str | None
    runner_up: str | None
    separation: float | None
    reason: str | None = None


def distances(
    instance: Instance, w: np.ndarray, references: Mapping[str, Reference]
) -> dict[str, float]:
    """Distance of a predictor to each reference: degrees on separable data, relative else."""
    kind = kind_of(instance)
    return {name: kind.distance(instance, w, each) for name, each in references.items()}


def separations(instance: Instance, references: Mapping[str, Reference]) -> dict[str, float]:
    """Distance between each pair of references, keys ``"l1-l2"``."""
    kind = kind_of(instance)
    return {
        f"{a}-{b}": kind.distance(instance, references[a].solution, references[b])
        for a, b in combinations(references, 2)
    }


def certified(references: Mapping[str, Reference]) -> dict[str, Reference]:
    """Return the references that may decide a verdict: no gap is left to their certificates."""
    return {name: each for name, each in references.items() if each.certified}


def select(instance: Instance, references: Mapping[str, Reference], w: np.ndarray) -> Selection:
    """Decide which reference a predictor has selected.

    Parameters
    ----------
    instance : Instance
        Where it was trained.
    references : mapping of str to Reference
        The candidates; those that are not certified decide nothing.
    w : ndarray, float64 (d,)
        The last predictor of the run.
    """
    known = certified(references)
    if not known:
        gaps = ", ".join(f"{name} (gap {each.gap:.2g})" for name, each in references.items())
        missing = f"no reference solution is certified here: {gaps}" if gaps else NO_REFERENCE
        return Selection(None, None, None, missing)
    if not np.all(np.isfinite(w)) or not np.any(w):
        return Selection(INCONCLUSIVE, None, None, "the predictor is zero or not finite")
    kind = kind_of(instance)
    if reason := kind.not_there(instance, known, w):
        return Selection(INCONCLUSIVE, None, None, reason)
    away = distances(instance, w, known)
    ranked = sorted(away, key=away.__getitem__)
    if len(ranked) > 1:
        return _nearest(instance, known, w, away, ranked)
    (name,) = ranked
    if away[name] < kind.arrived:
        return Selection(name, None, None)
    reason = f"not there yet: {away[name]:.2g}{unit_text(kind.unit)} from {name}"
    return Selection(INCONCLUSIVE, None, None, reason)


def unit_text(unit: str) -> str:
    """Return what follows a distance in a sentence."""
    return f" {unit}" if unit else ""


def majority(selected: Sequence[str | None]) -> str | None:
    """Return what more than half of the seeds selected, else INCONCLUSIVE; None without seeds."""
    if not selected:
        return None
    name, votes = Counter(selected).most_common(1)[0]
    return name if votes * 2 > len(selected) else INCONCLUSIVE


def _nearest(
    instance: Instance,
    references: Mapping[str, Reference],
    w: np.ndarray,
    away: dict[str, float],
    ranked: list[str],
) -> Selection:
    kind = kind_of(instance)
    unit = unit_text(kind.unit)
    solutions = {name: reference.solution for name, reference in references.items()}
    best: Selection | None = None
    for name in ranked:
        others = [other for other in ranked if other != name]
        gaps = distances(instance, solutions[name], {o: references[o] for o in others})
        separation = min(gaps.values())
        rival = others[0]
        if separation < kind.told_apart:
            twin = min(gaps, key=gaps.__getitem__)
            if name == ranked[0]:
                reason = f"{name} and {twin} are only {separation:.2g}{unit} apart here"
                best = Selection(INCONCLUSIVE, rival, separation, reason)
            continue
        close = away[name] < 0.5 * separation
        if close or _is_optimal(instance, references, w, name):
            return Selection(name, rival, separation)
        if best is None:
            next_one = min(gaps, key=gaps.__getitem__)
            reason = (
                f"{away[name]:.2g}{unit} from {name}; a verdict needs less than "
                f"{0.5 * separation:.2g}{unit}, half the way to {next_one}"
            )
            best = Selection(INCONCLUSIVE, rival, separation, reason)
    assert best is not None
    return best


def _is_optimal(
    instance: Instance, references: Mapping[str, Reference], w: np.ndarray, name: str
) -> bool:
    """Whether w is less than half as far from optimal in a reference's norm as all others are."""
    kind, reference = kind_of(instance), references[name]
    own = kind.defect(instance, w, name, reference)
    if own is None:
        return False
    theirs = (
        kind.defect(instance, other.solution, name, reference)
        for other_name, other in references.items()
        if other_name != name
    )
    return own < 0.5 * min(defect for defect in theirs if defect is not None)


def effective_p(
    instance: Instance, optimal: Mapping[float, float], w: np.ndarray
) -> tuple[float | None, tuple[float, float] | None]:
    """The p whose normalised margin or norm is closest to optimal: the optimizer's geometry.

    Parameters
    ----------
    instance : Instance
        Classification or regression.
    optimal : mapping of float to float
        Certified optimal margin or norm for each p of the grid.
    w : ndarray, float64 (d,)
        The last predictor.

    Returns
    -------
    p : float or None
        The best p of the grid; None when w has no margin.
    interval : (float, float) or None
        Its neighbours in the grid: p is known no better.
    """
    grid = sorted(optimal)
    if not grid or not np.all(np.isfinite(w)) or not np.any(w):
        return None, None
    kind = kind_of(instance)
    quality = [kind.quality(instance, w, p, optimal[p]) for p in grid]
    if max(quality) <= 0:
        return None, None
    best = int(np.argmax(quality))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return (grid[best], (low, high)) if math.isfinite(quality[best]) else (None, None)
