"""Linear regression: minimise 1/(2n) ||X w - y||^2.

With dependent columns, as with fewer rows than features, many w are minimizers, all with the same
predictions; which one is selected?  References: those of least L1, L2, Linf and Fisher norm, and of
least hypentropy.
"""

import functools

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import squared_error
from optbench.options import SWITCH, switched_on

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
    reads="numbers",
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
    standardize=Option(True, unless=GAUSSIAN),
    center=Option("auto", choices=SWITCH, unless=GAUSSIAN),
    intercept=Option(False, unless=GAUSSIAN),
    target=Option("", unless=GAUSSIAN),
    header=Option("auto", unless=GAUSSIAN),
    kind=Option("auto", unless=GAUSSIAN),
):
    """Build an instance from a bundled name, a file, or ``data=gaussian`` (seeded).

    ``rows`` keeps the first rows of real data (0: all), so that there are fewer than features.
    ``standardize`` divides columns by their standard deviation; ``center`` subtracts the means of
    columns and, without ``intercept``, of the target (auto: where ``standardize`` is true);
    ``intercept`` appends a column of ones.
    """
    from optbench import references

    if data == "gaussian":
        features, targets = gaussian(n, d, sparsity, noise, seed)
        about = {"source": f"Gaussian, seed {seed}"}
    else:
        reading = {"target": target or None, "header": header, "kind": kind}
        preparation = {
            "standardize": standardize,
            "center": switched_on(center, standardize),
            "intercept": intercept,
        }
        features, targets, about = real(data, rows, preparation, reading)
    count, dimension = features.shape

    def inverse_fisher():
        gram = features.T @ features / count
        gram = gram if isinstance(gram, np.ndarray) else gram.toarray()
        return np.linalg.pinv(gram, rcond=1e-12, hermitian=True)

    return Instance(
        problem="linear_regression",
        features=features,
        targets=targets,
        kind="regression",
        row=squared_error,
        scale=1.0 / count,
        optimal_value=lambda: references.least_squares(features, targets).value,
        smoothness=lambda: references.hessian_eigenvalues(features).largest,
        inverse_fisher=inverse_fisher,
        seeded=data == "gaussian",
        facts={"n": count, "d": dimension, **about},
        **solutions(features, targets, inverse_fisher),
    )


def solutions(features, targets, inverse_fisher):
    """The fields of an instance that hold references: the only minimizer, or many of them."""
    from optbench import references
    from optbench.store.references import remembered

    if remembered(references.rank, features) == features.shape[1]:
        return {"references": {"minimizer": lambda: references.least_squares(features, targets)}}

    @functools.cache
    def fitted():
        return references.fitted_values(features, targets)

    return references.least_norms(features, fitted, inverse_fisher)


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


def real(data, rows, preparation, reading):
    """Load bundled data or a file, as ``reading`` says; keep the first ``rows`` rows (0: all)."""
    from optbench import data as sources

    dataset = sources.load_dataset(data, regression=True, **reading)
    if rows < 0 or rows > dataset.targets.size:
        raise UserError(f"linear_regression: rows={rows} of {dataset.targets.size} in {data}")
    if rows:
        dataset = sources.Dataset(
            dataset.name, dataset.features[:rows], dataset.targets[:rows], dataset.source
        )
    dataset = sources.prepare(dataset, **preparation)
    targets = dataset.targets
    if preparation["center"] and not preparation["intercept"]:
        targets = targets - targets.mean()
    return dataset.features, targets, dataset.facts
