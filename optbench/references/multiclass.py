"""Largest margins of several classes: max of min_i min_{c != y_i} (W_{y_i} - W_c) . x_i, ||W|| = 1.

W (k, d) has one row a class and is written row by row.  Adding one vector to all of its rows
changes no margin: the solutions in the L2 norm, and those that are returned in Schatten norms, have
column sums 0, while in the L1 and Linf norms other column sums may be as good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optbench.errors import UserError
from optbench.references.arrays import Array, Pair, spread
from optbench.references.certificate import CERTIFIED_GAP, Reference, relative_gap
from optbench.references.class_pairs import ClassPairs, Indices, class_pairs
from optbench.references.exact import positive_products
from optbench.references.margin import max_margin
from optbench.references.matrix_norms import matrix_norm, member
from optbench.references.schatten_margin import SchattenSolver
from optbench.references.separability import Separability, separability

_AT_ONCE = 1000  # so many pairs are given to a solver together; of more only those that matter
_ADDED = 500  # at most so many are added in a round
_ROUNDS = 40

Solver = Callable[[Indices], Iterable[Pair]]


def multiclass_margin(
    features: ArrayLike, labels: ArrayLike, norm: str, classes: int | None = None
) -> Reference:
    """Matrix of largest margin between several classes in a norm.

    The margin gamma = max_{||W|| = 1} min_i min_{c != y_i} (W_{y_i} - W_c) . x_i equals the dual
    value min over the simplex of ||sum_ic a_ic (e_{y_i} - e_c) x_i^T|| in the dual norm.  Of many
    constraints only those that were violated are given to the solvers (cutting planes); value and
    bound are recomputed from all of them.

    Parameters
    ----------
    features : array_like or scipy.sparse matrix, shape (n, d)
    labels : array_like of int, shape (n,)
        0 ... k - 1.
    norm : str
        ``"l1"``, ``"l2"``, ``"linf"`` or any ``"l3"``: of the entries; ``"nuclear"``,
        ``"spectral"`` or any ``"schatten3"``: of the singular values.
    classes : int, optional
        k, where the last classes have no rows.

    Returns
    -------
    Reference
        `solution` W row by row, of unit norm; `dual` the weights a of all pairs (i, c), in the
        order of the rows, then of the classes c != y_i.  `unique` is not decided of L1, Linf,
        nuclear and spectral norms.

    Raises
    ------
    UserError
        If no W separates the classes.

    References
    ----------
    Fan, Schmidt, Thrampoulidis 2025, arXiv:2502.04664.
    """
    pairs = class_pairs(features, labels, classes)
    family, p = member(norm)
    if family == "lp":
        best = _generated(pairs, norm, lambda chosen: _entrywise(pairs, chosen, p))
    else:
        solver = SchattenSolver(pairs)
        best = _generated(pairs, norm, lambda chosen: solver(chosen, p))
    if not best.value > 0.0 and not _all_separable(pairs):
        raise UserError(_NOT_SEPARABLE)
    return replace(best, unique=True if 1.0 < p < np.inf else None)


_NOT_SEPARABLE = (
    "no linear scores separate the classes, so no margin exists: add an intercept column, or ask"
    " for the minimizer"
)


def multiclass_separability(
    features: ArrayLike, labels: ArrayLike, classes: int | None = None
) -> Separability:
    """Separate as many pairs of a row and another class as possible, and prove the rest cannot be.

    Parameters
    ----------
    features, labels, classes
        As in :func:`multiclass_margin`.

    Returns
    -------
    Separability
        Of all pairs (i, c), c != y_i, as rows; `direction` is W row by row.

    Raises
    ------
    UserError
        If no solver finds a proof.
    """
    pairs = class_pairs(features, labels, classes)
    direction = _witness(pairs)
    if direction is None:
        return separability(_all_rows(pairs))
    margins = pairs.margins(direction.reshape(pairs.classes, -1))
    separable = np.ones(len(pairs), dtype=bool)
    return Separability(True, separable, direction, float(margins.min()), np.zeros(len(pairs)), 0.0)


def _witness(pairs: ClassPairs) -> Array | None:
    """Return a direction that separates all pairs, in exact arithmetic, if one is found quickly."""
    for find in (_descent, _largest_margin):
        W = find(pairs)
        size = 0.0 if W is None else float(np.linalg.norm(W))
        if W is not None and size > 0.0 and positive_products(_all_rows(pairs), W / size).all():
            return W / size
    return None


def _descent(pairs: ClassPairs) -> Array:
    """Lower the cross-entropy for a while: most data that can be separated soon are."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    size = float(np.abs(pairs.features).max()) or 1.0
    features, own = pairs.features / size, np.eye(pairs.classes)[pairs.labels]

    def loss(w: Array) -> tuple[float, Array]:
        logarithms = log_softmax(features @ w.reshape(pairs.classes, -1).T, axis=1)
        slopes = (np.exp(logarithms) - own).T @ features
        return -float(logarithms[own > 0.0].sum()), slopes.ravel()

    start = np.zeros(pairs.classes * features.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(found.x)


def _largest_margin(pairs: ClassPairs) -> Array | None:
    try:
        return _generated(pairs, "l2", lambda chosen: _entrywise(pairs, chosen, 2.0)).solution
    except UserError:
        return None


def _all_rows(pairs: ClassPairs) -> Array:
    return _rows(pairs, np.arange(len(pairs)))


def _all_separable(pairs: ClassPairs) -> bool:
    return _witness(pairs) is not None or separability(_all_rows(pairs)).separable


def _rows(pairs: ClassPairs, chosen: Indices) -> Array:
    return pairs.constraints(chosen, np.eye(pairs.classes), pairs.features)


def _entrywise(pairs: ClassPairs, chosen: Indices, p: float) -> Iterable[Pair]:
    """The margin of a vector: its rows are the chosen pairs."""
    try:
        found = max_margin(_rows(pairs, chosen), p)
    except UserError as error:
        raise UserError(_NOT_SEPARABLE) from error
    yield found.solution, found.dual


def _generated(pairs: ClassPairs, norm: str, solve: Solver) -> Reference:
    """Solve with some pairs, add those that are violated, until none is."""
    working = _closest(pairs, _start(pairs), _AT_ONCE)
    for _ in range(_ROUNDS):
        best, margins = _best_of(pairs, norm, working, solve)
        violated = np.flatnonzero(margins < margins[working].min())
        if best.certified or not violated.size:
            break
        worst = violated[np.argsort(margins[violated])[:_ADDED]]
        working = np.union1d(working, worst)
    return best


def _best_of(
    pairs: ClassPairs, norm: str, working: Indices, solve: Solver
) -> tuple[Reference, NDArray[np.longdouble]]:
    """Return the best that is found with some pairs, and its margin for all of them."""
    least = np.inf
    for W, weights in solve(working):
        found = _certify(pairs, W, spread(weights, working, len(pairs)), norm)
        margins = pairs.margins(found.solution.reshape(pairs.classes, -1))
        gap = relative_gap(float(margins[working].min()), found.bound)
        if gap < least:
            least, best, its_margins = gap, found, margins
        if gap <= CERTIFIED_GAP:
            break
    return best, its_margins


def _start(pairs: ClassPairs) -> Array:
    """Scores of least squares, to guess which pairs are close."""
    wanted = np.eye(pairs.classes)[pairs.labels]
    W: Array = np.linalg.lstsq(pairs.features, wanted - wanted.mean(axis=0), rcond=None)[0].T
    return W


def _closest(pairs: ClassPairs, W: Array, count: int) -> Indices:
    if len(pairs) <= count:
        return np.arange(len(pairs))
    return np.sort(np.argsort(pairs.margins(W), kind="stable")[:count])


def _certify(pairs: ClassPairs, W: Array, weights: Array, norm: str) -> Reference:
    """Certificate of a matrix and of dual weights clipped to the simplex, from the data alone."""
    shape = pairs.classes, pairs.features.shape[1]
    size = matrix_norm(W.reshape(shape), norm)
    direction = W / size if size > 0.0 and np.isfinite(size) else np.zeros_like(W)
    unit = matrix_norm(direction.reshape(shape), norm) or 1.0
    value = float(pairs.margins(direction.reshape(shape)).min() / unit)
    weights = np.maximum(np.nan_to_num(weights), 0.0)
    total = weights.sum()
    weights = weights / total if total > 0.0 else np.full(weights.size, 1.0 / weights.size)
    bound = matrix_norm(pairs.combined(weights), norm, dual=True) / float(weights.sum())
    return Reference(
        name=norm,
        kind="max_margin",
        norm=norm,
        solution=direction,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        dual=weights,
        unique=None,
    )
