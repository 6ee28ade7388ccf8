"""S1-11: gradient descent on w = u^L solves nonnegative least squares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

ETA = 2e-3


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
    cost="normal",
    tags=("regression", "nonnegative"),
    perturbation={"scale_factor": 200.0},
    then_fails="u^3: distance",
    remarks="The underdetermined instance, 6 Gaussian equations for 15 unknowns with a nonnegative "
    "solution, is ours.",
)
def nonnegative_least_squares(scale_factor: float = 1.0, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure 30 equations for 10 unknowns, then 6 for 15 (seed 0)."""
    from scipy.optimize import linprog, nnls

    generator = np.random.Generator(np.random.PCG64(seed))
    features, targets = generator.standard_normal((30, 10)), generator.standard_normal(30)
    solution = nnls(features, targets)[0]
    size, errors = np.linalg.norm(solution), {}
    for depth, scale in ((2, 1e-3), (3, 0.05)):
        found, steps, path = descend(features, targets, depth, scale * scale_factor, ETA)
        errors[f"u^{depth}"] = np.linalg.norm(path - solution, axis=1)[1:] / size
        if depth == 2:
            # as exp(-2 gradient t) where the solution is 0: slow where the gradient is nearly 0 too
            name = "u^2: relative distance to scipy.optimize.nnls"
            yield Check.at_most(name, np.linalg.norm(found - solution) / size, 1e-8, share=0.9)
    # where the solution is 0, u' = -3 u^2 times its gradient, so that u^3 = (3 gradient t)^-3
    gradient = (features.T @ (features @ solution - targets))[solution == 0.0]
    slow = np.linalg.norm((3.0 * ETA * np.outer(steps[1:], gradient)) ** -3.0, axis=1) / size
    name = "u^3: distance to scipy.optimize.nnls, end over a tenth of the steps"
    tenth = np.searchsorted(steps[1:], steps[-1] // 10)
    # t^-3, and later only where a gradient is so small that u has not left its start
    yield Check.at_most(name, errors["u^3"][-1] / errors["u^3"][tenth], 1e-2, 1e-3, share=0.9)
    yield Curve(
        "u^2 converges fast, u^3 like t^-3, to nonnegative least squares",
        "steps t",
        "relative distance to the solution",
        steps[1:].tolist(),
        {name: line.tolist() for name, line in errors.items()},
        {"t^-3 for u^3": np.where(slow < 1.0, slow, np.nan).tolist()},
        log="xy",
    )
    features = generator.standard_normal((6, 15))
    targets = features @ np.abs(generator.standard_normal(15))
    least = linprog(np.ones(15), A_eq=features, b_eq=targets, method="highs").fun
    sizes = []
    for scale in (1e-3, 1e-6):
        found, _, _ = descend(features, targets, 2, scale * scale_factor, ETA)
        sizes.append(float(np.abs(found).sum() / least))
    yield Check.at_most(
        "underdetermined, u^2: residual",
        float(np.linalg.norm(features @ found - targets) / np.linalg.norm(targets)),
        1e-8,
        share=0.9,  # linear too, at a rate of which nothing is known
    )
    name = "underdetermined, u^2: L1 norm over the least"
    yield Check.at_least(name, min(sizes), 1.0 - 1e-5, 1.0)  # a residual takes off
    # the excess falls as the start does, to 0
    name = "underdetermined, u^2: excess of the L1 norm from 1e-6 over that from 1e-3"
    excess = (sizes[1] - 1.0 + 1e-9) / (sizes[0] - 1.0 + 1e-9)
    yield Check.below(name, excess, 1.0, share=0.9)


def descend(
    features: np.ndarray, targets: np.ndarray, depth: int, scale: float, rate: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the limit u^depth (d,) of gradient descent from u = scale, and the way there.

    The way is steps (R,) and u^depth (R, d).
    """
    instance = regression(features, targets)
    theta = np.full(features.shape[1], scale)
    chunk = start(
        instance, f"nonnegative:depth={depth}", "gradient_descent", [{"learning_rate": rate}], theta
    )
    chunk.advance(500_000)
    return chunk.runs.w[0], chunk.records.steps, chunk.records.snapshots[:, 0]
