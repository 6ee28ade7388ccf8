"""Interpolant selected by a diagonal linear network: least hypentropy potential."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import (
    Array,
    Matrix,
    as_dense,
    as_matrix,
    as_vector,
    extended_product,
)
from optbench.references.certificate import Reference, relative_gap, violation
from optbench.references.dual_newton import Potential, maximize_dual
from optbench.references.least_norm import least_norm


def hypentropy_potential(w: Array, scale: float) -> float:
    """Q(w) = scale sum_i q(w_i / scale), q(z) = 2 - sqrt(4 + z^2) + z arcsinh(z / 2).

    Parameters
    ----------
    w : ndarray, shape (d,)
    scale : float
        alpha^2 for the initialisation u = v = alpha of w = u*u - v*v.

    Returns
    -------
    float

    References
    ----------
    Woodworth et al. 2020, arXiv:2002.09277.
    """
    z = np.asarray(w, dtype=np.longdouble) / scale
    # 2 - sqrt(4 + z^2) without cancellation
    flat = -(z**2) / (2.0 + np.sqrt(4.0 + z**2))
    return float(scale * (flat + z * np.arcsinh(z / 2.0)).sum())


def hypentropy(X: Matrix, y: ArrayLike, scale: float) -> Reference:
    """Interpolant of least hypentropy potential, w = 2 scale sinh(X^T nu).

    Damped Newton on the dual max y.nu - 2 scale sum(cosh(X^T nu) - 1), following the solution
    from a large scale, where it is the least L2 norm, down to the one asked for.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)
    scale : float
        alpha^2 > 0; small scales approach the least L1 norm.

    Returns
    -------
    Reference
        `value` = Q(w), `dual` nu, `residual` the largest abs(X w - y) relative to abs(y).

    Raises
    ------
    UserError
        If scale is not positive, or X w = y has no solution.

    References
    ----------
    Woodworth et al. 2020, arXiv:2002.09277.
    """
    if not 0.0 < scale < np.inf:
        raise UserError(f"scale = {scale} must be positive: it is alpha^2, the initialisation")
    X = as_dense(as_matrix(X, "X"))
    y = as_vector(y, X.shape[0], "y")
    w = least_norm(X, y, 2.0).solution
    largest = np.abs(w).max()
    nu = np.zeros_like(y)
    if largest > 0.0:
        decades = max(np.log10(10.0 * largest / scale), 0.0)
        path = scale * 10.0 ** np.linspace(decades, 0.0, int(np.ceil(2 * decades)) + 1)
        for current in path:
            # the multipliers under which w, the previous point, would be the solution
            curvature = np.sqrt(w**2 + 4.0 * current**2)
            root = np.sqrt(curvature)
            target = np.arcsinh(w / (2.0 * current))
            nu = np.linalg.lstsq(root[:, None] * X.T, root * target)[0]
            nu = maximize_dual(X, y, nu, _potential(current))
            w = 2.0 * current * np.sinh(X.T @ nu)
    return _certify(X, y, nu, scale)


def _potential(scale: float) -> Potential:
    return Potential(
        conjugate=lambda z: float(4.0 * scale * (np.sinh(z / 2.0) ** 2).sum()),
        point=lambda z: 2.0 * scale * np.sinh(z),
        curvature=lambda z: 2.0 * scale * np.cosh(z),
    )


def _certify(X: Array, y: Array, nu: Array, scale: float) -> Reference:
    slope = extended_product(X.T, nu)
    w = np.asarray(2.0 * scale * np.sinh(slope), dtype=np.float64)
    value = hypentropy_potential(w, scale)
    bound = float(y @ nu.astype(np.longdouble) - 4.0 * scale * (np.sinh(slope / 2.0) ** 2).sum())
    residual = violation(X, y, w)
    gap, name = relative_gap(value, bound), "hypentropy"
    return Reference(name, "least_norm", name, w, value, bound, gap, nu, True, residual)
