"""Logistic regression: minimise mean l(y_i x_i . w), l(m) = log(1 + exp(-m)) or exp(-m).

On separable data the infimum 0 is at infinity and the question is the direction of w.
References: the directions of maximal margin min_i y_i x_i . w / ||w||_p in L1, L2, Linf, further
L_p, and in the Fisher metric.  Data that cannot be separated has a finite minimiser, or with
dependent columns many, of which the references are those of least norm.  Where only
some rows can be separated (``data=partly_separable``; Ji and Telgarsky 2018, arXiv:1803.07300)
w has a finite limit, the offset, in the span of the other rows, and a direction outside it.
"""

import functools

import numpy as np

from optbench import Instance, Option, UserError, problem
from optbench.losses import MARGIN_LOSSES
from optbench.options import SWITCH, switched_on

DISCRIMINATING = {"data": "gaussian", "n": 6, "d": 12, "seed": 11}
GAUSSIAN = {"data": ("gaussian",)}
SEEDED = {"data": ("gaussian", "partly_separable")}

# two columns alike, and labels that no number tells apart: many minimizers
DEPENDENT = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]]), np.array([1, -1, 1, -1])


@problem(
    reference="Soudry, Hoffer, Nacson, Gunasekar, Srebro 2018, arXiv:1710.10345",
    references=(
        "l1",
        "l2",
        "linf",
        "lp",
        "hypentropy",
        "fisher",
        "minimizer",
        "direction",
        "offset",
    ),
    metrics=(
        "margin_ratio_l1",
        "margin_ratio_l2",
        "margin_ratio_linf",
        "angle_l1",
        "angle_l2",
        "angle_linf",
        "angle_direction",
        "distance_offset",
        "distance_minimizer",
        "distance_l1",
        "distance_l2",
        "distance_linf",
        "norm_excess_l1",
        "norm_excess_l2",
        "norm_excess_linf",
    ),
    reads="labels",
    default=({"data": "digits_3v8"}, DISCRIMINATING),
    examples=(
        {"data": "gaussian", "n": 40, "d": 2},
        {"data": "partly_separable"},
        {"data": DEPENDENT},
    ),
)
def logistic_regression(
    data=Option("digits_3v8"),
    loss=Option("logistic", choices=tuple(MARGIN_LOSSES)),
    standardize=Option("auto", choices=SWITCH, unless=SEEDED),
    center=Option("auto", choices=SWITCH, unless=SEEDED),
    intercept=Option(False, unless=SEEDED),
    positive=Option("", unless=SEEDED),
    target=Option("", unless=SEEDED),
    header=Option("auto", unless=SEEDED),
    kind=Option("auto", unless=SEEDED),
    n=Option(6, needs=GAUSSIAN),
    d=Option(12, needs=GAUSSIAN),
    seed=Option(11, needs=SEEDED),
):
    """Build an instance from a bundled name, a file, ``data=gaussian`` or ``partly_separable``.

    ``standardize`` divides columns by their standard deviation (auto: where the data is dense);
    ``center`` subtracts their means (auto: where dense columns are standardized); ``intercept``
    appends a column of ones.
    """
    if data == "gaussian":
        if n < 1 or d < 1:
            raise UserError(f"logistic_regression: n={n} and d={d} must be at least 1")
        generator = np.random.Generator(np.random.PCG64(seed))
        features, targets = generator.standard_normal((n, d)), np.ones(n)
        name = f"gaussian_{n}x{d}_seed{seed}"
        about = {"source": f"rows y_i x_i Gaussian, seed {seed}"}
    elif data == "partly_separable":
        features, targets = partly_separable(seed), np.ones(13)
        name = f"partly_separable_seed{seed}"
        about = {"source": f"5 of 13 rows separable, seed {seed}"}
    else:
        reading = {"target": target or None, "header": header, "kind": kind}
        dataset = prepared(read(data, positive, reading), standardize, center, intercept)
        name, features, targets = dataset.name, dataset.features, dataset.targets
        about = dataset.facts
    return instance(
        name if loss == "logistic" else f"{name}_{loss}",
        features,
        targets,
        loss,
        data in SEEDED["data"],
        about,
    )


def partly_separable(seed):
    """Rows y_i x_i (13, 4): 8 in a plane, 5 with a positive part outside it."""
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = np.zeros((13, 4))
    rows[:8, :2] = generator.standard_normal((8, 2))
    rows[8:] = generator.standard_normal((5, 4))
    rows[8:, 2:] = 1.0 + 0.5 * generator.standard_normal((5, 2))
    return rows


