"""S4-05: stochastic gradient descent fits wide two-layer ReLU networks at a linear rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import decay_rate, start

SAMPLES, DIMENSION, ETA, STARTS = 8, 20, 0.3, 10
HORIZONS = {0: 160, 1: 300}  # by batch


@claim(
    id="S4-05",
    title="Improved overparametrization bounds for global convergence of stochastic gradient "
    "descent for shallow neural networks",
    citation="Polaczyk, Cyranka 2022",
    arxiv="2201.12052",
    background="Proofs that wide networks fit any labels mostly use gradients of all samples. "
    "This paper needs one sample a step: when every sample can be fitted the noise dies out "
    "with the residuals, so that the loss still falls at a linear rate. It lowers the number of "
    "neurons that such a proof needs.",
    statement="With one random sample a step and a constant learning rate a wide network trains to "
    "zero loss from every start, at a linear rate comparable to that of all samples.",
    formula="loss -> 0 linearly; prediction: twice the growth exponent of products of "
    "I - eta n H e_i e_i^T, i random, H the Gram matrix at infinite width",
    cost="normal",
    tags=("network", "relu", "rate", "lazy", "stochastic"),
    seeds=5,
    perturbation={"width": 4},
    then_fails="starts from which single samples reach",
    remarks="The network, learning rate and data are those of S3-12, with other starts. "
    "Stochastic gradient descent is gradient descent on gradients of single samples, drawn with "
    "replacement and multiplied by n; a step is one sample, while a step of gradient descent takes "
    "all eight. The thresholds 0.5 and 1e-6 are ours. The predicted ratio is that of long runs; "
    "the least of ten short ones lies below it.",
)
def stochastic_gradients(width: int = 1024, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure n = 8 unit inputs in 20 dimensions, labels +1 and -1, from 10 starts."""
    from optbench.claims.simulation.two_layer import limiting_kernel

    generator = np.random.Generator(np.random.PCG64(seed))
    inputs = generator.standard_normal((SAMPLES, DIMENSION))
    inputs /= np.linalg.norm(inputs, axis=1)[:, None]
    labels = generator.choice([-1.0, 1.0], SAMPLES)
    weights = generator.standard_normal((STARTS, width * DIMENSION))
    every = train(inputs, labels, weights, batch=0)
    single = train(inputs, labels, weights, batch=1)
    reached = int((single.min(axis=0) <= np.log(1e-6)).sum())
    name = "starts from which single samples reach loss 1e-6"
    yield Check.at_least(name, reached, STARTS, STARTS)
    all_rates, single_rates = tail_rates(every), tail_rates(single)
    kernel = limiting_kernel(inputs)
    fixed = -2.0 * np.log(1.0 - ETA * np.linalg.eigvalsh(kernel)[0])
    expected = random_product_rate(kernel, generator)
    ratio = np.min(single_rates / all_rates)
    name = "least tail rate of single samples / of all samples over the starts"
    yield Check.at_least(name, ratio, 0.5, expected / fixed)
    steps = np.arange(HORIZONS[0] + 1)
    yield Curve(
        "Per step, single samples fit a wide network as fast as all",
        "steps",
        "loss / first loss",
        steps.tolist(),
        {
            "all samples": relative(every)[steps, 0].tolist(),
            "one sample, slowest start": relative(single)[steps, np.argmin(single_rates)].tolist(),
            "one sample, fastest start": relative(single)[steps, np.argmax(single_rates)].tolist(),
        },
        {
            "all samples, infinite width": np.exp(-fixed * steps).tolist(),
            "one sample, infinite width": np.exp(-expected * steps).tolist(),
        },
        log="y",
    )


def train(inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray, batch: int) -> np.ndarray:
    """Return the log loss (T, K) on all samples after each step."""
    from optbench.claims.simulation.two_layer import two_layer

    instance = two_layer(inputs, labels, weights.shape[1] // DIMENSION, batch)
    rates = [{"learning_rate": ETA}] * STARTS
    chunk = start(instance, "linear", "gradient_descent", rates, weights)
    chunk.advance(HORIZONS[batch], steps=np.arange(HORIZONS[batch] + 1))
    return chunk.records.log_loss


def relative(log_loss: np.ndarray) -> np.ndarray:
    """Return the losses (T, K) over the first, down to 1e-24, where rounding begins."""
    return np.asarray(np.exp(np.maximum(log_loss - log_loss[0], np.log(1e-24))))


def tail_rates(log_loss: np.ndarray) -> np.ndarray:
    """Return the rates (K,) of decrease between 1e-6 and 1e-22 of the first loss."""
    fallen = log_loss - log_loss[0]
    tail = (fallen < np.log(1e-6)) & (fallen > np.log(1e-22))
    rates = [
        decay_rate(np.flatnonzero(seen), path[seen])
        for seen, path in zip(tail.T, fallen.T, strict=True)
    ]
    return np.array(rates)


def random_product_rate(kernel: np.ndarray, generator: np.random.Generator) -> float:
    """Return twice the rate at which r <- r - eta n r_i H e_i falls, i uniform (20,000 steps)."""
    residuals, fallen, count = np.ones(SAMPLES), 0.0, 20_000
    for i in generator.integers(SAMPLES, size=count):
        residuals = residuals - ETA * SAMPLES * residuals[i] * kernel[i]
        size = np.linalg.norm(residuals)
        residuals /= size
        fallen -= 2.0 * float(np.log(size))
    return fallen / count
