"""S0-16: linear convergence of deep linear networks on whitened data, and how it can fail."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import start

PHI = np.diag([1.2, 1.1, 1.0, 0.9])
STEPS = 2000


@claim(
    id="S0-16",
    title="A convergence analysis of gradient descent for deep linear neural networks",
    citation="Arora, Cohen, Golowich, Hu 2018",
    arxiv="1810.02281",
    background="When does gradient descent on a deep linear network converge to the global "
    "optimum at a linear rate? Sufficient are whitened data, balanced layers and a "
    "start closer to the target than its smallest singular value. The claim checks "
    "the guaranteed decrease step by step, and that a start which breaks the "
    "condition ends in the origin.",
    statement="On whitened data, from a balanced start with deficiency margin c, gradient descent "
    "on a deep linear network converges linearly to the global optimum; without the margin it can "
    "end at a saddle.",
    formula="loss(T) <= loss(0) (1 - eta c^(2(N-1)/N))^T, c = sigma_min(Phi) - ||W(0) - Phi||_F",
    cost="fast",
    tags=("matrix", "deep_linear", "rate"),
    perturbation={"start_factor": 0.0},
    then_fails="depth 3, eta 0.01: rate",
    remarks="(r_0^(-1/3) + sigma_1 t)^-3 neglects r_0 beside sigma_1, therefore the start "
    "is r_0 = 0.01; that ||W|| -> 0 at depth 2 means <= 1e-6 at t = 20, a threshold of ours. The "
    "bound on the loss is checked at each of 2,000 steps, with the learning rate that the theorem "
    "asks for, which hardly moves the weights, and with 0.01. The constants of the bound and of "
    "that learning rate are quoted from memory of the paper.",
)
def whitened_deep_linear_convergence(start_factor: float = 1.0) -> Iterator[Check | Curve]:
    """Measure Phi = diag(1.2, 1.1, 1, 0.9) from W = 0.75 I, depth 2, 3 and 5."""
    measured, predicted = {}, {}
    for depth in (2, 3, 5):
        margin = 0.9 - float(np.linalg.norm(0.75 * np.eye(4) - PHI))
        size = float(np.linalg.norm(PHI))
        proved: float = margin ** ((4 * depth - 2) / depth) / (
            6144 * depth**3 * size ** ((6 * depth - 4) / depth)
        )
        speed = margin ** (2 * (depth - 1) / depth)
        for eta in (proved, 0.01):
            theta = np.tile(start_factor * 0.75 ** (1.0 / depth) * np.eye(4).ravel(), depth)
            log_loss = losses(depth, PHI, theta, eta)
            bound = log_loss[0] + np.arange(STEPS + 1) * np.log1p(-eta * speed)
            name = f"depth {depth}, eta {eta:.2g}"
            excess = float((log_loss - bound)[1:].max())
            yield Check.at_most(f"{name}: largest log of loss over its bound", excess, 0.0)
            rate = (log_loss[0] - log_loss[-1]) / (eta * STEPS)
            yield Check.at_least(f"{name}: rate per unit time", rate, speed)
        measured[f"depth {depth}"] = np.exp(log_loss[::20]).tolist()
        predicted[f"depth {depth}"] = np.exp(bound[::20]).tolist()
    yield Curve(
        f"The loss stays below its bound (learning rate {eta:g})",
        "steps",
        "loss",
        list(range(0, STEPS + 1, 20)),
        measured,
        predicted,
        log="y",
    )
    yield from failures()


def losses(depth: int, target: np.ndarray, theta: np.ndarray, eta: float) -> np.ndarray:
    """Return the log loss at every step."""
    from optbench.claims.simulation.network import network

    widths = (4,) * (depth + 1)
    instance = network(widths, np.eye(4), target)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": eta}], theta)
    chunk.advance(STEPS, steps=np.arange(STEPS + 1))
    return np.asarray(chunk.records.log_loss[:, 0])


def failures() -> Iterator[Check | Curve]:
    """From a rank-one start opposed to the first mode the network goes to zero.

    ||W(t)|| = (r0^(-1/3) + sigma_1 t)^-3 at depth 3 neglects r0 beside sigma_1.
    """
    from optbench.claims.simulation.network import network, product

    eta, horizon, first = 0.002, 10_000, 0.01
    sizes = {}
    for depth in (2, 3):
        one = np.zeros((4, 4))
        one[0, 0] = first ** (1.0 / depth)
        theta = np.concatenate([np.tile(one.ravel(), depth - 1), -one.ravel()])
        widths = (4,) * (depth + 1)
        instance = network(widths, np.eye(4), PHI)
        chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": eta}], theta)
        chunk.advance(horizon, steps=np.arange(0, horizon + 1, 100))
        size = np.linalg.norm(product(chunk.records.snapshots[:, 0], widths), axis=(1, 2))
        sizes[f"depth {depth}"] = size.tolist()
        if depth == 2:
            yield Check.at_most("opposed start, depth 2: ||W|| at t = 20", size[-1], 1e-6)
            continue
        times = chunk.records.steps * eta
        predicted = (first ** (-1.0 / 3.0) + 1.2 * times) ** -3.0
        error = float(np.abs(size / predicted - 1.0).max())
        yield Check.at_most("opposed start, depth 3: largest error of ||W(t)||", error, 0.02)
    yield Curve(
        "From an opposed start the product shrinks to zero",
        "time (steps x learning rate)",
        "Frobenius norm of the product",
        times.tolist(),
        sizes,
        {"depth 2": (first * np.exp(-2.4 * times)).tolist(), "depth 3": predicted.tolist()},
        log="y",
    )
