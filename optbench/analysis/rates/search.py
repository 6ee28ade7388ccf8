"""The laws that a trace does not rule out, on the longest window that they fit.

All windows end where the trace does.  The first is the whole of it, each further one is a quarter
shorter, and the longest on which a law fits decides.  A law fits when no bend and no echo is left
in the residuals, its shape lies inside its range
(:class:`~optbench.analysis.rates.candidates.Candidate`), and the gap falls further than a random
walk would.  On that window the laws within 12 in AICc of the likeliest are not ruled out.  A floor
that this or a longer window leaves possible stands beside the laws that it looks like.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.analysis.rates.autoregression import LEAST_NOISE
from optbench.analysis.rates.candidates import Candidate, fitted
from optbench.analysis.rates.laws import LAWS, LOG_POWER, ONTO_A_FLOOR, SPECTRUM, Window
from optbench.analysis.rates.rate import Rate, rate_of, refusal
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
SHORTER = 0.75  # records of the next window over those of this one
FALL = 8.0  # standard deviations of the noise: a random walk gets beyond 5 once in 1,000
LOUD, FALL_OF_LOUD = 0.1, 16.0  # noise that hides bends, and the fall that it asks for
NOT_RULED_OUT = 12.0  # in AICc: an evidence ratio of e^6 = 400
FLOOR_LEFT = 8.0  # in AICc beyond a power: a floor that is not ruled out
LIKE_A_FLOOR = {"power", "logarithmic", "log power", "log over t", ONTO_A_FLOOR.name}
TOLD_OF_ENVELOPES = {"linear", "power"}  # envelopes are too rough for the laws between these,
ROUGH = 0.3  # and so is noise beyond that which the laws were tried on
DRIFTED = 0.995  # level of the interval of the last half, which noise leaves once in 200
CARRIED_ON = 2.0  # of the change from all records to their last half
SHARE_OF_SLOWEST = 0.1  # of the gap where a window begins before which other modes died out
MOST_LAWS = 3  # that a table names
FLATTENS = 0.95  # slope against log t in the last quarter over that in the third
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
        Coverage of the intervals, in (0, 1); docs/measures.md has what was measured at 0.95.

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
    laws = _decided(_windows(t, envelope if wild else y), margin)
    rough = wild or (laws and laws[0].noise > ROUGH)
    if rough and {candidate.law.name for candidate in laws} - TOLD_OF_ENVELOPES:
        return refusal("not asymptotic yet: it swings too much for a clear law")
    if len(laws) > MOST_LAWS:
        names = ", ".join(candidate.law.name for candidate in laws)
        return refusal(f"not asymptotic yet: none of {names} is ruled out")
    told = [
        (each, _interval(each, level, other_modes=each.window.t.size < t.size)) for each in laws
    ]
    if any(each.law.name != "linear" and low <= 0.0 for each, (_, low, _) in told):
        return refusal("not asymptotic yet: an exponent of 0 is not ruled out")
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


def _decided(windows: Iterator[Window], margin: float) -> list[Candidate]:
    """Return the laws of the first window that decides; none where none does."""
    before, late, floor_excess = None, False, math.inf
    for window in windows:
        tried = _tried(window)
        floor_excess = min(floor_excess, _floor_excess(tried))
        laws = _not_ruled_out(tried, margin)
        if laws and before and not late and _begins_early(laws[0], before):
            late, laws = True, []  # one window further is enough
        if laws:
            laws = _beside_a_floor(laws, tried, floor_excess)
        if laws and not _flattens_like_a_logarithm(laws, margin):
            return _beside_a_spectrum(laws, margin)
        before = window
    return []


def _tried(window: Window) -> list[Candidate]:
    """Fit the laws to a window, the likeliest first."""
    tried = [
        fitted(law, window) for law in LAWS if law is not ONTO_A_FLOOR or _may_have_a_floor(window)
    ]
    return sorted(tried, key=lambda candidate: candidate.criterion)


def _floor_excess(tried: list[Candidate]) -> float:
    """By how much AICc is larger with a floor than without; infinite where no floor fits."""
    like = {each.law.name: each for each in tried if each.law.name in LIKE_A_FLOOR}
    floor = like.pop(ONTO_A_FLOOR.name, None)
    if floor is None or not floor.fits():
        return math.inf
    return floor.criterion - min(each.criterion for each in like.values())


def _begins_early(power: Candidate, before: Window) -> bool:
    """Return whether noise may hide the end of a transient that the window before shows.

    The longest window on which a power fits is where its bend has just become invisible.
    """
    if power.law.name != "power" or power.noiseless:
        return False
    return not fitted(power.law, before).fits()


def _beside_a_floor(
    laws: list[Candidate], tried: list[Candidate], floor_excess: float
) -> list[Candidate]:
    """Add a floor that is not ruled out to laws that it looks like."""
    if laws[0].law.name not in LIKE_A_FLOOR or ONTO_A_FLOOR in [each.law for each in laws]:
        return laws
    if floor_excess > (NOT_RULED_OUT if laws[0].noise > LOUD else FLOOR_LEFT):
        return laws
    floor = [each for each in tried if each.law is ONTO_A_FLOOR]
    return laws + floor if floor else []


def _beside_a_spectrum(laws: list[Candidate], margin: float) -> list[Candidate]:
    """Add q^t to a stretched exponential that may as well be modes that die out one by one."""
    if [each.law.name for each in laws] != ["stretched"]:
        return laws
    spectrum = fitted(SPECTRUM, laws[0].window)
    ruled_out = spectrum.criterion > laws[0].criterion + margin or not spectrum.fits(barely=True)
    return laws if ruled_out else [*laws, spectrum]


def _may_have_a_floor(window: Window) -> bool:
    """Return whether the trace falls less against log t in its last quarter than before.

    One that scatters e-fold about its smooth version shows no floor, which is fitted to gaps over
    that version.
    """
    if np.abs(window.y - window.level).max() > 1.0:
        return False
    n = window.t.size
    u, y = np.log(window.t), window.level
    mid, late = n // 2, 3 * n // 4
    before = (y[late] - y[mid]) / (u[late] - u[mid])
    return bool((y[-1] - y[late]) / (u[-1] - u[late]) > FLATTENS * before)


def _not_ruled_out(tried: list[Candidate], margin: float) -> list[Candidate]:
    """Return the laws that a window does not rule out, the likeliest first; none if none fits."""
    near = [c for c in tried if c.criterion < tried[0].criterion + margin]
    least = FALL_OF_LOUD if near[0].noise > LOUD else FALL
    if not near[0].admissible or max(c.fall for c in near) < least:
        return []
    # Logarithms and floors bend as a power of t with a large offset does.
    bent = any(c.admissible and c.law.name in LIKE_A_FLOOR for c in near)
    possible = [c for c in near if c.admissible or (bent and c.law.name == "power")]
    short = near[0].window.t.size < LEAST_RECORDS
    if short and [c.law.name for c in near] != ["linear"]:
        return []
    if not any(c.fits() for c in possible):
        return []
    left = [c for c in possible if c.fits(barely=True)]
    left = [c for c in left if c.law is not ONTO_A_FLOOR or c is near[0]]
    return _with_the_simple_logarithm(left, tried, margin)


def _with_the_simple_logarithm(
    left: list[Candidate], tried: list[Candidate], margin: float
) -> list[Candidate]:
    """Name 1 / log t instead of a power of log t, or beside one where it is nearly ruled out."""
    if LOG_POWER not in [c.law for c in left]:
        return left
    if any(c.law.name == "logarithmic" for c in left):
        return [c for c in left if c.law is not LOG_POWER]
    far = left[0].criterion + 2 * margin
    return left + [c for c in tried if c.law.name == "logarithmic" and c.criterion < far]


def _flattens_like_a_logarithm(laws: list[Candidate], margin: float) -> bool:
    """Return whether a floor may be a power of log t instead, which has none.

    Deviations of 1% of the gap from that are not interpreted: 1 / log log t has no more.
    """
    floor = next((each for each in laws if each.law is ONTO_A_FLOOR), None)
    if floor is None:
        return False
    rival = fitted(LOG_POWER, floor.window)
    return rival.noise < LEAST_NOISE and LOG_POWER not in [each.law for each in laws]


def _interval(candidate: Candidate, level: float, other_modes: bool) -> tuple[float, float, float]:
    """Return the value and its interval, which follows a trend within the window.

    The last half of the records has a value of its own.  Where it differs by more than noise, or
    where there is no noise, the trend is carried on: the interval holds that value and goes twice
    as far beyond it.  Where modes faster than q^t died out before the window, q may be that of
    several: if the slowest one has a share of the gap at its first record, the gap falls over the
    window by at most 1 / share more than that mode.
    """
    value, low, high = candidate.value(level)
    half = candidate.window.last(max(candidate.window.t.size // 2, LEAST_OF_LINEAR))
    late, late_low, late_high = fitted(candidate.law, half).value(DRIFTED)
    if candidate.noiseless or not late_low <= value <= late_high:
        onwards = late + CARRIED_ON * (late - value)
        low, high = min(low, onwards), max(high, onwards)
    if other_modes and candidate.law.name == "linear":
        t = candidate.window.t
        high += math.log(1 / SHARE_OF_SLOWEST) / float(t[-1] - t[0])
    return value, low - candidate.margin, high + candidate.margin
