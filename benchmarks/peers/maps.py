"""theta -> w, its pull-back and Muon's step by hand, for any library with ``*`` and ``@``.

``parts`` are the layers of theta: [w], [u, v] or [W_1, ..., W_L].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.peers.task import MOMENTUM, MUON_STEPS, NEWTON_SCHULZ


def predictor(parts: Sequence[Any], kind: str) -> tuple[Any, list[Any]]:
    """Return w, and the rows s_l = W_L ... W_(l+1) that the pull-back of a network needs."""
    if kind == "linear":
        return parts[0], []
    if kind == "diagonal":
        return parts[0] * parts[0] - parts[1] * parts[1], []
    rows = [parts[-1][0]]
    for matrix in reversed(parts[:-1]):
        rows.append(rows[-1] @ matrix)
    return rows[-1], rows[:-1]


def pull_back(parts: Sequence[Any], rows: list[Any], gradient: Any, kind: str) -> list[Any]:
    """Return the gradient in each part: 2 u g and -2 v g, or s_l^T (W_(l-1) ... W_1 g)^T."""
    if kind == "linear":
        return [gradient]
    if kind == "diagonal":
        return [2.0 * parts[0] * gradient, -2.0 * parts[1] * gradient]
    gradients = []
    for matrix, row in zip(parts[:-1], reversed(rows), strict=True):
        gradients.append(row[:, None] * gradient[None, :])
        gradient = matrix @ gradient
    return [*gradients, gradient[None, :]]


def muon_directions(gradient: Any, average: Any) -> tuple[Any, Any]:
    """Return the orthogonalized step of matrices (..., k, d), k <= d, and the new average."""
    average = MOMENTUM * average + (1.0 - MOMENTUM) * gradient
    step = (1.0 - MOMENTUM) * gradient + MOMENTUM * average
    return orthogonalized(step), average


def orthogonalized(step: Any) -> Any:
    """Newton-Schulz steps on matrices, from their Frobenius norm."""
    a, b, c = NEWTON_SCHULZ
    step = step / (step * step).sum((-2, -1))[..., None, None] ** 0.5
    for _ in range(MUON_STEPS):
        gram = step @ step.swapaxes(-2, -1)
        step = a * step + (b * gram + c * (gram @ gram)) @ step
    return step
