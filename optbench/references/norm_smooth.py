"""Least p-norm, 1 < p < inf, under A w = b or A w >= b: a conic program polished by Newton."""

from __future__ import annotations

import clarabel
import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular

from optbench.references.arrays import Array, Matrix, as_dense, extended_product
from optbench.references.certificate import vector_norm

Pair = tuple[Array, Array]
Indices = NDArray[np.intp]

_STATUS = clarabel.SolverStatus
_STEP_FRACTIONS = (0.99, 0.9, 0.7)  # tried in turn: shorter steps stay nearer the centre
_MAX_ROUNDS = 20
_ACTIVE_ROUNDS = 10
_SOLVED = 1e-12
_PATIENCE = 5
_LEAST_STIFFNESS = 1e-12


def solve_norm_smooth(A: Matrix, b: Array, p: float, inequality: bool) -> list[Pair]:
    """Minimise ||w||_p for 1 < p < inf subject to A w = b, or A w >= b.

    Inequalities enter through a working set of rows: at most about d of them bind, so tall data
    cost a few small programs.

    Parameters
    ----------
    A : ndarray or csr_array, shape (n, d)
    b : ndarray, shape (n,)
        Positive if `inequality`.
    p : float
    inequality : bool
        Whether the constraint is A w >= b.

    Returns
    -------
    list of (w, multipliers)
        Arrays of shape (d,) and (n,); empty if the constraints cannot be met.
    """
    n, d = A.shape
    if p == 2.0 and d > n:  # w lies in the span of the n rows: rotate into it
        basis, triangle = np.linalg.qr(as_dense(A).T)
        return [(basis @ u, a) for u, a in solve_norm_smooth(triangle.T, b, p, inequality)]
    if not inequality:
        pair = solve_cone(as_dense(A), b, p, inequality)
        return [] if pair is None else [pair, _newton(as_dense(A), b, *pair, p)]
    rows = _first_rows(A, b) if n > 6 * d else np.arange(n)
    for _ in range(_MAX_ROUNDS):
        block, right = as_dense(A[rows]), b[rows]
        pair = solve_cone(block, right, p, inequality)
        if pair is None:
            return []
        w, multipliers = _polish_active(block, right, *pair, p)
        excess = A @ w - b
        outside = np.setdiff1d(np.flatnonzero(excess < -1e-9 * np.abs(b).max()), rows)
        if outside.size == 0:
            break
        rows = np.concatenate([rows, _worst_rows(excess, outside, 3 * d)])
    return [(w, _spread(multipliers, rows, n))]


def _worst_rows(excess: Array, candidates: Indices, count: int) -> Indices:
    """Up to `count` candidates of least excess, one for each value so that copies of a row do
    not fill the working set."""
    distinct = candidates[np.unique(excess[candidates], return_index=True)[1]]
    return distinct[:count]


def _spread(values: Array, rows: Indices, n: int) -> Array:
    full = np.zeros(n)
    full[rows] = values
    return full


def _first_rows(A: Matrix, b: Array) -> Indices:
    """The 3 d rows of smallest excess at the ridge solution."""
    d = A.shape[1]
    gram = as_dense(A.T @ A)
    ridge = 1e-8 * np.trace(gram) / d * np.eye(d)
    excess = A @ np.linalg.solve(gram + ridge, A.T @ b) - b
    return _worst_rows(excess, np.arange(A.shape[0]), 3 * d)


def solve_cone(A: Array, b: Array, p: float, inequality: bool) -> Pair | None:
    """Clarabel on min s: A w >= b or = b, sum(t) = s, abs(w_j) <= t_j^(1/p) s^(1-1/p).

    Parameters
    ----------
    A : ndarray, shape (n, d)
    b : ndarray, shape (n,)
    p : float
    inequality : bool

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
    for step_fraction in _STEP_FRACTIONS:
        result = clarabel.DefaultSolver(
            sparse.csc_matrix((2 * d + 1, 2 * d + 1)),
            np.append(np.zeros(2 * d), 1.0),
            rows,
            np.concatenate([[0.0], -b, np.zeros(3 * d)]),
            [clarabel.ZeroConeT(1), kind] + [clarabel.PowerConeT(1.0 / p)] * d,
            _settings(step_fraction),
        ).solve()
        if result.status in (_STATUS.Solved, _STATUS.PrimalInfeasible):
            break
    if result.status in (_STATUS.PrimalInfeasible, _STATUS.AlmostPrimalInfeasible):
        return None
    return np.array(result.x)[:d] / scale, np.array(result.z)[1 : 1 + n]


def _settings(step_fraction: float) -> clarabel.DefaultSettings:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    settings.max_step_fraction = step_fraction
    # The default line search gives up while power cones still need short steps.
    settings.linesearch_backtrack_step = 0.5
    settings.min_terminate_step_length = 1e-8
    return settings


def _polish_active(A: Array, b: Array, w: Array, multipliers: Array, p: float) -> Pair:
    """Newton on the active rows; rows of negative multiplier leave, violated rows enter.

    Degenerate data can make the rows cycle: the pair of least duality gap is returned.
    """
    active = multipliers > 1e-6 * multipliers.max()
    best, least = (w, multipliers), _gap(A, b, w, multipliers, p)
    for _ in range(_ACTIVE_ROUNDS):
        w, inside = _newton(A[active], b[active], w, multipliers[active], p)
        multipliers = _spread(inside, np.flatnonzero(active), b.size)
        gap = _gap(A, b, w, multipliers, p)
        if gap < least:
            best, least = (w, multipliers), gap
        wrong = multipliers < 0.0
        violated = ~active & (A @ w < b * (1.0 - 1e-10))
        if least <= _SOLVED or not (wrong.any() or violated.any()):
            break
        active = (active & ~wrong) | violated
    return best


def _gap(A: Array, b: Array, w: Array, multipliers: Array, p: float) -> float:
    """Relative duality gap of w scaled to A w >= b and of the multipliers clipped to a >= 0."""
    margin = float((extended_product(A, w) / b).min())
    clipped = np.maximum(multipliers, 0.0)
    dual_size = vector_norm(extended_product(A.T, clipped), p / (p - 1.0))
    if not (margin > 0.0 and dual_size > 0.0):
        return float("inf")
    return 1.0 - float(b @ clipped) / dual_size * margin / vector_norm(w, p)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # far-off points are discarded
def _newton(A: Array, b: Array, w: Array, multipliers: Array, p: float) -> Pair:
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
    while stalled < _PATIENCE:
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
    return _correct(A, b, *best, p) * size, best[1]


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
    size, dual_size = vector_norm(w, p), vector_norm(slope, p / (p - 1.0))
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
    if p < 2.0:
        compliance = np.abs(A.T @ multipliers) ** ((2.0 - p) / (p - 1.0)) / (p - 1.0)
    else:
        stiffness = (p - 1.0) * np.abs(w) ** (p - 2.0)
        compliance = 1.0 / np.maximum(stiffness, _LEAST_STIFFNESS)
    order = np.argsort(-compliance)
    root = np.sqrt(compliance[order])
    Q, R, pivots = qr((A[:, order] * root).T, mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(R)) > 1e-15 * abs(R[0, 0])).sum())
    Q, R, pivots = Q[:, :rank], R[:rank, :rank], pivots[:rank]
    pull = root * mismatch[order]
    inside = solve_triangular(R, residual[pivots], trans="T") + Q.T @ pull
    step_w, step = np.zeros_like(w), np.zeros_like(multipliers)
    step_w[order] = root * (Q @ inside - pull)
    step[pivots] = solve_triangular(R, inside)
    return step_w, step
