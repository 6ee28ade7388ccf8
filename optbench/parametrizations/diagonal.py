"""w = u^depth - v^depth, elementwise: the diagonal linear network.

Gradient: dL/du = depth u^(depth-1) g, dL/dv = -depth v^(depth-1) g with g = dL/dw.  Gradient flow
conserves u v (depth 2) or u^(2-depth) + v^(2-depth), elementwise.  R(w) = sum_i |w_i|^(2/depth).

References
----------
Woodworth, Gunasekar, Lee, Moroshko, Savarese, Golan, Soudry, Srebro 2020, arXiv:2002.09277.
"""

from __future__ import annotations

import numpy as np

from optbench.parametrizations.base import Parametrization, layer_table, require, require_scale

# Loops over coordinates are the inner ones, on views: only those become vector instructions.


def forward(theta, layers, scratch, w):
    """w = u^D - v^D; the depth D is the number of rows in ``layers`` divided by two."""
    depth = layers.shape[0] // 2
    size = w.shape[1]
    for run in range(theta.shape[0]):
        u, v, power, negative = theta[run, :size], theta[run, size:], w[run], scratch[run]
        if depth == 2:  # in one pass, three times as fast
            for i in range(size):
                power[i] = u[i] * u[i] - v[i] * v[i]
            continue
        for i in range(size):
            power[i], negative[i] = u[i], v[i]
        for _ in range(depth - 1):
            for i in range(size):
                power[i] *= u[i]
                negative[i] *= v[i]
        for i in range(size):
            power[i] -= negative[i]


def pull_back(theta, layers, scratch, gradient_w, gradient):
    """dL/du = D u^(D-1) g;  dL/dv = -D v^(D-1) g."""
    depth = layers.shape[0] // 2
    size = gradient_w.shape[1]
    for run in range(theta.shape[0]):
        u, v, g = theta[run, :size], theta[run, size:], gradient_w[run]
        of_u, of_v = gradient[run, :size], gradient[run, size:]
        for i in range(size):
            of_u[i] = depth * g[i] * u[i]
            of_v[i] = -depth * g[i] * v[i]
        for _ in range(depth - 2):
            for i in range(size):
                of_u[i] *= u[i]
                of_v[i] *= v[i]


def diagonal(dimension: int, depth: int = 2, scale: float = 0.1) -> Parametrization:
    """Build the diagonal linear network; u and v start at ``scale``, so w starts at zero.

    Parameters
    ----------
    dimension : int
        Size of the predictor w.
    depth : int
        D in u^D - v^D, at least 2.
    scale : float
        Initial u and v (alpha in the literature); the limit interpolates between least L1 norm
        (scale -> 0) and least L2 norm (scale -> infinity).
    """
    require("diagonal", depth >= 2, f"depth={depth} must be at least 2")
    require_scale("diagonal", scale)

    def initial(w: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
        if w is None:
            return np.full(2 * dimension, scale)
        base = scale**depth
        u = (base + np.maximum(w, 0.0)) ** (1.0 / depth)
        v = (base + np.maximum(-w, 0.0)) ** (1.0 / depth)
        return np.concatenate([u, v])

    def conserved(theta: np.ndarray) -> np.ndarray:
        u, v = theta[:dimension], theta[dimension:]
        power = 2.0 - depth
        return u * v if depth == 2 else np.asarray(u**power + v**power)

    return Parametrization(
        name=f"diagonal:depth={depth},scale={scale:g}",
        formula=f"w = u^{depth} - v^{depth}",
        forward=forward,
        pull_back=pull_back,
        # One row per factor: the kernels read the depth from their number.
        layers=np.repeat(layer_table((dimension, 1), (dimension, 1)), depth, axis=0),
        initial=initial,
        parameters=2 * dimension,
        scratch=dimension,
        selects={"classification": "l1", "regression": "hypentropy"} if depth == 2 else {},
        scale=scale,
        conserved=conserved,
        cost=lambda w: float((np.abs(w) ** (2.0 / depth)).sum()),
    )
