"""Least p-norm under A w >= b: a primal-dual interior-point method along a path of exponents.

With phi(w) = sum(abs(w_j)^p) / p and slack s = A w - b the central path is phi'(w) = A^T a,
a_i s_i = mu: near it the exponent moves from 2 to p, then mu to 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, qr, solve_triangular

from optbench.references.arrays import Array, Pair
from optbench.references.certificate import dual_exponent, vector_norm
from optbench.references.norm_newton import LEAST_STIFFNESS, SOLVED, compliance

Point = tuple[Array, Array, Array]  # w, multipliers a, slack s

_RATIO = 1.5  # of p - 1 from one exponent of a path to the next
_NEAR = 0.03  # duality gap with which the next exponent is tried
_LOST = 0.5
_ROUNDS = 60  # Newton steps for one exponent
_PATIENCE = 25
_STEP = 0.95  # of the way to the boundary
_LEAST_CENTRING = 1e-3
_SPREAD = 1e-3  # a_i s_i stays between this times mu and mu over this: nothing blocks later steps
_REFINEMENTS = 2


def path(p: float) -> Array:
    """Return exponents from near 2 to p, p - 1 in geometric progression."""
    last = np.log(p - 1.0)
    count = int(np.ceil(abs(last) / np.log(_RATIO)))
    return np.append(1.0 + np.exp(last * np.arange(1, count) / count), p)


@np.errstate(all="ignore")  # what is not finite ends the path
def follow_inside(A: Array, b: Array, start: Array, p: float) -> Pair:
    """Follow the central path from the solution for p = 2.

    Parameters
    ----------
    A : ndarray, shape (n, d)
    b : ndarray, shape (n,)
        Positive.
    start : ndarray, shape (d,)
        w for p = 2.
    p : float
        1 < p < inf.

    Returns
    -------
    (w, multipliers)
        A duality gap of 1e-6 to 1e-12, and worse where the method got stuck.

    References
    ----------
    Wright 1997, Primal-Dual Interior-Point Methods, doi:10.1137/1.9781611971453.
    """
    w = 1.1 * start
    slack = np.maximum(A @ w - b, 1e-2 * b.max())
    point, scale = (w, 1.0 / slack, slack), 1.0
    for exponent in path(p):
        w, multipliers, slack = point
        size = vector_norm(w, exponent)
        b, scale = b / size, scale * size
        point = w / size, multipliers / (b @ multipliers), slack / size
        point, error = _approach(A, b, point, exponent, SOLVED if exponent == p else _NEAR)
        if error > _LOST:
            break
    return point[0] * scale, point[1]


def _approach(A: Array, b: Array, point: Point, p: float, enough: float) -> tuple[Point, float]:
    """Take Newton steps near the central path of one exponent; return the best point, its error."""
    best, least, since = point, np.inf, 0
    for _ in range(_ROUNDS):
        w, softness, mismatch = _stationarity(A, point, p)
        point = w, point[1], point[2]
        error = _error(A, b, point, p)
        best, least, since = (point, error, 0) if error < least else (best, least, since + 1)
        if not np.isfinite(error) or least < enough or since > _PATIENCE:
            break
        try:
            point = _step(A, b, point, softness, mismatch, enough)
        except LinAlgError:  # rounding has the last word: the best point is polished elsewhere
            break
    return best, least


def _stationarity(A: Array, point: Point, p: float) -> tuple[Array, Array, Array]:
    """Return w, dw / dz for z = A^T a, and phi'(w) - z; for p < 2 w follows from z.

    For p > 2 dw / dz is that of the larger of w and what z asks for: at w = 0 it is infinite.
    """
    w, multipliers, _ = point
    z = A.T @ multipliers
    root = np.abs(z) ** (1.0 / (p - 1.0))
    if p < 2.0:
        softness = np.maximum(compliance(root, z, p), LEAST_STIFFNESS)
        return np.sign(z) * root, softness, np.zeros_like(z)
    softness = compliance(np.maximum(np.abs(w), root), z, p)
    return w, softness, np.sign(w) * np.abs(w) ** (p - 1.0) - z


def _error(A: Array, b: Array, point: Point, p: float) -> float:
    """The larger of the relative duality gap and the violation of A w - b = s."""
    w, multipliers, slack = point
    Aw = A @ w
    ratio = (b @ multipliers) / vector_norm(A.T @ multipliers, dual_exponent(p)) / vector_norm(w, p)
    violation = np.abs(Aw - slack - b).max() / b.max()
    return float(max(1.0 - (Aw / b).min() * ratio, violation))


def _step(
    A: Array, b: Array, point: Point, softness: Array, mismatch: Array, enough: float
) -> Point:
    """Take a step to a smaller mu, chosen by how far a step to mu = 0 would get (Mehrotra)."""
    w, multipliers, slack = point
    residual = A @ w - slack - b
    solve = _solver(A, softness, slack / multipliers)
    push = A @ (softness * mismatch) - residual

    def towards(mu: float) -> Point:
        step = solve(push - (slack - mu / multipliers))
        step_w = softness * (A.T @ step - mismatch)
        return step_w, step, A @ step_w + residual

    mu = float(multipliers @ slack) / b.size
    _, step, step_slack = towards(0.0)
    length = min(_length(multipliers, step), _length(slack, step_slack))
    left = float((multipliers + length * step) @ (slack + length * step_slack)) / b.size
    if not np.isfinite(left):
        raise LinAlgError
    centring = max((left / mu) ** 3, _LEAST_CENTRING)
    if b.size * mu < 0.1 * enough * (b @ multipliers):
        centring = 1.0
    step_w, step, step_slack = towards(centring * mu)
    length = _length(slack, step_slack)
    slack = slack + length * step_slack
    multipliers = multipliers + _length(multipliers, step) * step
    mu = float(multipliers @ slack) / b.size
    multipliers = np.clip(multipliers, _SPREAD * mu / slack, mu / _SPREAD / slack)
    return w + length * step_w, multipliers, slack


def _length(x: Array, step: Array) -> float:
    """Return how much of a step keeps x positive, at most 1."""
    falling = step < 0.0
    return min(1.0, _STEP * float((-x[falling] / step[falling]).min(initial=np.inf)))


def _solver(A: Array, softness: Array, weights: Array) -> Callable[[Array], Array]:
    """Return the function that solves (A D A^T + T) x = r, in the smaller of both dimensions."""
    n, d = A.shape
    if n <= d:
        scaled = A * np.sqrt(softness)
        factor = cho_factor(scaled @ scaled.T + np.diag(weights), check_finite=False)
        return lambda r: np.asarray(cho_solve(factor, r, check_finite=False), dtype=np.float64)
    root, spread = 1.0 / np.sqrt(weights), 1.0 / np.sqrt(softness)
    Q, R = qr(np.vstack([root[:, None] * A, np.diag(spread)]), mode="economic", check_finite=False)
    top = Q[:n]

    def once(r: Array) -> Array:
        return np.asarray(
            (r - A @ solve_triangular(R, top.T @ (root * r), check_finite=False)) / weights,
            dtype=np.float64,
        )

    def refined(r: Array) -> Array:
        x = once(r)
        for _ in range(_REFINEMENTS):
            x = x + once(r - A @ (softness * (A.T @ x)) - weights * x)
        return x

    return refined
