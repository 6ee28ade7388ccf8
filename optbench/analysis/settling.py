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

On separable data a run that moves has settled, too, where it grows along the reference that it
approaches: see :func:`_grows_along`.

A run at rest, or at the end of a schedule whose rate falls to 0, has settled wherever it is.  Any
other run is moving when what is missing to some reference falls by 5 % or more in a decade
(1 / log t, the slowest law that is known, falls by 14 % from 1e6 to 1e7 steps): then it is told
towards which one, and at which step it would be close if the law of its last two decades went on.
Towards a reference that the instance does not tell from another one it is INCONCLUSIVE: it comes
closer to both; so it is where another one is approached as fast, up to 1 % of the margin or norm,
and while a margin is below 0.  A run that comes closer to none stays where it is: between two
references, or INCONCLUSIVE.

Of a run that does not fit yet norms say nothing: what is missing are its distances to the
references, and the residual.  It is moving where the reference that it approaches most is also the
nearest, and closer than half the way from there to any other, and no solution for another exponent
is nearer.  One that fits since less than a
decade has come closer to all of them only because it reached the data: unless next to nothing is
missing, it is INCONCLUSIVE.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from optbench.analysis.extrapolation import extrapolated
from optbench.analysis.kinds import FITS, kind_of
from optbench.analysis.selection import (
    BETWEEN,
    INCONCLUSIVE,
    Selection,
    apart,
    certified,
    distances,
    incomparable,
    place,
    select,
    side,
)
from optbench.instance import Instance
from optbench.references import Reference
from optbench.solutions import norm_grid
from optbench.study import tail_decides

MOVING = "moving"
RESIDUAL = "residual"  # what is missing to fitting
FALLS = 0.95  # what is missing falls when it is at most this part of what it was a decade ago
ARRIVED = 0.02  # of the largest that is close: so little is missing at a limit only
UNCHANGED = 1e-6  # what is missing has not changed by more than this part: it is rounding
FLUCTUATES = 0.2  # of the largest that is close: what is missing may go up and down by so much
NEARLY = 2.0  # times the largest shortfall that is close: so near is a run that grows along a limit
NEAR = 0.15  # decades from "a tenth of the steps": records are a tenth of a decade apart
NO_PAST = "no predictor of a tenth of the steps tells whether it has settled"
NO_MARGIN = "it does not separate the data yet"
TOO_EARLY = "it fits since less than a decade: too early to tell whether it still moves"

Path = Sequence[tuple[int, np.ndarray]]


