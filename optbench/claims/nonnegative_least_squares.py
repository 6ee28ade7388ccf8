"""S1-11: gradient descent on w = u^L solves nonnegative least squares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claim import Check, claim
from optbench.claims.simulation import regression, start


@claim(
    id="S1-11",
    title="Non-negative least squares via overparametrization",
    citation="Chou, Maly, Verdun 2022",
    arxiv="2207.08437",
    background="Nonnegative least squares is a convex program with constraints. Substituting x "
    "= u^L removes the constraint, and gradient descent from a small start solves "
    "it; where many solutions exist it finds one of nearly least L1 norm. SciPy's "
    "active-set solver gives the reference.",
    statement="Gradient descent on 1/2 ||A u^L - b||^2 from a small constant u > 0 tends to the "
    "nonnegative least-squares solution, and among many of them to one of nearly least L1 norm.",
    formula="u^L -> argmin_{x >= 0} ||A x - b||^2",
    cost="fast",
    tags=("regression", "nonnegative"),
    perturbation={"scale_factor": 200.0},
    then_fails="underdetermined, u^2: L1 norm",
)
def nonnegative_least_squares(scale_factor: float = 1.0) -> Iterator[Check]:
    """Measure 30 equations for 10 unknowns, then 6 for 15 (seed 0)."""
    from scipy.optimize import linprog, nnls

    generator = np.random.Generator(np.random.PCG64(0))
    features, targets = generator.standard_normal((30, 10)), generator.standard_normal(30)
    solution = nnls(features, targets)[0]
    for depth, scale, bound in ((2, 1e-3, 1e-8), (3, 0.05, 1e-6)):
        found = descend(features, targets, depth, scale * scale_factor, 2e-3)
        error = np.linalg.norm(found - solution) / np.linalg.norm(solution)
        yield Check.at_most(f"u^{depth}: relative distance to scipy.optimize.nnls", error, bound)
    features = generator.standard_normal((6, 15))
    targets = features @ np.abs(generator.standard_normal(15))
    least = linprog(np.ones(15), A_eq=features, b_eq=targets, method="highs").fun
    found = descend(features, targets, 2, 1e-3 * scale_factor, 2e-3)
    yield Check.at_most(
        "underdetermined, u^2: residual",
        float(np.linalg.norm(features @ found - targets) / np.linalg.norm(targets)),
        1e-8,
    )
    yield Check.between(
        "underdetermined, u^2: L1 norm over the least",
        np.abs(found).sum() / least,
        1.0 - 1e-8,
        1.01,
    )


def descend(
    features: np.ndarray, targets: np.ndarray, depth: int, scale: float, rate: float
) -> np.ndarray:
    """Return the limit u^depth (d,) of gradient descent from u = scale."""
    instance = regression(features, targets)
    theta = np.full(features.shape[1], scale)
    chunk = start(
        instance, f"nonnegative:depth={depth}", "gradient_descent", [{"learning_rate": rate}], theta
    )
    chunk.advance(500_000)
    return np.asarray(chunk.runs.w[0])
