"""w = theta_1 * theta_2 * ... * theta_L: a linear network of full-width circular convolutions.

w_i = sum_j a_j b_(i-j) for two layers; the gradient in a is the correlation of g with b.  In the
discrete Fourier basis (hats, unnormalised) the network is diagonal: gradient flow conserves
|theta_k^|^2 - |theta_(k+1)^|^2, and R(w) = (L/d) sum_i |w_i^|^(2/L) with L layers.

References
----------
Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1806.00468; Yun, Krishnan, Mobahi 2020,
arXiv:2010.02501; R(w): Dai, Karzand, Srebro 2021 (as derived for L layers).
"""

from __future__ import annotations

import math

import numpy as np

from optbench.errors import UserError
from optbench.parametrizations.base import Parametrization, layer_table, require, require_scale

Array = np.ndarray


def forward(theta: Array, layers: Array, scratch: Array, w: Array) -> None:
    """Convolve the layers one after the other; keep theta_1 * ... * theta_l in ``scratch``."""
    size = w.shape[1]
    for run in range(theta.shape[0]):
        for i in range(size):
            scratch[run, i] = theta[run, i]
        for layer in range(1, layers.shape[0]):
            before, after = (layer - 1) * size, layer * size
            for i in range(size):
                scratch[run, after + i] = 0.0
            for j in range(size):
                factor = theta[run, layer * size + j]
                for i in range(size - j):
                    scratch[run, after + j + i] += factor * scratch[run, before + i]
                for i in range(size - j, size):
                    scratch[run, after + j + i - size] += factor * scratch[run, before + i]
        for i in range(size):
            w[run, i] = scratch[run, (layers.shape[0] - 1) * size + i]


def pull_back(
    theta: Array, layers: Array, scratch: Array, gradient_w: Array, gradient: Array
) -> None:
    """Correlate g with what precedes each layer, from the last to the first."""
    size, depth = gradient_w.shape[1], layers.shape[0]
    for run in range(theta.shape[0]):
        sent = (depth - 1) * size  # g takes the place of w, then of the shorter products
        for i in range(size):
            scratch[run, sent + i] = gradient_w[run, i]
        for layer in range(depth - 1, 0, -1):
            sent, before, spare = layer * size, (layer - 1) * size, depth * size
            for j in range(size):
                own, passed = 0.0, 0.0
                for i in range(size):
                    place = i - j if i >= j else i - j + size
                    own += scratch[run, sent + i] * scratch[run, before + place]
                    passed += scratch[run, sent + i] * theta[run, layer * size + place]
                gradient[run, layer * size + j] = own
                scratch[run, spare + j] = passed
            for j in range(size):
                scratch[run, before + j] = scratch[run, spare + j]
        for i in range(size):
            gradient[run, i] = scratch[run, i]


def circular(dimension: int, depth: int = 2, scale: float = 0.1) -> Parametrization:
    """Build the network of circular convolutions of full width.

    Parameters
    ----------
    dimension : int
        Size of the predictor w and of every layer.
    depth : int
        Number of layers, at least 2.
    scale : float
        The layers start as Gaussian vectors of about this length.
    """
    require("circular", depth >= 2, f"depth={depth} must be at least 2")
    require_scale("circular", scale)

    def initial(w: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
        if w is not None and np.any(w):
            raise UserError("parametrization circular: has no start at a given predictor")
        return scale / math.sqrt(dimension) * generator.standard_normal(depth * dimension)

    def conserved(theta: np.ndarray) -> np.ndarray:
        energy = np.abs(np.fft.fft(theta.reshape(depth, dimension), axis=1)) ** 2
        return np.asarray(energy[:-1] - energy[1:]).ravel()

    def cost(w: np.ndarray) -> float:
        return float(depth / dimension * (np.abs(np.fft.fft(w)) ** (2.0 / depth)).sum())

    return Parametrization(
        name=f"circular:depth={depth},scale={scale:g}",
        formula="w = " + " * ".join(f"theta_{k}" for k in range(1, depth + 1)),
        forward=forward,
        pull_back=pull_back,
        layers=layer_table(*[(dimension, 1)] * depth),
        initial=initial,
        parameters=depth * dimension,
        scratch=(depth + 1) * dimension,
        starts_anywhere=False,
        scale=scale,
        conserved=conserved,
        cost=cost,
    )
