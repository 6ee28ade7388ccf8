"""One law on one window: where its shape lies, whether it fits, and what its value can be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from optbench.analysis.rates.autoregression import (
    CORRELATIONS,
    LEAST_NOISE,
    PRIOR_RECORDS,
    Regressions,
    regress,
)
from optbench.analysis.rates.grids import Axes, grid, refined
from optbench.analysis.rates.laws import (
    FIRST_ONTO_A_FLOOR,
    LOG_POWER,
    ONTO_A_FLOOR,
    Law,
    Window,
)

Array = NDArray[np.float64]
Triple = tuple[float, float, float]

REFINEMENTS = 8
LINEARISED = 2  # times a floor is
KEPT = 8.0  # log evidence below the largest one at which a shape no longer counts
BENT, BARELY_BENT = 0.01, 0.001  # probabilities under the law: to choose a window, to rule out
ECHO, LOUD = 2.2, 3.0  # standard errors: the same
OFFSET_OF_FIRST, OFFSET_OF_LAST = 1.0, 1 / 30  # largest offset, over the steps of the window
OFFSET_BEFORE_A_FLOOR = 10.0  # over the first step: shorter windows would leave only the floor
LEAST_OF_DROP = 0.003  # of the fall of log gap: smaller deviations from q^t are not interpreted
# Less of an exponential looks like a part of many other laws: its drop, and over the noise.
LEAST_DROP, LEAST_FALL = math.log(50.0), 20.0
# Last step over first one: over less, the modes of a spectrum that die out one by one look like
# exp(-c t^a), a < 1, and the approach of a method with steps of one size like one with a > 1.
LEAST_OF_EXPONENTS = 100.0
SMALL_EXPONENT, LEAST_OF_SMALL_EXPONENTS = 0.3, 300.0  # the same, where modes look most like it
NEAR_ONE = 0.8, 1.25  # exponents that a shorter window does not tell from q^t
NOISELESS = 0.005  # root mean square of the residuals below which they are no noise
LEAST_OVER_LEVEL = 0.1  # of a fitted curve, which a poor fit may bring to 0
PRECISION = 1e-5  # of quantiles, in standard errors
EDGE = 1.0  # log evidence within which an edge of the range of shapes is not ruled out


@dataclass(frozen=True)
class Candidate:
    """A law fitted to a window.

    Attributes
    ----------
    law : Law
    window : Window
    nodes : ndarray, shape (k, axes)
        Coordinates of the shapes that count, on a regular grid.
    regressions : Regressions
        For every shape and correlation.
    weights : ndarray, shape (k, r)
        Probability of each, with flat priors.
    inside : bool
        Whether the shape lies inside its range.
    """

    law: Law
    window: Window
    nodes: Array
    regressions: Regressions
    weights: Array
    inside: bool

    @cached_property
    def criterion(self) -> float:
        """AICc: minus twice the largest log likelihood, with what the parameters cost."""
        n, k = self.window.t.size, self.law.parameters
        return -2 * float(self.regressions.log_likelihood.max()) + 2 * k * n / max(n - k - 1, 1)

    @property
    def best(self) -> Array:
        """Coordinates of the most probable shape."""
        result: Array = self.nodes[np.argmax(self.weights.max(axis=1))]
        return result

    @cached_property
    def residual(self) -> Array:
        """What least squares leave at the most probable shape."""
        design, response = self.law.design(self.window, self.best[None])
        coefficients = np.linalg.lstsq(design[0].T, response[0], rcond=None)[0]
        rest: Array = response[0] - design[0].T @ coefficients
        return rest

    @cached_property
    def curve(self) -> Array:
        """Log gaps of a fitted power onto a floor."""
        response = self.law.design(self.window, self.best[None])[1][0]
        over_level: Array = np.log(np.maximum(response - self.residual, LEAST_OVER_LEVEL))
        return self.window.level + over_level

    @property
    def offset(self) -> float:
        """s of t + s at the most probable shape; nan where the law has none."""
        return math.nan if self.law.offset is None else self.law.offset(self.window, self.best)

    @property
    def log_floor(self) -> float:
        """Logarithm of the floor; -inf where the law has none."""
        if self.law is not ONTO_A_FLOOR:
            return -math.inf
        share = self.regressions.slope.flat[np.argmax(self.weights)]
        return float(self.window.level[-1] + math.log(share))

    @property
    def admissible(self) -> bool:
        """Whether the window shows enough of the law to name it.

        Its shape lies inside its range; the offset is not beyond what the window resolves, or it
        stands for another transient; and an exponential fell far enough to be told from others, one
        with an exponent over two decades of steps.
        """
        t, law = self.window.t, self.law
        if not self.inside:
            return False
        if law is ONTO_A_FLOOR:
            return self.offset <= float(min(t[0] * OFFSET_BEFORE_A_FLOOR, t[-1] * OFFSET_OF_LAST))
        if law.offset is not None and law.name not in ("logarithmic", "log power"):
            return self.offset <= float(min(t[0] * OFFSET_OF_FIRST, t[-1] * OFFSET_OF_LAST))
        if law.name in ("stretched", "superlinear"):
            small = self.best[0] < math.log(SMALL_EXPONENT)
            least = LEAST_OF_SMALL_EXPONENTS if small else LEAST_OF_EXPONENTS
            if t[-1] < least * t[0]:
                return False
        return law.offset is not None or (self._drop > LEAST_DROP and self.fall > LEAST_FALL)

    @property
    def stands_for_linear(self) -> bool:
        """Whether the law is q^t in disguise: an exponent near 1 on a window too short for it."""
        if self.law.name not in ("stretched", "superlinear"):
            return False
        short = self.window.t[-1] < LEAST_OF_EXPONENTS * self.window.t[0]
        return bool(short and NEAR_ONE[0] < math.exp(self.best[0]) < NEAR_ONE[1])

    @cached_property
    def _drop(self) -> float:
        curve = self.window.y - self.residual
        return float(curve[0] - curve[-1])

    @property
    def fall(self) -> float:
        """Fall of the fitted trace over the standard deviation of what noise adds at its ends."""
        between = 2 * (1 - np.maximum(CORRELATIONS, 0.0) ** (self.window.t.size - 1))
        variance = self.regressions.rest / self.regressions.freedom * between
        return self._drop / math.sqrt((self.weights * variance).sum())

    @property
    def noise(self) -> float:
        """Root mean square of the residuals."""
        return math.sqrt(float(np.mean(self.residual**2)))

    @property
    def noiseless(self) -> bool:
        """Whether the residuals are the error of the law: too small for noise, or bent."""
        return self.noise < NOISELESS or self._unbent(tolerated=0.0) < BENT

    def fits(self, barely: bool = False) -> bool:
        """Return whether neither a bend nor an echo is left in the residuals."""
        bend, echo = (BARELY_BENT, LOUD) if barely else (BENT, ECHO)
        return self._echo() < echo and self._unbent(self._tolerated) > bend

    @property
    def _tolerated(self) -> float:
        """Sum of squares that q^t may leave: other modes of a spectrum die out for ever."""
        if self.law.name != "linear":
            return 0.0
        return PRIOR_RECORDS * (LEAST_OF_DROP * self._drop) ** 2

    def _unbent(self, tolerated: float) -> float:
        """Probability of a bend at least as strong as the trace's, if the law were true.

        Polynomials of degree 2 to 4 in log t are added: the F test of their coefficients, averaged
        over the correlations that are plausible with them.
        """
        bent, wider, plausible = self._bends
        ratio = bent / (wider.rest[0] + tolerated)
        return float(plausible @ special.fdtrc(3, wider.freedom, ratio * wider.freedom / 3))

    @cached_property
    def _bends(self) -> tuple[Array, Regressions, Array]:
        """What polynomials take of the rest, the fit with them, and the weight of each rho."""
        design, response = self.law.design(self.window, self.best[None])
        u = np.log(self.window.t)
        u = (u - u.mean()) / (u[-1] - u[0])
        bends = np.polynomial.legendre.legvander(2 * u, 4)[:, 2:].T[None]
        wider = regress(np.concatenate([bends, design], axis=1), response)
        bent = np.maximum(self.regressions.rest.min(axis=0) - wider.rest[0], 0.0)
        return bent, wider, _normalised(wider.log_evidence[0])

    def _echo(self) -> float:
        """Correlation of each record's surprise with the one before, in standard errors.

        Surprises of noise are independent; those of a smooth trace that follows another law come
        with the same sign again and again, although their correlated sum may look like noise.
        """
        _, column = np.unravel_index(np.argmax(self.weights), self.weights.shape)
        rest, rho = self.residual, CORRELATIONS[column]
        fresh = (rest[1:] - rho * rest[:-1]) / math.sqrt(1 - rho**2)
        size = fresh @ fresh + PRIOR_RECORDS * LEAST_NOISE**2
        return float(fresh[1:] @ fresh[:-1] / size * math.sqrt(fresh.size))

    def value(self, level: float) -> Triple:
        """Median and interval of the value; nan where the law has none."""
        tails = (0.5, (1 - level) / 2, (1 + level) / 2)
        if self.law.name == "linear":
            return self._slope(tails, 1.0 / float(self.window.t[-1]))
        if self.law.value == "slope":
            return self._slope(tails, -1.0)
        if self.law.value == "shape":
            return self._shape(tails)
        return math.nan, math.nan, math.nan

    def _slope(self, tails: Triple, unit: float) -> Triple:
        """Quantiles of a mixture of t distributions, one for each shape and correlation."""
        from scipy.optimize import brentq  # 0.15 s, and not every law has such a value

        counts = self.weights > 1e-4 * self.weights.max()
        weights, middle = self.weights[counts], unit * self.regressions.slope[counts]
        error = abs(unit) * self.regressions.slope_error[counts]
        weights = weights / weights.sum()
        freedom = self.regressions.freedom

        def below(x: float, tail: float) -> float:
            return float(weights @ special.stdtr(freedom, (x - middle) / error)) - tail

        def quantile(tail: float) -> float:
            """Between the least and the largest quantile of the components."""
            ends = middle + error * special.stdtrit(freedom, tail)
            rounding = PRECISION * float(error.max())
            low, high = float(ends.min()) - rounding, float(ends.max()) + rounding
            return float(brentq(below, low, high, args=(tail,), xtol=rounding))

        middle_, low_, high_ = (quantile(tail) for tail in tails)
        return middle_, low_, high_

    def _shape(self, tails: Triple) -> Triple:
        """Quantiles of the first coordinate's marginal distribution."""
        from scipy.interpolate import CubicSpline  # 0.1 s, and few laws have such a value

        places = np.unique(self.nodes[:, 0])
        row = np.searchsorted(places, self.nodes[:, 0])
        density = np.bincount(row, self.weights.sum(axis=1), places.size)
        # A cubic through the logarithm: straight lines between nodes would widen the interval.
        curve = CubicSpline(places, np.log(np.maximum(density, 1e-12 * density.max())))
        fine = np.linspace(places[0], places[-1], 300)
        mass = np.cumsum(np.exp(curve(fine)))
        middle, low, high = np.exp(np.interp(np.array(tails) * mass[-1], mass, fine))
        return float(middle), float(low), float(high)


