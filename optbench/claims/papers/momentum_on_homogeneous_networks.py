"""T0-06: with falling rates momentum and Adam keep the margin of their steepest descent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import class_margin, classes, classification, margin_shares, start

POINTS, DIMENSION = 6, 12
NETWORK, RATE = "diagonal:scale=0.3", 0.03
HORIZONS = {"signum": 100_000, "adam": 1_000_000}
MATRICES = "deep_linear:widths=12,outputs=3,scale=0.3"
CLASS_POINTS, CLASSES, SHORT = 9, 3, 20_000
# Muon's layer of two, and the norm of w whose margin the hybrid has
HYBRIDS = {"Muon, then Signum": (1.0, 2.0), "Signum, then Muon": (0.0, np.inf)}
SETTINGS: dict[str, dict[str, float]] = {"signum": {}, "adam": {"decay": 0.5, "beta2": 0.99}}


@claim(
    id="T0-06",
    title="The implicit bias of Adam and Muon on smooth homogeneous neural networks",
    citation="Gronich, Vardi 2026",
    arxiv="2602.16340",
    background="Steepest descent on a homogeneous network has the margin of its norm (T0-04). The "
    "methods in use have momentum, and Adam a scale for every weight. Do they have it too?",
    statement="On smooth homogeneous networks with falling rates, momentum steepest descent is "
    "approximately steepest descent, and so is Adam without its stability constant: Signum and "
    "Adam tend to KKT points of the largest margin in the norm of the largest weight, Muon in "
    "that of the largest singular value of any layer, Muon on some layers with Signum on the "
    "others in the larger of both norms.",
    formula="theta_t / ||theta_t||_inf -> KKT point of max min_i y_i f(x_i; theta), "
    "||theta||_inf <= 1; for u o u - v o v: the Linf margin of w; for W_2 W_1 with Muon: the "
    "spectral margin of the product; for one output and W_1 by Muon, W_2 by Signum the L2 margin "
    "of w, as max(||W_1||, |W_2|_inf) <= 1 are the w with ||w||_2 <= sqrt h, h units; for W_1 by "
    "Signum, W_2 by Muon the Linf margin, ||w||_inf <= sqrt h (our derivation)",
    cost="slow",
    seeds=10,
    tags=("classification", "implicit_bias", "diagonal", "adam", "signum"),
    perturbation={"eps": 1e-3, "swapped": True},
    then_fails=("adam", "hybrid"),
    remarks="The diagonal network and data of T0-04, rates 0.03 t^-1/2. At rates of 0.1 a step may "
    "carry a weight over 0, and the run to another KKT point, where that weight stays 0. "
    "Adam takes 1e6 steps, Signum 1e5. Muon runs on a network of two matrices with three "
    "classes (the data of T0-05), with exact singular vectors; normalized gradient descent "
    "there is the comparison of T0-04. Products W_2 W_1 of matrices with largest singular "
    "values at most 1 are the matrices of spectral norm at most 1, so that theirs is a "
    "convex problem. The hybrids run on W_2 W_1 of 12 units and one output, 2e4 steps of "
    "0.03 t^-1/2, with momentum on both layers. Muon with Adam is not measured. Of the "
    "paper only the abstract was at hand.",
)
def momentum_on_homogeneous_networks(
    eps: float = 0.0, swapped: bool = False, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure Linf margins of Signum and of Adam without, or with, a stability constant."""
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = generator.standard_normal((POINTS, DIMENSION))
    curves = {}
    for rule, horizon in HORIZONS.items():
        settings = {"learning_rate": RATE, **SETTINGS[rule]}
        if rule == "adam":
            settings["eps"] = eps
        chunk = start(classification(rows, "logistic"), NETWORK, rule, [settings])
        chunk.advance(horizon)
        steps = chunk.records.steps
        ratio = margin_shares(rows, chunk.records.snapshots[:, 0], np.inf)
        yield Check.at_least(f"{rule}: share of the largest Linf margin", ratio[-1], 0.95, 1.0)
        gap = (1.0 - ratio[-1]) / (1.0 - ratio[np.searchsorted(steps, horizon // 10)])
        name = f"{rule}: what is missing at the end over that at a tenth"
        yield Check.below(name, gap, 0.6, 0.1**0.5)
        shown = (steps > 0) & (steps <= min(HORIZONS.values()))
        curves[rule] = ratio[shown].tolist()
    yield from on_matrices(seed)
    yield from hybrids(rows, swapped)
    yield Curve(
        "Signum and Adam reach the largest Linf margin on a network",
        "steps t",
        "margin / largest margin",
        steps[shown].tolist(),
        curves,
        log="x",
    )


def on_matrices(seed: int) -> Iterator[Check]:
    """Muon has the spectral margin of W_2 W_1 on three classes, gradient descent the nuclear."""
    from optbench.references import multiclass_margin

    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((CLASS_POINTS, DIMENSION))
    labels = np.arange(CLASS_POINTS) % CLASSES
    instance = classes(features, labels)
    for rule, norm, settings in (
        ("muon", "spectral", {"exact": 1.0, "nesterov": 0.0}),
        ("normalized_gradient_descent", "nuclear", {"decay": 0.5}),
    ):
        chunk = start(instance, MATRICES, rule, [{"learning_rate": 0.1, **settings}])
        chunk.advance(SHORT)
        steps, products = chunk.records.steps, chunk.records.snapshots[:, 0]
        largest = multiclass_margin(features, labels, norm).value
        before, end = (
            class_margin(products[k], features, labels, norm) / largest
            for k in (np.searchsorted(steps, SHORT // 10), -1)
        )
        name = f"two matrices, {rule}"
        yield Check.at_least(f"{name}: share of the largest {norm} margin", end, 0.95, 1.0)
        missing = f"{name}: what is missing at the end over that at a tenth"
        yield Check.below(missing, (1.0 - end) / (1.0 - before), 0.6, 0.1**0.5)


def hybrids(rows: np.ndarray, swapped: bool) -> Iterator[Check | Curve]:
    """Muon on one layer and Signum on the other have the margin of the larger of their norms."""
    from optbench.claims.simulation.hybrid import hybrid

    instance, curves = classification(rows, "logistic"), {}
    for words, (muon_first, p) in HYBRIDS.items():
        settings = {
            "learning_rate": RATE,
            "muon_first": 1.0 - muon_first if swapped else muon_first,
        }
        network = f"deep_linear:widths={DIMENSION},scale=0.3"
        chunk = start(instance, network, hybrid, [settings])
        chunk.advance(SHORT)
        steps = chunk.records.steps
        ratio = margin_shares(rows, chunk.records.snapshots[:, 0], p)
        name = f"hybrid, {words}"
        yield Check.at_least(f"{name}: share of the largest L{p:g} margin", ratio[-1], 0.95, 1.0)
        gap = (1.0 - ratio[-1]) / (1.0 - ratio[np.searchsorted(steps, SHORT // 10)])
        missing = f"{name}: what is missing at the end over that at a tenth"
        yield Check.below(missing, gap, 0.6, 0.1**0.5)
        curves[f"{words}: L{p:g} margin"] = ratio[1:].tolist()
    yield Curve(
        "Which layer has Muon decides which margin becomes largest",
        "steps t",
        "margin / largest margin",
        steps[1:].tolist(),
        curves,
        log="x",
    )
