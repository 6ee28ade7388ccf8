"""Norms of matrices by their names in tables, and their dual norms."""

from __future__ import annotations

import numpy as np

from optbench.errors import UserError
from optbench.norm_names import exponents_of
from optbench.references.arrays import Array
from optbench.references.certificate import check_exponent, dual_exponent, vector_norm


def member(norm: str) -> tuple[str, float]:
    """Return a family of a norm, "lp" of "l2", which is in both, and its exponent there.

    Raises
    ------
    UserError
        If it is no norm.
    """
    for family, p in exponents_of(norm).items():
        return family, check_exponent(p)
    raise UserError(
        f'norm {norm!r} is not known: choose "l1", "l2", "linf", "l3" (any L_p), "nuclear", '
        '"spectral" or "schatten3" (any Schatten p)'
    )


def matrix_norm(matrix: Array, norm: str, dual: bool = False) -> float:
    """Return a norm of a matrix (k, d), or its dual norm: 1/p + 1/q = 1 in the same family.

    Parameters
    ----------
    matrix : ndarray, shape (k, d)
    norm : str
        Its name in tables.
    dual : bool

    Returns
    -------
    float
    """
    family, p = member(norm)
    entries = np.linalg.svd(matrix, compute_uv=False) if family == "schatten" else np.ravel(matrix)
    return vector_norm(entries, dual_exponent(p) if dual else p)
