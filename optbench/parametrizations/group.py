"""w_G = a_G v_G for each group G of coordinates: one common factor a group.

Gradient: dL/da_G = g_G . v_G, dL/dv_G = a_G g_G with g = dL/dw.  Gradient flow conserves
a_G^2 - ||v_G||^2.  R(w) = 2 sum_G ||w_G||_2, the group norm.

References
----------
Dai, Karzand, Srebro 2021, "Representation costs of linear neural networks: analysis and design"
(NeurIPS); with a_G squared: Li, Nguyen, Hegde, Wong 2023, arXiv:2301.12540.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from optbench.parametrizations.base import Parametrization, require, require_scale

Array = np.ndarray


def forward(theta: Array, layers: Array, scratch: Array, w: Array) -> None:
    """w_c = sum of a v over the rows (place of a, place of v, coordinate c) of ``layers``."""
    for run in range(theta.shape[0]):
        for i in range(w.shape[1]):
            w[run, i] = 0.0
        for row in range(layers.shape[0]):
            w[run, layers[row, 2]] += theta[run, layers[row, 0]] * theta[run, layers[row, 1]]


def pull_back(
    theta: Array, layers: Array, scratch: Array, gradient_w: Array, gradient: Array
) -> None:
    """Each row adds g_c v to the gradient in its a; the gradient in its v is g_c a."""
    for run in range(theta.shape[0]):
        for i in range(theta.shape[1]):
            gradient[run, i] = 0.0
        for row in range(layers.shape[0]):
            factor, member, slope = layers[row, 0], layers[row, 1], gradient_w[run, layers[row, 2]]
            gradient[run, factor] += slope * theta[run, member]
            gradient[run, member] = slope * theta[run, factor]


def common_factors(
    name: str,
    formula: str,
    dimension: int,
    groups: Sequence[Sequence[int]],
    scale: float,
    cost: Callable[[np.ndarray], float],
) -> Parametrization:
    """Build w = sum over groups S of a_S v_S, where v_S lives on the coordinates in S.

    theta holds all a, then the v_S one after the other.

    Parameters
    ----------
    name, formula : str
    dimension : int
        Size of the predictor.
    groups : sequence of sequence of int
        Coordinates of each group; they may overlap and together cover all.
    scale : float
        All a start at it, all v at zero, so that w starts at zero.
    cost : callable
        R(w).
    """
    sizes = np.array([len(group) for group in groups])
    coordinates = np.concatenate([np.asarray(group) for group in groups])
    owner = np.repeat(np.arange(sizes.size), sizes)
    members = sizes.size + np.arange(coordinates.size)

    def initial(w: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
        shared = np.zeros(dimension) if w is None else w / np.bincount(coordinates)
        return np.concatenate([np.full(sizes.size, scale), shared[coordinates] / scale])

    def conserved(theta: np.ndarray) -> np.ndarray:
        squares = theta**2
        return np.asarray(squares[: sizes.size] - np.bincount(owner, squares[sizes.size :]))

    return Parametrization(
        name=name,
        formula=formula,
        forward=forward,
        pull_back=pull_back,
        layers=np.ascontiguousarray(np.column_stack([owner, members, coordinates]), np.int64),
        initial=initial,
        parameters=sizes.size + coordinates.size,
        scale=scale,
        conserved=conserved,
        cost=cost,
    )


def group(dimension: int, sizes: tuple[int, ...] = (2,), scale: float = 0.1) -> Parametrization:
    """Build the network of groups of neighbouring coordinates.

    Parameters
    ----------
    dimension : int
        Size of the predictor w.
    sizes : tuple of int
        Size of each group, in order, which add up to ``dimension``; or one size for all.
    scale : float
        All a_G start at it and all v_G at zero, so that w starts at zero.
    """
    text = "x".join(map(str, sizes))
    require("group", min(sizes, default=0) >= 1, f"sizes={text} must be positive integers")
    require_scale("group", scale)
    each = sizes if len(sizes) > 1 else sizes * (dimension // sizes[0])
    must = "add up to" if len(sizes) > 1 else "divide"
    require(
        "group", sum(each) == dimension, f"sizes={text} must {must} the {dimension} coordinates"
    )
    starts = np.concatenate([[0], np.cumsum(each)])

    def cost(w: np.ndarray) -> float:
        return float(2.0 * np.sqrt(np.add.reduceat(np.square(w), starts[:-1])).sum())

    return common_factors(
        name=f"group:sizes={text},scale={scale:g}",
        formula="w_G = a_G v_G",
        dimension=dimension,
        groups=[range(first, last) for first, last in pairwise(starts)],
        scale=scale,
        cost=cost,
    )
