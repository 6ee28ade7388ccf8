"""w = u_1 o u_2 o ... o u_L, elementwise: the product form of the diagonal linear network.

Gradient: dL/du_k = g o prod_(j != k) u_j with g = dL/dw.  Gradient flow conserves
u_k^2 - u_(k+1)^2, elementwise.  R(w) = L sum_i |w_i|^(2/L).  Two factors p + q and p - q are the
diagonal network p o p - q o q.

References
----------
Woodworth, Gunasekar, Lee, Moroshko, Savarese, Golan, Soudry, Srebro 2020, arXiv:2002.09277;
Gissin, Shalev-Shwartz, Daniely 2020, arXiv:1909.12051.
"""

from __future__ import annotations

import numpy as np

from optbench.parametrizations.base import Parametrization, layer_table, require, require_scale

Array = np.ndarray


def forward(theta: Array, layers: Array, scratch: Array, w: Array) -> None:
    """Multiply the factors; keep u_1 o ... o u_k for each k < L in ``scratch``."""
    size = w.shape[1]
    for run in range(theta.shape[0]):
        product = w[run]
        for i in range(size):
            product[i] = theta[run, i]
        for layer in range(1, layers.shape[0]):
            before = scratch[run, (layer - 1) * size : layer * size]
            factor = theta[run, layer * size : (layer + 1) * size]
            for i in range(size):
                before[i] = product[i]
                product[i] *= factor[i]


def pull_back(
    theta: Array, layers: Array, scratch: Array, gradient_w: Array, gradient: Array
) -> None:
    """From the last factor to the first: g times what follows, times what precedes."""
    size = gradient_w.shape[1]
    for run in range(theta.shape[0]):
        followed = gradient[run, :size]  # g u_L ... u_(k+1); in the end the gradient in u_1
        for i in range(size):
            followed[i] = gradient_w[run, i]
        for layer in range(layers.shape[0] - 1, 0, -1):
            before = scratch[run, (layer - 1) * size : layer * size]
            factor = theta[run, layer * size : (layer + 1) * size]
            own = gradient[run, layer * size : (layer + 1) * size]
            for i in range(size):
                own[i] = followed[i] * before[i]
                followed[i] *= factor[i]


def hadamard(dimension: int, depth: int = 2, scale: float = 0.1) -> Parametrization:
    """Build the elementwise product of ``depth`` factors, which starts at zero.

    Parameters
    ----------
    dimension : int
        Size of the predictor w and of every factor.
    depth : int
        Number of factors, at least 2.
    scale : float
        All factors but the last start at it; the last starts at zero, or at the quotient when a
        predictor to start at is given.
    """
    require("hadamard", depth >= 2, f"depth={depth} must be at least 2")
    require_scale("hadamard", scale)

    def initial(w: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
        last = np.zeros(dimension) if w is None else w / scale ** (depth - 1)
        return np.concatenate([np.full((depth - 1) * dimension, scale), last])

    def conserved(theta: np.ndarray) -> np.ndarray:
        squares = theta.reshape(depth, dimension) ** 2
        return np.asarray(squares[:-1] - squares[1:]).ravel()

    return Parametrization(
        name=f"hadamard:depth={depth},scale={scale:g}",
        formula="w = " + " o ".join(f"u_{k}" for k in range(1, depth + 1)),
        forward=forward,
        pull_back=pull_back,
        layers=layer_table(*[(dimension, 1)] * depth),
        initial=initial,
        parameters=depth * dimension,
        scratch=(depth - 1) * dimension,
        selects={"classification": "l1", "regression": "hypentropy"} if depth == 2 else {},
        scale=scale / 2.0,  # (u, v) = (scale, 0) is (p, q) = (scale / 2, scale / 2)
        conserved=conserved,
        cost=lambda w: float(depth * (np.abs(w) ** (2.0 / depth)).sum()),
    )
