"""How many directions a matrix has: effective and stable rank, from its singular values."""

from __future__ import annotations

import numpy as np


def effective_rank(values: np.ndarray) -> float:
    """Return the exponential of the entropy of the normalised singular values.

    Parameters
    ----------
    values : ndarray, float64 (r,)
        Singular values, not all zero.

    Returns
    -------
    float
        Between 1 and the rank; the rank when all nonzero values are equal.

    References
    ----------
    Roy and Vetterli 2007, EUSIPCO, pages 606-610.
    """
    shares = values[values > 0.0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def stable_rank(values: np.ndarray) -> float:
    """Return ||W||_F^2 / ||W||_2^2 of a matrix W from its singular values.

    Parameters
    ----------
    values : ndarray, float64 (r,)
        Singular values, not all zero.

    Returns
    -------
    float
        Between 1 and the rank.

    References
    ----------
    Rudelson and Vershynin 2007, arXiv:math/0503442.
    """
    return float(((values / values.max()) ** 2).sum())
