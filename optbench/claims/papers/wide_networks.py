"""S3-12, S1-20 and S3-04: wide two-layer ReLU networks train at the rate of a fixed kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import decay_rate, log_slope, start

SAMPLES, DIMENSION, ETA, HORIZON = 8, 20, 0.3, 160
WIDTHS = (64, 256, 1024, 4096)


@claim(
    id="S3-12",
    title="Gradient descent finds global minima of deep neural networks",
    citation="Du, Lee, Li, Wang, Zhai 2018",
    arxiv="1811.03804",
    background="Very wide ReLU networks fit any labels at a linear rate, because a certain "
    "kernel matrix hardly changes while they train. The rate is the smallest "
    "eigenvalue of that matrix, which has a closed form in the limit of infinite "
    "width.",
    statement="A wide network trains to zero loss at a linear rate, because its Gram matrix hardly "
    "moves; measured on two layers, whose limiting matrix H is known.",
    formula="||y - f_k||^2 <= (1 - eta lambda_0 / 2)^k ||y - f_0||^2, lambda_0 = lambda_min(H); "
    "tail rate -2 log(1 - eta lambda_0); ||W - W_0||_F / ||W_0||_F ~ m^(-1/2)",
    cost="normal",
    tags=("network", "relu", "rate", "lazy"),
    aliases=("S1-20",),
    seeds=10,
    perturbation={"scale": 0.01},
    then_fails="m = 1024: tail rate",
    remarks="S1-20 (Zou and Gu 2019, arXiv:1906.04688) improves the "
    "width that the theorem needs; a run cannot tell the two bounds apart.",
)
def stable_gram_matrix(scale: float = 1.0, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure n = 8 unit inputs in 20 dimensions, labels +1 and -1, eta = 0.3, m = 64 to 4096."""
    runs = [train(width, seed, scale) for width in WIDTHS]
    smallest = least_eigenvalue(seed)
    steps = np.arange(HORIZON + 1)
    bound = (1.0 - ETA * smallest / 2.0) ** steps
    for width, run in zip(WIDTHS, runs, strict=True):
        above = np.max(run.squares / (run.squares[0] * bound))
        yield Check.at_most(f"m = {width}: largest ||y - f||^2 / bound", above, 1.0 + 1e-12, 1.0)
        if width >= 1024:
            expected = -2.0 * np.log(1.0 - ETA * smallest)
            # the Gram matrix of m neurons is 1 / sqrt(m) from its limit, its least eigenvalue too
            yield Check.close(f"m = {width}: tail rate", run.tail_rate, expected, 0.15, share=0.8)
    slope = log_slope(np.array(WIDTHS), np.array([run.motion for run in runs]))
    yield Check.between("slope of log relative motion over log m", slope, -0.7, -0.4, -0.5)
    yield Curve(
        title="Wide networks converge at the rate of infinite width",
        x_label="steps",
        y_label="squared error / first",
        x=steps[::2].tolist(),
        measured={
            f"width {width}": (run.squares / run.squares[0])[::2].tolist()
            for width, run in zip(WIDTHS, runs, strict=True)
        },
        predicted={
            "bound": bound[::2].tolist(),
            "infinite width": ((1.0 - ETA * smallest) ** (2.0 * steps))[::2].tolist(),
        },
        log="y",
    )


@claim(
    id="S3-04",
    title="A framework for overparameterized learning",
    citation="Terjek, Gonzalez-Sanchez 2022",
    arxiv="2205.13507",
    background="In the same wide networks one learning rate serves all widths: the rate of "
    "convergence settles to that of the infinite network.",
    statement="Wide networks train at a linear rate that does not depend on the width, with the "
    "same learning rate, and their weights hardly move.",
    formula="max rate / min rate <= 1.2 over m = 256 to 4096 at one eta",
    cost="normal",
    tags=("network", "relu", "rate", "lazy", "learning_rate"),
    seeds=10,
    perturbation={"rate_exponent": -0.5},
    then_fails="largest / smallest tail rate",
    remarks="The network and its data are those of S3-12.",
)
def one_learning_rate_for_all_widths(rate_exponent: float = 0.0, seed: int = 0) -> Iterator[Check]:
    """Measure the networks of S3-12 from m = 256 on, eta = 0.3 (m / 256)^rate_exponent."""
    widths = np.array(WIDTHS[1:])
    runs = [train(m, seed, eta=ETA * (m / widths[0]) ** rate_exponent) for m in widths]
    rates = [run.tail_rate for run in runs]
    yield Check.at_most("largest / smallest tail rate", np.max(rates) / np.min(rates), 1.2, 1.0)
    slope = log_slope(widths, np.array([run.motion for run in runs]))
    yield Check.between("slope of log relative motion over log m", slope, -0.7, -0.4, -0.5)


@dataclass(frozen=True)
class Training:
    """Squared errors (T,) after each step, their rate in the tail, and how far weights moved."""

    squares: np.ndarray
    tail_rate: float
    motion: float


def data(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return unit inputs (8, 20) and labels (8,)."""
    inputs = generator.standard_normal((SAMPLES, DIMENSION))
    inputs /= np.linalg.norm(inputs, axis=1)[:, None]
    return inputs, generator.choice([-1.0, 1.0], SAMPLES)


def least_eigenvalue(seed: int) -> float:
    """Return the smallest eigenvalue of the limiting Gram matrix."""
    from optbench.claims.simulation.two_layer import limiting_kernel

    inputs, _ = data(np.random.Generator(np.random.PCG64(seed)))
    return float(np.linalg.eigvalsh(limiting_kernel(inputs))[0])


def train(width: int, seed: int, scale: float = 1.0, eta: float = ETA) -> Training:
    """Train from weights N(0, scale^2)."""
    from optbench.claims.simulation.two_layer import two_layer

    generator = np.random.Generator(np.random.PCG64(seed))
    inputs, labels = data(generator)
    weights = scale * generator.standard_normal(width * DIMENSION)
    instance = two_layer(inputs, labels, width)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": eta}], weights)
    chunk.advance(HORIZON, steps=np.arange(HORIZON + 1))
    log_loss = chunk.records.log_loss[:, 0]
    tail = (log_loss < log_loss[0] + np.log(1e-6)) & (log_loss > log_loss[0] + np.log(1e-22))
    rate = decay_rate(np.flatnonzero(tail), log_loss[tail])
    moved = float(np.linalg.norm(chunk.runs.theta[0] - weights) / np.linalg.norm(weights))
    return Training(2.0 * np.exp(log_loss), rate, moved)
