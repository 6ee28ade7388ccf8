"""Newton's method for least p-norms: from a rough pair of point and multipliers to rounding."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr, solve_triangular

from optbench.references.arrays import Array, Pair, extended_product, spread
from optbench.references.certificate import dual_exponent, vector_norm

_ACTIVE_ROUNDS = 10
_PATIENCE = 5
LEAST_STIFFNESS = 1e-12  # bounds dw / dz where w is 0
SOLVED = 1e-12


def polish(
    A: Array, b: Array, pair: Pair, p: float, inequality: bool, enough: float = 0.0
) -> tuple[Pair, float]:
    """Bring a pair nearer to the least p-norm subject to A w = b, or A w >= b.

    Parameters
    ----------
    A : ndarray, shape (n, d)
        Of independent rows if `inequality` is false.
    b : ndarray, shape (n,)
    pair : (w, multipliers)
        Where to start. At the solution A^T multipliers is the gradient of the norm at w.
    p : float
    inequality : bool
    enough : float
        Error with which to be content; 0: go on to rounding.

    Returns
    -------
    (w, multipliers), error
        The best pair met, and the sum of its relative duality gap and residual.
    """
    if inequality:
        return _polish_active(A, b, *pair, p, enough)
    w, multipliers = _newton(A, b, *pair, p, enough)
    residual = np.abs(extended_product(A, w) - b).max() / np.abs(b).max()
    error = float(residual + abs(1.0 - _ratio(A, b, w, multipliers, p)))
    return (w, multipliers), error if np.isfinite(error) else float("inf")


def _polish_active(
    A: Array, b: Array, w: Array, multipliers: Array, p: float, enough: float
) -> tuple[Pair, float]:
    """Newton on the active rows; rows of negative multiplier leave, violated rows enter.

    Degenerate data can make the rows cycle: the pair of least duality gap is returned.
    """
    active = multipliers > 1e-6 * multipliers.max()
    best, least = (w, multipliers), _gap(A, b, w, multipliers, p)
    for _ in range(_ACTIVE_ROUNDS):
        if not active.any():
            break
        w, inside = _newton(A[active], b[active], w, multipliers[active], p, enough)
        multipliers = spread(inside, np.flatnonzero(active), b.size)
        gap = _gap(A, b, w, multipliers, p)
        if gap < least:
            best, least = (w, multipliers), gap
        wrong = multipliers < 0.0
        violated = ~active & (A @ w < b * (1.0 - 1e-10))
        if least <= max(SOLVED, enough) or not (wrong.any() or violated.any()):
            break
        active = (active & ~wrong) | violated
    return best, least


def _gap(A: Array, b: Array, w: Array, multipliers: Array, p: float) -> float:
    """Relative duality gap of w scaled to A w >= b and of the multipliers clipped to a >= 0."""
    margin = float((extended_product(A, w) / b).min())
    if not margin > 0.0:
        return float("inf")
    return 1.0 - margin * _ratio(A, b, w, np.maximum(multipliers, 0.0), p)


def _ratio(A: Array, b: Array, w: Array, multipliers: Array, p: float) -> float:
    """Dual value over norm, 1 at the solution; 0 if one of them is not there."""
    size = vector_norm(w, p)
    dual_size = vector_norm(extended_product(A.T, multipliers), dual_exponent(p))
    return float(b @ multipliers) / dual_size / size if dual_size > 0.0 and size > 0.0 else 0.0


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # far-off points are discarded
def _newton(A: Array, b: Array, w: Array, multipliers: Array, p: float, enough: float) -> Pair:
    """Newton on the optimality conditions sign(w) abs(w)^(p-1) = A^T a, A w = b.

    Everything is scaled to a solution of unit norm. The error is the duality gap plus the
    residual; since w and a settle one after the other it may rise for some steps, so the search
    is watched rather than monotone and the best point is returned.
    """
    size = vector_norm(w, p)
    start = w, multipliers
    if not (np.isfinite(size) and size > 0.0 and np.isfinite(multipliers).all()):
        return start
    b = b / size
    w, residual, mismatch, error = _conditions(A, b, w / size, multipliers, p)
    if not np.isfinite(error):
        return start
    best, least, stalled = (w, multipliers), error, 0
    while stalled < _PATIENCE and least > enough:
        step_w, step = _newton_step(A, w, multipliers, residual, mismatch, p)
        for length in 0.5 ** np.arange(8):
            trial = _conditions(A, b, w + length * step_w, multipliers + length * step, p)
            if trial[3] < 1e3 * least:
                break
        else:
            break
        w, residual, mismatch, error = trial
        multipliers = multipliers + length * step
        stalled = 0 if error < 0.5 * least else stalled + 1
        if error < least:
            best, least = (w, multipliers), error
    w, multipliers = best
    return (w if enough > 0.0 else _correct(A, b, w, multipliers, p)) * size, multipliers


def _correct(A: Array, b: Array, w: Array, multipliers: Array, p: float) -> Array:
    """Move w, without its multipliers, to remove the rounding it inherits from them (p < 2)."""
    _, residual, mismatch, _ = _conditions(A, b, w, multipliers, p)
    corrected = w + _newton_step(A, w, multipliers, residual, mismatch, p)[0]
    improved = np.abs(b - extended_product(A, corrected)).max() < np.abs(residual).max()
    return corrected if improved else w


def _conditions(
    A: Array, b: Array, w: Array, multipliers: Array, p: float
) -> tuple[Array, Array, Array, float]:
    """The point, b - A w, sign(w) abs(w)^(p-1) - A^T a, and the error.

    For p < 2 the point follows from the multipliers, w = sign(z) abs(z)^(1/(p-1)), z = A^T a:
    near 0 that map is smooth and its inverse is not.
    """
    slope = extended_product(A.T, multipliers)
    if p < 2.0:
        w = np.asarray(np.sign(slope) * np.abs(slope) ** (1.0 / (p - 1.0)), dtype=np.float64)
    mismatch = np.sign(w) * np.abs(w) ** (p - 1.0) - slope
    residual = b - extended_product(A, w)
    size, dual_size = vector_norm(w, p), vector_norm(slope, dual_exponent(p))
    error = np.inf
    if size > 0.0 and dual_size > 0.0:
        gap = abs(size - b @ multipliers / dual_size) / size
        error = float(gap + np.abs(residual).max() / np.abs(b).max())
    return w, residual.astype(np.float64), mismatch.astype(np.float64), error


def _newton_step(
    A: Array, w: Array, multipliers: Array, residual: Array, mismatch: Array, p: float
) -> Pair:
    """Solve A dw = residual with dw = D (A^T da - mismatch), D = dw / dz, by the QR of sqrt(D) A^T.

    Sorted rows and pivoting keep the accuracy of every row of a graded matrix (Cox and Higham
    1998, doi:10.1007/BF02510914): D spans many decades when p is large.
    """
    softness = compliance(np.abs(w), A.T @ multipliers, p)
    order = np.argsort(-softness)
    root = np.sqrt(softness[order])
    Q, R, pivots = qr((A[:, order] * root).T, mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(R)) > 1e-15 * abs(R[0, 0])).sum())
    Q, R, pivots = Q[:, :rank], R[:rank, :rank], pivots[:rank]
    pull = root * mismatch[order]
    inside = solve_triangular(R, residual[pivots], trans="T") + Q.T @ pull
    step_w, step = np.zeros_like(w), np.zeros_like(multipliers)
    step_w[order] = root * (Q @ inside - pull)
    step[pivots] = solve_triangular(R, inside)
    return step_w, step


def compliance(size: Array, slope: Array, p: float) -> Array:
    """Return dw / dz of z = sign(w) abs(w)^(p-1), from z (p < 2) or abs(w): finite at 0."""
    if p < 2.0:
        return np.asarray(np.abs(slope) ** ((2.0 - p) / (p - 1.0)) / (p - 1.0), dtype=np.float64)
    return 1.0 / np.maximum((p - 1.0) * size ** (p - 2.0), LEAST_STIFFNESS)
