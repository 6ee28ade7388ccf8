"""Regressions whose noise is autoregressive of order one, all correlations at once.

Noise with correlation rho between neighbours has C_ij = rho^|i - j|, whose inverse is tridiagonal:
x' C^-1 z is a polynomial in rho of three sums (of products of equals, of neighbours, and at the two
ends).  So one pass over the data serves every rho, and rho is averaged over instead of estimated:
estimates of it from a few tens of records are too small, and so are intervals that trust them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Evenly spaced in artanh(rho), on which the prior is exp(TILT artanh(rho)): with it the intervals
# of 28 records cover as often with a correlation of 0.8 as without one (benchmarks/calibration.py).
CORRELATIONS = np.tanh(np.linspace(-0.3, np.arctanh(0.99), 11))
TILT = 0.6
# Deviations below 1% of the gap are not interpreted: a deterministic run leaves tiny residuals
# that are the error of the law and no noise.  The prior has the weight of two records.
LEAST_NOISE = 0.01
PRIOR_RECORDS = 2.0
COLLINEAR = (
    1e-13  # of its square: a column that has less left beside those before it is one of them
)


@dataclass(frozen=True)
class Regressions:
    """Generalised least squares of many responses or designs (rows), for every rho (columns).

    Attributes
    ----------
    rest : ndarray, shape (k, r)
        Residual sum of squares in the metric C^-1, with that of the prior.
    slope, slope_variance : ndarray, shape (k, r)
        The last coefficient, and its variance over that of the noise.
    log_volume : ndarray, shape (k, r)
        log det (X' C^-1 X).
    records, columns : int
    """

    rest: Array
    slope: Array
    slope_variance: Array
    log_volume: Array
    records: int
    columns: int

    def within(self, low: float, high: float) -> Regressions:
        """Return the fits whose last coefficient is held between bounds."""
        nearest = np.clip(self.slope, low, high)
        rest = self.rest + (self.slope - nearest) ** 2 / self.slope_variance
        return replace(self, rest=rest, slope=nearest)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance."""
        return self.records + PRIOR_RECORDS - self.columns

    @property
    def log_likelihood(self) -> Array:
        """Largest log likelihood over coefficients and variance, up to a constant."""
        return -0.5 * ((self.records + PRIOR_RECORDS) * np.log(self.rest) + _log_det(self.records))

    @property
    def log_evidence(self) -> Array:
        """Log likelihood with coefficients and variance integrated out, times the prior of rho."""
        likelihood = -0.5 * (self.freedom * np.log(self.rest) + _log_det(self.records))
        return likelihood - 0.5 * self.log_volume + TILT * np.arctanh(CORRELATIONS)

    @property
    def slope_error(self) -> Array:
        """Standard error of the last coefficient."""
        error: Array = np.sqrt(self.rest / self.freedom * self.slope_variance)
        return error


def regress(design: Array, response: Array) -> Regressions:
    """Fit each response by the columns of its design.

    Parameters
    ----------
    design : ndarray, shape (k, p, n)
        The last of the p columns is the one whose coefficient is asked for.
    response : ndarray, shape (k, n)
    """
    gram = _gram(np.concatenate([design, response[:, None]], axis=1))
    columns = design.shape[1]
    least = [COLLINEAR * gram[k, k] for k in range(columns)]
    log_volume, slope, pivot = np.zeros_like(gram[0, 0]), gram[0, 0], gram[0, 0]
    for k in range(columns):  # Gaussian elimination; what is left of the last entry is the rest
        pivot = np.maximum(gram[k, k], least[k])
        slope = gram[k, -1] / pivot
        log_volume += np.log(pivot)
        for i in range(k + 1, columns + 1):
            gram[i, i:] -= gram[k, i] / pivot * gram[k, i:]
    rest = np.maximum(gram[-1, -1], 0.0) + PRIOR_RECORDS * LEAST_NOISE**2
    return Regressions(rest, slope, 1.0 / pivot, log_volume, response.shape[1], columns)


def _gram(rows: Array) -> Array:
    """Return M C^-1 M' of every M (m, n) in ``rows`` (k, m, n): an array of shape (m, m, k, r)."""
    equal = rows @ rows.swapaxes(1, 2)
    neighbours = rows[..., 1:] @ rows[..., :-1].swapaxes(1, 2)
    ends = rows[..., [0, -1]]
    inner = equal - ends @ ends.swapaxes(1, 2)
    mixed = neighbours + neighbours.swapaxes(1, 2)
    equal, inner, mixed = (x.transpose(1, 2, 0)[..., None] for x in (equal, inner, mixed))
    rho = CORRELATIONS
    products: Array = (equal + rho**2 * inner - rho * mixed) / (1 - rho**2)
    return products


def _log_det(records: int) -> Array:
    """Return log det C for every rho."""
    log_det: Array = (records - 1) * np.log1p(-(CORRELATIONS**2))
    return log_det
