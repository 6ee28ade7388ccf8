"""My problem: what is minimised, in one line; `optbench show my_problem` prints this.

mean h(x_i . w - y_i),  h(r) = sqrt(1 + r^2) - 1: squares near 0, absolute values far from it.
"""

import math

import numpy as np

from optbench import Instance, UserError, problem


def pseudo_huber(prediction, target):
    """Loss of a row and its derivative in the prediction: plain Python, compiled by the host."""
    residual = prediction - target
    root = math.sqrt(1.0 + residual * residual)
    return root - 1.0, residual / root


# The keyword arguments are the options that a user sets: `my_problem:n=100,seed=3`.
@problem(
    reference="authors year, arXiv or DOI",
    references=(),  # names of the certified solutions below, such as ("minimizer",)
    metrics=(),  # names of what is measured of a solution, such as ("distance_minimizer",)
)
def my_problem(n=40, d=5, seed=0):
    """Build an instance: Gaussian data, with a few targets that are far off."""
    if not n > d > 0:
        raise UserError(f"my_problem: n={n} must be larger than d={d}, and d at least 1")
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((n, d))
    targets = features.sum(axis=1) + 0.1 * generator.standard_normal(n)
    targets[: n // 10] += 5.0
    return Instance(
        problem="my_problem",
        features=features,
        targets=targets,
        kind="other",  # or "regression", "classification": what is measured
        row=pseudo_huber,
        scale=1.0 / n,  # the objective is scale * (sum over the rows)
        optimal_value=lambda: optimal_value(features, targets),  # called when it is needed
        smoothness=lambda: np.linalg.norm(features, 2) ** 2 / n,  # the largest curvature: h'' <= 1
        seeded=True,  # another seed, another instance
        facts={"source": f"Gaussian, {n // 10} targets off by 5, seed {seed}"},
    )


def optimal_value(features, targets):
    """Return the least loss, by Newton's method with halved steps."""
    w = np.linalg.lstsq(features, targets, rcond=None)[0]
    loss = mean_loss(features, targets, w)
    for _ in range(100):
        residual = features @ w - targets
        root = np.sqrt(1.0 + residual**2)
        gradient = features.T @ (residual / root)
        step = np.linalg.solve((features.T / root**3) @ features, gradient)
        length = 1.0
        while (new := mean_loss(features, targets, w - length * step)) > loss and length > 1e-6:
            length /= 2.0
        if not new < loss:
            break
        w, loss = w - length * step, new
    return loss


def mean_loss(features, targets, w):
    """Return the objective at w, in NumPy."""
    return float(np.mean(np.sqrt(1.0 + (features @ w - targets) ** 2) - 1.0))
