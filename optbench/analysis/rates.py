"""Which law a suboptimality gap follows once the transient is over, or why none can be named.

With y(t) = log(f_t - f*) on log-spaced steps t >= 1, the laws that compete are

    linear        y = c + t log q                  f - f* ~ C q^t
    power         y = c - a log t                  f - f* ~ C t^-a
    logarithmic   y = c - log(log t + b)           f - f* ~ C / log t
    stretched     y = c - k t^a, 0.2 <= a <= 0.7   f - f* ~ C exp(-k t^a)
    superlinear   the same with 1.25 <= a < 3      faster than every q^t

Each is fitted by least squares on every window that ends at the last record above the rounding
floor and covers 0.5, 1, 1.5 or 2 decades (in this order).  A law is accepted on a window when its
R^2 is at least 0.98 (0.999 for the last two, whose exponent is free), it beats the other laws by
6 in AICc, and the last half of the window agrees with the whole; the longest window wins.  AICc
carries a noise floor: deviations below 1% of the gap (or 0.3% of the drop of y) are not
interpreted, or the tiny but systematic residuals of a deterministic run would decide.

A trace that oscillates (momentum) and on which no law is accepted is fitted once more through its
upper envelope max_{s >= t} y(s), which is what a rate theorem bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.analysis.statistics import block_bootstrap
from optbench.errors import UserError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LOG_FLOOR = math.log(1e-14)  # of the initial gap: below it f_t - f* is rounding in float64
LEAST_RECORDS = 8
CLEAR_WIN = 6.0  # in AICc: an evidence ratio of e^3 = 20
NOISE_OF_GAP = 0.01
NOISE_OF_DROP = 0.003
HALVES_AGREE = 0.02  # relative difference of the fitted slopes
STALLED = 1e-3  # least drop of y over the last decade that counts as progress

# "exponential" stands for stretched and superlinear, which are one family in the exponent a.
_FAMILIES = ("linear", "power", "logarithmic", "exponential")
_LEAST_DECADES = np.array([[0.5], [1.0], [1.5], [2.0]])
_LEAST_R_SQUARED = np.array([0.98, 0.98, 0.98, 0.999])  # any crossover is 0.99 stretched
_PARAMETERS = np.array([[3.0], [3.0], [3.0], [4.0]])  # with the variance
_EXPONENTS = np.concatenate([np.arange(1, 20) * 0.05, np.arange(5, 13) * 0.25])
_SHIFTS = np.linspace(-0.5, 2.0, 26)  # b in units of log(last step)


@dataclass(frozen=True)
class Rate:
    """A fitted convergence law, or the reason why there is none.

    Parameters
    ----------
    law : str or None
        "linear", "power", "logarithmic", "stretched", "superlinear", or None.
    value : float
        q per step (linear), the exponent a (power, stretched, superlinear), 1 (logarithmic).
    low, high : float
        Bootstrap interval of `value`; nan for the logarithmic law, whose exponent is not fitted.
    window : tuple of int or None
        First and last step of the fitted window.
    r_squared : float
        Of y = log(gap) on the window.
    text : str
        For a table: `linear 0.9931/step`, `t^-1.02`, `1/log t`, or the reason.
    """

    law: str | None
    value: float
    low: float
    high: float
    window: tuple[int, int] | None
    r_squared: float
    text: str


@dataclass(frozen=True)
class _Windows:
    """Fits of the families (rows) on all windows; column s is the window from record s on."""

    shape: Array  # exponent a or shift b of the best member of the family
    aicc: Array
    r_squared: Array
    admissible: Mask  # long enough, decreasing, shape inside its range
    stable: Mask  # the last half of the window agrees


def fit_rate(
    steps: ArrayLike,
    log_gap: ArrayLike,
    log_floor: float | None = None,
    level: float = 0.95,
    resamples: int = 400,
    seed: int = 0,
) -> Rate:
    """Convergence law of a trace on its asymptotic window.

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
        Nominal coverage of the interval, in (0, 1).  Measured at 0.95: 0.90 to 0.95 under
        independent noise, 0.86 to 0.88 when neighbouring records correlate by 0.5.
    resamples, seed : int
        Of the block bootstrap of the residuals.

    Returns
    -------
    Rate
        `law` is None with the reason in `text` when the trace diverged, stalled, met the rounding
        floor too early, or no law can be told from the others.

    Raises
    ------
    UserError
        When the arrays do not form a trace, or `level` or `resamples` is out of range.

    References
    ----------
    C. M. Hurvich, C.-L. Tsai, "Regression and time series model selection in small samples",
    1989, doi:10.1093/biomet/76.2.297 (AICc).
    D. N. Politis, J. P. Romano, "A circular block-resampling procedure for stationary data",
    1992, in Exploring the Limits of Bootstrap (the interval).
    """
    t, y = _as_trace(steps, log_gap)
    if not 0.0 < level < 1.0 or resamples < 1:
        raise UserError(f"level {level} must lie in (0, 1) and resamples {resamples} be at least 1")
    broken = ~(y < np.inf)
    if broken.any():
        return _refusal(f"diverged at step {t[np.argmax(broken)]:.0f}")
    if y[-1] > y[0] + math.log(10.0):
        return _refusal(f"diverged: the gap grew {math.exp(min(y[-1] - y[0], 700.0)):.0e}-fold")
    floored = y <= (y[0] + LOG_FLOOR if log_floor is None else log_floor)
    end = int(np.argmax(floored)) if floored.any() else t.size
    fitted = np.arange(t.size)[(t >= 1) & (np.arange(t.size) < end)]
    rate = _fit(t[fitted], y[fitted], level, resamples, seed)
    if rate.law is None and floored.any():
        return _refusal(f"at rounding floor from step {t[end]:.0f}")
    return rate


def _fit(t: Array, y: Array, level: float, resamples: int, seed: int) -> Rate:
    """Fit the trace, then its upper envelope; otherwise say what is in the way."""
    if t.size < LEAST_RECORDS:
        return _refusal(f"not asymptotic yet: {t.size} records, {LEAST_RECORDS} needed")
    envelope = np.maximum.accumulate(y[::-1])[::-1]
    traces = [y] if np.array_equal(envelope, y) else [y, envelope]
    reasons = []
    for trace in traces:
        windows = _fit_windows(t, trace)
        chosen = _choose(windows)
        if not isinstance(chosen, str):
            family, start = chosen
            shape = float(windows.shape[family, start])
            return _rate(family, shape, t[start:], trace[start:], level, resamples, seed)
        reasons.append(chosen)
    stalled = _stalled_from(t, y)
    if stalled is not None:
        return _refusal(f"stalled from step {stalled}")
    return _refusal(f"not asymptotic yet: {reasons[0]}")


def _fit_windows(t: Array, y: Array) -> _Windows:
    """Least squares of every family on every window, and the checks on each."""
    n = t.size
    count = np.arange(n, 0, -1.0)
    half = np.arange(n) + np.arange(n, 0, -1) // 2
    drop = y - np.minimum.accumulate(y[::-1])[::-1]
    variance = np.maximum(NOISE_OF_GAP, NOISE_OF_DROP * drop) ** 2
    total = _scatter(y, y)
    rows = []
    for family, (grid, basis) in zip(_FAMILIES, _bases(t), strict=True):
        slope, error, rss = _suffix_regressions(basis, y, total, family != "logarithmic")
        best = np.argmin(rss, axis=0)
        fit, later = (best, np.arange(n)), (best, half)
        change = np.abs(slope[fit] - slope[later])
        steady = change <= np.maximum(HALVES_AGREE * np.abs(slope[fit]), 3 * error[later])
        rows.append((grid[best], rss[fit], rss[later], slope[fit] < 0, steady | (grid.size > 1)))
    shape, rss, rss_later, decreasing, steady = map(np.array, zip(*rows, strict=True))
    spare = np.maximum(count - _PARAMETERS - 1, 1.0)
    penalty = 2 * _PARAMETERS * (1 + (_PARAMETERS + 1) / spare)
    aicc = count * np.log(variance + rss / count) + penalty
    # On the last half: the shape of the whole window, the half's own best, and the other laws.
    refit = count[half] * np.log(variance[half] + rss_later / count[half]) + penalty[:, half]
    stable = steady & (refit <= aicc[:, half] + CLEAR_WIN)
    stable &= aicc[:, half] <= aicc[:3, half].min(axis=0) + CLEAR_WIN
    with np.errstate(divide="ignore", invalid="ignore"):
        r_squared = 1 - rss / total
    long = (count >= LEAST_RECORDS) & (np.log10(t[-1] / t) >= _LEAST_DECADES)
    admissible = long & decreasing & _shape_allowed(shape, t[-1])
    return _Windows(shape, aicc, r_squared, admissible, stable)


def _bases(t: Array) -> list[tuple[Array, Array]]:
    """For each family its shape parameters, shape (k,), and basis functions, shape (k, n)."""
    log_t = np.log(t)
    shifts = _SHIFTS * log_t[-1]
    inner = log_t + shifts[:, None]
    loglog = np.full(inner.shape, np.nan)
    np.log(inner, out=loglog, where=inner > 0.5)
    none = np.full(1, np.nan)
    relative = t / t[-1]
    return [
        (none, relative[None]),
        (none, log_t[None] - log_t[-1]),
        (shifts, loglog),
        (_EXPONENTS, relative ** _EXPONENTS[:, None]),
    ]


def _shape_allowed(shapes: Array, last: float) -> Mask:
    """Whether the shape parameter lies inside its range: at an edge another law is meant."""
    allowed = np.ones(shapes.shape, dtype=np.bool_)
    shift = shapes[2] / math.log(last)
    allowed[2] = (shift > _SHIFTS[0] + 1e-9) & (shift < _SHIFTS[-1] - 1e-9)
    a = shapes[3]
    allowed[3] = ((a > 0.19) & (a < 0.71)) | ((a > 1.24) & (a < 2.95))
    return allowed


def _suffix_regressions(
    basis: Array, y: Array, total: Array, free: bool
) -> tuple[Array, Array, Array]:
    """Slope, its standard error and RSS of y on each basis row, on every window that ends last.

    The slope is -1 where it is not free.  Windows that are too short or on which the basis is not
    defined have an infinite RSS.
    """
    valid = np.isfinite(basis)
    filled = np.where(valid, basis, 0.0)
    spread = _scatter(filled, filled)
    cross = _scatter(filled, y)
    usable = valid & (np.arange(y.size) <= y.size - 4)
    slope = np.full(basis.shape, -1.0)
    if free:
        np.divide(cross, spread, out=slope, where=usable & (spread > 0))
    rss = np.maximum(total - 2 * slope * cross + slope**2 * spread, 0.0)
    error = np.full(basis.shape, np.inf)
    freedom = np.maximum(np.arange(y.size, 0, -1.0) - 2, 1.0)
    np.divide(rss / freedom, spread, out=error, where=usable & (spread > 0))
    return slope, np.sqrt(error), np.where(usable, rss, np.inf)


def _scatter(a: Array, b: Array) -> Array:
    """Sum of (a - mean a)(b - mean b) over every window that ends at the last record."""
    count = np.arange(a.shape[-1], 0, -1.0)
    # Both are measured from their last value, or the products cancel when y is near -1e3.
    a, b = a - a[..., -1:], b - b[..., -1:]
    return _suffix_sum(a * b) - _suffix_sum(a) * _suffix_sum(b) / count


def _suffix_sum(a: Array) -> Array:
    return np.cumsum(a[..., ::-1], axis=-1)[..., ::-1]


def _choose(windows: _Windows) -> tuple[int, int] | str:
    """Family and first record of the longest accepted window, or the reason why there is none."""
    columns = np.arange(windows.aicc.shape[1] - LEAST_RECORDS + 1)
    aicc = windows.aicc[:, columns]
    ordered = np.sort(aicc[:3], axis=0)
    bent = aicc[3] < ordered[0] - CLEAR_WIN
    winner = np.where(bent, 3, np.argmin(aicc[:3], axis=0))
    good = windows.r_squared[winner, columns] >= _LEAST_R_SQUARED[winner]
    apart = bent | (ordered[1] - ordered[0] >= CLEAR_WIN)
    clear = good & apart & windows.admissible[winner, columns]
    accepted = clear & windows.stable[winner, columns]
    if accepted.any():
        start = int(np.argmax(accepted))
        return int(winner[start]), start
    if clear.any():
        return "the law still changes along the trace"
    if good.any():
        return "no law stands out"
    return "no law fits"


def _rate(
    family: int, shape: float, t: Array, y: Array, level: float, resamples: int, seed: int
) -> Rate:
    """Final least squares on the chosen window, with the bootstrap interval of the value."""
    window = (int(t[0]), int(t[-1]))
    design, value, residual = _least_squares(family, shape, t, y)
    r_squared = 1 - float(residual.var() / y.var())
    if family == 2:
        return Rate("logarithmic", 1.0, math.nan, math.nan, window, r_squared, "1/log t")
    spread = block_bootstrap(design, residual, resamples, seed)
    low, high = value + np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
    late = _late_value(family, value, shape, t, y)
    low, high = float(min(low, late)), float(max(high, late))
    if family == 0:
        q, low, high = math.exp(value), math.exp(low), math.exp(high)
        return Rate("linear", q, low, high, window, r_squared, f"linear {_factor(value)}/step")
    if family == 1:
        return Rate("power", -value, -high, -low, window, r_squared, f"t^-{-value:.2f}")
    law = "stretched" if value < 1 else "superlinear"
    return Rate(law, value, low, high, window, r_squared, f"exp(-c t^{value:.2f})")


def _least_squares(family: int, shape: float, t: Array, y: Array) -> tuple[Array, float, Array]:
    """Design matrix whose last column belongs to the value, the value, and the residuals."""
    one = np.ones_like(t)
    if family == 2:
        residual = y + np.log(np.log(t) + shape)
        return one[:, None], 1.0, residual - residual.mean()
    if family < 2:
        design = np.column_stack([one, t if family == 0 else np.log(t)])
        coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
        return design, float(coefficients[-1]), y - design @ coefficients
    relative, a = t / t[-1], shape
    for _ in range(5):  # Gauss-Newton in the exponent, from the best point of the grid
        power = relative**a
        c, k = np.linalg.lstsq(np.column_stack([one, power]), y, rcond=None)[0]
        design = np.column_stack([one, power, k * power * np.log(relative)])
        residual = y - c - k * power
        a += float(np.linalg.lstsq(design, residual, rcond=None)[0][-1])
    return design, a, residual


def _late_value(family: int, value: float, shape: float, t: Array, y: Array) -> float:
    """Value on the last half of the window if it drifts by more than its noise, else `value`."""
    half = t.size // 2
    design, late, residual = _least_squares(family, shape, t[half:], y[half:])
    r = np.linalg.qr(design, mode="r")
    freedom = max(residual.size - design.shape[1], 1)
    error = math.sqrt(residual @ residual / freedom) * np.linalg.norm(np.linalg.inv(r)[-1])
    return late if abs(late - value) > 2 * error else value


def _stalled_from(t: Array, y: Array) -> int | None:
    """First step of the plateau on which the trace ends, if its last decade shows no trend."""
    last = t >= t[-1] / 10
    x = np.log(t[last])
    x -= x.mean()
    slope = float(x @ y[last] / (x @ x))
    noise = float(np.std(y[last] - slope * x))
    if abs(slope) * (x[-1] - x[0]) > max(STALLED, 3 * noise):
        return None
    above = np.flatnonzero(y > y[last].max() + max(STALLED, noise))
    return int(t[above[-1] + 1] if above.size else t[0])


def _factor(log_q: float) -> str:
    """q = exp(log_q) with at least two digits of 1 - q."""
    q, rest = math.exp(log_q), -math.expm1(log_q)
    if q < 0.1:
        return f"{q:.2e}"
    if rest < 1e-9:
        return f"1-{rest:.1e}"
    return f"{q:.{max(4, 1 - math.floor(math.log10(rest)))}f}"


def _refusal(text: str) -> Rate:
    return Rate(None, math.nan, math.nan, math.nan, None, math.nan, text)


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
