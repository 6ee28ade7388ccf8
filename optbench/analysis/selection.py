"""The verdict of implicit bias: which reference solution did the optimizer pick?

A run has selected reference s when it is closer to s than half the way from s to any other
reference, in the angle between directions (separable data) or the distance (else), or in the
norm or margin that defines s.  By the triangle inequality it is then nearer to s than to any
other.  Everything else is INCONCLUSIVE, with the reason: not there yet, or references that this
instance does not tell apart.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from optbench.analysis.measures import NORMS, angle, margin, measure, relative_distance
from optbench.instance import Instance
from optbench.references import Reference, vector_norm

INCONCLUSIVE = "INCONCLUSIVE"
SMALLEST_ANGLE = 2.0  # degrees: references closer than this are not told apart
SMALLEST_DISTANCE = 0.02
DIRECTIONS = ("classification", "partly_separable")  # kinds whose verdict is about angles
INTERPOLATES = 1e-3  # relative residual above which a regression has selected nothing yet


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
    if instance.kind == "classification":
        return {name: angle(w, ref.solution) for name, ref in references.items()}
    if instance.kind == "partly_separable":
        return {"direction": measure(instance, references, w)["angle_direction"]}
    return {name: relative_distance(w, ref.solution) for name, ref in references.items()}


def separations(instance: Instance, references: Mapping[str, Reference]) -> dict[str, float]:
    """Distance between each pair of references, keys ``"l1-l2"``."""
    table = {}
    for a, b in combinations(references, 2):
        other = distances(instance, references[a].solution, {b: references[b]})[b]
        table[f"{a}-{b}"] = other
    return table


def defects(
    instance: Instance, w: np.ndarray, references: Mapping[str, Reference]
) -> dict[str, float]:
    """How far a predictor is from optimal in each reference's own norm or margin."""
    table = {}
    for name, reference in references.items():
        if name not in NORMS:
            continue
        if instance.kind == "classification":
            table[name] = 1.0 - margin(instance, w, NORMS[name]) / reference.value
        elif instance.kind == "regression":
            table[name] = vector_norm(w, NORMS[name]) / reference.value - 1.0
    return table


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
    if not references:
        return Selection(None, None, None, "no reference solution is known here")
    references = {name: found for name, found in references.items() if found.certified}
    if not references:
        return Selection(INCONCLUSIVE, None, None, "no reference solution is certified here")
    if not np.all(np.isfinite(w)) or not np.any(w):
        return Selection(INCONCLUSIVE, None, None, "the predictor is zero or not finite")
    if instance.kind in ("regression", "linear_program"):
        size = max(float(np.linalg.norm(instance.targets)), 1e-300)
        residual = float(np.linalg.norm(instance.features @ w - instance.targets)) / size
        if residual > INTERPOLATES and "minimizer" not in references:
            reason = f"not there yet: relative residual {residual:.2g}"
            return Selection(INCONCLUSIVE, None, None, reason)
    away = distances(instance, w, references)
    ranked = sorted(away, key=away.__getitem__)
    if len(ranked) == 1:
        limit, unit = (SMALLEST_ANGLE, " deg") if instance.kind in DIRECTIONS else (0.05, "")
        if away[ranked[0]] < limit:
            return Selection(ranked[0], None, None)
        missing = f"not there yet: {away[ranked[0]]:.2g}{unit} from {ranked[0]}"
        return Selection(INCONCLUSIVE, None, None, missing)
    return _nearest(instance, references, w, away, ranked)


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
    unit = " deg" if instance.kind == "classification" else ""
    smallest = SMALLEST_ANGLE if instance.kind == "classification" else SMALLEST_DISTANCE
    solutions = {name: reference.solution for name, reference in references.items()}
    own = defects(instance, w, references)
    best: Selection | None = None
    for name in ranked:
        others = [other for other in ranked if other != name]
        gaps = distances(instance, solutions[name], {o: references[o] for o in others})
        separation = min(gaps.values())
        rival = next(other for other in ranked if other != name)
        if separation < smallest:
            twin = min(gaps, key=gaps.__getitem__)
            if name == ranked[0]:
                reason = f"{name} and {twin} are only {separation:.2g}{unit} apart here"
                best = Selection(INCONCLUSIVE, rival, separation, reason)
            continue
        close = away[name] < 0.5 * separation
        if not close and name in own:
            rivals = (
                defects(instance, solutions[o], {name: references[name]})[name] for o in others
            )
            close = own[name] < 0.5 * min(rivals)
        if close:
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
    if instance.kind == "classification":
        quality = [margin(instance, w, p) / optimal[p] for p in grid]
        if max(quality) <= 0:
            return None, None
    else:
        quality = [optimal[p] / vector_norm(w, p) for p in grid]
    best = int(np.argmax(quality))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return (grid[best], (low, high)) if math.isfinite(quality[best]) else (None, None)
