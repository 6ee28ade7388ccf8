"""The lasso: minimise 1/(2n) ||X w - y||^2 + lambda ||w||_1.

``penalty`` is lambda as a part of the smallest one whose solution is w = 0, max|X^T y| / n.  The
gradient is a subgradient, with sign(0) = 0; methods that ask for ``prox`` get the soft threshold
and the gradient of the squares alone.
"""

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_error

GAUSSIAN = {"data": ("gaussian",)}


@problem(
    reference="Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x",
    references=("minimizer",),
    metrics=("distance_minimizer",),
    default=(),  # the others have smooth objectives
    examples=({"n": 20, "d": 5, "sparsity": 2}, {"data": "digits"}),
)
def lasso(
    data=Option("gaussian"),
    penalty=0.1,
    n=Option(40, needs=GAUSSIAN),
    d=Option(60, needs=GAUSSIAN),
    sparsity=Option(5, needs=GAUSSIAN),
    noise=Option(0.1, needs=GAUSSIAN),
    seed=Option(0, needs=GAUSSIAN),
):
    """Build an instance from bundled data or a file, standardized, or of Gaussian features."""
    from dataclasses import replace

    from optbench import references
    from optbench.references import lasso as certified  # a name that this file does not have

    if not 0.0 < penalty <= 1.0:
        raise UserError(f"lasso: penalty={penalty:g} must be a part between 0 and 1")
    if data == "gaussian":
        features, targets = gaussian(n, d, sparsity, noise, seed)
        about = {"source": f"Gaussian, seed {seed}"}
    else:
        features, targets, about = real(data)
    count, dimension = features.shape
    weight = penalty * float(np.max(np.abs(features.T @ targets))) / count

    def minimizer():
        return replace(certified(features, targets, weight * count), name="minimizer")

    return Instance(
        problem="lasso",
        features=features,
        targets=targets,
        kind="lasso",
        row=squared_error,
        scale=1.0 / count,
        penalty=l1(weight),
        prox=soft_threshold(weight),
        references={"minimizer": minimizer},
        optimal_value=lambda: minimizer().value / count,
        smoothness=lambda: references.hessian_eigenvalues(features).largest,
        seeded=data == "gaussian",
        facts={"n": count, "d": dimension, **about, "lambda": weight},
    )


def l1(weight):
    """lambda ||w||_1, whose subgradient has sign(0) = 0."""

    def weighted_l1(w, grad):
        total = 0.0
        for i in range(w.size):
            total += weight * abs(w[i])
            grad[i] += weight * np.sign(w[i])
        return total

    return weighted_l1


def soft_threshold(weight):
    """argmin_u  lambda ||u||_1 + ||u - v||^2 / (2 step_size)."""

    def shrink(v, step_size):
        limit = weight * step_size
        for i in range(v.size):
            if v[i] > limit:
                v[i] -= limit
            elif v[i] < -limit:
                v[i] += limit
            else:
                v[i] = 0.0

    return shrink


def gaussian(n, d, sparsity, noise, seed):
    """Gaussian features; targets from ``sparsity`` unit coefficients, with noise."""
    if n < 1 or d < 1:
        raise UserError(f"lasso: n={n} and d={d} must be at least 1")
    if not 1 <= sparsity <= d:
        raise UserError(f"lasso: sparsity={sparsity} must be between 1 and d={d}")
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((n, d))
    return features, features[:, :sparsity].sum(axis=1) + noise * generator.standard_normal(n)


def real(data):
    """Load bundled data or a file; the targets have mean zero."""
    from optbench import data as sources

    dataset = sources.prepare(
        sources.load_dataset(data, regression=True), standardize=True, center=True, intercept=False
    )
    return dataset.features, dataset.targets - dataset.targets.mean(), dataset.facts
