"""S1-03: how far from the L1 solution a diagonal network ends, by depth and initialization."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import log_slope, regression, start

# L1 distances that the theorem's leading term predicts: the scales of the start are chosen for them
DISTANCES = np.array([1e-2, 3e-3, 1e-3, 3e-4])
ETA, STEPS = 2e-3, 400_000


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
    "w_i / alpha^D -> (1 - z)^(-D/(D-2)) - (1 + z)^(-D/(D-2)), z = x_i.nu ("
    "our derivation), D >= 3",
    cost="normal",
    tags=("regression", "diagonal", "implicit_bias"),
    perturbation={"extra_depth": 1},
    then_fails="depth 2: slope",
    remarks="Instances are built around a certificate: five columns are orthonormal and carry a "
    "solution with entries of 0.5 to 1.5, the others are scaled to x_i.nu in [-0.8, 0.8], rho is "
    "then known and the solution is that of least L1 norm. On Gaussian instances rho is often "
    "0.99, and no start that a run can leave is small enough.",
)
def l1_bias_and_initialization_scale(
    extra_depth: int = 0, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 5 equations for 10 unknowns, four scales of the start for each depth."""
    features, sparsest, slopes = instance(np.random.Generator(np.random.PCG64(seed)))
    targets = features @ sparsest
    exponent = 1.0 - float(np.abs(slopes).max())
    scales = DISTANCES ** (1.0 / exponent)
    distance = np.abs(limits(features, targets, 2 + extra_depth, scales) - sparsest).sum(axis=1)
    slope = log_slope(scales, distance)
    name = "depth 2: slope of log distance in log alpha^2, over 1 - rho"
    # a second coordinate whose x_i.nu is nearly rho adds to the first one
    yield Check.between(name, slope / exponent, 0.9, 1.1, share=0.9)
    law = distance[-1] * (scales / scales[-1]) ** exponent
    yield picture("2 layers", scales, distance, law)
    for depth in (3, 4):
        power = -depth / (depth - 2)
        off_support = (1 - slopes) ** power - (1 + slopes) ** power
        # the equations X w = y then fix the change on the support
        change = np.linalg.solve(features[:, :5], features[:, 5:] @ off_support)
        size = float(np.abs(off_support).sum() + np.abs(change).sum())
        scales = DISTANCES / size
        found = limits(features, targets, depth + extra_depth, scales)
        distance = np.abs(found - sparsest).sum(axis=1)
        ratio = distance / (scales * size)
        name = f"depth {depth}: L1 distance over the leading term"
        # what the leading term neglects is of the size of the distance over 1 - |x_i.nu|
        yield Check.between(f"{name}, alpha^{depth} the least", ratio[-1], 0.85, 1.15)
        nearer = np.abs(ratio[-1] - 1.0) / np.abs(ratio[0] - 1.0)
        yield Check.below(f"{name}: error at the least scale over the largest", nearer, 1.0)
        slope = log_slope(scales[-2:], distance[-2:])
        name = f"depth {depth}: slope of log distance in log alpha^{depth}"
        yield Check.between(name, slope, 0.9, 1.1)
        yield picture(f"{depth} layers", scales, distance, scales * size)


def instance(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return X (5, 10), the solution of least L1 norm (10,), and x_i.nu off its support (5,)."""
    support = np.linalg.qr(generator.standard_normal((5, 5)))[0]
    signs = generator.choice([-1.0, 1.0], 5)
    dual = support @ signs  # X_S^T nu = signs
    slopes = generator.uniform(-0.8, 0.8, 5)
    others = generator.standard_normal((5, 5))
    # x_i.nu becomes slopes_i without a change across nu
    others += np.outer(dual, (slopes - dual @ others) / 5.0)
    solution = np.r_[signs * generator.uniform(0.5, 1.5, 5), np.zeros(5)]
    return np.hstack([support, others]), solution, slopes


def picture(depth: str, scales: np.ndarray, measured: np.ndarray, predicted: np.ndarray) -> Curve:
    """Distance by scale, and the leading term."""
    return Curve(
        f"The smaller the start, the nearer to the least L1 norm ({depth})",
        "size of the start (alpha to the depth)",
        "L1 distance to the solution",
        scales.tolist(),
        {"gradient descent": measured.tolist()},
        {"leading term": predicted.tolist()},
        log="xy",
    )


def limits(features: np.ndarray, targets: np.ndarray, depth: int, scales: np.ndarray) -> np.ndarray:
    """Return the limits (4, d) of gradient descent from u = v = scales^(1/depth)."""
    instance = regression(features, targets)
    theta = np.repeat(scales[:, None] ** (1.0 / depth), 2 * features.shape[1], axis=1)
    rates = [{"learning_rate": ETA}] * scales.size
    chunk = start(instance, f"diagonal:depth={depth}", "gradient_descent", rates, theta)
    chunk.advance(STEPS)
    return chunk.runs.w
