"""The lasso: least squares with an L1 penalty, one or a path of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import Array, Matrix, as_dense, as_matrix, as_vector
from optbench.references.certificate import Reference, relative_gap


def lasso(X: Matrix, y: ArrayLike, penalty: float) -> Reference:
    """Minimiser of 1/2 ||X w - y||^2 + penalty ||w||_1.

    Least angle regression (scikit-learn) follows the piecewise linear path, then the equations of
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
    from sklearn.linear_model import lars_path

    X = as_dense(as_matrix(X, "X"))
    y = as_vector(y, X.shape[0], "y")
    for penalty in map(float, penalties):
        if not 0.0 < penalty < np.inf:
            raise UserError(f"penalty = {penalty} must be positive: it weighs the L1 norm")
    knots, _, corners = lars_path(X, y, method="lasso")  # knots decrease; in units of 1 / n
    path = [np.interp(penalties, y.size * knots[::-1], corner[::-1]) for corner in corners]
    found = []
    for penalty, w in zip(penalties, np.transpose(path), strict=True):
        points = (w, _polish(X, y, w, float(penalty)))
        candidates = [_certify(X, y, point, float(penalty)) for point in points]
        found.append(min(candidates, key=lambda reference: reference.value))
    return found


def _polish(X: Array, y: Array, w: Array, penalty: float) -> Array:
    """Solve X_S^T (X_S w_S - y) + penalty sign(w_S) = 0 on the support S."""
    support = np.flatnonzero(w)
    if support.size == 0:
        return w
    columns = X[:, support]
    shifted = columns.T @ y - penalty * np.sign(w[support])
    solved = np.zeros_like(w)
    solved[support] = np.linalg.lstsq(columns.T @ columns, shifted)[0]
    return solved


def _certify(X: Array, y: Array, w: Array, penalty: float) -> Reference:
    residual = y - X @ w
    correlations = np.abs(X.T @ residual)
    value = float(0.5 * residual @ residual + penalty * np.abs(w).sum())
    dual = residual * min(1.0, penalty / max(float(correlations.max()), 1e-300))
    bound = float(dual @ y - 0.5 * dual @ dual)
    largest = X[:, correlations >= penalty * (1.0 - 1e-9)]
    independent = largest.shape[1] == 0 or np.linalg.matrix_rank(largest) == largest.shape[1]
    return Reference(
        name="lasso",
        kind="minimizer",
        norm="l1",
        solution=w,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound, scale=0.5 * float(y @ y)),
        dual=dual,
        unique=True if independent else None,
    )
