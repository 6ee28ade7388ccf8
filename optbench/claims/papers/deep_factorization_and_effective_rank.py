"""S1-04: deep matrix factorization learns eigenvalues one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

MODES = np.array([10.0, 5.0, 1.0])
ETA = 2e-3


@claim(
    id="S1-04",
    title="Gradient descent for deep matrix factorization: dynamics and implicit bias towards low "
    "rank",
    citation="Chou, Gieshoff, Maly, Rauhut 2020",
    arxiv="2011.13772",
    background="Factorising a matrix into N factors and starting small makes gradient descent "
    "learn one eigenvalue after the other, the largest first: a low-rank bias "
    "without a penalty. The waiting times have a closed form: logarithmic in "
    "the start for two factors, and much longer, a power of it, for more.",
    statement="From W_i = alpha I gradient descent on a deep factorization learns the eigenvalues "
    "of the target one after the other; the effective rank goes through plateaus.",
    formula="half-times log(s / alpha^2 - 1) / (2 s) for N = 2 and alpha^-(N-2) / ((N-2) s) for "
    "N >= 3 (our derivation)",
    cost="normal",
    tags=("matrix", "deep_linear", "sequential_learning"),
    perturbation={"extra_depth": 1},
    then_fails="depth 2, alpha 0.01: largest relative error",
    remarks="That the effective rank is near that of the modes learnt means within 10 %, "
    "midway between half-times: a threshold of ours, checked at alpha = 1e-3 for N = 2 and 3. From "
    "alpha = 1e-3 four factors would take 3e8 steps of 2e-3: not run.",
)
def deep_factorization_and_effective_rank(extra_depth: int = 0) -> Iterator[Check | Curve]:
    """Measure M = diag(10, 5, 1), depth 2 to 4, alpha from 1e-1 to 1e-3."""
    for depth, alpha in ((2, 1e-1), (2, 1e-2), (2, 1e-3), (3, 1e-2), (3, 1e-3), (4, 1e-2)):
        if depth == 2:
            predicted = np.log(MODES / alpha**2 - 1.0) / (2.0 * MODES)
        else:
            predicted = alpha ** -(depth - 2.0) / ((depth - 2.0) * MODES)
        times, found = trajectory(depth + extra_depth, alpha, 1.2 * predicted[-1])
        halves = [
            np.interp(0.5, found[:, i] / s, times) if found[-1, i] > s / 2.0 else np.nan
            for i, s in enumerate(MODES)
        ]
        name, bound = f"depth {depth}, alpha {alpha:g}", 0.02 if depth == 2 else 0.05
        error = np.abs(np.array(halves) / predicted - 1.0).max()
        yield Check.at_most(f"{name}: largest relative error of a half-time", error, bound)
        if alpha == 1e-3:
            yield from plateaus(name, times, found, predicted)
            yield picture(name, times, found, predicted)


def trajectory(depth: int, alpha: float, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Return times (R,) and the eigenvalues of W_N ... W_1 (R, 3)."""
    from optbench.claims.simulation.network import network, product

    widths = (3,) * (depth + 1)
    instance = network(widths, np.eye(3), np.diag(MODES))
    theta = np.tile(alpha * np.eye(3).ravel(), depth)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": ETA}], theta)
    horizon = int(duration / ETA)
    chunk.advance(horizon, steps=np.linspace(0, horizon, 2001).astype(int))
    theta = chunk.records.snapshots[:, 0]
    products = product(np.where(np.isnan(theta), chunk.runs.theta[0], theta), widths)  # at rest
    return chunk.records.steps * ETA, np.einsum("tii->ti", products)


def plateaus(
    name: str, times: np.ndarray, found: np.ndarray, halves: np.ndarray
) -> Iterator[Check]:
    """Midway between two half-times the effective rank is that of the modes learnt so far."""
    from optbench.analysis.spectra import effective_rank

    ends = [*halves, times[-1]]
    for learnt in (1, 2, 3):
        middle = (ends[learnt - 1] + ends[learnt]) / 2.0
        now = found[int(np.searchsorted(times, middle))]
        expected = effective_rank(MODES[:learnt])
        yield Check.close(
            f"{name}: effective rank with {learnt} learnt", effective_rank(now), expected, 0.1
        )


def picture(name: str, times: np.ndarray, found: np.ndarray, halves: np.ndarray) -> Curve:
    """Eigenvalues turn on one after the other; predicted is a step at each half-time."""
    rows = slice(None, None, 8)
    return Curve(
        f"Eigenvalues of the product appear one by one ({name})",
        "time (steps x learning rate)",
        "eigenvalue",
        times[rows].tolist(),
        {f"limit {s:g}": found[rows, i].tolist() for i, s in enumerate(MODES)},
        {
            f"limit {s:g}": (s * (times[rows] > t)).tolist()
            for s, t in zip(MODES, halves, strict=True)
        },
    )
