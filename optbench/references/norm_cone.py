"""Least p-norm under A w = b or A w >= b as a program for Clarabel: what Newton starts from."""

from __future__ import annotations

import clarabel
import numpy as np
import scipy.sparse as sparse

from optbench.references.arrays import Array, Pair

_STATUS = clarabel.SolverStatus
STEP_FRACTIONS = (0.99, 0.7)  # to be tried in turn: shorter steps stay nearer the centre
_INFEASIBLE = (_STATUS.PrimalInfeasible, _STATUS.AlmostPrimalInfeasible)


def solve_quadratic(A: Array, b: Array) -> Pair | None:
    """Least 2-norm subject to A w >= b.

    Parameters
    ----------
    A : ndarray, shape (n, d)
    b : ndarray, shape (n,)

    Returns
    -------
    (w, multipliers)
        Accurate to about 1e-10, and multipliers of the norm, not of its square; None if the
        solver proves the constraints infeasible.
    """
    n, d = A.shape
    sizes = np.linalg.norm(A, axis=1)
    if not sizes.all():
        return None
    right = b / sizes
    size = right.max()  # of the same order as w: rows of all sizes are equal to the solver
    result = clarabel.DefaultSolver(
        sparse.csc_matrix(sparse.eye_array(d)),
        np.zeros(d),
        sparse.csc_matrix(-A / sizes[:, None]),
        -right / size,
        [clarabel.NonnegativeConeT(n)],
        _settings(STEP_FRACTIONS[0]),
    ).solve()
    if result.status in _INFEASIBLE:
        return None
    w = np.array(result.x)
    return w * size, np.array(result.z) / sizes / np.linalg.norm(w)


def solve_cone(A: Array, b: Array, p: float, inequality: bool, step_fraction: float) -> Pair | None:
    """Clarabel on min s: A w >= b or = b, sum(t) = s, abs(w_j) <= t_j^(1/p) s^(1-1/p).

    Parameters
    ----------
    A : ndarray, shape (n, d)
    b : ndarray, shape (n,)
    p : float
    inequality : bool
    step_fraction : float
        Of the way to the boundary.

    Returns
    -------
    (w, multipliers)
        Accurate to about 1e-10 when the solver succeeds, and a rough guess otherwise; None if it
        proves the constraints infeasible.
    """
    n, d = A.shape
    scale = np.abs(A).max(axis=0)
    scale[scale == 0.0] = 1.0
    j = np.arange(d)
    cone = sparse.csc_array(
        (
            np.concatenate([-np.ones(2 * d), -1.0 / scale]),
            (
                np.concatenate([3 * j, 3 * j + 1, 3 * j + 2]),
                np.concatenate([d + j, np.full(d, 2 * d), j]),
            ),
        ),
        shape=(3 * d, 2 * d + 1),
    )
    total = sparse.csc_array(np.concatenate([np.zeros(d), np.ones(d), [-1.0]])[None])
    data = sparse.hstack([sparse.csc_array(-A / scale), sparse.csc_array((n, d + 1))])
    kind = clarabel.NonnegativeConeT(n) if inequality else clarabel.ZeroConeT(n)
    rows = sparse.csc_matrix(sparse.vstack([total, data, cone]))
    result = clarabel.DefaultSolver(
        sparse.csc_matrix((2 * d + 1, 2 * d + 1)),
        np.append(np.zeros(2 * d), 1.0),
        rows,
        np.concatenate([[0.0], -b, np.zeros(3 * d)]),
        [clarabel.ZeroConeT(1), kind] + [clarabel.PowerConeT(1.0 / p)] * d,
        _settings(step_fraction),
    ).solve()
    if result.status in _INFEASIBLE:
        return None
    return np.array(result.x)[:d] / scale, np.array(result.z)[1 : 1 + n]


def _settings(step_fraction: float) -> clarabel.DefaultSettings:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.max_step_fraction = step_fraction
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    # The default line search gives up while power cones still need short steps.
    settings.linesearch_backtrack_step = 0.5
    settings.min_terminate_step_length = 1e-8
    return settings
