"""Which solution of many: the references of a problem whose solutions are those of X w = y."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from optbench.norm_names import norm_name
from optbench.references.arrays import Array, Matrix
from optbench.references.certificate import Reference
from optbench.references.hypentropy import hypentropy
from optbench.references.least_norm import least_bregman, least_norm


def least_norms(
    X: Matrix, fitted: Callable[[], Array], preconditioner: Callable[[], Array]
) -> dict[str, Any]:
    """The references of a problem with many solutions X w = fitted, as fields of an instance.

    Parameters
    ----------
    X : ndarray or csr_array, shape (n, d)
    fitted : callable
        What every solution predicts, (n,).
    preconditioner : callable
        Matrix (d, d) of the Fisher norm's inverse.

    Returns
    -------
    dict
        ``references`` by name, and the families ``parametric``.
    """

    def least(p: float) -> Reference:
        return least_norm(X, fitted(), p)

    return {
        "references": {norm_name(p): partial(least, p) for p in (1.0, 2.0, np.inf)},
        "parametric": {
            "lp": least,
            "hypentropy": lambda scale: hypentropy(X, fitted(), scale),
            "fisher": lambda _: least_bregman(X, fitted(), preconditioner()),
        },
    }
