"""What weight decay on a linear network asks of its predictor: 1/2 ||X w - y||^2 + decay/2 R(w).

Where R = 2 N for a norm N (two layers: Dai, Karzand, Srebro 2021) this is convex.  Clarabel solves
it as a conic program; with the residual r = y - X w, the point a = r min(1, decay / N*(X^T r)) of
the dual problem max a . y - ||a||^2 / 2, N*(X^T a) <= decay, bounds it from below.

References
----------
Dai, Karzand, Srebro 2021, "Representation costs of linear neural networks: analysis and design"
(NeurIPS); Argyriou, Foygel, Srebro 2012, arXiv:1204.5043 (k-support norm); McDonald, Pontil, Stamos
2016, arXiv:1512.08204 (its variational form).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import clarabel
import numpy as np
import scipy.sparse as sparse
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import Array, as_dense, as_matrix, as_vector
from optbench.references.certificate import Reference, relative_gap


@dataclass(frozen=True)
class CostNorm:
    """A norm N, its dual norm, and N as the value of a conic program.

    Attributes
    ----------
    name : str
    norm, dual_norm : callable
        Of a vector (d,).
    program : callable
        ``program(d) -> (costs, rows, cones)``: N(w) = min costs . z over extra variables z with
        ``rows`` (m, d + z.size) times (w, z) in ``cones``.
    """

    name: str
    norm: Callable[[Array], float]
    dual_norm: Callable[[Array], float]
    program: Callable[[int], tuple[Array, Array, list[Any]]]


def k_support_norm(w: ArrayLike, k: int) -> float:
    """The k-support norm: its unit ball is the hull of the k-sparse vectors of unit length.

    With z_1 >= z_2 >= ... the magnitudes, z_0 = inf and the least r >= 0 for which
    z_(k-r-1) > (sum_(i >= k-r) z_i) / (r + 1), it is the root of
    sum_(i < k-r) z_i^2 + (sum_(i >= k-r) z_i)^2 / (r + 1).

    Parameters
    ----------
    w : array_like, shape (d,)
    k : int
        1 (the L1 norm) to d (the L2 norm).

    Returns
    -------
    float

    Raises
    ------
    UserError
        If k is out of range.
    """
    z = np.concatenate([[np.inf], np.sort(np.abs(np.asarray(w, dtype=float)))[::-1]])
    if not 1 <= k < z.size:
        raise UserError(f"k = {k} is not the size of a support: choose 1 to {z.size - 1}")
    for r in range(k):
        rest = float(z[k - r :].sum())
        if z[k - r - 1] > rest / (r + 1):
            break
    return float(np.sqrt((z[1 : k - r] ** 2).sum() + rest**2 / (r + 1)))


def group_cost(sizes: Sequence[int], name: str = "group") -> CostNorm:
    """Sum of the L2 norms of neighbouring groups of these sizes: w_G = a_G v_G."""
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)

    def norms(w: Array) -> Array:
        return np.sqrt(np.add.reduceat(np.square(w), starts[:-1]))

    def program(d: int) -> tuple[Array, Array, list[Any]]:
        if starts[-1] != d or min(sizes) < 1:
            raise UserError(f"groups of sizes {tuple(sizes)} do not make up the {d} coordinates")
        rows = []
        for group, (first, last) in enumerate(pairwise(starts)):
            rows += [unit(d + len(sizes), d + group)]
            rows += [unit(d + len(sizes), i) for i in range(first, last)]
        cones = [clarabel.SecondOrderConeT(int(size) + 1) for size in sizes]
        return np.ones(len(sizes)), np.array(rows), cones

    return CostNorm(name, lambda w: float(norms(w).sum()), lambda z: float(norms(z).max()), program)


def fully_connected_cost(d: int) -> CostNorm:
    """The L2 norm of d coordinates: W_2 W_1."""
    return group_cost([d], "fully_connected")


def diagonal_cost(d: int) -> CostNorm:
    """The L1 norm of d coordinates: u o v, or u o u - v o v with half the decay."""
    return group_cost([1] * d, "diagonal")


def k_support_cost(k: int) -> CostNorm:
    """The k-support norm: all sets S of k coordinates, sum of a_S v_S.

    N(w) = 1/2 min sum_i w_i^2 / e_i + t over 0 <= e_i <= t, sum e <= k t.
    """

    def dual_norm(z: Array) -> float:
        return float(np.sqrt((np.sort(np.abs(z))[-k:] ** 2).sum()))

    def program(d: int) -> tuple[Array, Array, list[Any]]:
        size = 3 * d + 1  # w, then q with w_i^2 <= q_i e_i, then e, then t
        top = unit(size, 3 * d)
        shares = [unit(size, 2 * d + i) for i in range(d)]
        below = [*[top - share for share in shares], k * top - np.sum(shares, axis=0)]
        rows = list(below)
        for i, share in enumerate(shares):  # |(2 w_i, q_i - e_i)| <= q_i + e_i
            bound = unit(size, d + i)
            rows += [bound + share, 2.0 * unit(size, i), bound - share]
        cones = [clarabel.NonnegativeConeT(len(below)), *[clarabel.SecondOrderConeT(3)] * d]
        costs = np.concatenate([np.full(d, 0.5), np.zeros(d), [0.5]])
        return costs, np.array(rows), cones

    return CostNorm(f"k_support({k})", lambda w: k_support_norm(w, k), dual_norm, program)


def circular_cost() -> CostNorm:
    """1/d times the L1 norm of the discrete Fourier transform: full-width circular convolutions."""

    def program(d: int) -> tuple[Array, Array, list[Any]]:
        transform = np.fft.fft(np.eye(d))
        rows = []
        for i in range(d):
            rows.append(unit(2 * d, d + i))
            rows.append(np.concatenate([transform[i].real, np.zeros(d)]))
            rows.append(np.concatenate([transform[i].imag, np.zeros(d)]))
        return np.full(d, 1.0 / d), np.array(rows), [clarabel.SecondOrderConeT(3)] * d

    return CostNorm(
        "circular",
        lambda w: float(np.abs(np.fft.fft(w)).mean()),
        lambda z: float(np.abs(np.fft.fft(z)).max()),
        program,
    )


def unit(size: int, place: int) -> Array:
    """Return a unit vector."""
    vector = np.zeros(size)
    vector[place] = 1.0
    return vector


def penalized_least_squares(
    features: ArrayLike, targets: ArrayLike, decay: float, cost: CostNorm
) -> Reference:
    """Minimise 1/2 ||X w - y||^2 + decay N(w), where decay N = decay/2 R.

    Parameters
    ----------
    features : array_like, shape (n, d)
    targets : array_like, shape (n,)
    decay : float
        Weight decay, positive: the coefficient of ||theta||^2 / 2.
    cost : CostNorm
        The norm N = R / 2.

    Returns
    -------
    Reference
        With the duality gap as certificate; ``dual`` is a.

    Raises
    ------
    UserError
        If ``decay`` is not positive or the solver fails.
    """
    X = as_dense(as_matrix(features, "features"))
    y = as_vector(targets, X.shape[0], "targets")
    if not 0.0 < decay < np.inf:
        raise UserError(f"decay = {decay:g} must be positive and finite")
    w = _solve(X, y, decay, cost)
    residual = y - X @ w
    dual = residual * min(1.0, decay / max(cost.dual_norm(X.T @ residual), 1e-300))
    value = 0.5 * float(residual @ residual) + decay * cost.norm(w)
    bound = float(y @ dual - 0.5 * dual @ dual)
    return Reference(
        name=cost.name,
        kind="penalized_least_squares",
        norm=cost.name,
        solution=w,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        dual=dual,
        unique=None,
    )


def _solve(X: Array, y: Array, decay: float, cost: CostNorm) -> Array:
    """Clarabel on min ||r||^2 / 2 + decay costs . z with X w + r = y and the rows of the norm."""
    n, d = X.shape
    costs, rows, cones = cost.program(d)
    extra = costs.size
    data = np.hstack([X, np.zeros((n, extra)), np.eye(n)])
    norm = np.hstack([-rows, np.zeros((rows.shape[0], n))])
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-14
    settings.reduced_tol_gap_abs = settings.reduced_tol_gap_rel = 1e-10
    result = clarabel.DefaultSolver(
        sparse.csc_matrix(sparse.diags_array(np.repeat([0.0, 1.0], [d + extra, n]))),
        np.concatenate([np.zeros(d), decay * costs, np.zeros(n)]),
        sparse.csc_matrix(np.vstack([data, norm])),
        np.concatenate([y, np.zeros(rows.shape[0])]),
        [clarabel.ZeroConeT(n), *cones],
        settings,
    ).solve()
    w = np.array(result.x)[:d]
    if w.size != d or not np.isfinite(w).all():
        raise UserError(f"Clarabel could not solve the penalised problem: {result.status}")
    return w
