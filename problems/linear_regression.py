"""Linear regression: minimise 1/(2n) ||X w - y||^2.

With fewer rows than features many w interpolate the data; which one is selected?  References:
the interpolants of least L1, L2, Linf and Fisher norm, and of least hypentropy.
"""

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_error

GAUSSIAN = {"data": ("gaussian",)}


@problem(
    reference="Gunasekar, Lee, Soudry, Srebro 2018, arXiv:1802.08246",
    references=("l1", "l2", "linf", "lp", "hypentropy", "fisher", "minimizer"),
    metrics=(
        "norm_excess_l1",
        "norm_excess_l2",
        "norm_excess_linf",
        "distance_l1",
        "distance_l2",
        "distance_linf",
        "distance_minimizer",
        "residual",
    ),
    default=({"data": "digits", "rows": 30},),
    examples=({"data": "gaussian", "n": 20, "d": 5},),
)
def linear_regression(
    data=Option("digits"),
    rows=Option(0, unless=GAUSSIAN),
    n=Option(20, needs=GAUSSIAN),
    d=Option(50, needs=GAUSSIAN),
    sparsity=Option(0, needs=GAUSSIAN),
    noise=Option(0.0, needs=GAUSSIAN, unless={"sparsity": (0,)}),
    seed=Option(0, needs=GAUSSIAN),
    intercept=Option(False, unless=GAUSSIAN),
    standardize=Option(True, unless=GAUSSIAN),
    target=Option("", unless=GAUSSIAN),
):
    """Build an instance from a bundled name, a file, or ``data=gaussian`` (seeded).

    ``rows`` keeps the first rows of real data (0: all), so that there are fewer than features.
    """
    from optbench import references

    if data == "gaussian":
        features, targets = gaussian(n, d, sparsity, noise, seed)
        source = f"Gaussian, seed {seed}"
    else:
        features, targets, source = real(data, rows, standardize, intercept, target)
    count, dimension = features.shape

    def inverse_fisher():
        return np.linalg.pinv(features.T @ features / count, rcond=1e-12, hermitian=True)

    return Instance(
        problem="linear_regression",
        features=features,
        targets=targets,
        kind="regression",
        row=squared_error,
        scale=1.0 / count,
        optimal_value=lambda: references.least_squares(features, targets).value,
        smoothness=lambda: np.linalg.norm(features, 2) ** 2 / count,
        inverse_fisher=inverse_fisher,
        seeded=data == "gaussian",
        facts={"n": count, "d": dimension, "source": source},
        **solutions(features, targets, inverse_fisher),
    )


def solutions(features, targets, inverse_fisher):
    """The fields of an instance that hold references: the minimizer, or many interpolants."""
    from optbench import references

    count, dimension = features.shape
    if count >= dimension:
        return {"references": {"minimizer": lambda: references.least_squares(features, targets)}}

    def least_norm(p):
        return references.least_norm(features, targets, p)

    return {
        "references": {
            references.norm_name(p): lambda p=p: least_norm(p) for p in (1.0, 2.0, np.inf)
        },
        "parametric": {
            "lp": least_norm,
            "hypentropy": lambda scale: references.hypentropy(features, targets, scale),
            "fisher": lambda _: references.least_bregman(features, targets, inverse_fisher()),
        },
    }


def gaussian(n, d, sparsity, noise, seed):
    """Gaussian features; targets from ``sparsity`` unit coefficients (0: Gaussian targets)."""
    if n < 1 or d < 1:
        raise UserError(f"linear_regression: n={n} and d={d} must be at least 1")
    if not 0 <= sparsity <= d:
        raise UserError(f"linear_regression: sparsity={sparsity} must be between 0 and d={d}")
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((n, d))
    if sparsity:
        targets = features[:, :sparsity].sum(axis=1) + noise * generator.standard_normal(n)
    else:
        targets = generator.standard_normal(n)
    return features, targets


def real(data, rows, standardize, intercept, target):
    """Load bundled data or a file; keep the first ``rows`` rows (0: all)."""
    from optbench import data as sources

    dataset = sources.load_dataset(data, regression=True, target=target or None)
    if rows < 0 or rows > dataset.targets.size:
        raise UserError(f"linear_regression: rows={rows} of {dataset.targets.size} in {data}")
    if rows:
        dataset = sources.Dataset(
            dataset.name, dataset.features[:rows], dataset.targets[:rows], dataset.source
        )
    if intercept and not standardize:
        raise UserError("linear_regression: intercept=true needs standardize=true")
    if standardize:
        dataset = sources.standardize(dataset, intercept=intercept)
    features = dataset.features
    targets = dataset.targets
    if not intercept:
        targets = targets - targets.mean()
    return features, targets, dataset.source