def fitted(law: Law, window: Window) -> Candidate:
    """Fit a law; a floor first to gaps, then to log gaps, linearised about the fit before."""
    if law is not ONTO_A_FLOOR:
        return _fitted(law, window)
    found = _fitted(FIRST_ONTO_A_FLOOR, window)
    for _ in range(LINEARISED):
        found = _fitted(law, Window(window.t, window.y, found.curve))
    return found


def _fitted(law: Law, window: Window) -> Candidate:
    """Fit a law: its shapes on a grid that is refined until it resolves those that count."""
    ranges = axes = law.axes(window)
    for _ in range(REFINEMENTS):
        nodes = grid(axes)
        regressions = regress(*law.design(window, nodes))
        if law.bounds:
            regressions = regressions.within(*law.bounds)
        evidence = _evidence(law, regressions)
        profile = evidence.max(axis=1)
        counts = profile > profile.max() - KEPT
        finer = refined(axes, counts, ranges) if counts.any() else None
        if finer is None:
            break
        axes = finer
    # Offsets beyond the range make a power of log t a power of t, which competes with it.
    edges = (law.sign or law.bounds) and law is not LOG_POWER
    inside = counts.any() and not (edges and _at_edge(nodes, profile, ranges))
    return Candidate(law, window, nodes, regressions, _normalised(evidence), bool(inside))


def _evidence(law: Law, regressions: Regressions) -> Array:
    """Log evidence of each shape and correlation; none where the gap would not fall."""
    evidence = regressions.log_evidence
    if law.sign == 0:
        return evidence
    return np.where(np.sign(regressions.slope) == law.sign, evidence, -np.inf)


def _at_edge(nodes: Array, profile: Array, ranges: Axes) -> bool:
    """Return whether a shape at an edge of its range is about as likely as the likeliest."""
    close = 1e-9
    at_edge = [(nodes[:, k] <= low + close) | (nodes[:, k] >= high - close)
               for k, (low, high) in enumerate(ranges)]  # fmt: skip
    return any(bool((profile[edge] > profile.max() - EDGE).any()) for edge in at_edge)


def _normalised(log_weights: Array) -> Array:
    """Return weights that sum to one."""
    largest = log_weights.max()
    if not np.isfinite(largest):
        return np.full(log_weights.shape, 1.0 / log_weights.size)
    weights = np.exp(log_weights - largest)
    result: Array = weights / weights.sum()
    return result
