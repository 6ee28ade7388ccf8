"""The lasso: least squares with an L1 penalty, one or a path of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import (
    Array,
    Matrix,
    Pair,
    as_dense,
    as_matrix,
    as_vector,
    extended_product,
)
from optbench.references.certificate import Reference, relative_gap
from optbench.references.scaling import rank, solve_upper

_ZERO = 1e-10  # of the largest coordinate
_DEPENDENT = 1e-12
_SOLVED = 1e-12


def lasso(X: Matrix, y: ArrayLike, penalty: float) -> Reference:
    """Minimiser of 1/2 ||X w - y||^2 + penalty ||w||_1.

    Least angle regression (scikit-learn) follows the piecewise linear path, and where copies of a
    column or tiny ones lead it astray Clarabel solves the quadratic program; then the equations of
    the nonzero coordinates are solved again.  The dual is max r.y - 1/2 ||r||^2 subject to
    ||X^T r||_inf <= penalty, met by the residual r = y - X w.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)
    penalty : float
        Positive.

    Returns
    -------
    Reference
        `value` the objective, `dual` the residual, scaled into the feasible set.  `unique` is True
        if the columns of largest correlation with it are independent, else None.

    Raises
    ------
    UserError
        If the penalty is not positive.

    References
    ----------
    Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x; Efron, Hastie, Johnstone, Tibshirani
    2004, arXiv:math/0406456.
    """
    return lasso_path(X, y, [penalty])[0]


def lasso_path(X: Matrix, y: ArrayLike, penalties: Sequence[float] | Array) -> list[Reference]:
    """Solutions of the lasso for several penalties, each as in :func:`lasso`.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)
    penalties : sequence of float
        Positive.

    Returns
    -------
    list of Reference
        In the order of the penalties.

    Raises
    ------
    UserError
        If a penalty is not positive.
    """
    X = as_dense(as_matrix(X, "X"))
    y = as_vector(y, X.shape[0], "y")
    for penalty in map(float, penalties):
        if not 0.0 < penalty < np.inf:
            raise UserError(f"penalty = {penalty} must be positive: it weighs the L1 norm")
    starts = _least_angle(X, y, penalties)
    return [_solve(X, y, w, float(penalty)) for w, penalty in zip(starts, penalties, strict=True)]


def _least_angle(X: Array, y: Array, penalties: Sequence[float] | Array) -> Array:
    """Points of the path that least angle regression finds, (number of penalties, d)."""
    from sklearn.linear_model import lars_path

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the certificate tells whether the path was followed
        knots, _, corners = lars_path(X, y, method="lasso")
    # knots decrease; in units of 1 / n
    path = [np.interp(penalties, y.size * knots[::-1], corner[::-1]) for corner in corners]
    return np.transpose(path)


def _solve(X: Array, y: Array, start: Array, penalty: float) -> Reference:
    """Polish a start, and where that proves nothing what Clarabel finds."""
    exponents = -np.frexp(np.abs(X).max(axis=0))[1]
    columns, weights = np.ldexp(X, exponents), penalty * np.ldexp(1.0, exponents)
    best = _certify(X, y, start, y - X @ start, penalty)
    for begin in (lambda: np.ldexp(start, -exponents), lambda: _conic(columns, y, weights)):
        for v, residual in _polish(columns, y, begin(), weights):
            found = _certify(X, y, np.ldexp(v, exponents), residual, penalty)
            best = found if found.gap < best.gap else best
        if best.gap <= _SOLVED:
            break
    return best


def _conic(X: Array, y: Array, weights: Array) -> Array:
    """Clarabel on min 1/2 ||r||^2 + weights.t: X v + r = y, -t <= v <= t."""
    import clarabel
    import scipy.sparse as sparse

    n, d = X.shape
    size = float(np.linalg.norm(y)) or 1.0
    one, none = sparse.eye_array(d), sparse.csr_array((d, n))
    rows = [[sparse.csr_array(X), None, sparse.eye_array(n)], [one, -one, none], [-one, -one, none]]
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    result = clarabel.DefaultSolver(
        sparse.csc_matrix(sparse.diags_array(np.repeat([0.0, 1.0], [2 * d, n]))),
        np.concatenate([np.zeros(d), weights / size, np.zeros(n)]),
        sparse.csc_matrix(sparse.block_array(rows)),
        np.concatenate([y / size, np.zeros(2 * d)]),
        [clarabel.ZeroConeT(n), clarabel.NonnegativeConeT(2 * d)],
        settings,
    ).solve()
    return np.array(result.x)[:d] * size


def _polish(X: Array, y: Array, start: Array, weights: Array) -> Iterator[Pair]:
    """Points and residuals of one set of nonzero coordinates after the other.

    Those of the wrong sign leave, and the one whose correlation exceeds its weight most enters.
    """
    sign = np.sign(np.where(np.abs(start) > _ZERO * np.abs(start).max(), start, 0.0))
    for _ in range(2 * min(X.shape) + 10):
        v, residual = _on_support(X, y, sign, weights)
        if not np.isfinite(v).all():
            return
        yield v, residual
        wrong = v * sign < 0.0
        slack = np.where(sign == 0.0, np.abs(X.T @ residual) - weights * (1.0 + _ZERO), 0.0)
        if wrong.any():
            sign[wrong] = 0.0
        elif slack.max() > 0.0:
            entering = int(slack.argmax())
            sign[entering] = np.sign(X[:, entering] @ residual)
        else:
            return


def _on_support(X: Array, y: Array, sign: Array, weights: Array) -> Pair:
    """Solve X_S^T (y - X_S v_S) = weights sign on independent columns S of the nonzero ones."""
    from scipy.linalg import qr

    v = np.zeros(sign.size)
    support = np.flatnonzero(sign)
    if support.size == 0:
        return v, y.copy()
    Q, R, pivots = qr(X[:, support], mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(R))
    size = int((diagonal > _DEPENDENT * diagonal[0]).sum())
    Q, R, chosen = Q[:, :size], R[:size, :size], support[pivots[:size]]
    pull = solve_upper(R, (weights * sign)[chosen], transposed=True)
    inside = Q.T @ y
    v[chosen] = solve_upper(R, inside - pull)
    rest = y - Q @ inside
    return v, rest - Q @ (Q.T @ rest) + Q @ pull


def _certify(X: Array, y: Array, w: Array, residual: Array, penalty: float) -> Reference:
    """Certificate of a point and of a residual, scaled to be feasible for the dual."""
    error = y - extended_product(X, w)
    value = float(error @ error / 2 + penalty * np.abs(w).sum())
    correlations = np.abs(extended_product(X.T, residual)).astype(np.float64)
    dual = residual * min(1.0, penalty / max(float(correlations.max()), 1e-300))
    wide = dual.astype(np.longdouble)
    bound = float(wide @ y - wide @ wide / 2)
    largest = X[:, correlations >= penalty * (1.0 - 1e-9)]
    return Reference(
        name="lasso",
        kind="minimizer",
        norm="l1",
        solution=w,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        dual=dual,
        unique=True if largest.size == 0 or rank(largest) == largest.shape[1] else None,
    )
