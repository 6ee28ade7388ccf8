"""S3-00: automatic gradient descent chooses its learning rate from the network's architecture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import classification, decay_rate, regression, start

AGD = "automatic_gradient_descent"
# widths and the slope of the activation at negative numbers
NETWORKS = {
    "16-8": ((16, 8), 1.0),
    "16-16-8": ((16, 16, 8), 1.0),
    "16-32-32-8": ((16, 32, 32, 8), 1.0),
    "16-32x5-8": ((16, 32, 32, 32, 32, 32, 8), 1.0),
    "16-64-64-8 ReLU": ((16, 64, 64, 8), 0.0),
}
SAMPLES = 32
STEPS = 2000
RATES = 0.1 * 3.0 ** np.arange(6)
TARGET = 1e-6


@claim(
    id="S3-00",
    title="Automatic Gradient Descent: Deep Learning without Hyperparameters",
    citation="Bernstein, Mingard, Huang, Azizan, Yue 2023",
    arxiv="2304.05187",
    background="Automatic gradient descent has no learning rate: it minimises an upper bound "
    "of the loss that is computed from the architecture, and its step comes out as "
    "a logarithm of the gradient's size. The claim checks the paper's guarantees, "
    "but also what it does not promise, such as that it is plain gradient descent "
    "for one layer, without a faster margin.",
    statement="Majorizing the loss of a network by its architecture gives a step without "
    "hyperparameters. The loss falls by G^2 / 11 a step, so that min G^2 = O(1/T). With one "
    "matrix it is gradient descent with learning rate d_1/d_0: same limit, same rate, same margin.",
    formula="G = (1/L) sum_k s_k ||g_k||_F, s_k = sqrt(d_k / d_(k-1)); "
    "eta = log((1 + sqrt(1 + 4 G)) / 2); W_k <- W_k - (eta/L) s_k g_k / ||g_k||_F; "
    "loss_(t+1) <= loss_t - G_t^2 / 11; min_(t <= T) G_t^2 <= 22 / T (our derivation)",
    cost="normal",
    tags=("matrix", "deep_linear", "relu", "learning_rate", "rate"),
    seeds=3,
    perturbation={"optimizer": "gradient_descent"},
    then_fails="three scalars: largest change",
    remarks="The paper states 11 / T; its lemma that the loss is at most 1 drops a cross term, "
    "and 2 is the safe constant, which gives 22 / T: measured values stay below 0.4. The number "
    "of samples (32), of steps (2000) and the baseline (rates 0.1, 0.3, ..., 24.3, 500 steps) are "
    "ours. Rows of the separable data are not normalized. On a chain of scalars |w_i| - |w_j| is "
    "conserved as long as no w_i changes its sign.",
)
def automatic_gradient_descent(optimizer: str = AGD, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure linear networks of depth 1, 2, 3, 6 and a ReLU network on a linear teacher.

    Another ``optimizer`` takes the learning rate 0.1.
    """
    for name in NETWORKS:
        yield from descent(name, optimizer, seed)
    yield from tail_rate(optimizer, seed)
    yield from separable_data(optimizer, seed)
    yield from least_norm(optimizer, seed)
    if seed == 0:  # nothing is random there
        yield from escape_of_chains(optimizer)
    yield from balancedness(optimizer, seed)


def settings(optimizer: str, runs: int = 1) -> list[dict[str, float]]:
    """Return the hyperparameters of the runs: automatic gradient descent has none."""
    return [{} if optimizer == AGD else {"learning_rate": 0.1}] * runs


