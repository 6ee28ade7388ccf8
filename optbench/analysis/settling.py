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

Of a run that does not fit yet norms say nothing: what is missing are its distances to the
references, and the residual.  It is moving where the reference that it approaches most is also the
nearest, and closer than half the way from there to any other.  One that fits since less than a
decade has come closer to all of them only because it reached the data: unless next to nothing is
missing, it is INCONCLUSIVE.
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
UNCHANGED = 1e-6  # what is missing has not changed by more than this part: it is rounding
FLUCTUATES = 0.2  # what is missing may grow by this part of the largest that is close
FIT = 0.02  # a law fits when the logarithm of what is missing is off by no more than this
FARTHEST = 1000.0  # times the last step; no extrapolation goes farther
NEAR = 0.15  # decades from "a tenth of the steps": records are a tenth of a decade apart
NO_PAST = "no predictor of a tenth of the steps tells whether it has settled"
TOO_EARLY = "it fits since less than a decade: too early to tell whether it still moves"

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
    w, kind = path[-1][1], kind_of(instance)
    fits = kind.misfit(instance, known, w) <= FITS
    away = tuple(n for n, each in known.items() if not fits or _by_distance(instance, w, each))
    then = _around(path, 0.1)
    late = fits and then is not None and kind.misfit(instance, known, then) > FITS
    if len(away) < len(known):  # norms of what does not fit can be compared with nothing
        path = [(step, v) for step, v in path if kind.misfit(instance, known, v) <= FITS]
    earlier = _around(path, 0.1)
    missing = [_missing(instance, known, _around(path, part), fits) for part in (1.0, 0.1, 0.01)]
    now = replace(now, missing=missing[0], by_distance=away)
    if at_rest:
        return now
    name = str(now.selected)
    limit = kind.limit(instance, w, known[name]) if name in known else 0.0
    arrived = name in known and missing[0][name] <= ARRIVED * limit
    if earlier is None:
        reason = TOO_EARLY if late else NO_PAST
        return now if not fits or (late and arrived) else _undecided(now, reason)
    trend = {name: _ratio(end, missing[1][name]) for name, end in missing[0].items()}
    now = replace(now, trend=trend)
    if arrived:
        return now
    if name in known and not _grows(missing, name, limit) and not _drawn(missing, trend, name):
        side = select(instance, references, earlier, close=False)
        if _was_there(side, name, known[name]):
            return now
    if late:
        return _undecided(replace(now, trend={}), TOO_EARLY)
    return _moving(instance, known, path, now) or _stays(now)


def _undecided(now: Verdict, reason: str) -> Verdict:
    return replace(now, selected=INCONCLUSIVE, reason=reason)


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
    if side.selected == name:
        return True
    exponents = {f: p for f, p in reference.exponents.items() if f in side.effective}
    intervals = {family: side.effective[family].interval for family in exponents}
    return bool(exponents) and all(
        interval is not None and interval[0] <= exponents[family] <= interval[1]
        for family, interval in intervals.items()
    )


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
        if towards != now.nearest or _is_far(instance, known, now):
            return None
        return replace(now, selected=MOVING, towards=towards, reason=None)
    limit = kind_of(instance).limit(instance, path[-1][1], known[towards])
    steps = [step for step, _ in path]
    missing = [_missing(instance, {towards: known[towards]}, w)[towards] for _, w in path]
    moving = replace(now, selected=MOVING, towards=towards, reason=None)
    if now.nearest != towards:  # which comes first now is second to where it goes
        moving = replace(moving, runner_up=now.nearest)
    return replace(moving, decided_at=extrapolated(steps, missing, limit))


def _is_far(instance: Instance, known: Mapping[str, Reference], now: Verdict) -> bool:
    """Whether the nearest reference is half as far away as from the closest other one, or more.

    On its way to the data a run comes closer to all of them.
    """
    nearest = str(now.nearest)
    others = {name: each for name, each in known.items() if name != nearest}
    gaps = distances(instance, known[nearest].solution, others).values()
    return now.missing[nearest] >= 0.5 * min(gaps, default=math.inf)


def _stays(now: Verdict) -> Verdict:
    """Return what to say of a run that comes closer to no reference."""
    if now.selected == BETWEEN:
        return now
    if now.selected == INCONCLUSIVE:
        return replace(now, reason=f"{now.reason}; {_comes_closer(now)}")
    return _undecided(now, f"at {now.selected}, but neither for a decade nor on its way there")


def _comes_closer(now: Verdict) -> str:
    if now.open:
        return "it fits ever better"
    falls = now.trend[str(now.nearest)]
    if falls <= FALLS:  # but it is far, and does not fit any better
        return "it comes closer"
    slowly = falls < 1.0 - UNCHANGED
    return "it comes closer by less than 5% a decade" if slowly else "it comes no closer"


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
    if told.sum() < 3 or y[-1] <= limit:
        return None
    t, y = t[told], y[told]
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
