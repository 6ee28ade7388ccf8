"""One law on one window: where its shape lies, whether it fits, and what its value can be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from optbench.analysis.rates.autoregression import (
    CORRELATIONS,
    LEAST_NOISE,
    PRIOR_RECORDS,
    Regressions,
    regress,
)
from optbench.analysis.rates.laws import ONTO_A_FLOOR, Law, Window

Array = NDArray[np.float64]
Triple = tuple[float, float, float]

NODES = {0: (), 1: (15,), 2: (11, 9)}  # of the grid of a shape with so many coordinates
REFINEMENTS = 8
KEPT = 8.0  # log evidence below the largest one at which a shape no longer counts
ENOUGH = 0.5  # a grid is fine enough when so many of its nodes count
BENT, BARELY_BENT = 0.01, 0.001  # probabilities under the law: to choose a window, to rule out
ECHO, LOUD = 2.2, 3.0  # standard errors: the same
OFFSET_OF_FIRST, OFFSET_OF_LAST = 1.0, 1 / 30  # largest offset, over the steps of the window
LEAST_OF_DROP = 0.003  # of the fall of log gap: smaller deviations from q^t are not interpreted
LEAST_DROP = math.log(50.0)  # of the gap: less of an exponential looks like many other laws
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

    @property
    def criterion(self) -> float:
        """AICc: minus twice the largest log likelihood, with what the parameters cost."""
        n, k = self.window.t.size, self.law.parameters
        return -2 * float(self.regressions.log_likelihood.max()) + 2 * k * n / max(n - k - 1, 1)

    @property
    def best(self) -> Array:
        """Coordinates of the most probable shape."""
        result: Array = self.nodes[np.argmax(self.weights.max(axis=1))]
        return result

    def residual(self) -> Array:
        """Return what least squares leave at the most probable shape."""
        design, response = self.law.design(self.window, self.best[None])
        coefficients = np.linalg.lstsq(design[0].T, response[0], rcond=None)[0]
        rest: Array = response[0] - design[0].T @ coefficients
        return rest

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
        stands for another transient; a floor is most of the last gap; and an exponential fell far
        enough to be told from others.
        """
        t, law = self.window.t, self.law
        if not self.inside:
            return False
        if law is ONTO_A_FLOOR and self.log_floor < self.window.level[-1] - math.log(2.0):
            return False
        if law.offset is not None and law.name != "logarithmic":
            return self.offset <= min(t[0] * OFFSET_OF_FIRST, t[-1] * OFFSET_OF_LAST)
        return law.offset is not None or self._drop > LEAST_DROP

    @property
    def _drop(self) -> float:
        curve = self.window.y - self.residual()
        return float(curve[0] - curve[-1])

    @property
    def fall(self) -> float:
        """Fall of the fitted trace over the standard deviation of what noise adds at its ends."""
        between = 2 * (1 - np.maximum(CORRELATIONS, 0.0) ** (self.window.t.size - 1))
        variance = self.regressions.rest / self.regressions.freedom * between
        return self._drop / math.sqrt((self.weights * variance).sum())

    @property
    def margin(self) -> float:
        """What the value changes by where both ends of a window without noise move by 1%.

        Deviations as small as that are not interpreted: they may be a slow correction to the law,
        such as gradient descent's on separable data, instead of noise.
        """
        t, rest = self.window.t, self.residual()
        if self.law.value is None or math.sqrt(np.mean(rest**2)) > LEAST_NOISE:
            return 0.0
        if self.law.name == "linear":
            return 2 * LEAST_NOISE / float(t[-1] - t[0])
        return 2 * LEAST_NOISE / math.log(t[-1] / t[0])

    def fits(self, barely: bool = False) -> bool:
        """Return whether neither a bend nor an echo is left in the residuals."""
        bend, echo = (BARELY_BENT, LOUD) if barely else (BENT, ECHO)
        return self._echo() < echo and self._unbent() > bend

    def _unbent(self) -> float:
        """Probability of a bend at least as strong as the trace's, if the law were true.

        Polynomials of degree 2 to 4 in log t are added: the F test of their coefficients, averaged
        over the correlations that are plausible with them.
        """
        design, response = self.law.design(self.window, self.best[None])
        u = np.log(self.window.t)
        u = (u - u.mean()) / (u[-1] - u[0])
        bends = np.polynomial.legendre.legvander(2 * u, 4)[:, 2:].T[None]
        wider = regress(np.concatenate([bends, design], axis=1), response)
        bent = self.regressions.rest.min(axis=0) - wider.rest[0]
        ratio = np.maximum(bent, 0.0) / (wider.rest[0] + self._tolerated)
        tail = special.fdtrc(3, wider.freedom, ratio * wider.freedom / 3)
        return float(_normalised(wider.log_evidence[0]) @ tail)

    @property
    def _tolerated(self) -> float:
        """Sum of squares that q^t may leave: other modes of a spectrum die out for ever."""
        if self.law.name != "linear":
            return 0.0
        return PRIOR_RECORDS * (LEAST_OF_DROP * self._drop) ** 2

    def _echo(self) -> float:
        """Correlation of each record's surprise with the one before, in standard errors.

        Surprises of noise are independent; those of a smooth trace that follows another law come
        with the same sign again and again, although their correlated sum may look like noise.
        """
        _, column = np.unravel_index(np.argmax(self.weights), self.weights.shape)
        rest, rho = self.residual(), CORRELATIONS[column]
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
        counts = self.weights > 1e-4 * self.weights.max()
        weights, middle = self.weights[counts], unit * self.regressions.slope[counts]
        error = abs(unit) * self.regressions.slope_error[counts]
        weights = weights / weights.sum()
        low, high = float((middle - 40 * error).min()), float((middle + 40 * error).max())

        def below(x: float, tail: float) -> float:
            return (
                float(weights @ special.stdtr(self.regressions.freedom, (x - middle) / error))
                - tail
            )

        middle_, low_, high_ = (
            float(optimize.brentq(below, low, high, args=(tail,), xtol=1e-9 * (high - low)))
            for tail in tails
        )
        return middle_, low_, high_

    def _shape(self, tails: Triple) -> Triple:
        """Quantiles of the first coordinate's marginal distribution."""
        places = np.unique(self.nodes[:, 0])
        row = np.searchsorted(places, self.nodes[:, 0])
        density = np.bincount(row, self.weights.sum(axis=1), places.size)
        mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
        middle, low, high = np.exp(np.interp(np.array(tails) * mass[-1], mass, places))
        return float(middle), float(low), float(high)


