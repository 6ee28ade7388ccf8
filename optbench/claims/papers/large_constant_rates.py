"""T0-00: constant rates far above 2 / L on separable data oscillate, settle, and win."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import classification, log_slope, start
from optbench.references import max_margin

MARGIN = 0.03  # about, of the second coordinate's noise
RATES = 2.0 ** np.arange(4, 12)
HORIZON = 3000
BUDGETS = 2 ** np.arange(12, 16)


@claim(
    id="T0-00",
    title="Large stepsize gradient descent for logistic loss: non-monotonicity of the loss "
    "improves optimization efficiency",
    citation="Wu, Bartlett, Telgarsky, Yu 2024",
    arxiv="2402.15926",
    background="Textbooks allow gradient descent rates up to 2 / L, where the loss falls at every "
    "step. On separable data a rate far above makes it rise and fall at first, then settle, and "
    "the larger the rate, the faster the loss falls afterwards.",
    statement="Gradient descent with a constant rate eta leaves its oscillating phase in O(eta) "
    "steps and then needs t steps for a loss of order 1 / (eta t); with a budget of T steps, "
    "eta proportional to T gives a loss of order 1 / T^2.",
    formula="t_0 = O(eta); L(t_0 + t) = O~(1 / (eta t)); eta = gamma^2 T: L(T) = O~(1 / T^2), "
    "with L gamma^2 eta T -> 1 (our derivation)",
    cost="normal",
    tags=("classification", "learning_rate", "logistic", "rate"),
    perturbation={"accelerated": False},
    then_fails="slope of log loss(T) against log T, rate gamma^2 T",
    remarks="Two points with a margin of 0.03 in one coordinate and noise of opposite signs in the "
    "other, as in the paper's lower bound; the noise is random. The paper's constants are not "
    "used: what is measured is that the steps of the first phase do not grow faster than the rate.",
)
def large_constant_rates(accelerated: bool = True, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure rates 16 to 2048 for 3000 steps, and rates gamma^2 T for budgets T to 32768."""
    generator = np.random.Generator(np.random.PCG64(seed))
    noise = generator.uniform([0.7, 0.3], [0.95, 0.6])
    rows = np.array([[MARGIN, noise[0]], [MARGIN, -noise[1]]])
    margin = max_margin(rows, 2.0).value
    losses = trained(rows, RATES, np.arange(HORIZON + 1))
    rises = np.diff(losses, axis=0) > 0.0
    last = np.array([np.flatnonzero(rise)[-1] + 1 if rise.any() else 0 for rise in rises.T])
    name = "rates of which the loss rises at some step"
    yield Check.at_least(name, np.count_nonzero(last), 4)
    half = RATES.size // 2
    growth = (last / RATES)[half:].max() / (last / RATES)[:half].max()
    yield Check.at_most("steps until the last rise / rate: large rates over small", growth, 1.0)
    size = np.exp(losses[-1]) * margin**2 * RATES * (HORIZON - last)
    yield Check.at_most(
        "largest loss times gamma^2 eta t after the last rise", size.max(), 1.2, 1.0
    )
    budgets = margin**2 * BUDGETS if accelerated else np.ones(BUDGETS.size)
    ends = np.diagonal(trained(rows, budgets, BUDGETS)[1:])
    name = "slope of log loss(T) against log T, rate gamma^2 T"
    yield Check.at_most(name, log_slope(BUDGETS, np.exp(ends)), -1.9, -2.0)
    name = "loss(T) gamma^4 T^2 at the largest budget, rate gamma^2 T"
    yield Check.between(name, np.exp(ends[-1]) * (margin**2 * BUDGETS[-1]) ** 2, 0.9, 1.1)
    yield picture(losses)


def trained(rows: np.ndarray, rates: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return log losses (records, rates) of gradient descent from zero."""
    runs = [{"learning_rate": float(rate)} for rate in rates]
    chunk = start(classification(rows, "logistic"), "linear", "gradient_descent", runs)
    chunk.advance(int(steps[-1]), steps=steps)
    return np.asarray(chunk.records.log_loss)


def picture(losses: np.ndarray) -> Curve:
    """Show three of the rates."""
    steps = np.unique(np.geomspace(1, HORIZON, 200).astype(int))
    shown = (0, RATES.size // 2, RATES.size - 1)
    return Curve(
        "Large constant rates oscillate first and win in the end",
        "steps t",
        "loss",
        steps.tolist(),
        {f"rate {RATES[k]:g}": np.exp(losses[steps, k]).tolist() for k in shown},
        log="xy",
    )
