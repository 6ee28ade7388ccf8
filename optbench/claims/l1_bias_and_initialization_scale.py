"""S1-03: how far from the L1 solution a diagonal network ends, by depth and initialization."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claim import Check, claim
from optbench.claims.simulation import log_slope, regression, start

SCALES = np.array([1e-4, 1e-5, 1e-6, 1e-7])


@claim(
    id="S1-03",
    title="Linear regression with overparameterized linear neural networks: tight upper and lower "
    "bounds for implicit l1-regularization",
    citation="Matt and Stoeger 2025",
    arxiv="2506.01143",
    statement="With u = v = alpha at the start, the limit of u^D - v^D is as far from the L1 "
    "solution as alpha^D to the power 1 - rho for depth D = 2, where rho is a null-space constant, "
    "and proportional to alpha^D for D >= 3.",
    formula="nu = X_S^-T sign(w_S), rho = max |x_i.nu| off the support; "
    "w_i / alpha^D -> (1 - z)^(-D/(D-2)) - (1 + z)^(-D/(D-2)), z = x_i.nu (as derived in the "
    "catalogue), D >= 3",
    cost="fast",
    tags=("regression", "diagonal", "implicit_bias"),
)
def l1_bias_and_initialization_scale(shift: int = 0, optimizer: str = "gradient_descent") -> Iterator[Check]:
    """Measure slopes on 5 equations for 10 unknowns (generator 145)."""
    from optbench.references import least_norm

    generator = np.random.Generator(np.random.PCG64(145))
    features, targets = generator.standard_normal((5, 10)), generator.standard_normal(5)
    sparsest = least_norm(features, targets, 1.0)
    support = np.abs(sparsest.solution) > 1e-9
    dual = np.linalg.solve(features[:, support].T, np.sign(sparsest.solution[support]))
    slopes = features.T @ dual
    rho = np.abs(slopes[~support]).max()
    print(support.sum(), rho, sparsest.unique, sparsest.solution)
    for depth in (2, 3, 4):
        found, res = limits(features, targets, depth + shift, depth)
        print(depth, res)
        distance = np.abs(found - sparsest.solution).sum(axis=1)
        predicted = 1.0 - rho if depth == 2 else 1.0
        print(depth, log_slope(SCALES, distance), predicted, distance)
        if depth > 2:
            z=slopes[~support]; h=(1-z)**(-depth/(depth-2))-(1+z)**(-depth/(depth-2))
            print(found[:,~support]/SCALES[:,None]/h)
    yield Check.at_most("a",0,1)


def limits(features, targets, depth, scale_depth):
    """Return the limits (4, d) from u = v = SCALES^(1/depth)."""
    instance = regression(features, targets)
    theta = np.repeat(SCALES[:, None] ** (1.0 / scale_depth), 2 * features.shape[1], axis=1)
    chunk = start(instance, f"diagonal:depth={depth}", "gradient_descent", [{"learning_rate": 1e-3}] * 4, theta)
    chunk.advance(3_000_000)
    print(chunk.status, chunk.stopped)
    return chunk.runs.w, np.exp(chunk.records.log_loss[-1])
