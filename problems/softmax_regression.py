"""Softmax regression: minimise the mean of -log softmax(W x_i)[y_i] over matrices W.

One row of W scores each class; the predictor is W row by row.  On separable data, where some W
gives every row the largest score to its class, the infimum 0 is at infinity and the question is
the direction of W.  References: the directions of largest margin, the least of all
(W_{y_i} - W_c) x_i with c != y_i, over the L1, L2 (Frobenius) and Linf norms of the entries, the
nuclear and the spectral norm.  Data of which no row can be separated from another class has
minimizers: the reference is that of least L2 norm.  Where only some can, as the one species of
iris that stands apart, only the infimum is known, and the line that describes the instance says so.
Of large data, such as the ten digits, margins in nuclear, spectral and further norms would take
minutes each: they are left out, and the same line says so.
"""

import functools

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import cross_entropy
from optbench.options import SWITCH, switched_on

NORMS = ("l1", "l2", "linf", "nuclear", "spectral")
QUICK = ("l1", "l2", "linf")  # some ten seconds each for the ten digits
LARGE = 1e5  # pairs of a row and another class, times entries of W: beyond it only these
PARTLY = "the infimum only: some pairs of classes are separable, so that W grows without bound"
TOO_LARGE_FOR = "nuclear and spectral margins, effective p, effective Schatten p"
DISCRIMINATING = {"data": "gaussian", "n": 9, "d": 12, "classes": 3, "seed": 0}
GAUSSIAN = {"data": ("gaussian",)}


@problem(
    reference="Fan, Schmidt, Thrampoulidis 2025, arXiv:2502.04664",
    references=(*NORMS, "lp", "schatten", "minimizer"),
    metrics=(
        *(f"margin_ratio_{norm}" for norm in NORMS),
        *(f"angle_{norm}" for norm in NORMS),
        "effective_rank",
        "stable_rank",
        "distance_minimizer",
    ),
    default=(),  # named where it is wanted
    examples=(DISCRIMINATING, {"data": "iris"}, {"data": "gaussian", "n": 40, "d": 3}),
)
def softmax_regression(
    data=Option("wine"),
    standardize=Option("auto", choices=SWITCH, unless=GAUSSIAN),
    center=Option("auto", choices=SWITCH, unless=GAUSSIAN),
    intercept=Option(False, unless=GAUSSIAN),
    target=Option("", unless=GAUSSIAN),
    header=Option("auto", unless=GAUSSIAN),
    kind=Option("auto", unless=GAUSSIAN),
    n=Option(9, needs=GAUSSIAN),
    d=Option(12, needs=GAUSSIAN),
    classes=Option(3, needs=GAUSSIAN),
    seed=Option(0, needs=GAUSSIAN),
):
    """Build an instance from a bundled name (``digits``, ``wine``, ``iris``), a file, or
    ``data=gaussian``: Gaussian rows, of class 0, 1, ..., 0, 1, ... in turn.

    ``standardize``, ``center`` and ``intercept`` are those of ``logistic_regression``.
    """
    if data == "gaussian":
        features, labels = gaussian(n, d, classes, seed)
        about = {"source": f"Gaussian, {classes} classes in turn, seed {seed}"}
    else:
        reading = {"target": target or None, "header": header, "kind": kind}
        features, labels, about = real(data, reading, standardize, center, intercept)
    count, outputs = labels.size, int(labels.max()) + 1
    return Instance(
        problem="softmax_regression",
        features=features,
        targets=labels,
        outputs=outputs,
        row=cross_entropy,
        scale=1.0 / count,
        steepness=np.sqrt(2.0),
        smoothness=lambda: smoothness(features),
        inverse_fisher=lambda: inverse_fisher(features, outputs),
        seeded=data == "gaussian",
        **solutions(
            features,
            labels,
            {"n": count, "d": outputs * features.shape[1], **about, "outputs": outputs},
        ),
    )


def gaussian(n, d, classes, seed):
    """Standard normal features, and labels that have nothing to do with them."""
    if d < 1 or not 2 <= classes <= n:
        raise UserError(
            f"softmax_regression: classes={classes} must be at least 2 and at most n={n}, and "
            f"d={d} at least 1"
        )
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.standard_normal((n, d)), np.arange(n) % classes * 1.0


def real(data, reading, standardize, center, intercept):
    """Load data, number its classes 0, 1, ... in their order, and prepare its columns."""
    from optbench import data as sources

    dataset = sources.load_dataset(data, **reading)
    found, labels = np.unique(dataset.targets, return_inverse=True)
    if not 2 <= found.size <= dataset.targets.size // 3:
        raise UserError(
            f"softmax_regression: {dataset.name} has {found.size} classes in {labels.size} rows; "
            "there must be at least two, of three rows each on average"
        )
    dense = isinstance(dataset.features, np.ndarray)
    standardize = switched_on(standardize, dense)
    dataset = sources.prepare(
        dataset,
        standardize=standardize,
        center=switched_on(center, standardize and dense),
        intercept=intercept,
    )
    names = ", ".join(dataset.label(label) for label in found[:10]) + ", ..." * (found.size > 10)
    about = {**dataset.facts, "source": f"{dataset.source}; classes {names}"}
    return dataset.features, labels.astype(float), about


def smoothness(features):
    """Largest eigenvalue of X^T X / n, times 1/2, that of diag(p) - p p^T at most."""
    from optbench import references

    return references.hessian_eigenvalues(features).largest / 2.0


def inverse_fisher(features, outputs):
    """Pseudo-inverse of the Fisher matrix at W = 0, (I / k - 1 1^T / k^2) x X^T X / n."""
    product = features.T @ features
    product = product if isinstance(product, np.ndarray) else product.toarray()
    of_features = np.linalg.pinv(product / features.shape[0], rcond=1e-12, hermitian=True)
    return np.kron(outputs * np.eye(outputs) - 1.0, of_features)


def solutions(features, labels, facts):
    """The fields of an instance that say what kind of data it is and hold the references."""
    from optbench import references
    from optbench.store.references import remembered

    separation = remembered(references.multiclass_separability, features, labels)
    pairs = separation.separable_rows
    facts = facts | {"separable": bool(separation.separable)}
    if separation.separable:
        large = pairs.size * facts["d"] > LARGE

        def max_margin(norm):
            return references.multiclass_margin(features, labels, norm)

        grids = {
            "lp": lambda p: max_margin(references.norm_name(p)),
            "schatten": lambda p: max_margin(references.schatten_name(p)),
        }
        return {
            "kind": "multiclass",
            "exponential_tail": True,
            "references": {
                norm: lambda norm=norm: max_margin(norm) for norm in (QUICK if large else NORMS)
            },
            "parametric": {} if large else grids,
            "optimal_value": float,
            "facts": facts | ({"too_large_for": TOO_LARGE_FOR} if large else {}),
        }
    rivals = labels[:, None] != np.arange(facts["outputs"])
    rivals[rivals] = ~pairs

    @functools.cache
    def minimizer():
        return references.softmax_minimizer(features, labels, rivals)

    found = {} if pairs.any() else {"minimizer": minimizer}
    return {
        "kind": "other",
        "references": found,
        "optimal_value": lambda: minimizer().value,
        "facts": facts
        | {"separable_pairs": f"{pairs.sum()} of {pairs.size}"}
        | ({"known": PARTLY} if pairs.any() else {}),
    }
