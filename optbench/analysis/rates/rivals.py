"""What stands beside the laws of a window: floors, spectra and special cases not ruled out.

AICc tells laws apart whose difference the window shows.  These look alike where it ends.
"""

from __future__ import annotations

import math

import numpy as np

from optbench.analysis.rates.autoregression import LEAST_NOISE
from optbench.analysis.rates.candidates import Candidate, fitted
from optbench.analysis.rates.laws import LOG_POWER, ONTO_A_FLOOR, SPECTRUM, Window

NOT_RULED_OUT = 12.0  # in AICc: an evidence ratio of e^6 = 400
FLOOR_LEFT = 8.0  # in AICc beyond a power: a floor that is not ruled out
LOUD = 0.1  # noise that hides bends
FALL = 8.0  # standard deviations of the noise: a random walk gets beyond 5 once in 1,000
MOST_LAWS = 3  # that a table names
LIKE_A_FLOOR = {"power", "logarithmic", "log power", "log over t", ONTO_A_FLOOR.name}
SPECIAL_CASE = {ONTO_A_FLOOR.name: "power", LOG_POWER.name: "logarithmic"}
FLATTENS = 0.95  # slope against log t in the last quarter over that in the third


def beside_a_floor(laws: list[Candidate], windows: list[list[Candidate]]) -> list[Candidate]:
    """Add a floor that is not ruled out to laws that it looks like.

    No laws are left where only a longer window shows that floor.

    Parameters
    ----------
    laws : list of Candidate
        Those that are left on the last window.
    windows : list of list of Candidate
        What was fitted to each window so far.
    """
    if laws[0].law.name not in LIKE_A_FLOOR or ONTO_A_FLOOR in [each.law for each in laws]:
        return laws
    noisy_power = laws[0].law.name == "power" and not laws[0].noiseless
    excess = min(_floor_excess(tried, noisy_power) for tried in windows)
    if excess > (NOT_RULED_OUT if laws[0].noise > LOUD else FLOOR_LEFT):
        return laws
    floor = [each for each in windows[-1] if each.law is ONTO_A_FLOOR]
    return laws + floor if floor else []


def _floor_excess(tried: list[Candidate], resolved: bool) -> float:
    """By how much AICc is larger with a floor than without; infinite where no floor fits.

    With an offset that its window does not resolve it stands for a transient, which is no reason
    to doubt a power that fits after that, but one to go on where no noise is in the way.

    Parameters
    ----------
    tried : list of Candidate
        What was fitted to a window.
    resolved : bool
        Whether only a floor counts whose offset the window resolves.
    """
    like = {each.law.name: each for each in tried if each.law.name in LIKE_A_FLOOR}
    floor = like.pop(ONTO_A_FLOOR.name, None)
    if floor is None or not floor.fits() or (resolved and not floor.admissible):
        return math.inf
    return floor.criterion - min(each.criterion for each in like.values())


def beside_a_spectrum(laws: list[Candidate], margin: float, whole: bool) -> list[Candidate]:
    """Add q^t to a stretched exponential that may as well be modes that die out one by one.

    Under noise they are not ruled out where the trace followed another law before the window: a
    stretched exponential has no such beginning, and faster modes do.
    """
    if [each.law.name for each in laws] != ["stretched"]:
        return laws
    spectrum = fitted(SPECTRUM, laws[0].window)
    near = spectrum.criterion < laws[0].criterion + margin and spectrum.fits(barely=True)
    begun = not whole and not laws[0].noiseless
    return [*laws, spectrum] if near or begun else laws


def may_have_a_floor(window: Window) -> bool:
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


def with_special_cases(
    left: list[Candidate], tried: list[Candidate], margin: float
) -> list[Candidate]:
    """Name the power and 1 / log t beside what they are a case of, unless they are far from it.

    Where 1 / log t itself is not ruled out, it stands for powers of log t.
    """
    names = {c.law.name for c in left}
    if "logarithmic" in names:
        left = [c for c in left if c.law is not LOG_POWER]
    far = tried[0].criterion + 2 * margin
    missing = {SPECIAL_CASE.get(c.law.name) for c in left} - names
    cases = [c for c in tried if c.law.name in missing and c.criterion < far and c.fall > FALL]
    return left + cases[: max(MOST_LAWS - len(left), 0)]


def flattens_like_a_logarithm(laws: list[Candidate], tried: list[Candidate]) -> bool:
    """Return whether a floor may be a power of log t instead, which has none.

    Deviations of 1% of the gap from that are not interpreted: 1 / log log t has no more.
    """
    if ONTO_A_FLOOR not in [each.law for each in laws]:
        return False
    rival = next(each for each in tried if each.law is LOG_POWER)
    return rival.noise < LEAST_NOISE and LOG_POWER not in [each.law for each in laws]
