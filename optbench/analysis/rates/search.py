"""The laws that a trace does not rule out, on the longest window that they fit.

All windows end where the trace does.  The first is the whole of it, each further one is a quarter
shorter, and the longest on which a law fits decides.  A law fits when no bend and no echo is left
in the residuals, its shape lies inside its range
(:class:`~optbench.analysis.rates.candidates.Candidate`), and the gap falls further than a random
walk would.  On that window the laws within 12 in AICc of the likeliest are not ruled out, and
:mod:`~optbench.analysis.rates.rivals` has what stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.analysis.rates.candidates import Candidate, fitted
from optbench.analysis.rates.intervals import interval
from optbench.analysis.rates.laws import LAWS, ONTO_A_FLOOR, Window
from optbench.analysis.rates.rate import Rate, rate_of, refusal
from optbench.analysis.rates.rivals import (
    FALL,
    LIKE_A_FLOOR,
    LOUD,
    MOST_LAWS,
    NOT_RULED_OUT,
    beside_a_floor,
    beside_a_spectrum,
    flattens_like_a_logarithm,
    may_have_a_floor,
    with_special_cases,
)
from optbench.analysis.rates.traces import (
    LOG_FLOOR,
    as_trace,
    diverged,
    rose_again,
    stalled_from,
)
from optbench.errors import UserError

Array = NDArray[np.float64]

LEAST_RECORDS = 10  # a decade
LEAST_OF_LINEAR = 6  # half a decade, on which q^t is told when it fits alone
MORE_NOISE = 1.3  # than in the next window: what a transient leaves
SHORTER = 0.75  # records of the next window over those of this one
FALL_OF_LOUD, MORE_IN_LOUD = 16.0, 4.0  # the fall that loud noise asks for, and AICc to rule out
BENT_BY_OFFSETS = {"power", "log over t"}
TOLD_OF_ENVELOPES = {"linear", "power"}  # envelopes are too rough for the laws between these,
ROUGH = 0.3  # and so is noise beyond that which the laws were tried on
WILD = 0.4  # root mean square rise between records from which on a trace is read by its envelope


def fit_rate(
    steps: ArrayLike,
    log_gap: ArrayLike,
    log_floor: float | None = None,
    level: float = 0.95,
) -> Rate:
    """Laws of convergence that a trace does not rule out on its asymptotic window.

    Parameters
    ----------
    steps : array_like, shape (n,)
        Recorded steps, whole, increasing, log-spaced (about 10 per decade).
    log_gap : array_like, shape (n,)
        Natural logarithm of f_t - f*; -inf where the gap is exactly 0.
    log_floor : float, optional
        Natural logarithm of the gap at and below which records are rounding noise: the trace is
        cut at the first of them.  By default 1e-14 of the first gap; -inf for a trace computed in
        the log domain.  When f* is only certified up to a duality gap, pass that gap's logarithm.
    level : float
        Coverage of the intervals, in (0, 1); docs/statistics.md has what was measured at 0.95.

    Returns
    -------
    Rate
        No laws, and the reason in ``text``, when the trace diverged, stalled, rose again, met the
        rounding floor too early, or does not tell laws apart.

    Raises
    ------
    UserError
        When the arrays do not form a trace, or `level` is out of range.
    """
    t, y = as_trace(steps, log_gap)
    if not 0.0 < level < 1.0:
        raise UserError(f"level is {level}, but a coverage lies between 0 and 1, e.g. 0.95")
    grown = diverged(t, y)
    if grown:
        return refusal(grown)
    bottom = y[0] + LOG_FLOOR if log_floor is None else log_floor
    floored = y <= bottom
    # A gap of exactly 0 has no logarithm to rise from: its floor is far below all others.
    rose = rose_again(t, np.maximum(y, max(bottom, -1e6)), floored)
    if rose:
        return refusal(rose)
    end = int(np.argmax(floored)) if floored.any() else t.size
    kept = np.flatnonzero((t >= 1) & (np.arange(t.size) < end))
    rate = _search(t[kept], y[kept], level)
    if not rate.laws and floored.any():
        return refusal(f"at rounding floor from step {t[end]:.0f}")
    return rate


def _search(t: Array, y: Array, level: float) -> Rate:
    """Fit the trace, or its upper envelope; otherwise say what is in the way."""
    if t.size < LEAST_OF_LINEAR:
        return refusal(f"not asymptotic yet: {t.size} records, {LEAST_OF_LINEAR} needed")
    envelope = np.maximum.accumulate(y[::-1])[::-1]
    swings = float(np.sqrt(np.mean(np.maximum(np.diff(y), 0.0) ** 2)))
    wild = swings > WILD
    # No noise has the steps of an envelope: twice the evidence is asked to rule a law out.
    margin = 2 * NOT_RULED_OUT if wild else NOT_RULED_OUT
    laws, transient = _decided(_windows(t, envelope if wild else y), margin)
    rough = wild or (laws and laws[0].noise > ROUGH)
    if rough and {candidate.law.name for candidate in laws} - TOLD_OF_ENVELOPES:
        return refusal("not asymptotic yet: too rough a trace for a clear law")
    if len(laws) > MOST_LAWS:
        names = ", ".join(candidate.law.name for candidate in laws)
        return refusal(f"not asymptotic yet: none of {names} is ruled out")
    other_modes = bool(laws) and laws[0].window.t.size < t.size
    told = [(each, interval(each, level, wild, transient, other_modes)) for each in laws]
    falls = [each.law.name == "linear" or not low <= 0.0 for each, (_, low, _) in told]
    if told and not falls[0]:
        return refusal("not asymptotic yet: an exponent of 0 is not ruled out")
    told = [each for each, fell in zip(told, falls, strict=True) if fell]
    if told:
        return rate_of(told)
    stalled = stalled_from(t, y)
    if stalled is not None:
        return refusal(f"stalled from step {stalled}")
    return refusal("not asymptotic yet: no law fits")


def _windows(t: Array, y: Array) -> Iterator[Window]:
    """Yield the windows that end with the trace, the longest first."""
    count = t.size
    while count >= LEAST_OF_LINEAR:
        late, gaps = t[-count:], y[-count:]
        yield Window(late, gaps, _smooth(late, gaps))
        count = int(SHORTER * count)


def _smooth(t: Array, y: Array) -> Array:
    """Return the polynomial of degree 4 in log t through a trace."""
    u = np.log(t)
    powers = np.polynomial.legendre.legvander(2 * (u - u[0]) / (u[-1] - u[0]) - 1, 4)
    smooth: Array = powers @ np.linalg.lstsq(powers, y, rcond=None)[0]
    return smooth


def _decided(windows: Iterator[Window], margin: float) -> tuple[list[Candidate], bool]:
    """Return the laws of the first window that decides, and whether a transient was seen before.

    No laws where none does.
    """
    late = False
    fitted_so_far: list[list[Candidate]] = []
    for window in windows:
        tried = _tried(window)
        laws = _not_ruled_out(tried, margin)
        if laws and not late and fitted_so_far and _begins_early(laws[0], fitted_so_far[-1]):
            late, laws = True, []  # one window further is enough
        fitted_so_far.append(tried)
        if laws:
            laws = beside_a_floor(laws, fitted_so_far)
        if laws and not flattens_like_a_logarithm(laws, tried):
            return beside_a_spectrum(laws, margin, len(fitted_so_far) == 1), late
    return [], late


def _tried(window: Window) -> list[Candidate]:
    """Fit the laws to a window, the likeliest first."""
    tried = [
        fitted(law, window) for law in LAWS if law is not ONTO_A_FLOOR or may_have_a_floor(window)
    ]
    told = [candidate for candidate in tried if not candidate.stands_for_linear]
    return sorted(told, key=lambda candidate: candidate.criterion)


def _begins_early(power: Candidate, before: list[Candidate]) -> bool:
    """Return whether noise may hide the end of a transient that the window before shows.

    The longest window on which a power fits is where its bend has just become invisible.  On the
    one before it may pass for an offset and noise, but for more of that than is left here.
    """
    if power.law.name != "power" or power.noiseless:
        return False
    longer = [each for each in before if each.law is power.law]
    return any(not each.fits() or each.noise > MORE_NOISE * power.noise for each in longer)


def _not_ruled_out(tried: list[Candidate], margin: float) -> list[Candidate]:
    """Return the laws that a window does not rule out, the likeliest first; none if none fits."""
    loud = tried[0].noise > LOUD
    margin += MORE_IN_LOUD if loud else 0.0
    near = [c for c in tried if c.criterion < tried[0].criterion + margin]
    least = FALL_OF_LOUD if loud else FALL
    if not near[0].admissible or max(c.fall for c in near) < least:
        return []
    # Logarithms, floors and powers bend as a power of t with a large offset does, or log t / t.
    bent = any(c.admissible and c.law.name in LIKE_A_FLOOR for c in near)
    possible = [c for c in near if c.admissible or (bent and c.law.name in BENT_BY_OFFSETS)]
    short = near[0].window.t.size < LEAST_RECORDS
    if short and [c.law.name for c in near] != ["linear"]:
        return []
    if not any(c.fits() for c in possible):
        return []
    left = [c for c in possible if c.fits(barely=True)]
    left = [c for c in left if c.law is not ONTO_A_FLOOR or c is near[0]]
    return with_special_cases(left, tried, margin)
