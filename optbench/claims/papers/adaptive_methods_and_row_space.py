"""S1-17: full-matrix AdaGrad finds the least-norm solution, diagonal methods leave the span."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

ADAGRAD = {"learning_rate": 0.5, "eps": 1e-12}
LABELS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0])


@claim(
    id="S1-17",
    title="On generalization of adaptive methods for over-parameterized linear regression",
    citation="Shah, Basu, Kyrillidis, Sanghavi 2020",
    arxiv="2011.14066",
    background="Adaptive methods rescale the gradient. If the rescaling keeps the span of the "
    "data, as the full-matrix AdaGrad does, the solution is that of gradient "
    "descent; if it acts coordinate by coordinate, it leaves the span. On a "
    "construction of Wilson et al. it then predicts every new sample of one class "
    "wrongly.",
    statement="Full-matrix AdaGrad from zero stays in the span of the data and selects what "
    "gradient descent does; diagonal methods leave it.  On the data of Wilson et al. 2017 AdaGrad "
    "and Adam select tau sign(X^T y), which misclassifies a fresh point that gradient descent "
    "classifies.",
    formula="full: w -> X^+ y; diagonal: ||w - X^+ X w|| / ||w|| > 0; Wilson: w -> sign(X^T y) / 4",
    cost="fast",
    tags=("regression", "implicit_bias", "preconditioning"),
    perturbation={"full": "adagrad"},
    then_fails="full_matrix_adagrad: distance",
    remarks="Wilson's data have "
    "seven points of class 1 and one of class -1.  With five and three AdaGrad at rate 0.5 "
    "overshoots first, and amplifies eps = 1e-12 to an error of 1e-3; at rate 0.1 it meets the "
    "criterion there too, with 1e-13.",
)
def adaptive_methods_and_row_space(
    full: str = "full_matrix_adagrad", seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 10 Gaussian equations in 30 unknowns (seed 0), and Wilson's data, 8 in 43."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features, targets = generator.standard_normal((10, 30)), generator.standard_normal(10)
    inverse = np.linalg.pinv(features)
    least, path = inverse @ targets, {}
    plain = {"learning_rate": float(1.0 / np.linalg.norm(features, 2) ** 2)}
    runs: dict[str, tuple[str, Mapping[str, float]]]
    runs = {"full_matrix_adagrad": (full, {"learning_rate": 0.5}), "adagrad": ("adagrad", ADAGRAD)}
    runs["adam"] = ("adam", {"learning_rate": 1e-3})
    runs["gradient_descent"] = ("gradient_descent", plain)
    for name, (optimizer, hypers) in runs.items():
        steps, path[name] = predictors(features, targets, optimizer, hypers, 3000)
    final = {name: found[-1] for name, found in path.items()}
    norm = np.linalg.norm(least)
    for name in ("full_matrix_adagrad", "gradient_descent"):
        error = np.linalg.norm(final[name] - least) / norm
        yield Check.at_most(f"{name}: distance from the least-norm solution", error, 1e-8)
    residual = np.linalg.norm(features @ final["adagrad"] - targets)
    yield Check.at_most("adagrad: residual", residual, 1e-8)
    outside = {name: row_space_error(inverse @ features, w) for name, w in path.items()}
    yield Check.at_least("adagrad: fraction outside the row space", outside["adagrad"][-1], 0.3)
    yield Check.reported("adam: fraction outside the row space", outside["adam"][-1])
    if seed == 0:  # nothing is random there
        yield from wilson()
    yield Curve(
        title="Diagonal adaptive methods leave the span of the data",
        x_label="steps",
        y_label="share of w outside the span of the data",
        x=steps[1:].tolist(),
        measured={name: fraction[1:].tolist() for name, fraction in outside.items()},
        log="xy",
    )


def predictors(
    features: np.ndarray,
    targets: np.ndarray,
    optimizer: str,
    hypers: Mapping[str, float],
    horizon: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return steps (R,) and predictors (R, d) of a run from zero."""
    chunk = start(regression(features, targets), "linear", optimizer, [hypers])
    chunk.advance(horizon)
    found = chunk.records.snapshots[:, 0]
    ended = np.isnan(found).any(axis=1)  # at rest, bit for bit
    found[ended] = chunk.runs.w[0]
    return chunk.records.steps, found


def row_space_error(projection: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return ||w - X^+ X w|| / ||w|| of predictors (R, d); nan at w = 0."""
    with np.errstate(invalid="ignore"):
        outside = np.linalg.norm(w - w @ projection, axis=1) / np.linalg.norm(w, axis=1)
    return np.asarray(outside)


def wilson() -> Iterator[Check]:
    """Measure the construction of Wilson et al. 2017 (arXiv:1705.08292).

    A point has its label, twice 1, and a block of its own: one 1 for class 1, five for class -1.
    X sign(X^T y) = 4 y, so that sign(X^T y) / 4 interpolates.
    """
    count = LABELS.size
    features = np.zeros((count, 3 + 5 * count))
    features[:, 0], features[:, 1:3] = LABELS, 1.0
    for i, label in enumerate(LABELS):
        features[i, 3 + 5 * i : 3 + 5 * i + (1 if label > 0.0 else 5)] = 1.0
    limit = np.sign(features.T @ LABELS) / 4.0
    fresh = np.zeros(3 + 5 * count)  # of class -1: its own block is not among the features
    fresh[:3] = -1.0, 1.0, 1.0
    for name, hypers in (("adagrad", ADAGRAD), ("adam", {"learning_rate": 1e-3})):
        w = predictors(features, LABELS, name, hypers, 10_000)[1][-1]
        error = np.abs(w - limit).max()
        yield Check.at_most(f"Wilson's data, {name}: distance from tau sign(X^T y)", error, 1e-8)
        name = f"Wilson's data, {name}: value at a fresh point of class -1"
        yield Check.at_least(name, fresh @ w, 0.0, fresh @ limit)
    rate = {"learning_rate": float(1.0 / np.linalg.norm(features, 2) ** 2)}
    w = predictors(features, LABELS, "gradient_descent", rate, 10_000)[1][-1]
    predicted = fresh @ np.linalg.lstsq(features, LABELS)[0]
    name = "Wilson's data, gradient_descent: value at it"
    yield Check.at_most(name, fresh @ w, 0.0, float(predicted))