def fitted(law: Law, window: Window) -> Candidate:
    """Fit a law: its shapes on a grid that is refined until it resolves those that count."""
    ranges = axes = law.axes(window)
    nodes, inside = np.zeros((1, 0)), True
    for _ in range(REFINEMENTS):
        nodes = _grid(axes)
        fits = regress(*law.design(window, nodes))
        evidence = _evidence(law, fits)
        profile = evidence.max(axis=1)
        counts = profile > profile.max() - KEPT
        if not axes or not counts.any() or _resolved(nodes, counts):
            break
        axes = _narrowed(nodes[counts], axes, ranges)
    for k, (low, high) in enumerate(ranges):
        at_edge = (nodes[:, k] <= low + 1e-9) | (nodes[:, k] >= high - 1e-9)
        inside &= law.sign == 0 or not bool((profile[at_edge] > profile.max() - EDGE).any())
    inside &= bool(np.isfinite(profile.max()))
    return Candidate(law, window, nodes, fits, _normalised(evidence), inside)


def _evidence(law: Law, fits: Regressions) -> Array:
    """Log evidence of each shape and correlation; none where the gap would not fall."""
    evidence = fits.log_evidence
    if law.sign == 0:
        return evidence
    falls = np.sign(fits.slope) == law.sign
    return np.where(falls, evidence, -np.inf)


def _grid(axes: tuple[tuple[float, float], ...]) -> Array:
    lines = [np.linspace(*ends, count) for ends, count in zip(axes, NODES[len(axes)], strict=True)]
    mesh = np.meshgrid(*lines, indexing="ij")
    return np.stack([m.ravel() for m in mesh], axis=1) if lines else np.zeros((1, 0))


def _resolved(nodes: Array, counts: NDArray[np.bool_]) -> bool:
    kept = nodes[counts]
    return all(
        np.unique(kept[:, k]).size >= ENOUGH * np.unique(nodes[:, k]).size
        for k in range(nodes.shape[1])
    )


def _narrowed(
    kept: Array, axes: tuple[tuple[float, float], ...], ranges: tuple[tuple[float, float], ...]
) -> tuple[tuple[float, float], ...]:
    """Return the range of what counts and one node more on each side."""
    found = []
    counts = NODES[len(axes)]
    for k, ((low, high), (least, most)) in enumerate(zip(axes, ranges, strict=True)):
        cell = (high - low) / (counts[k] - 1)
        found.append((max(kept[:, k].min() - cell, least), min(kept[:, k].max() + cell, most)))
    return tuple(found)


def _normalised(log_weights: Array) -> Array:
    """Return weights that sum to one."""
    largest = log_weights.max()
    if not np.isfinite(largest):
        return np.full(log_weights.shape, 1.0 / log_weights.size)
    weights = np.exp(log_weights - largest)
    result: Array = weights / weights.sum()
    return result
