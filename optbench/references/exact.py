"""The sign of a sum of products, exactly: floating-point numbers are fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from optbench.references.arrays import Array, Matrix, as_dense, extended_product


def positive_products(Z: Matrix, w: Array) -> NDArray[np.bool_]:
    """Which entries of Z w are positive, without any rounding.

    Where the product in extended precision exceeds a bound on its own error its sign is proved;
    the other rows are summed as fractions.

    Parameters
    ----------
    Z : ndarray or csr_array, shape (n, d)
    w : ndarray, shape (d,)

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    kind = np.finfo(np.longdouble)
    terms = Z.shape[1] + 2
    size = extended_product(abs(Z), np.abs(w))
    # Higham 2002, Accuracy and Stability, section 3.1; the last term is what underflow loses.
    error = 1.01 * terms * (kind.eps * size + kind.tiny)
    product = extended_product(Z, w)
    positive: NDArray[np.bool_] = product > error
    for row in np.flatnonzero(np.abs(product) <= error):
        entries = as_dense(Z[[row]])[0]
        present = np.flatnonzero((entries != 0.0) & (w != 0.0))
        total = sum(
            (Fraction(entries[j].item()) * Fraction(w[j].item()) for j in present), Fraction(0)
        )
        positive[row] = total > 0
    return positive
