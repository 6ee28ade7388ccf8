"""w = u^power, elementwise, with u = r v / ||v||: length and direction are trained apart.

Gradient, with q = power u^(power-1) g, g = dL/dw and n = v / ||v||: dL/dr = q . n,
dL/dv = (r / ||v||) (q - (q . n) n).  Gradient flow conserves ||v||.

Two learning rates, eta_r for r and eta_v for v, need no optimizer of their own: the learning rate
is eta_r, and ratio = eta_r / eta_v sets ||v|| at the start.  Only the direction of v matters, and
with v = sqrt(ratio) x one step moves x by -eta_r / sqrt(ratio) dL/dv = -(eta_r / ratio) dL/dx,
because dL/dx = sqrt(ratio) dL/dv: exactly a step of gradient descent on x at the rate eta_v.

References
----------
Salimans, Kingma 2016, arXiv:1602.07868; Wu, Dobriban, Ren, Wu, Li, Gunasekar, Ward, Liu 2020,
arXiv:1911.07956 (power 1); Chou, Rauhut, Ward 2023, arXiv:2305.05448 (power 2).
"""

from __future__ import annotations

import math

import numpy as np

from optbench.parametrizations.base import Parametrization, require, require_scale

Array = np.ndarray


def forward(theta: Array, layers: Array, scratch: Array, w: Array) -> None:
    """w = (r v / ||v||)^power; the power is the number of rows in ``layers`` less one."""
    for run in range(theta.shape[0]):
        v, predictor = theta[run, 1:], w[run]
        square = 0.0
        for i in range(v.size):
            square += v[i] * v[i]
        factor = theta[run, 0] / square**0.5
        for i in range(v.size):
            u = factor * v[i]
            predictor[i] = u * u if layers.shape[0] == 3 else u


def pull_back(
    theta: Array, layers: Array, scratch: Array, gradient_w: Array, gradient: Array
) -> None:
    """dL/dr = q . n;  dL/dv = (r / ||v||) (q - (q . n) n)."""
    for run in range(theta.shape[0]):
        v, g, q = theta[run, 1:], gradient_w[run], gradient[run, 1:]
        square = 0.0
        for i in range(v.size):
            square += v[i] * v[i]
        length = square**0.5
        factor = theta[run, 0] / length
        along = 0.0
        for i in range(v.size):
            q[i] = 2.0 * factor * v[i] * g[i] if layers.shape[0] == 3 else g[i]
            along += q[i] * v[i]
        along /= length
        gradient[run, 0] = along
        radial = along / length
        for i in range(v.size):
            q[i] = factor * (q[i] - radial * v[i])


def weight_normalized(
    dimension: int, power: int = 2, ratio: float = 1.0, scale: float = 0.1
) -> Parametrization:
    """Build the weight-normalised predictor; theta is r, then v.

    Parameters
    ----------
    dimension : int
        Size of the predictor w.
    power : int
        1: w = r v / ||v||; 2: its elementwise square, which is nonnegative.
    ratio : float
        Learning rate of r over that of v; v starts at length sqrt(ratio).
    scale : float
        All coordinates of u = r v / ||v|| start at it.
    """
    require("weight_normalized", power in (1, 2), f"power={power} must be 1 or 2")
    require(
        "weight_normalized", 0 < ratio < math.inf, f"ratio={ratio:g} must be positive and finite"
    )
    require_scale("weight_normalized", scale)

    def initial(w: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
        u = np.full(dimension, scale)
        if w is not None and np.any(w):
            valid = power == 1 or bool(np.all(w >= 0.0))
            require("weight_normalized", valid, "a start at w = u^2 must be at least 0")
            u = np.sqrt(w) if power == 2 else w
        length = float(np.linalg.norm(u))
        return np.concatenate([[length], math.sqrt(ratio) / length * u])

    return Parametrization(
        name=f"weight_normalized:power={power},ratio={ratio:g},scale={scale:g}",
        formula="w = (r v / ||v||)^2" if power == 2 else "w = r v / ||v||",
        forward=forward,
        pull_back=pull_back,
        # Where r and v lie; v once for each power of it.
        layers=np.array([(0, 1, 1), *[(1, dimension, 1)] * power], dtype=np.int64),
        initial=initial,
        parameters=1 + dimension,
        scale=scale,
        conserved=lambda theta: np.array([theta[1:] @ theta[1:]]),
    )
