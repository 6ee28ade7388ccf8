"""Where a predictor stands: which reference solution it is at, or between which ones.

A predictor is at reference s when three things hold.

- It is closer to s than half the way from s to any other reference, in the angle between directions
  (separable data) or the distance (else), or in the norm or margin that defines s.  By the triangle
  inequality it is then nearer to s than to any other.
- It is close: the margin is at least 95 % of the largest one, the norm at most 5 % above the least,
  or, of a reference that no norm defines, the distance is small.  Theorems and algorithms are
  stated in these quantities: a (1 - alpha) approximation of the largest p-norm margin (Gentile
  2001, JMLR 2, 213-242), a norm within 1 + eps of the least (Woodworth et al. 2020,
  arXiv:2002.09277).  A margin of that size bounds the direction (Dohmatob 2020,
  arXiv:2011.06550).  The 5 % themselves are a convention, the usual one of "nearly".
- The effective p is that of s.  Solutions for a whole grid of exponents are rivals in this way: at
  the direction of largest L4 margin the Linf margin is often above 95 % of the largest one, too.
  A matrix has two of them, of its entries and of its singular values: L2 needs both to be 2, the
  spectral norm the second one to be infinite.  References of different families, such as Linf and
  the spectral norm, are told apart by distance.

With another effective p it is between two references, else INCONCLUSIVE with the reason.  A
reference that is not certified decides nothing.  Whether a run stays there is told by
:mod:`optbench.analysis.settling`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from optbench.analysis.effective_p import TITLES, UNTOLD, EffectiveP, effective_p
from optbench.analysis.kinds import FITS, Kind, kind_of
from optbench.instance import Instance
from optbench.norm_names import FAMILIES
from optbench.references import Reference, member_name
from optbench.solutions import norm_grid

INCONCLUSIVE, BETWEEN = "INCONCLUSIVE", "between"
NO_VERDICT = (INCONCLUSIVE, BETWEEN, "moving")  # what stands in the place of a reference's name
RESOLVED = 0.1  # of the way to a twin: so near is a predictor that tells the two apart
NO_REFERENCE = "no reference solution is known here"


@dataclass(frozen=True)
class Selection:
    """Where one predictor stands.

    Attributes
    ----------
    selected : str or None
        Name of a reference, ``"between"`` or ``"INCONCLUSIVE"``; None: there is no reference.
    nearest, runner_up : str or None
        The reference that it is at, or nearest to, and the next one.
    separation : float or None
        Distance from the nearest reference to the closest other one, in the unit of the verdict:
        degrees on separable data, relative distance else.
    reason : str or None
        Why it is at none.
    effective : mapping of str to EffectiveP
        The effective p of each family of norms, ``"lp"`` and ``"schatten"``, that is known here:
        see :func:`optbench.analysis.effective_p.effective_p`.
    """

    selected: str | None
    nearest: str | None = None
    runner_up: str | None = None
    separation: float | None = None
    reason: str | None = None
    effective: Mapping[str, EffectiveP] = field(default_factory=dict)

    @property
    def effective_p(self) -> float | None:
        """The effective p of the entries."""
        return self.effective.get("lp", UNTOLD).p


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
    """Tell which reference a predictor is at.

    Parameters
    ----------
    instance : Instance
        Where it was trained.
    references : mapping of str to Reference
        The candidates; those that are not certified decide nothing.
    w : ndarray, float64 (d,)
        A predictor.
    """
    known = certified(references)
    nothing = incomparable(references, known, w)
    return nothing or place(instance, known, w, kind_of(instance).misfit(instance, known, w))


def incomparable(
    references: Mapping[str, Reference], known: Mapping[str, Reference], w: np.ndarray
) -> Selection | None:
    """Say why a predictor can be compared with none of the certified references, else None."""
    if not known:
        gaps = ", ".join(f"{name} (gap {each.gap:.2g})" for name, each in references.items())
        missing = f"no reference solution is certified here: {gaps}" if gaps else NO_REFERENCE
        return Selection(None, reason=missing)
    if not np.all(np.isfinite(w)):
        return Selection(INCONCLUSIVE, reason="w is not finite")
    if not np.any(w):
        return Selection(INCONCLUSIVE, reason="w is still 0 to rounding")
    return None


def place(
    instance: Instance, known: Mapping[str, Reference], w: np.ndarray, misfit: float
) -> Selection:
    """Tell at which certified reference a predictor is that fits the data up to ``misfit``."""
    if misfit > FITS:
        away = distances(instance, w, known)
        nearest, runner_up, *_ = (*sorted(away, key=away.__getitem__), None)
        reason = f"relative residual {misfit:.2g}; a verdict needs {FITS:g}"
        return Selection(INCONCLUSIVE, nearest, runner_up, reason=reason)
    grids = _grids(instance, known)
    found = _located(instance, known, grids, w)
    if found.selected != INCONCLUSIVE:
        return _if_close(instance, known, w, found)
    kind = kind_of(instance)
    near = {
        family: each
        for family, each in found.effective.items()
        if each.p is not None and kind.shortfall(instance, w, grids[family][each.p]) <= kind.close
    }
    return _or_between(known, found, near)


def side(instance: Instance, known: Mapping[str, Reference], w: np.ndarray) -> Selection:
    """Tell on which certified reference's side a predictor is, however far from it."""
    if nothing := incomparable(known, known, w):
        return nothing
    found = _located(instance, known, _grids(instance, known), w)
    return _or_between(known, found, found.effective)


