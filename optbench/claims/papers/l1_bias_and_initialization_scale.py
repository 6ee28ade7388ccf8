"""S1-03: how far from the L1 solution a diagonal network ends, by depth and initialization."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, regression, start

SCALES = np.array([1e-4, 1e-5, 1e-6, 1e-7])


@claim(
    id="S1-03",
    title="Linear regression with overparameterized linear neural networks: tight upper and lower "
    "bounds for implicit l1-regularization",
    citation="Matt and Stoeger 2025",
    arxiv="2506.01143",
    background="From a small start gradient descent on u^D - v^D prefers sparse solutions. How "
    "small must the start be? The distance to the least-L1 solution falls linearly "
    "in the scale for D >= 3 but with a power smaller than one for D = 2. The power "
    "depends on the data through one number that is computed beforehand.",
    statement="With u = v = alpha at the start, the limit of u^D - v^D is as far from the L1 "
    "solution as alpha^D to the power 1 - rho for depth D = 2, where rho is a null-space constant, "
    "and proportional to alpha^D for D >= 3.",
    formula="nu = X_S^-T sign(w_S), rho = max |x_i.nu| off the support; "
    "w_i / alpha^D -> (1 - z)^(-D/(D-2)) - (1 + z)^(-D/(D-2)), z = x_i.nu (as derived in the "
    "catalogue), D >= 3",
    cost="fast",
    tags=("regression", "diagonal", "implicit_bias"),
    perturbation={"extra_depth": 1},
    then_fails="depth 2: slope",
)
def l1_bias_and_initialization_scale(
    extra_depth: int = 0, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure slopes on 5 equations for 10 unknowns (generator 145)."""
    from optbench.references import least_norm

    generator = np.random.Generator(np.random.PCG64(seed))
    features, targets = generator.standard_normal((5, 10)), generator.standard_normal(5)
    sparsest = least_norm(features, targets, 1.0).solution
    support = np.abs(sparsest) > 1e-9
    dual = np.linalg.solve(features[:, support].T, np.sign(sparsest[support]))
    slopes = features[:, ~support].T @ dual
    measured, predicted = {}, {}
    for depth in (2, 3, 4):
        found = limits(features, targets, depth + extra_depth)
        distance = np.abs(found - sparsest).sum(axis=1)
        measured[f"D = {depth}"] = distance.tolist()
        slope = log_slope(SCALES, distance)
        name = f"depth {depth}: slope of log distance in log alpha^{depth}"
        if depth == 2:
            exponent = 1.0 - float(np.abs(slopes).max())
            yield Check.between(name, slope, exponent - 0.02, exponent + 0.02, exponent)
            predicted["D = 2"] = (distance[0] * (SCALES / SCALES[0]) ** exponent).tolist()
            continue
        yield Check.between(name, slope, 0.95, 1.05)
        power = -depth / (depth - 2)
        off_support = (1 - slopes) ** power - (1 + slopes) ** power
        ratio = found[-1, ~support] / SCALES[-1] / off_support
        yield Check.at_most(
            f"depth {depth}: error of w_i / alpha^{depth} off the support, alpha^{depth} = 1e-7",
            float(np.abs(ratio - 1.0).max()),
            0.1 if depth == 3 else 0.01,
        )
        # the equations X w = y then fix the change on the support
        change = np.linalg.solve(features[:, support], features[:, ~support] @ off_support)
        both = np.abs(off_support).sum() + np.abs(change).sum()
        predicted[f"D = {depth}"] = (SCALES * both).tolist()
    yield Curve(
        f"Distance to the L1 solution, slope {exponent:.2f} at D = 2",
        "alpha^D",
        "L1 distance",
        SCALES.tolist(),
        measured,
        predicted,
        log="xy",
    )


def limits(features: np.ndarray, targets: np.ndarray, depth: int) -> np.ndarray:
    """Return the limits (4, d) of gradient descent from u = v = SCALES^(1/depth)."""
    instance = regression(features, targets)
    theta = np.repeat(SCALES[:, None] ** (1.0 / depth), 2 * features.shape[1], axis=1)
    rates = [{"learning_rate": 4e-3}] * SCALES.size
    chunk = start(instance, f"diagonal:depth={depth}", "gradient_descent", rates, theta)
    chunk.advance(400_000)
    return chunk.runs.w