def teacher(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (16, n) of norm sqrt(16) and targets (8, n) of a linear map, rms sqrt(8)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((16, SAMPLES))
    inputs *= 4.0 / np.linalg.norm(inputs, axis=0)
    targets = generator.standard_normal((8, 16)) @ inputs
    return inputs, targets * np.sqrt(8.0 * SAMPLES) / np.linalg.norm(targets)


def orthogonal_start(widths: Sequence[int], seed: int) -> np.ndarray:
    """Return theta of semi-orthogonal matrices times sqrt(rows / columns)."""
    from optbench.claims.simulation.network import flat
    from optbench.parametrizations.deep_linear import semi_orthogonal

    generator = np.random.Generator(np.random.PCG64([1, seed]))
    return flat([
        np.sqrt(rows / columns) * semi_orthogonal(rows, columns, generator)
        for columns, rows in pairwise(widths)
    ])  # fmt: skip


def gradient_summary(
    theta: np.ndarray, widths: Sequence[int], slope: float, seed: int
) -> np.ndarray:
    """Return G (R,) at every theta (R, p), by NumPy."""
    from optbench.claims.simulation.network import matrices

    inputs, targets = teacher(seed)
    weights, outputs = matrices(theta, widths), [inputs[None]]
    for layer, matrix in enumerate(weights, 1):
        output = matrix @ outputs[-1]
        bend = 1.0 if layer == len(weights) else slope
        outputs.append(np.where(output > 0.0, output, bend * output))
    derivative = (outputs[-1] - targets) / targets.size
    total = np.zeros(len(theta))
    for layer in range(len(weights) - 1, -1, -1):
        gradient = derivative @ outputs[layer].transpose(0, 2, 1)
        scale = np.sqrt(widths[layer + 1] / widths[layer]) / len(weights)
        total += scale * np.linalg.norm(gradient, axis=(1, 2))
        derivative = weights[layer].transpose(0, 2, 1) @ derivative
        derivative *= np.where(outputs[layer] > 0.0, 1.0, slope)
    return total


def first_below(log_loss: np.ndarray, steps: np.ndarray) -> float:
    """Return the first recorded step at which the loss is at most 1e-6, nan when there is none."""
    below = np.flatnonzero(log_loss <= np.log(TARGET))
    return float(steps[below[0]]) if below.size else np.nan


def descent(name: str, optimizer: str, seed: int) -> Iterator[Check | Curve]:
    """Compare the loss with the guaranteed decrease, and the steps to 1e-6 with tuned descent."""
    from optbench.claims.simulation.network import network

    widths, slope = NETWORKS[name]
    inputs, targets = teacher(seed)
    instance = network(widths, inputs, targets, 1.0 / targets.size, slope=slope, by_sample=True)
    theta = orthogonal_start(widths, seed)
    chunk = start(instance, "linear", optimizer, settings(optimizer), theta)
    chunk.advance(STEPS, steps=np.arange(STEPS + 1))
    loss = np.exp(chunk.records.log_loss[:, 0])
    summary = gradient_summary(chunk.records.snapshots[:, 0], widths, slope, seed)
    if slope == 1.0:
        share = np.mean(loss[1:] <= loss[:-1] - summary[:-1] ** 2 / 11.0)
        label = f"{name}: share of steps on which the loss falls by G^2 / 11"
        yield Check.at_least(label, share, 0.99, 1.0)
    times = np.arange(1, STEPS + 1)
    least = np.minimum.accumulate(summary[:-1] ** 2)
    yield Check.at_most(f"{name}: largest T min G^2", (times * least).max(), 22.0, 22.0)
    baseline = start(
        instance, "linear", "gradient_descent", [{"learning_rate": rate} for rate in RATES], theta
    )
    baseline.advance(500, steps=np.arange(0, 501, 5))
    records = baseline.records
    tuned = np.nanmin([first_below(records.log_loss[:, k], records.steps) for k in range(6)])
    steps = first_below(chunk.records.log_loss[:, 0], chunk.records.steps)
    label = f"{name}: steps to 1e-6 / those of the best of six rates of gradient descent"
    yield Check.at_most(label, steps / tuned, 20.0, 1.0)
    if len(widths) == 7:
        shown = np.unique(np.geomspace(1, STEPS, 100).astype(int))
        yield Curve(
            title="Automatic gradient descent stays below its bound (6 layers)",
            x_label="steps T",
            y_label="smallest G^2 so far",
            x=shown.tolist(),
            measured={"automatic gradient descent": least[shown - 1].tolist()},
            predicted={"bound 22 / T": (22.0 / shown).tolist()},
            log="xy",
        )


def tail_rate(optimizer: str, seed: int) -> Iterator[Check]:
    """One matrix: the loss contracts like gradient descent with learning rate d_1 / d_0."""
    from optbench.claims.simulation.network import network

    inputs, targets = teacher(seed)
    instance = network((16, 8), inputs, targets, 1.0 / targets.size, by_sample=True)
    chunk = start(
        instance, "linear", optimizer, settings(optimizer), orthogonal_start((16, 8), seed)
    )
    chunk.advance(STEPS, steps=np.arange(0, STEPS + 1, 10))
    log_loss = chunk.records.log_loss[:, 0]
    tail = (log_loss < log_loss[0] + np.log(1e-8)) & (log_loss > log_loss[0] + np.log(1e-22))
    rate = decay_rate(chunk.records.steps[tail], log_loss[tail])
    smallest = np.linalg.eigvalsh(inputs @ inputs.T / targets.size)[0]
    predicted = -2.0 * np.log1p(-8.0 / 16.0 * smallest)
    name = "one matrix: rate of the loss / that of descent with rate d_1/d_0"
    yield Check.between(name, rate / predicted, 0.98, 1.02)


def separable_data(optimizer: str, seed: int) -> Iterator[Check | Curve]:
    """One matrix, logistic loss: (d_1/d_0) t loss gamma^2 -> 1, so the margin is not sped up."""
    from optbench.references import max_margin

    rows = np.random.Generator(np.random.PCG64([2, seed])).standard_normal((6, 12))
    chunk = start(classification(rows, "logistic"), "linear", optimizer, settings(optimizer))
    chunk.advance(400_000)
    steps, loss = chunk.records.steps[1:], np.exp(chunk.records.log_loss[1:, 0])
    margin = max_margin(rows, 2.0).value
    law = 12.0 / (steps * margin**2)
    name = "one matrix, separable data: (d_1/d_0) t loss gamma^2 after 400,000 steps"
    yield Check.between(name, loss[-1] / law[-1], 0.98, 1.02)
    yield Curve(
        title="With one matrix the loss falls like 1 / t on separable data",
        x_label="steps",
        y_label="logistic loss",
        x=steps.tolist(),
        measured={"automatic gradient descent": loss.tolist()},
        predicted={"12 / (t gamma^2)": law.tolist()},
        log="xy",
    )


def least_norm(optimizer: str, seed: int) -> Iterator[Check]:
    """One matrix from zero: the limit on 8 equations with 24 unknowns is pinv(X) y."""
    generator = np.random.Generator(np.random.PCG64(seed))
    features = generator.standard_normal((8, 24))
    features *= np.sqrt(24.0) / np.linalg.norm(features, axis=1, keepdims=True)
    targets = generator.standard_normal(8)
    instance = regression(features, targets, 1.0 / 8.0)
    chunk = start(instance, "linear", optimizer, settings(optimizer))
    chunk.advance(20_000)
    expected = np.linalg.pinv(features) @ targets
    error = np.linalg.norm(chunk.runs.w[0] - expected) / np.linalg.norm(expected)
    yield Check.at_most("one matrix from zero: distance to the least-norm solution", error, 1e-10)


def escape_of_chains(optimizer: str) -> Iterator[Check]:
    """1/2 (prod w - 1)^2 from w = eps: how long until prod w = 1/2; what is conserved."""
    for depth, sizes, horizon in (
        (2, 10.0 ** -np.arange(2, 7), 150),
        (3, [1e-2, 3e-3, 1e-3], 4000),
    ):
        products = chain(np.repeat(np.array(sizes)[:, None], depth, axis=1), optimizer, horizon)
        steps = np.argmax(products.prod(axis=2) >= 0.5, axis=0).astype(float)
        if depth == 2:
            decade = np.log(10.0) / np.log(1.5)
            for which, found in (("least", np.diff(steps).min()), ("most", np.diff(steps).max())):
                name = f"two scalars: {which} steps to 1/2 per decade of the start"
                yield Check.between(name, found, decade - 1.0, decade + 1.0, decade)
            continue
        for size, count in zip(sizes, steps, strict=True):
            name = f"three scalars from {size:g}: steps to 1/2 / (3/eps)"
            yield Check.between(name, count * size / 3.0, 0.95, 1.05)
    sizes = np.abs(chain(np.array([[0.3, 1.0, 0.7]]), optimizer, 200)[:, 0])
    gaps = sizes - np.roll(sizes, 1, axis=1)
    drift = np.abs(gaps - gaps[0]).max()
    yield Check.at_most("three scalars: largest change of |w_i| - |w_j|", drift, 1e-12)


def chain(theta: np.ndarray, optimizer: str, horizon: int) -> np.ndarray:
    """Return w (R, K, L) at every step of chains of scalars from theta (K, L)."""
    from optbench.claims.simulation.network import network

    instance = network((1,) * (theta.shape[1] + 1), np.eye(1), np.eye(1))
    chunk = start(instance, "linear", optimizer, settings(optimizer, len(theta)), theta)
    chunk.advance(horizon, steps=np.arange(horizon + 1))
    return chunk.records.snapshots


def balancedness(optimizer: str, seed: int) -> Iterator[Check]:
    """W_1 W_1^T - W_2^T W_2 changes; under gradient descent its change is O(eta)."""
    from optbench.claims.simulation.network import matrices, network

    inputs, targets = teacher(seed)
    widths, theta = (16, 16, 8), orthogonal_start((16, 16, 8), seed)
    instance = network(widths, inputs, targets, 1.0 / targets.size, by_sample=True)

    def drift(found: np.ndarray) -> float:
        (first, second), (before, after) = matrices(found, widths), matrices(theta, widths)
        initial = before @ before.T - after.T @ after
        change = first @ first.T - second.T @ second - initial
        return float(np.linalg.norm(change) / np.linalg.norm(initial))

    chunk = start(instance, "linear", optimizer, settings(optimizer), theta)
    chunk.advance(STEPS, steps=np.array([STEPS]))
    yield Check.at_least("depth 2: relative drift of balancedness", drift(chunk.runs.theta[0]), 0.2)
    rates = [{"learning_rate": 0.2}, {"learning_rate": 0.1}]
    chunk = start(instance, "linear", "gradient_descent", rates, theta)
    chunk.advance(4000, steps=np.array([2000, 4000]))
    whole = drift(chunk.records.snapshots[1, 0])
    half = drift(chunk.records.snapshots[2, 1])
    yield Check.reported("depth 2: relative drift under gradient descent, rate 0.1", half)
    name = "depth 2: drift under gradient descent, rate 0.2 / rate 0.1"
    yield Check.between(name, whole / half, 1.8, 2.2, 2.0)
