"""w = u^depth >= 0, elementwise: the form of linear programs and nonnegative least squares.

Gradient: dL/du = depth u^(depth-1) g with g = dL/dw.  Gradient flow conserves the signs of u only.
R(w) = sum_i w_i^(2/depth) for w >= 0.

References
----------
Wang, Ghosal, Mazumder 2023, arXiv:2310.02535; Chou, Maly, Verdun 2022, arXiv:2207.08437.
"""

from __future__ import annotations

import math

import numpy as np

from optbench.parametrizations.base import Parametrization, layer_table, require, require_scale


def forward(theta, layers, scratch, w):
    """w = u^L; L is the number of rows in ``layers``."""
    for run in range(theta.shape[0]):
        u, power = theta[run], w[run]
        for i in range(power.size):
            power[i] = u[i]
        for _ in range(layers.shape[0] - 1):
            for i in range(power.size):
                power[i] *= u[i]


def pull_back(theta, layers, scratch, gradient_w, gradient):
    """dL/du = L u^(L-1) g."""
    depth = layers.shape[0]
    for run in range(theta.shape[0]):
        u, g, of_u = theta[run], gradient_w[run], gradient[run]
        for i in range(g.size):
            of_u[i] = depth * g[i] * u[i]
        for _ in range(depth - 2):
            for i in range(g.size):
                of_u[i] *= u[i]


def nonnegative(dimension: int, depth: int = 2, scale: float = 0.1) -> Parametrization:
    """Build w = u^depth; u starts at ``scale``, or where the problem says.

    Parameters
    ----------
    dimension : int
        Size of the predictor w.
    depth : int
        At least 2.
    scale : float
        Initial u, positive.
    """
    require("nonnegative", depth >= 2, f"depth={depth} must be at least 2")
    require_scale("nonnegative", scale)

    def initial(w: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
        if w is None:
            return np.full(dimension, scale)
        return np.abs(w) ** (1.0 / depth)

    def cost(w: np.ndarray) -> float:
        return float((np.abs(w) ** (2.0 / depth)).sum()) if np.all(w >= 0.0) else math.inf

    return Parametrization(
        # Problems that prescribe this map prescribe the start as well: then the scale says nothing.
        name=f"nonnegative:depth={depth}" + (f",scale={scale:g}" if scale != 0.1 else ""),
        formula=f"w = u^{depth}",
        forward=forward,
        pull_back=pull_back,
        layers=np.repeat(layer_table((dimension, 1)), depth, axis=0),
        initial=initial,
        parameters=dimension,
        selects={"linear_program": "entropic"} if depth == 2 else {},
        scale=scale,
        cost=cost,
    )
