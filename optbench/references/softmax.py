"""Least cross-entropy of several classes where it is not 0: the minimizer, certified."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.references.arrays import Array, Matrix, as_dense, as_matrix
from optbench.references.certificate import Reference, relative_gap
from optbench.references.scaling import graded_qr, rank, row_space, solve_upper

Mask = NDArray[np.bool_]

_STEPS = 200
_CLOSE = 1e-12
_ARMIJO = 1e-4


def softmax_minimizer(features: Matrix, labels: ArrayLike, rivals: Mask | None = None) -> Reference:
    """Minimizer W, of least L2 norm, of the mean over rows of -log softmax(W x)_y.

    Newton from 0.  The dual is max mean H(q_i) over distributions q_i with
    sum_i (q_i - e_{y_i}) x_i^T = 0, with the entropy H; the probabilities at W, moved to these
    constraints by a Newton step, prove the bound.

    Parameters
    ----------
    features : array_like or scipy.sparse matrix, shape (n, d)
    labels : array_like, shape (n,)
        Classes 0 ... k - 1.
    rivals : ndarray of bool, shape (n, k), optional
        Which other classes count in each row.  Where some pairs of a row and a class can be
        separated, the rest has a minimizer, and its value is the infimum of the whole.

    Returns
    -------
    Reference
        `solution` W row by row; `dual` q (n k,); `residual` the largest entry of the gradient
        relative to that of its terms.  `unique` is False: one vector added to all rows of W
        changes nothing.
    """
    X = as_dense(as_matrix(features, "features"))
    own = np.eye(int(np.max(labels)) + 1, dtype=bool)[np.asarray(labels, dtype=np.intp)]
    allowed = np.ones_like(own) if rivals is None else np.asarray(rivals, dtype=bool) | own
    exponents = -np.frexp(np.abs(X).max(axis=0))[1]
    basis, triangle, pivots = graded_qr(np.ldexp(X, exponents))
    size = rank(X)
    rows, pivots = basis[:, :size], pivots[:size]
    U = _descend(rows, own, allowed)
    W = np.zeros((own.shape[1], X.shape[1]))
    W[:, pivots] = np.ldexp(solve_upper(triangle[:size, :size], U.T).T, exponents[pivots])
    if size < X.shape[1]:
        span = row_space(X)
        W = W @ span @ span.T
    return _certify(X, rows, own, allowed, W - W.mean(axis=0))


def _product(left: Array, right: Array) -> Array:
    """Return left @ right, summed in extended precision."""
    return np.asarray(left.astype(np.longdouble) @ right.astype(np.longdouble), dtype=np.float64)


def _probabilities(scores: Array, allowed: Mask) -> tuple[Array, Array]:
    """Softmax over the allowed classes of each row, and the logarithms of its sums."""
    from scipy.special import logsumexp

    masked = np.where(allowed, scores, -np.inf)
    totals = logsumexp(masked, axis=1)
    return np.exp(masked - totals[:, None]), totals


def _risk(scores: Array, own: Mask, allowed: Mask) -> float:
    return float((_probabilities(scores, allowed)[1] - scores[own]).sum())


def _newton_step(rows: Array, own: Mask, P: Array) -> tuple[Array, Array]:
    """Newton step (k, r) for probabilities P, and the gradient."""
    gradient = _product((P - own).T, rows)
    k, r = gradient.shape
    hessian = np.zeros((k, r, k, r))
    for c in range(k):
        for e in range(k):
            weights = P[:, c] * ((c == e) - P[:, e])
            hessian[c, :, e, :] = rows.T @ (weights[:, None] * rows)
    step = -np.linalg.pinv(hessian.reshape(k * r, k * r), rcond=1e-13, hermitian=True)
    return (step @ gradient.ravel()).reshape(k, r), gradient


def _descend(rows: Array, own: Mask, allowed: Mask) -> Array:
    """Damped Newton steps until the risk no longer falls, then full ones while gradients do."""
    U = np.zeros((own.shape[1], rows.shape[1]))
    size = np.inf
    for _ in range(_STEPS):
        scores = rows @ U.T
        P, _ = _probabilities(scores, allowed)
        step, gradient = _newton_step(rows, own, P)
        slope, risk, length = float(np.sum(gradient * step)), _risk(scores, own, allowed), 1.0
        if -slope <= _CLOSE * risk:
            if not np.abs(gradient).max() < 0.5 * size:
                break
            size = np.abs(gradient).max()
        while length > 1e-10 and -slope > _CLOSE * risk:
            trial = rows @ (U + length * step).T
            if _risk(trial, own, allowed) <= risk + _ARMIJO * length * slope:
                break
            length *= 0.5
        U = U + length * step
    return U


def _certify(X: Array, rows: Array, own: Mask, allowed: Mask, W: Array) -> Reference:
    """Duality gap with the probabilities moved to the dual constraints."""
    from scipy.special import entr

    scores = _product(X, W.T)
    P, totals = _probabilities(scores, allowed)
    terms = np.maximum(np.abs(P - own).T @ np.abs(X), np.finfo(np.float64).tiny)
    residual = np.abs(_product((P - own).T, X)) / terms
    step, _ = _newton_step(rows, own, P)
    moves = rows @ step.T
    dual = np.maximum(P * (1.0 + moves - np.sum(P * moves, axis=1, keepdims=True)), 0.0)
    value = float((totals - scores[own]).mean())
    bound = float(entr(dual).sum(axis=1).mean())
    return Reference(
        name="minimizer",
        kind="minimizer",
        norm=None,
        solution=W.ravel(),
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        dual=dual.ravel(),
        unique=False,
        residual=float(residual.max()),
    )
