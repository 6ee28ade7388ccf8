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
    return float(effective_ranks(values[None])[0])


def effective_ranks(spectra: np.ndarray) -> np.ndarray:
    """Return the effective rank of each row of singular values, float64 (m, r)."""
    shares = spectra / spectra.sum(axis=1, keepdims=True)
    logs = np.log(shares, out=np.zeros(shares.shape), where=shares > 0.0)
    return np.asarray(np.exp(-(shares * logs).sum(axis=1)))


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
    return float(stable_ranks(values[None])[0])


def stable_ranks(spectra: np.ndarray) -> np.ndarray:
    """Return the stable rank of each row of singular values, float64 (m, r)."""
    return np.asarray(((spectra / spectra.max(axis=1, keepdims=True)) ** 2).sum(axis=1))
