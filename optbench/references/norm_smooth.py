"""Least p-norm, 1 < p < inf, under A w = b or A w >= b.

Two ways lead there: a path of exponents from 2 to p, and a conic program. The path takes a tenth to
a thirtieth of the time where there are more dimensions than rows, the conic program less where
there are fewer; what one does not solve is left to the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optbench.references.arrays import Array, Matrix, Pair, as_dense, spread
from optbench.references.certificate import CERTIFIED_GAP, vector_norm
from optbench.references.norm_cone import STEP_FRACTIONS, solve_cone, solve_quadratic
from optbench.references.norm_interior import follow_inside, path
from optbench.references.norm_newton import polish

Indices = NDArray[np.intp]
Way = Callable[[Array, Array, float, bool], tuple[Pair | None, float]]

_MAX_ROUNDS = 20
_NEAR = 1e-3  # error with which the next exponent is tried


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
    if not inequality:
        pair = _solve(as_dense(A), b, p, inequality)
        return [] if pair is None else [pair]
    rows = _first_rows(A, b) if n > 6 * d else np.arange(n)
    for _ in range(_MAX_ROUNDS):
        pair = _solve(as_dense(A[rows]), b[rows], p, inequality)
        if pair is None:
            return []
        w, multipliers = pair
        excess = A @ w - b
        outside = np.setdiff1d(np.flatnonzero(excess < -1e-9 * np.abs(b).max()), rows)
        if outside.size == 0:
            break
        rows = np.concatenate([rows, _worst_rows(excess, outside, 3 * d)])
    return [(w, spread(multipliers, rows, n))]


def _solve(A: Array, b: Array, p: float, inequality: bool) -> Pair | None:
    """Solve the program with all of its rows; None if the constraints cannot be met."""
    n, d = A.shape
    if p == 2.0 and d > n:  # w lies in the span of the n rows: rotate into it
        basis, triangle = np.linalg.qr(A.T)
        inside = _solve(triangle.T, b, p, inequality)
        return None if inside is None else (basis @ inside[0], inside[1])
    direct: Way = _euclidean if p == 2.0 else _follow
    conic: list[Way] = [functools.partial(_conic, fraction) for fraction in STEP_FRACTIONS]
    tall = n >= d and p != 2.0
    best, least = None, np.inf
    for way in (conic[0], direct, *conic[1:]) if tall else (direct, *conic):
        pair, error = way(A, b, p, inequality)
        if best is None or error < least:
            best, least = pair, error
        if least <= CERTIFIED_GAP:
            break
    return best


def _conic(
    fraction: float, A: Array, b: Array, p: float, inequality: bool
) -> tuple[Pair | None, float]:
    """Polish what Clarabel finds, which needs no start."""
    rough = solve_cone(A, b, p, inequality, fraction)
    return (None, np.inf) if rough is None else polish(A, b, rough, p, inequality)


def _euclidean(A: Array, b: Array, p: float, inequality: bool) -> tuple[Pair | None, float]:
    """Solve for p = 2."""
    rough = solve_quadratic(A, b) if inequality else _intersection(A, b)
    return (None, np.inf) if rough is None else polish(A, b, rough, p, inequality)


def _intersection(A: Array, b: Array) -> Pair:
    """The only point with A w = b, and the multipliers of its 2-norm."""
    w = np.asarray(np.linalg.solve(A, b), dtype=np.float64)
    return w, np.asarray(np.linalg.solve(A.T, w / np.linalg.norm(w)), dtype=np.float64)


def _follow(A: Array, b: Array, p: float, inequality: bool) -> tuple[Pair | None, float]:
    """Go from the solution for p = 2 along a path of exponents: it depends continuously on p."""
    pair, error = _solve(A, b, 2.0, inequality), np.inf
    if pair is None:
        return pair, error
    if inequality:
        return polish(A, b, follow_inside(A, b, pair[0], p), p, inequality)
    for exponent in path(p):
        w, multipliers = pair
        multipliers = multipliers * vector_norm(w, exponent) / (b @ multipliers)
        enough = 0.0 if exponent == p else _NEAR
        pair, error = polish(A, b, (w, multipliers), exponent, inequality, enough)
    return pair, error


def _worst_rows(excess: Array, candidates: Indices, count: int) -> Indices:
    """Up to `count` candidates of least excess, one for each value so that copies of a row do
    not fill the working set."""
    distinct = candidates[np.unique(excess[candidates], return_index=True)[1]]
    return distinct[:count]


def _first_rows(A: Matrix, b: Array) -> Indices:
    """The 3 d rows of smallest excess at the ridge solution."""
    d = A.shape[1]
    gram = as_dense(A.T @ A)
    ridge = 1e-8 * np.trace(gram) / d * np.eye(d)
    excess = A @ np.linalg.solve(gram + ridge, A.T @ b) - b
    return _worst_rows(excess, np.arange(A.shape[0]), 3 * d)