def _located(
    instance: Instance,
    known: Mapping[str, Reference],
    grids: Mapping[str, Mapping[float, Reference]],
    w: np.ndarray,
) -> Selection:
    every = {family: effective_p(instance, grid, w) for family, grid in grids.items()}
    effective = {family: each for family, each in every.items() if each.p is not None}
    return replace(_side(instance, known, w, effective), effective=effective)


def _or_between(
    known: Mapping[str, Reference], found: Selection, effective: Mapping[str, EffectiveP]
) -> Selection:
    """Say of what is at no reference between which ones one of its effective exponents lies."""
    if found.selected != INCONCLUSIVE:
        return found
    for family, each in effective.items():
        if each.p is not None and each.p not in _exponents(known, family):
            return replace(found, selected=BETWEEN, reason=_between(known, family, each.p))
    return found


def _grids(instance: Instance, known: Mapping[str, Reference]) -> dict[str, dict[float, Reference]]:
    return {family: _grid(instance, known, family) for family in FAMILIES}


def _grid(
    instance: Instance, known: Mapping[str, Reference], family: str
) -> dict[float, Reference]:
    """Return the references for a whole grid of exponents, those of the candidates among them."""
    grid = norm_grid(instance, family)
    own = {each.exponents[family]: each for each in known.values() if family in each.exponents}
    return {**grid, **own} if grid else {}


def _exponents(known: Mapping[str, Reference], family: str) -> list[float]:
    """Return the exponents of a family whose references are known, in increasing order."""
    return sorted({each.exponents[family] for each in known.values() if family in each.exponents})


def apart(kind: Kind, name: str, twin: str, gaps: Mapping[str, float]) -> str:
    """Say that an instance does not tell two references apart."""
    return f"{name} and {twin} are only {gaps[twin]:.2g}{unit_text(kind.unit)} apart here"


def unit_text(unit: str) -> str:
    """Return what follows a distance in a sentence."""
    return f" {unit}" if unit else ""


def majority(selected: Sequence[str | None], seeds: int) -> str | None:
    """Return what more than half of the seeds selected, else INCONCLUSIVE; None without verdicts.

    A seed whose run did not last has no verdict, and counts.
    """
    if not selected:
        return None
    name, votes = Counter(selected).most_common(1)[0]
    return name if votes * 2 > seeds else INCONCLUSIVE


def _ranked(instance: Instance, references: Mapping[str, Reference], w: np.ndarray) -> list[str]:
    """Return the references, the nearest one first, then the others by distance.

    Of norms the nearest one is that to which least is missing: where an optimum is flat a predictor
    may be optimal, and far from the solution that is known.
    """
    kind, away = kind_of(instance), distances(instance, w, references)
    ranked = sorted(away, key=away.__getitem__)
    norms = [n for n in ranked if kind.defect(instance, w, references[n]) is not None]
    if ranked[0] not in norms:
        return ranked
    nearest = min(norms, key=lambda name: kind.shortfall(instance, w, references[name]))
    return sorted(ranked, key=lambda name: name != nearest)


