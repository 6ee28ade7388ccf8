"""T0-04: in a homogeneous network every steepest descent has a margin of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import classification, margin_shares, start

POINTS, DIMENSION = 6, 12
NETWORK, RATE = "diagonal:scale=0.3", 0.1
HORIZON, BEFORE = 100_000, 10_000


@claim(
    id="T0-04",
    title="Flavors of margin: implicit bias of steepest descent in homogeneous neural networks",
    citation="Tsilivis, Gronich, Vardi, Kempe 2025",
    arxiv="2410.22069",
    background="Gradient flow on a homogeneous network tends to a KKT point of the largest margin "
    "among weights of unit L2 norm. Steepest descent in another norm, such as sign descent, has "
    "its own norm in that statement, and so another predictor.",
    statement="Steepest descent in a norm, with steps that tend to 0, tends in direction to a KKT "
    "point of the largest margin among weights of unit size in that norm, once the network "
    "separates the data.",
    formula="theta_t / ||theta_t|| -> KKT point of max min_i y_i f(x_i; theta), ||theta|| <= 1; "
    "for u o u - v o v: the Linf margin of w with ||.||_inf, the L1 margin with ||.||_2 "
    "(our derivation)",
    cost="normal",
    tags=("classification", "implicit_bias", "diagonal", "sign_descent"),
    perturbation={"swapped": True},
    then_fails=("sign descent", "normalized gradient descent"),
    remarks="A diagonal network, of degree 2: ||theta||_inf^2 is the Linf norm of the smallest w "
    "that it allows, ||theta||_2^2 the L1 norm. Six Gaussian points in R^12, weights 0.3 at the "
    "start, lengths 0.1 t^-1/2 of the steps. The theorem is about flow, and about KKT points: here "
    "the margins in w are concave problems, whose only KKT point is the largest margin.",
)
def margins_of_homogeneous_networks(
    swapped: bool = False, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure margins of sign descent and of normalized gradient descent for 1e5 steps."""
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = generator.standard_normal((POINTS, DIMENSION))
    rules = {"sign_descent": np.inf, "normalized_gradient_descent": 1.0}
    curves = {}
    for (rule, own), other in zip(rules.items(), reversed(rules.values()), strict=True):
        words, p = rule.replace("_", " "), other if swapped else own
        steps, ratio = trained(rows, rule, p)
        yield Check.at_least(f"{words}: share of the largest L{p:g} margin", ratio[-1], 0.95, 1.0)
        gap = (1.0 - ratio[-1]) / (1.0 - ratio[np.searchsorted(steps, BEFORE)])
        name = f"{words}: what is missing at t = 1e5 over that at 1e4"
        # around the limit a step of finite length also turns back a little
        yield Check.below(name, gap, 1.0, share=0.8)
        curves[f"{words}, L{p:g} margin"] = ratio[1:].tolist()
    yield Curve(
        "On one network each steepest descent has its own largest margin",
        "steps t",
        "margin / largest margin",
        steps[1:].tolist(),
        curves,
        log="x",
    )


def trained(rows: np.ndarray, rule: str, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Return recorded steps and the L_p margins of w as shares of the largest one."""
    chunk = start(classification(rows, "logistic"), NETWORK, rule, [{"learning_rate": RATE}])
    chunk.advance(HORIZON)
    return chunk.records.steps, margin_shares(rows, chunk.records.snapshots[:, 0], p)
