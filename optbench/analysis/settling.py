"""The verdict of implicit bias: which reference solution a run selects, once it has settled.

What theorems say is about the limit, and on the way to it a run passes other references: Adam with
eps = 0 is close to l2 for 1e5 steps and ends at linf.  A verdict needs a run that is at a reference
(:mod:`optbench.analysis.selection`) and has settled there:

- it was on the side of the same reference at a tenth of the steps, where the effective p may be the
  next one of the grid, or next to nothing is missing (0.1 % of the margin): linear convergence
  arrives within a decade,
- what is missing to it (of the margin, the norm, or the distance) has not grown since, and
- no other reference is approached faster, or faster and faster.  Where a run settles, what is
  missing to the others comes to rest.

A run at rest has settled wherever it is.  Any other run is moving when what is missing to some
reference falls by 5 % or more in a decade (1 / log t, the slowest law that is known, falls by 14 %
from 1e6 to 1e7 steps): then it is told towards which one, and at which step it would be close if
the law of its last two decades went on.  A run that comes closer to none stays where it is: between
two references, or INCONCLUSIVE.

Of a run that does not fit yet, or did not at a tenth of the steps, norms say nothing: what is
missing are its distances to the references, and the residual.  It is moving where the reference
that it approaches most is also the nearest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optbench.analysis.kinds import FITS, kind_of
from optbench.analysis.selection import (
    BETWEEN,
    INCONCLUSIVE,
    Selection,
    certified,
    distances,
    select,
)
from optbench.instance import Instance
from optbench.references import Reference

MOVING = "moving"
RESIDUAL = "residual"  # what is missing to fitting
FALLS = 0.95  # what is missing falls when it is at most this part of what it was a decade ago
ARRIVED = 0.02  # of the largest that is close: so little is missing at a limit only
FLUCTUATES = 0.2  # what is missing may grow by this part of the largest that is close
FIT = 0.02  # a law fits when the logarithm of what is missing is off by no more than this
FARTHEST = 1000.0  # times the last step; no extrapolation goes farther
NEAR = 0.15  # decades from "a tenth of the steps": records are a tenth of a decade apart

Path = Sequence[tuple[int, np.ndarray]]


@dataclass(frozen=True)
class Verdict(Selection):
    """What a run selects.

    Attributes
    ----------
    selected : str or None
        Name of a reference, ``"moving"``, ``"between"`` or ``"INCONCLUSIVE"``; None: there is no
        reference.
    towards : str or None
        The reference that a moving run approaches most.
    decided_at : float or None
        Step at which it would be close to that one: an extrapolation.
    missing : mapping of str to float
        What is missing to each reference at the end; ``"residual"``: to fitting, where it is much.
    trend : mapping of str to float
        That over what was missing at a tenth of the steps: below 1 it is approached.
    by_distance : tuple of str
        References to which that is a distance; to all others it is a part of the margin or norm.
    """

    towards: str | None = None
    decided_at: float | None = None
    missing: Mapping[str, float] = field(default_factory=dict)
    trend: Mapping[str, float] = field(default_factory=dict)
    by_distance: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether more steps may change it."""
        fits_better = self.trend.get(RESIDUAL, 1.0) <= FALLS
        unknown = self.selected == INCONCLUSIVE and (not self.trend or fits_better)
        return self.selected == MOVING or unknown


def judge(
    instance: Instance, references: Mapping[str, Reference], path: Path, at_rest: bool = False
) -> Verdict:
    """Decide which reference a run has selected.

    Parameters
    ----------
    instance : Instance
        Where it was trained.
    references : mapping of str to Reference
        The candidates; those that are not certified decide nothing.
    path : sequence of (int, ndarray)
        Steps and predictors, in order: the last ones of the run, over one decade or two.
    at_rest : bool
        Whether the parameters no longer change.
    """
    known = certified(references)
    now = Verdict(**vars(select(instance, references, path[-1][1])))
    if now.nearest is None:  # there is no reference, or no predictor
        return now
    w, earlier = path[-1][1], _around(path, 0.1)
    fits = kind_of(instance).misfit(instance, known, w) <= FITS
    missing = [_missing(instance, known, _around(path, part), fits) for part in (1.0, 0.1, 0.01)]
    away = tuple(n for n, each in known.items() if not fits or _by_distance(instance, w, each))
    now = replace(now, missing=missing[0], by_distance=away)
    if at_rest:
        return now
    if earlier is None:
        reason = "no predictor of a tenth of the steps tells whether it has settled"
        return replace(now, selected=INCONCLUSIVE, reason=reason) if fits else now
    trend = {name: _ratio(end, missing[1][name]) for name, end in missing[0].items()}
    now = replace(now, trend=trend)
    side = select(instance, references, earlier, close=False)
    name = str(now.selected)
    if name in known:
        limit = kind_of(instance).limit(instance, w, known[name])
        there = missing[0][name] <= ARRIVED * limit or _was_there(side, name, known[name])
        if there and not _grows(missing, name, limit) and not _drawn(missing, trend, name):
            return now
    if fits and kind_of(instance).misfit(instance, known, earlier) > FITS:
        then, end = (_missing(instance, known, each, fits=False) for each in (earlier, w))
        trend = {name: _ratio(end[name], then[name]) for name in end}
        now = replace(now, missing=end, trend=trend, by_distance=tuple(known))
    return _moving(instance, known, path, now) or _stays(now)


