"""w = (I + A)^T v: a linear network with a skip connection; diagonal: w = (1 + a) o v.

Gradient: dL/dA = v g^T, dL/dv = (I + A) g; diagonal: dL/da = v o g, dL/dv = (1 + a) o g, with
g = dL/dw.  Gradient flow conserves v v^T - (I + A)(I + A)^T; diagonal: v^2 - (1 + a)^2.
R(w) = rho(||w||_2) and diagonal sum_i rho(|w_i|), with rho(x) = min_s (s - 1)^2 + x^2 / s^2: about
x^2 for small x and 2 x for large x.

References
----------
Dai, Karzand, Srebro 2021, "Representation costs of linear neural networks: analysis and design"
(NeurIPS); rho as derived here.
"""

from __future__ import annotations

import math

import numpy as np

from optbench.parametrizations.base import Parametrization, layer_table, require

Array = np.ndarray


def forward(theta: Array, layers: Array, scratch: Array, w: Array) -> None:
    """theta is A row by row, then v."""
    size = w.shape[1]
    for run in range(theta.shape[0]):
        v, total = theta[run, size * size :], w[run]
        for j in range(size):
            total[j] = v[j]
        for i in range(size):
            row = theta[run, i * size : (i + 1) * size]
            for j in range(size):
                total[j] += v[i] * row[j]


def pull_back(
    theta: Array, layers: Array, scratch: Array, gradient_w: Array, gradient: Array
) -> None:
    """dL/dA_ij = v_i g_j;  dL/dv_i = g_i + A_i . g."""
    size = gradient_w.shape[1]
    for run in range(theta.shape[0]):
        slope = gradient_w[run]
        for i in range(size):
            row = theta[run, i * size : (i + 1) * size]
            own = gradient[run, i * size : (i + 1) * size]
            factor = theta[run, size * size + i]
            total = slope[i]
            for j in range(size):
                own[j] = factor * slope[j]
                total += row[j] * slope[j]
            gradient[run, size * size + i] = total


def forward_diagonal(theta: Array, layers: Array, scratch: Array, w: Array) -> None:
    """theta is a, then v."""
    size = w.shape[1]
    for run in range(theta.shape[0]):
        a, v, product = theta[run, :size], theta[run, size:], w[run]
        for i in range(size):
            product[i] = (1.0 + a[i]) * v[i]


def pull_back_diagonal(
    theta: Array, layers: Array, scratch: Array, gradient_w: Array, gradient: Array
) -> None:
    """dL/da = v o g;  dL/dv = (1 + a) o g."""
    size = gradient_w.shape[1]
    for run in range(theta.shape[0]):
        a, v, g = theta[run, :size], theta[run, size:], gradient_w[run]
        in_a, in_v = gradient[run, :size], gradient[run, size:]
        for i in range(size):
            in_a[i] = v[i] * g[i]
            in_v[i] = (1.0 + a[i]) * g[i]


def least_squared_size(product: float) -> float:
    """Return rho(x) = min over (1 + a) v = x of a^2 + v^2: at the root s > 1 of s^4 - s^3 = x^2."""
    roots = np.roots([1.0, -1.0, 0.0, 0.0, -(product**2)])
    s = float(roots.real.max())
    return (s - 1.0) ** 2 + product**2 / s**2


def residual(dimension: int, diagonal: bool = False, scale: float = 0.0) -> Parametrization:
    """Build the residual network with one hidden layer as wide as the input.

    Parameters
    ----------
    dimension : int
        Size of the predictor w and of v.
    diagonal : bool
        w = (1 + a) o v in place of w = (I + A)^T v.
    scale : float
        A starts with independent normal entries of standard deviation scale / sqrt(d), a with
        entries uniform in [-scale, scale]; v starts at zero, so that w starts at zero.
    """
    require("residual", 0.0 <= scale < math.inf, f"scale={scale:g} must be at least 0 and finite")
    branch = dimension if diagonal else dimension**2

    def initial(w: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
        start = np.zeros(dimension) if w is None else w
        if diagonal:
            a = scale * generator.uniform(-1.0, 1.0, dimension)
            return np.concatenate([a, start / (1.0 + a)])
        A = scale / math.sqrt(dimension) * generator.standard_normal((dimension, dimension))
        return np.concatenate([A.ravel(), np.linalg.solve(np.eye(dimension) + A.T, start)])

    def conserved(theta: np.ndarray) -> np.ndarray:
        v = theta[branch:]
        if diagonal:
            return np.asarray(v**2 - (1.0 + theta[:branch]) ** 2)
        first = np.eye(dimension) + theta[:branch].reshape(dimension, dimension)
        return np.asarray(np.outer(v, v) - first @ first.T).ravel()

    def cost(w: np.ndarray) -> float:
        sizes = w if diagonal else [float(np.linalg.norm(w))]
        return sum(least_squared_size(float(size)) for size in sizes)

    return Parametrization(
        name=f"residual:diagonal={str(diagonal).lower()},scale={scale:g}",
        formula="w = (1 + a) o v" if diagonal else "w = (I + A)^T v",
        forward=forward_diagonal if diagonal else forward,
        pull_back=pull_back_diagonal if diagonal else pull_back,
        layers=layer_table((1, dimension) if diagonal else (dimension, dimension), (1, dimension)),
        initial=initial,
        parameters=branch + dimension,
        scale=scale,
        conserved=conserved,
        cost=cost,
    )
