"""theta -> w and its pull-back by hand, for any library whose arrays know ``*`` and ``@``.

``parts`` are the layers of theta: [w], [u, v] or [W_1, ..., W_L].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


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
