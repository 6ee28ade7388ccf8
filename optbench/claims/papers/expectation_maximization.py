"""S3-02: gradient descent on a log-sum-exp objective is expectation maximisation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optbench.claims.framework import Check, claim
from optbench.claims.simulation import objective, start
from optbench.elementwise import exp, log

COMPONENTS, SAMPLES, ITERATIONS = 2, 200, 10


def log_sum_exp_loss(w: np.ndarray, grad: np.ndarray) -> float:
    """log sum_j exp(-w_j) of distances w; its derivative in w_j is -exp(-w_j) / sum_k exp(-w_k)."""
    least = w[0]
    for j in range(w.size):
        least = min(least, w[j])
    total = 0.0
    for j in range(w.size):
        grad[j] = -exp(least - w[j])
        total -= grad[j]
    for j in range(w.size):
        grad[j] /= total
    return float(log(total) - least)


def mixture_loss(w: np.ndarray, data: np.ndarray, grad: np.ndarray) -> float:
    """-sum_i log sum_j exp(-||x_i - mu_j||^2 / 2), theta the means in the plane, one by one.

    No sample is so far from all means that the sum underflows.
    """
    loss = 0.0
    grad[:] = 0.0
    for i in range(data.shape[0]):
        total = 0.0
        for j in range(0, w.size, 2):
            total += exp(-0.5 * ((w[j] - data[i, 0]) ** 2 + (w[j + 1] - data[i, 1]) ** 2))
        for j in range(0, w.size, 2):
            across, along = w[j] - data[i, 0], w[j + 1] - data[i, 1]
            share = exp(-0.5 * (across**2 + along**2)) / total
            grad[j] += share * across
            grad[j + 1] += share * along
        loss -= log(total)
    return float(loss)


@claim(
    id="S3-02",
    title="Gradient descent as implicit EM in distance-based neural models",
    citation="Oursland 2025",
    arxiv="2512.24780",
    background="Clustering by distances with a log-sum-exp loss is usually done by expectation "
    "maximization. The gradient of that loss is the responsibility of the E-step, "
    "so that one gradient step of the right length is one EM step, exactly.",
    statement="For a log-sum-exp of negative distances the derivative in a distance is minus the "
    "posterior responsibility; gradient descent on the means of a Gaussian mixture, with step "
    "1 / sum_i r_ij for mean j, is expectation maximisation.",
    formula="dL/dd_j = -r_j for L = log sum_j exp(-d_j); "
    "mu_j - (dL/dmu_j) / sum_i r_ij = sum_i r_ij x_i / sum_i r_ij",
    cost="normal",
    tags=("mixture", "exact"),
    perturbation={"rate": 0.5},
    then_fails="largest difference of the means",
    remarks="Unit covariances and equal weights are held fixed: only the means move. The M-step "
    "that gradient descent is compared with is that of scikit-learn's GaussianMixture.",
)
def implicit_expectation_maximization(rate: float = 1.0, seed: int = 0) -> Iterator[Check]:
    """Measure gradients at 5 random distances, and 10 steps on two Gaussians in R^2, n = 200."""
    from scipy.special import softmax

    generator = np.random.Generator(np.random.PCG64(seed))
    distances = generator.exponential(5.0, (8, 5))
    still = [{"learning_rate": 0.0}] * len(distances)
    instance = objective(np.zeros((1, 5)), log_sum_exp_loss)
    posterior = start(instance, "linear", "gradient_descent", still, distances)
    posterior.advance(0)
    error = np.abs(posterior.runs.gradient + softmax(-distances, axis=1)).max()
    yield Check.at_most("largest difference of gradient and -responsibility", error, 1e-12)
    x = generator.standard_normal((SAMPLES, 2)) + 1.5 * generator.choice([-1.0, 1.0], (SAMPLES, 1))
    means = np.array([[-0.5, 1.0], [0.3, -0.2]])
    mixture = objective(x, mixture_loss, start=means.ravel())
    differences = []
    for _ in range(ITERATIONS):
        expected, shares = em_step(x, means)
        rates = [{"learning_rate": rate / share} for share in shares]
        chunk = start(mixture, "linear", "gradient_descent", rates, means.ravel())
        chunk.advance(1)
        moved = chunk.runs.theta.reshape(COMPONENTS, COMPONENTS, 2)
        means = np.array([moved[j, j] for j in range(COMPONENTS)])  # run j has the step of mean j
        differences.append(np.abs(means - expected).max())
    yield Check.at_most("largest difference of the means", max(differences), 1e-12)


def em_step(x: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means (2, 2) after one step of EM and sum_i r_ij (2,), by scikit-learn."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(
        COMPONENTS,
        covariance_type="spherical",
        weights_init=np.full(COMPONENTS, 1.0 / COMPONENTS),
        means_init=means,
        precisions_init=np.ones(COMPONENTS),
        max_iter=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # one step is what we ask for
        model.fit(x)
    return np.asarray(model.means_), np.asarray(model.weights_ * SAMPLES)
