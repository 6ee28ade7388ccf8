"""S1-12: noise of SGD on a diagonal network acts like a smaller initialization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start
from optbench.contract import Hyper, Slot, optimizer
from optbench.elementwise import log

RATES = (0.01, 0.03, 0.05, 0.08)
ALPHA, ROWS, SIZE, STEPS = 0.1, 40, 100, 60_000
Array = np.ndarray


def descend(
    theta: Array, gradient: Array, log_product: Array, shift: Array, learning_rate: float
) -> None:
    """theta <- theta - learning_rate g, which is u (1 - x), v (1 + x), and sums over the x."""
    for i in range(theta.size // 2):
        x = learning_rate * gradient[i] / theta[i]
        less, more = log(abs(1.0 - x)), log(abs(1.0 + x))
        log_product[i] += less + more
        shift[i] += less - more + 2.0 * x
    for i in range(theta.size):
        theta[i] -= learning_rate * gradient[i]


@optimizer(reference="Robbins, Monro 1951, doi:10.1214/aoms/1177729586")
def recorded_samples(  # type: ignore[no-untyped-def]
    theta,
    sample_grad,
    log_product=Slot(),
    shift=Slot(),
    learning_rate=Hyper(0.01, degree=-1),
    batch=Hyper(1, low=1, integer=True),
):
    """Stochastic gradient descent; log_product, shift: of every coordinate over all steps."""
    descend(theta, sample_grad, log_product, shift, learning_rate)


@optimizer(reference="Cauchy 1847")
def recorded_descent(  # type: ignore[no-untyped-def]
    theta, grad, log_product=Slot(), shift=Slot(), learning_rate=Hyper(0.01, degree=-1)
):
    """Gradient descent; log_product, shift: of every coordinate over all steps."""
    descend(theta, grad, log_product, shift, learning_rate)


@claim(
    id="S1-12",
    title="Implicit bias of SGD for diagonal linear networks: a provable benefit of stochasticity",
    citation="Pesme, Pillaud-Vivien, Flammarion 2021",
    arxiv="2106.09524",
    background="On u^2 - v^2 gradient flow from u = v = alpha ends at the interpolant of least "
    "hypentropy, which is the sparser the smaller alpha is. Small starts are slow, though. The "
    "noise of stochastic gradient descent shrinks u v at every step, and so makes the solution "
    "sparser without a small start.",
    statement="Stochastic gradient descent on u^2 - v^2 solves the same problem as gradient flow, "
    "but from an effectively smaller initialization: the larger the rate, the smaller it is, and "
    "the sparser the solution.",
    formula="w = 2 a sinh(X^T nu + phi), a = alpha^2 prod_k |1 - x_k^2|, "
    "phi = sum_k log |(1 - x_k) / (1 + x_k)| + 2 x_k, x_k = gamma r_k x_(i_k): exact, "
    "our derivation",
    cost="normal",
    tags=("regression", "diagonal", "stochastic", "sparsity"),
    seeds=10,
    perturbation={"noise": False},
    then_fails="SGD / GD, gamma = 0.08: effective alpha",
    remarks="The loss is that of the paper, "
    "||X w - y||^2 / (4 n), for which x_k is gamma times a row's residual times the row. The "
    "products over steps are accumulated in the jitted loop, beside runs of "
    "stochastic_gradient_descent and gradient_descent that they are compared with; given a and "
    "phi, Newton's method in nu finds the only interpolant of that form. Effective alpha is the "
    "geometric mean of sqrt(a) over the coordinates.",
)
def stochasticity_on_diagonal_networks(
    noise: bool = True, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure on 40 equations for 100 unknowns, five of them 1 and the others 0."""
    from numba.extending import register_jitable

    register_jitable(descend)
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((ROWS, SIZE))
    sparse = np.repeat([1.0, 0.0], [5, SIZE - 5])
    targets = features @ sparse
    names = ("stochastic_gradient_descent", "gradient_descent")
    recorders = (recorded_samples, recorded_descent)
    scales, sizes, errors = {}, {}, {}
    for name, recorder in zip(names, recorders, strict=True):
        used = (name, recorder) if noise else (names[1], recorders[1])
        instance = replace(regression(features, targets, 0.5 / ROWS), name=name)
        runs = [start(instance, f"diagonal:scale={ALPHA}", rule, hypers()) for rule in used]
        for chunk in runs:
            chunk.advance(STEPS, steps=np.array([STEPS]))
        w = runs[0].runs.w
        scale = ALPHA**2 * np.exp(runs[1].runs.state[:, :SIZE])
        shift = runs[1].runs.state[:, 2 * SIZE : 3 * SIZE]
        for row, rate in enumerate(RATES):
            expected = interpolant(features, targets, scale[row], shift[row])
            gap = np.abs(w[row] - expected).max() / np.abs(expected).max()
            yield Check.at_most(f"{name}, gamma = {rate:g}: distance to the formula", gap, 1e-6)
        scales[name] = np.exp(0.5 * np.log(scale).mean(axis=1))
        sizes[name] = np.abs(w).sum(axis=1)
        errors[name] = np.linalg.norm(w - sparse, axis=1)
    for label, found in (("effective alpha", scales), ("L1 norm", sizes), ("error", errors)):
        ratios = found[names[0]] / found[names[1]]
        for rate, ratio in zip(RATES, ratios, strict=True):
            check = f"SGD / GD, gamma = {rate:g}: {label}"
            # what is sparser is also nearer to w* on most instances, which no theorem promises
            share = 1.0 if label == "effective alpha" else 0.9
            yield Check.below(check, ratio, 1.0, 1.0, share)
    falls = np.diff(scales[names[0]]).max()
    yield Check.below("SGD: largest change of effective alpha to the next gamma", falls, 0.0)
    yield Curve(
        "Noise of single samples makes the effective start smaller",
        "learning rate",
        "effective size of the start",
        RATES,
        {name: scales[name] for name in names},
        {"gradient flow": [ALPHA] * len(RATES)},
    )


def hypers() -> list[dict[str, float]]:
    """Return one run a rate."""
    return [{"learning_rate": rate} for rate in RATES]


def interpolant(features: Array, targets: Array, scale: Array, shift: Array) -> Array:
    """Return w = 2 a sinh(X^T nu + phi) with X w = y: min sum 2 a cosh(X^T nu + phi) - y . nu."""
    nu = np.zeros(len(targets))

    def potential(nu: Array) -> float:
        return float(np.sum(2.0 * scale * np.cosh(features.T @ nu + shift)) - targets @ nu)

    for _ in range(200):
        z = features.T @ nu + shift
        slope = features @ (2.0 * scale * np.sinh(z)) - targets
        step = np.linalg.solve((features * (2.0 * scale * np.cosh(z))) @ features.T, slope)
        length = 1.0
        with np.errstate(over="ignore"):
            while potential(nu - length * step) > potential(nu) and length > 1e-9:
                length /= 2.0
        nu = nu - length * step
        if np.abs(step).max() <= 1e-13 * np.abs(nu).max():
            break
    return np.asarray(2.0 * scale * np.sinh(features.T @ nu + shift))
