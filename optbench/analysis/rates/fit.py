"""The laws that a trace does not rule out, on the longest window that any of them fits.

1. The trace is cut where it meets the rounding floor; one that rose again for good has no law.
2. Windows all end with the trace; the first one is the whole of it, each further one is a fifth
   shorter.  The first window wins on which a law fits: no bend is left (an F test at 1%), the gap
   falls more than a random walk of such steps would, and the shape lies inside its range.
3. On that window the laws within a factor of e^5 of the likeliest (10 in AICc) are not ruled out.
4. The interval of each averages over its shape and the correlation of the noise.  Where the last
   half of the window has another value, the trend is carried on: the interval reaches that far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.analysis.rates.candidates import Candidate, fitted
from optbench.analysis.rates.laws import LAWS, Law, Window, offset
from optbench.errors import UserError

Array = NDArray[np.float64]

LOG_FLOOR = math.log(1e-14)  # of the initial gap: below it f_t - f* is rounding in float64
LEAST_RECORDS = 10
SHORTER = 0.8
BENT = 0.01
DRIFT = 4.0  # standard errors: a walk without trend gets there once in 1e4
NOT_RULED_OUT = 10.0  # in AICc
ROSE = math.log(1e3)  # above its lowest that a trace ends, and is said to have left it
STALLED = 1e-3


@dataclass(frozen=True)
class FittedLaw:
    law: str
    value: float
    low: float
    high: float
    offset: float
    log_floor: float
    text: str


@dataclass(frozen=True)
class Rate:
    laws: tuple[FittedLaw, ...]
    window: tuple[int, int] | None
    text: str


def fit_rate(steps: ArrayLike, log_gap: ArrayLike, log_floor: float | None = None, level: float = 0.95) -> Rate:
    t, y = _as_trace(steps, log_gap)
    if not 0.0 < level < 1.0:
        raise UserError(f"level is {level}, but a coverage lies between 0 and 1, e.g. 0.95")
    broken = ~(y < np.inf)
    if broken.any():
        return _refusal(f"diverged at step {t[np.argmax(broken)]:.0f}")
    if y[-1] > y[0] + math.log(10.0):
        return _refusal(f"diverged: the gap grew {math.exp(min(y[-1] - y[0], 700.0)):.0e}-fold")
    bottom = y[0] + LOG_FLOOR if log_floor is None else log_floor
    stuck = _no_progress(t, np.maximum(y, bottom))
    floored = y <= bottom
    if stuck and (not floored.any() or stuck.startswith("left")):
        return _refusal(stuck)
    end = int(np.argmax(floored)) if floored.any() else t.size
    kept = np.flatnonzero((t >= 1) & (np.arange(t.size) < end))
    found = _search(t[kept], y[kept], level)
    if not found.laws and floored.any():
        return _refusal(f"at rounding floor from step {t[end]:.0f}")
    return found


def _no_progress(t: Array, y: Array) -> str | None:
    """Say since when a trace has not fallen, where that is a decade or longer."""
    y = np.maximum(y, -1e300)
    last = y[t >= t[-1] / 3.0].max()
    lowest = int(np.argmin(y))
    if last > y[lowest] + ROSE and y[lowest] < y[0] - ROSE and y[-1]> y[lowest]+ROSE/2:
        return f"left the lowest gap again after step {t[lowest]:.0f}"
    return None


def _search(t: Array, y: Array, level: float) -> Rate:
    if t.size < LEAST_RECORDS:
        return _refusal(f"not asymptotic yet: {t.size} records, {LEAST_RECORDS} needed")
    envelope = np.maximum.accumulate(y[::-1])[::-1]
    for trace in [y] if np.array_equal(envelope, y) else [y, envelope]:
        count = t.size
        while count >= LEAST_RECORDS:
            window = _window(t[-count:], trace[-count:])
            laws = _not_ruled_out(window)
            if len(laws) > 2:
                return _refusal("not asymptotic yet: " + ", ".join(c.law.name for c in laws))
            if laws:
                return _rate(window, laws, level)
            count = int(SHORTER * count)
    return _refusal("not asymptotic yet: no law fits")


def _window(t: Array, y: Array) -> Window:
    u = np.log(t)
    u = 2 * (u - u[0]) / (u[-1] - u[0]) - 1
    powers = np.polynomial.legendre.legvander(u, 4)
    return Window(t, y, powers @ np.linalg.lstsq(powers, y, rcond=None)[0])


def _flattens(window: Window) -> bool:
    """Whether the trace falls less against log t at its end than before."""
    n = window.t.size
    u, y = np.log(window.t), window.level
    mid, late = n // 2, 3 * n // 4
    return bool((y[-1] - y[late]) / (u[-1] - u[late]) > 0.9 * (y[late] - y[mid]) / (u[late] - u[mid]))


def _not_ruled_out(window: Window) -> list[Candidate]:
    fits = [fitted(law, window) for law in LAWS if law.sign <= 0 or _flattens(window)]
    best = min(c.criterion for c in fits)
    good = [c for c in fits if c.inside and c.criterion < best + NOT_RULED_OUT]
    misfits = [c.misfit() for c in good]
    if max(misfits, default=0) < BENT or max(c.drift() for c in good) < DRIFT:
        return []
    good = [c for c, m in zip(good, misfits) if m > BENT / 10]
    good.sort(key=lambda c: c.criterion)
    names = {c.law.name for c in good}
    return [c for c in good if not (c.law.name == "power onto a floor" and "power" in names)]


def _rate(window: Window, laws: list[Candidate], level: float) -> Rate:
    found = tuple(_told(c, level) for c in laws)
    return Rate(found, (int(window.t[0]), int(window.t[-1])), " or ".join(f.text for f in found))


def _told(c: Candidate, level: float) -> FittedLaw:
    value, low, high = c.value(level)
    name = c.law.name
    if name == "linear":
        T = c.window.t[-1]
        value, low, high = (math.exp(x / T) for x in (value, low, high))
        text = f"{value}/step"
    elif name == "power":
        value, low, high = -value, -high, -low
        text = f"t^-{value:.2f}"
    else:
        text = f"{name} {value:.2f}"
    return FittedLaw(name, value, low, high, math.nan, math.nan, text)


def _refusal(text: str) -> Rate:
    return Rate((), None, text)


def _as_trace(steps: ArrayLike, log_gap: ArrayLike) -> tuple[Array, Array]:
    """Steps and log gaps as floats, checked."""
    t = np.asarray(steps, dtype=np.float64)
    y = np.asarray(log_gap, dtype=np.float64)
    if t.ndim != 1 or t.shape != y.shape or t.size == 0:
        shapes = f"got steps of shape {t.shape} and log gaps of shape {y.shape}"
        raise UserError(f"a trace needs one log gap per recorded step, {shapes}")
    if not (np.isfinite(t).all() and t[0] >= 0 and (np.diff(t) > 0).all()):
        raise UserError("steps must be increasing numbers from 0 on, e.g. 0, 1, 2, 3, 4, 5, 6, 8")
    return t, y