def _side(
    instance: Instance,
    references: Mapping[str, Reference],
    w: np.ndarray,
    effective: Mapping[str, EffectiveP],
) -> Selection:
    """Tell on the side of which reference a predictor is, however far from it."""
    kind = kind_of(instance)
    ranked = _ranked(instance, references, w)
    if len(ranked) == 1:
        return Selection(ranked[0], ranked[0])
    best: Selection | None = None
    for name in ranked:
        others = {other: references[other] for other in ranked if other != name}
        gaps = distances(instance, references[name].solution, others)
        twin = min(gaps, key=gaps.__getitem__)
        told = Selection(INCONCLUSIVE, ranked[0], next(iter(others)), gaps[twin])
        reason: str | None = apart(kind, name, twin, gaps)
        if gaps[twin] >= kind.told_apart or _resolves(instance, references[name], w, gaps[twin]):
            reason = _why_not(instance, references, w, name, gaps, effective)
        if reason is None:
            return replace(told, selected=name, nearest=name)
        best = best or replace(told, reason=reason)
    assert best is not None
    return best


def _resolves(instance: Instance, reference: Reference, w: np.ndarray, gap: float) -> bool:
    """Whether a predictor is so much nearer to a reference than a twin is that it tells them apart.

    Norms and margins near their optimum are the same for both; a solution that no norm defines is
    a point, which linear convergence finds to rounding.
    """
    kind = kind_of(instance)
    if kind.defect(instance, w, reference) is not None or gap < RESOLVED * kind.told_apart:
        return False
    return kind.distance(instance, w, reference) <= RESOLVED * gap


def _why_not(
    instance: Instance,
    references: Mapping[str, Reference],
    w: np.ndarray,
    name: str,
    gaps: Mapping[str, float],
    effective: Mapping[str, EffectiveP],
) -> str | None:
    """Say why a predictor is not on the side of a reference, or return None.

    Norms of a family are told apart by its effective p, where it is known; all other references by
    distance.
    """
    kind, exponents = kind_of(instance), references[name].exponents
    away, unit = kind.distance(instance, w, references[name]), unit_text(kind.unit)
    families = {family for family in exponents if family in effective}
    for family in sorted(families):
        if exponents[family] not in effective[family].plateau:
            return f"nearest to {name}, but the {TITLES[family]} is {effective[family].p:g}"
    rivals = {o: gap for o, gap in gaps.items() if not families & references[o].exponents.keys()}
    if not rivals:
        return None
    rival = min(rivals, key=rivals.__getitem__)
    half = 0.5 * rivals[rival]
    if away < half or _is_optimal(instance, references, w, name):
        return None
    return (
        f"{away:.2g}{unit} from {name}; a verdict needs less than "
        f"{half:.2g}{unit}, half the way to {rival}"
    )


def _is_optimal(
    instance: Instance, references: Mapping[str, Reference], w: np.ndarray, name: str
) -> bool:
    """Whether w is less than half as far from optimal in a reference's norm as all others are."""
    kind, reference = kind_of(instance), references[name]
    own = kind.defect(instance, w, reference)
    if own is None:
        return False
    theirs = (
        kind.defect(instance, other.solution, reference)
        for other_name, other in references.items()
        if other_name != name
    )
    return own < 0.5 * min(defect for defect in theirs if defect is not None)


def _if_close(
    instance: Instance, references: Mapping[str, Reference], w: np.ndarray, found: Selection
) -> Selection:
    """Return a selection if the predictor is close to its reference, else why it is none."""
    kind, name = kind_of(instance), str(found.selected)
    short = kind.shortfall(instance, w, references[name])
    limit = kind.limit(instance, w, references[name])
    if short <= limit:
        return found
    if kind.defect(instance, w, references[name]) is None:
        unit = unit_text(kind.unit)
        reason = f"{short:.2g}{unit} from {name}; a verdict needs {limit:g}{unit}"
    else:
        reason = f"{short:.2g} short of {name}; a verdict needs {limit:g}"
    return replace(found, selected=INCONCLUSIVE, reason=reason)


def _between(references: Mapping[str, Reference], family: str, p: float) -> str:
    """Say between which references an exponent lies."""
    known = _exponents(references, family)
    below = [member_name(family, own) for own in known if own < p][-1:]
    above = [member_name(family, own) for own in known if own > p][:1]
    sides = f"between {below[0]} and {above[0]}" if below and above else ""
    where = sides or f"beyond {(below + above)[0]}"
    return f"{where} ({TITLES[family]} {p:g})"
