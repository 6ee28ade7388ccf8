"""Norms of matrices by name: entrywise L_p ("l1", "l2", "linf", "l3"), and Schatten norms.

The Schatten p-norm is the p-norm of the singular values: "nuclear" for p = 1, "l2" (Frobenius,
which is entrywise as well) for p = 2, "spectral" for p = inf, else "schatten3".  A norm is a member
of one or both of the families "lp" and "schatten"; its dual is a member of the same family.
"""

from __future__ import annotations

import re

import numpy as np

from optbench.errors import UserError
from optbench.references.arrays import Array
from optbench.references.certificate import check_exponent, dual_exponent, norm_name, vector_norm

FAMILIES = ("lp", "schatten")
_OWN = {"nuclear": 1.0, "l2": 2.0, "spectral": np.inf}


def schatten_name(p: float) -> str:
    """Name of the Schatten p-norm in tables: "nuclear", "l2", "spectral", "schatten3"."""
    return next((name for name, own in _OWN.items() if own == p), f"schatten{p:g}")


def exponents_of(norm: str | None) -> dict[str, float]:
    """Exponent of a norm in each of the families that it belongs to.

    Parameters
    ----------
    norm : str or None
        Its name in tables; of anything else than a member of a family nothing is returned.

    Returns
    -------
    dict of str to float
        ``{"lp": 2.0, "schatten": 2.0}`` of "l2", ``{"schatten": 1.0}`` of "nuclear".
    """
    found = {}
    entrywise = re.fullmatch(r"l(inf|[0-9.e+-]+)", norm or "")
    if entrywise:
        found["lp"] = float(entrywise[1])
    unitary = re.fullmatch(r"schatten([0-9.e+-]+)", norm or "")
    if unitary:
        found["schatten"] = float(unitary[1])
    if norm in _OWN:
        found["schatten"] = _OWN[norm]
    return found


def family_name(family: str, p: float) -> str:
    """Name of a member of the family "lp" or "schatten"."""
    return schatten_name(p) if family == "schatten" else norm_name(p)


def member(norm: str) -> tuple[str, float]:
    """Return a family of a norm and its exponent there; "lp" of "l2", which is in both.

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
