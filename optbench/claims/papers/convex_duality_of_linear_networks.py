"""S4-10: networks with weight decay solve convex problems in closed form; their layers align."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start


@claim(
    id="S4-10",
    title="Revealing the structure of deep neural networks via convex duality",
    citation="Ergen and Pilanci 2020",
    arxiv="2002.09773",
    background="Weight-decayed linear networks are convex programs in disguise: two layers "
    "amount to a nuclear-norm penalty, whose solution is soft-thresholding of "
    "singular values; with one output all layers have rank one and align. The claim "
    "compares both with the closed forms.",
    statement="A two-layer linear network with weight decay soft-thresholds the singular values of "
    "the target; in a deep one with one output every weight matrix is of rank one and adjacent "
    "ones are aligned.",
    formula="W_2 W_1 = SVT_beta(Y); depth 3: ||W_3 W_2 W_1|| = s^3, s^4 - ||X^T y|| s + beta = 0 "
    "(our derivation)",
    cost="fast",
    tags=("matrix", "deep_linear", "weight_decay", "alignment"),
    perturbation={"decay_factor": 0.0},
    then_fails="two layers: distance",
)
def convex_duality_of_linear_networks(
    decay_factor: float = 1.0, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure a 4 x 5 target, width 6, beta = 0.5; then 8-6-6-1 on whitened data, beta = 0.1."""
    yield from soft_thresholding(decay_factor, seed)
    yield from rank_one_layers(decay_factor, seed)


def soft_thresholding(decay_factor: float, seed: int) -> Iterator[Check | Curve]:
    """1/2 ||W_2 W_1 - Y||^2 + beta/2 (||W_1||^2 + ||W_2||^2) = 1/2 ||W - Y||^2 + beta ||W||_*."""
    from optbench.claims.simulation.network import network, product
    from optbench.references.nuclear_norm import soft_thresholded

    generator = np.random.Generator(np.random.PCG64(seed))
    target, beta, widths = 1.5 * generator.standard_normal((4, 5)), 0.5, (5, 6, 4)
    instance = network(widths, np.eye(5), target, decay=decay_factor * beta)
    theta = 0.5 * generator.standard_normal(instance.dimension)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": 0.01}], theta)
    chunk.advance(40_000)
    convex = soft_thresholded(target, beta)
    found = product(chunk.runs.theta[0], widths)
    error = np.abs(found.ravel() - convex.solution).max()
    yield Check.at_most("two layers: distance to the soft-thresholded target", error, 1e-4)
    gap = abs(chunk.runs.loss[0] / convex.value - 1.0)
    yield Check.at_most("two layers: objective over the convex optimum - 1", gap, 1e-6)
    left, values, right = np.linalg.svd(target, full_matrices=False)
    measured = np.r_[np.nan, np.nan, np.diag(left.T @ found @ right.T)[::-1]]
    sigma = np.r_[0.0, beta, values[::-1]]
    yield Curve(
        f"Two layers with weight decay {beta:g} soft-threshold singular values",
        "singular value of the target",
        "singular value of the product",
        sigma.tolist(),
        {"gradient descent": measured.tolist()},
        {"gradient descent": np.maximum(sigma - beta, 0.0).tolist()},
    )


def rank_one_layers(decay_factor: float, seed: int) -> Iterator[Check]:
    """Three layers and one output on data with X^T X = I."""
    from optbench.claims.simulation.network import matrices, network, product

    generator = np.random.Generator(np.random.PCG64([1, seed]))
    beta, widths = 0.1, (8, 6, 6, 1)
    features = np.linalg.qr(generator.standard_normal((20, 8)))[0]
    targets = features @ generator.standard_normal(8)
    instance = network(widths, features.T, targets[None], decay=decay_factor * beta)
    theta = 0.5 * generator.standard_normal(instance.dimension)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": 0.02}], theta)
    chunk.advance(60_000)
    weights = matrices(chunk.runs.theta[0], widths)
    parts = [np.linalg.svd(matrix) for matrix in weights]
    second = max(float(values[1] / values[0]) for _, values, _ in parts[:-1])
    yield Check.at_most("three layers: largest sigma_2 / sigma_1", second, 1e-8)
    aligned = min(abs(float(below[0][:, 0] @ above[2][0])) for below, above in pairwise(parts))
    yield Check.at_least("three layers: least |cos| of adjacent vectors", aligned, 1.0 - 1e-8)
    strength = float(np.linalg.norm(features.T @ targets))
    polynomial = np.roots([1.0, 0.0, 0.0, -strength, beta])
    root = polynomial[np.abs(polynomial.imag) < 1e-9].real.max()
    size = float(np.linalg.norm(product(chunk.runs.theta[0], widths)))
    yield Check.at_most("three layers: ||W_3 W_2 W_1|| - s^3", abs(size - root**3), 1e-8)
    optimum = 0.5 * (strength - root**3) ** 2 + 1.5 * beta * root**2
    rest = 0.5 * (targets @ targets - strength**2)
    gap = abs(chunk.runs.loss[0] / (optimum + rest) - 1.0)
    yield Check.at_most("three layers: objective over the optimum - 1", gap, 1e-6)