def _around(path: Path, part: float) -> np.ndarray | None:
    """Return the predictor at about that part of the last step, if it was kept."""
    wanted = part * path[-1][0]
    step, w = min(path, key=lambda kept: abs(math.log(max(kept[0], 1) / max(wanted, 0.1))))
    return w if abs(math.log10(max(step, 0.1) / max(wanted, 0.1))) < NEAR else None


def _missing(
    instance: Instance, known: Mapping[str, Reference], w: np.ndarray | None, fits: bool = True
) -> dict[str, float]:
    if w is None:
        return {}
    kind = kind_of(instance)
    if not fits:
        away = distances(instance, w, known)
        return {RESIDUAL: kind.misfit(instance, known, w), **away}
    return {name: kind.shortfall(instance, w, each) for name, each in known.items()}


def _by_distance(instance: Instance, w: np.ndarray, reference: Reference) -> bool:
    return kind_of(instance).defect(instance, w, reference) is None


def _ratio(now: float, then: float) -> float:
    if then > 0.0:
        return max(now, 0.0) / then
    return 1.0 if now <= 0.0 else math.inf


def _was_there(side: Selection, name: str, reference: Reference) -> bool:
    """Whether a predictor is on the side of a reference, as well as the effective p is known."""
    low, high = side.effective_p_interval or (math.nan, math.nan)
    return side.selected == name or bool(low <= (reference.exponent or math.nan) <= high)


def _grows(missing: Sequence[Mapping[str, float]], name: str, limit: float) -> bool:
    """Whether a run moves away from a reference, by more than fluctuations."""
    now, then = (each[name] for each in missing[:2])
    return now * FALLS > then and now - then > FLUCTUATES * limit


def _drawn(missing: Sequence[Mapping[str, float]], trend: Mapping[str, float], name: str) -> bool:
    """Whether another reference is approached faster, or faster and faster."""
    now, then, before = missing
    return any(
        falls <= FALLS
        and (falls <= trend[name] or (bool(before) and now[r] - then[r] < then[r] - before[r]))
        for r, falls in trend.items()
        if r != name
    )


def _moving(
    instance: Instance, known: Mapping[str, Reference], path: Path, now: Verdict
) -> Verdict | None:
    """Say towards which reference the run moves, if towards any."""
    towards = min(known, key=now.trend.__getitem__)
    if now.trend[towards] > FALLS:
        return None
    if RESIDUAL in now.trend:
        if towards != now.nearest:  # far from all of them, which one it is is not known
            return None
        return replace(now, selected=MOVING, towards=towards, reason=None)
    limit = kind_of(instance).limit(instance, path[-1][1], known[towards])
    steps = [step for step, _ in path]
    missing = [_missing(instance, {towards: known[towards]}, w)[towards] for _, w in path]
    decided = extrapolated(steps, missing, limit)
    return replace(now, selected=MOVING, towards=towards, decided_at=decided, reason=None)


def _stays(now: Verdict) -> Verdict:
    """Return what to say of a run that comes closer to no reference."""
    if now.selected == BETWEEN:
        return now
    if now.selected == INCONCLUSIVE:
        closer = "it fits ever better" if now.open else "it comes no closer"
        return replace(now, reason=f"{now.reason}; {closer}")
    reason = f"at {now.selected}, but neither for a decade nor on its way there"
    return replace(now, selected=INCONCLUSIVE, reason=reason)


def extrapolated(steps: Sequence[int], missing: Sequence[float], limit: float) -> float | None:
    """Return the step at which what is missing would have fallen to a limit, or None.

    The law is the one of c t^-a, 1 / (a + b log t) and c exp(-a t) that fits best, if one does.

    Parameters
    ----------
    steps : sequence of int
    missing : sequence of float
        At each of them; three or more that are positive are needed.
    limit : float
        Below the last one.
    """
    t, y = np.asarray(steps, float), np.asarray(missing, float)
    told = (t > 1) & (y > 0)
    t, y = t[told], y[told]
    if t.size < 3 or y[-1] <= limit:
        return None
    laws = (
        (np.log(t), np.log(y), np.exp, math.log(limit), _exponential),
        (np.log(t), 1.0 / y, _inverse, 1.0 / limit, _exponential),
        (t, np.log(y), np.exp, math.log(limit), float),
    )
    fits = []
    for x, z, back, goal, step_of in laws:
        slope, offset = np.polyfit(x, z, 1)
        error = float(np.max(np.abs(np.log(back(slope * x + offset) / y))))
        fits.append((error, step_of((goal - offset) / slope) if slope != 0.0 else math.inf))
    error, at = min(fits)
    return float(at) if error <= FIT and t[-1] < at <= FARTHEST * t[-1] else None


def _exponential(x: float) -> float:
    return math.exp(min(x, 700.0))


def _inverse(z: np.ndarray) -> np.ndarray:
    inverse: np.ndarray = 1.0 / np.maximum(z, 1e-300)
    return inverse
