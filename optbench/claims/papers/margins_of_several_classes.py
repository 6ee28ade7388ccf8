"""T0-05: on several classes each normalized method maximises the margin of its matrix norm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import class_margin, classes, start
from optbench.references import multiclass_margin

POINTS, DIMENSION, CLASSES = 9, 12, 3
HORIZON, BEFORE, RATE = 100_000, 10_000, 0.1
EXACT = {"nesterov": 0.0, "exact": 1.0}
RULES: dict[str, tuple[str, dict[str, float]]] = {
    "normalized_gradient_descent": ("l2", {}),
    "sign_descent": ("linf", {}),
    "normalized_spectral_descent": ("spectral", {}),
    "signum": ("linf", {}),
    "muon": ("spectral", EXACT),
    "adam": ("linf", {"eps": 0.0, "decay": 0.5, "beta2": 0.99}),
}


@claim(
    id="T0-05",
    title="Implicit bias of spectral descent and Muon on multiclass separable data",
    citation="Fan, Schmidt, Thrampoulidis 2025",
    arxiv="2502.04664",
    background="With several classes the weights are a matrix, and matrices have norms that "
    "vectors have not: Muon steps in the direction that falls fastest in the spectral norm, as "
    "sign descent and Adam do in the largest entry.",
    statement="On separable data normalized steepest descent and its form with momentum maximise "
    "the margin in the norm of their steps: spectral descent and Muon the spectral one, sign "
    "descent, Signum and Adam that of the largest entry, normalized gradient descent the "
    "Frobenius one.",
    formula="min_i min_c (W_y - W_c) x_i / ||W_t|| -> max over ||W|| <= 1, a gap of O(t^-1/2) up "
    "to logarithms at rates t^-1/2",
    cost="normal",
    tags=("multiclass", "implicit_bias", "muon", "spectral", "sign_descent", "adam"),
    seeds=10,
    perturbation={"exact": 0.0},
    then_fails="muon",
    remarks="Nine Gaussian points of three classes in R^12, rates 0.1 t^-1/2. Muon's singular "
    "vectors are exact: with the five Newton-Schulz steps that are in use, whose singular values "
    "end between 0.7 and 1.2, it does not reach the margin. Adam runs without eps. Margins to "
    "compare with are certified, by HiGHS and Clarabel.",
)
def margins_of_several_classes(exact: float = 1.0, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure six methods for 1e5 steps; the perturbation is Muon as it is in use."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((POINTS, DIMENSION))
    labels = np.arange(POINTS) % CLASSES
    instance = classes(features, labels)
    largest = {n: multiclass_margin(features, labels, n).value for n in ("l2", "linf", "spectral")}
    curves = {}
    for rule, (norm, given) in RULES.items():
        settings = {"learning_rate": RATE, **given}
        if rule == "muon":
            settings["exact"] = exact
        chunk = start(instance, "linear", rule, [settings])
        chunk.advance(HORIZON)
        steps, matrices = chunk.records.steps[1:], chunk.records.snapshots[1:, 0]
        ratio = (
            np.array([class_margin(w, features, labels, norm) for w in matrices]) / largest[norm]
        )
        name = f"{rule}: share of the largest margin in {norm}"
        yield Check.at_least(name, ratio[-1], 0.95, 1.0)
        gap = (1.0 - ratio[-1]) / (1.0 - ratio[np.searchsorted(steps, BEFORE)])
        name = f"{rule}: what is missing at t = 1e5 over that at 1e4"
        yield Check.below(name, gap, 0.6, (BEFORE / HORIZON) ** 0.5)
        curves[f"{rule}, {norm}"] = ratio.tolist()
    yield Curve(
        "Each method reaches the largest margin in its own norm",
        "steps t",
        "margin / largest margin",
        steps.tolist(),
        curves,
        log="x",
    )