def read(data, positive, reading):
    """Load a two-class data set, as ``reading`` says."""
    from optbench import data as sources

    dataset = sources.load_dataset(data, **reading)
    if positive or set(np.unique(dataset.targets)) != {-1.0, 1.0}:
        dataset = sources.two_classes(dataset, positive or None)
    return dataset


def prepared(dataset, standardize, center, intercept):
    """Standardize and centre columns, sparse ones only where that is asked for."""
    from optbench import data as sources

    dense = isinstance(dataset.features, np.ndarray)
    standardize = switched_on(standardize, dense)
    center = switched_on(center, standardize and dense)
    return sources.prepare(dataset, standardize=standardize, center=center, intercept=intercept)


def instance(name, features, targets, loss, seeded, about):
    """Attach the certified references of separable, partly separable or other data."""
    from optbench import references
    from optbench.references import logistic
    from optbench.store.references import remembered

    count, dimension = features.shape
    signed = (
        features * targets[:, None]
        if isinstance(features, np.ndarray)
        else features.multiply(targets[:, None]).tocsr()
    )
    separation = remembered(references.separability, signed)

    def fisher():
        """Fisher matrix of the logistic model at w = 0."""
        product = features.T @ features
        return (product if isinstance(product, np.ndarray) else product.toarray()) / (4 * count)

    def inverse_fisher():
        return np.linalg.pinv(fisher(), rcond=1e-12, hermitian=True)

    fields = solutions(features, signed, separation, loss, fisher, inverse_fisher)
    facts = {"n": count, "d": dimension, **about}
    facts |= {"separable": separation.separable, "loss": loss}
    if fields["kind"] == "partly_separable":
        facts["span"] = references.row_space(signed[~separation.separable_rows])
    return Instance(
        problem="logistic_regression",
        features=features,
        targets=targets,
        row=MARGIN_LOSSES[loss],
        scale=1.0 / count,
        steepness=1.0,
        smoothness=(lambda: logistic.smoothness_logistic(signed)) if loss == "logistic" else None,
        inverse_fisher=inverse_fisher,
        seeded=seeded,
        facts=facts,
        **fields,
    )


def solutions(features, signed, separation, loss, fisher, inverse_fisher):
    """The fields of an instance that say what kind of data it is and hold the references."""
    if separation.separable:
        return directions(signed, fisher)
    if loss != "logistic":
        raise UserError("logistic_regression: loss=exponential needs separable data")
    if separation.separable_rows.any():
        return decomposition(signed)
    return finite(signed) | many(features, signed, inverse_fisher)


def directions(signed, fisher):
    """Data that can be separated: the directions of maximal margin."""
    from optbench import references

    def max_margin(p):
        return references.max_margin(signed, p)

    return {
        "kind": "classification",
        "exponential_tail": True,
        "references": {
            references.norm_name(p): lambda p=p: max_margin(p) for p in (1.0, 2.0, np.inf)
        },
        "parametric": {
            "lp": max_margin,
            "fisher": lambda _: references.quadratic_margin(signed, fisher()),
        },
        "optimal_value": float,
    }


def finite(signed):
    """Data of which no row can be separated: the minimiser of the logistic risk."""
    from optbench.references import logistic

    return {
        "kind": "nonseparable",
        "references": {"minimizer": lambda: logistic.finite_minimizer(signed)},
        "optimal_value": lambda: logistic.finite_minimizer(signed).value,
    }


def many(features, signed, inverse_fisher):
    """What is different where columns depend on each other: many minimisers, of one prediction."""
    from optbench import references
    from optbench.store.references import remembered

    if remembered(references.rank, features) == features.shape[1]:
        return {}

    @functools.cache
    def fitted():
        return features @ references.finite_minimizer(signed).solution

    return references.least_norms(features, fitted, inverse_fisher)


def decomposition(signed):
    """Data of which some rows can be separated: where w goes outside and inside the span."""
    from optbench.references import logistic

    return {
        "kind": "partly_separable",
        "references": {"direction": lambda: logistic.logistic_decomposition(signed).direction},
        "parametric": {"offset": lambda _: logistic.logistic_decomposition(signed).offset},
        "optimal_value": lambda: logistic.logistic_decomposition(signed).offset.value,
    }