class Kept(NamedTuple):
    """A predictor of a run, and how far from a solution it is."""

    step: int
    w: np.ndarray
    misfit: float

    @property
    def fits(self) -> bool:
        """Whether norms say something of it."""
        return self.misfit <= FITS


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
    instance: Instance, references: Mapping[str, Reference], path: Path, at_rest: str = ""
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
    at_rest : str
        Why the parameters no longer change: it is said of a run that is at no reference.
    """
    w, kind, known = path[-1][1], kind_of(instance), certified(references)
    if nothing := incomparable(references, known, w):
        return Verdict(**vars(nothing))
    kept = [Kept(step, v, kind.misfit(instance, known, v)) for step, v in path]
    end, then = kept[-1], _around(kept, 0.1)
    late = end.fits and then is not None and not then.fits
    away = tuple(n for n, each in known.items() if not end.fits or _by_distance(instance, w, each))
    if len(away) < len(known):  # norms of what does not fit can be compared with nothing
        kept = [each for each in kept if each.fits]
    missing = [_missing(instance, known, _around(kept, p), end.fits) for p in (1.0, 0.1, 0.01)]
    stands = Verdict(**vars(place(instance, known, w, end.misfit)))
    now = replace(stands, missing=missing[0], by_distance=away)
    return _add(now, at_rest) if at_rest else _judged(instance, known, kept, missing, now, late)


def _judged(
    instance: Instance,
    known: Mapping[str, Reference],
    kept: Sequence[Kept],
    missing: Sequence[Mapping[str, float]],
    now: Verdict,
    late: bool,
) -> Verdict:
    """Decide whether a run that still moves has settled where it stands now.

    ``missing`` is what is missing to each reference now, at a tenth and at a hundredth of the
    steps; ``late`` says that it fits since less than a decade.
    """
    name, end, earlier = str(now.selected), kept[-1], _around(kept, 0.1)
    limit = kind_of(instance).limit(instance, end.w, known[name]) if name in known else 0.0
    arrived = name in known and missing[0][name] <= ARRIVED * limit
    if earlier is None:
        reason = TOO_EARLY if late else NO_PAST
        return now if not end.fits or (late and arrived) else _undecided(now, reason)
    trend = {name: _ratio(last, missing[1][name]) for name, last in missing[0].items()}
    now = replace(now, trend=trend)
    if arrived:
        return now
    settles = name in known and not _grows(missing, name, limit)
    settles = settles and not _drawn(missing, trend, name)
    if settles and _was_there(side(instance, known, earlier.w), name, known[name]):
        return now
    if late:
        return _undecided(replace(now, trend={}), TOO_EARLY)
    moving = _moving(instance, known, kept, now)
    if moving is None:
        return _stays(now)
    if _grows_along(instance, known, kept, moving):
        return replace(now, selected=moving.towards, reason=None)
    if tail_decides(instance) and _has_no_margin(moving):
        return _undecided(replace(now, trend={}), NO_MARGIN)
    alike = _twins(instance, known, str(moving.towards))
    if alike:
        return _undecided(now, f"{alike}; it comes closer to both")
    rival = _as_fast(instance, known, end.w, missing, moving)
    if rival is None:
        return moving
    reason = f"it comes closer to {moving.towards} and as fast to {rival}"
    return _undecided(replace(now, trend={}), reason)


def _has_no_margin(moving: Verdict) -> bool:
    """Whether a row is on the wrong side: which margin is then the least bad one says nothing."""
    name = str(moving.towards)
    return name not in moving.by_distance and moving.missing[name] >= 1.0


def _undecided(now: Verdict, reason: str) -> Verdict:
    return replace(now, selected=INCONCLUSIVE, reason=reason)


def _add(now: Verdict, what: str) -> Verdict:
    """Add to the reason why a run is at no reference what becomes of it."""
    return replace(now, reason=f"{now.reason}; {what}") if now.selected == INCONCLUSIVE else now


def _around(kept: Sequence[Kept], part: float) -> Kept | None:
    """Return the predictor at about that part of the last step, if it was kept."""
    wanted = part * kept[-1].step
    found = min(kept, key=lambda each: abs(math.log(max(each.step, 1) / max(wanted, 0.1))))
    return found if abs(math.log10(max(found.step, 0.1) / max(wanted, 0.1))) < NEAR else None


def _missing(
    instance: Instance, known: Mapping[str, Reference], at: Kept | None, fits: bool = True
) -> dict[str, float]:
    if at is None:
        return {}
    kind = kind_of(instance)
    if not fits:
        return {RESIDUAL: at.misfit, **distances(instance, at.w, known)}
    return {name: kind.shortfall(instance, at.w, each) for name, each in known.items()}


def _by_distance(instance: Instance, w: np.ndarray, reference: Reference) -> bool:
    return kind_of(instance).defect(instance, w, reference) is None


def _ratio(now: float, then: float) -> float:
    if then > 0.0:
        return max(now, 0.0) / then
    return 1.0 if now <= 0.0 else math.inf


def _was_there(then: Selection, name: str, reference: Reference) -> bool:
    """Whether a predictor is on the side of a reference, as well as the effective p is known."""
    if then.selected == name:
        return True
    exponents = {f: p for f, p in reference.exponents.items() if f in then.effective}
    intervals = {family: then.effective[family].interval for family in exponents}
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
    instance: Instance, known: Mapping[str, Reference], kept: Sequence[Kept], now: Verdict
) -> Verdict | None:
    """Say towards which reference the run moves, if towards any."""
    towards = min(known, key=now.trend.__getitem__)
    if now.trend[towards] > FALLS:
        return None
    if RESIDUAL in now.trend:
        if towards != now.nearest or _is_far(instance, known, kept[-1].w, now):
            return None
        return replace(now, selected=MOVING, towards=towards, reason=None)
    limit = kind_of(instance).limit(instance, kept[-1].w, known[towards])
    steps = [each.step for each in kept]
    missing = [_missing(instance, {towards: known[towards]}, each)[towards] for each in kept]
    moving = replace(now, selected=MOVING, towards=towards, reason=None)
    if now.nearest != towards:  # which comes first now is second to where it goes
        moving = replace(moving, runner_up=now.nearest)
    return replace(moving, decided_at=extrapolated(steps, missing, limit))


def _twins(instance: Instance, known: Mapping[str, Reference], name: str) -> str | None:
    """Say which reference this instance does not tell from the one of that name, if any.

    Whoever approaches one of them approaches the other, and which one faster is chance.
    """
    kind = kind_of(instance)
    others = {other: each for other, each in known.items() if other != name}
    gaps = distances(instance, known[name].solution, others)
    twin = min(gaps, key=gaps.__getitem__, default=None)
    return None if twin is None or gaps[twin] >= kind.told_apart else apart(kind, name, twin, gaps)


def _as_fast(
    instance: Instance,
    known: Mapping[str, Reference],
    w: np.ndarray,
    missing: Sequence[Mapping[str, float]],
    moving: Verdict,
) -> str | None:
    """Return another reference that the run approaches as fast, up to fluctuations, if any.

    More has to be missing to it than if it had been approached at the rate of the one that the run
    moves to: else which of both is the limit is chance.  Distances of what does not fit yet are
    told apart by which is nearest.
    """
    if RESIDUAL in moving.trend:
        return None
    kind, (now, then) = kind_of(instance), missing[:2]
    rate = moving.trend[str(moving.towards)]
    for other, falls in moving.trend.items():
        slack = FLUCTUATES * kind.limit(instance, w, known[other])
        if other != moving.towards and falls <= FALLS and now[other] - rate * then[other] < slack:
            return other
    return None


def _grows_along(
    instance: Instance, known: Mapping[str, Reference], kept: Sequence[Kept], moving: Verdict
) -> bool:
    """Whether w grows along the reference to which it moves, and is not far from it.

    On separable data gradient descent is w = limit * log t + what stays bounded (Soudry, Hoffer,
    Nacson, Gunasekar, Srebro 2018, arXiv:1710.10345): what it grows by in a decade of steps has
    the direction of the limit long before w itself does.  Two decades have to agree.
    """
    name, ends = str(moving.towards), [_around(kept, part) for part in (1.0, 0.1, 0.01)]
    if not tail_decides(instance) or moving.nearest != name or None in ends:
        return False
    last, middle, first = (end.w for end in ends if end is not None)
    limit = kind_of(instance).limit(instance, last, known[name])
    near = moving.missing[name] <= NEARLY * limit and _was_there(moving, name, known[name])
    growth = (last - middle, middle - first)
    return near and all(select(instance, known, each).selected == name for each in growth)


def _is_far(
    instance: Instance, known: Mapping[str, Reference], w: np.ndarray, now: Verdict
) -> bool:
    """Whether the nearest reference is half as far away as from the closest other one, or more.

    On its way to the data a run comes closer to all of them.  Of a norm, the solutions for the
    other exponents of the grid are rivals as well: none may be nearer.
    """
    kind, nearest = kind_of(instance), str(now.nearest)
    own, away = known[nearest], now.missing[nearest]
    others = {name: each for name, each in known.items() if name != nearest}
    gaps = distances(instance, own.solution, others).values()
    if away >= 0.5 * min(gaps, default=math.inf):
        return True
    return any(
        kind.distance(instance, w, rival) < away
        for family in own.exponents
        for rival in norm_grid(instance, family).values()
        if kind.distance(instance, own.solution, rival) >= kind.told_apart
    )


def _stays(now: Verdict) -> Verdict:
    """Return what to say of a run that comes closer to no reference."""
    if now.selected == BETWEEN:
        return now
    if now.selected == INCONCLUSIVE:
        return _add(now, _comes_closer(now))
    return _undecided(now, f"at {now.selected}, but neither for a decade nor on its way there")


def _comes_closer(now: Verdict) -> str:
    if now.open:
        return "it fits ever better"
    falls = now.trend[str(now.nearest)]
    if falls <= FALLS:  # but it is far, and does not fit any better
        return "it comes closer"
    slowly = falls < 1.0 - UNCHANGED
    return "it comes closer by less than 5% a decade" if slowly else "it comes no closer"
