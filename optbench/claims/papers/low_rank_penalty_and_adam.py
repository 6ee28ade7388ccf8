"""S1-16: a penalty that mimics the low-rank bias of depth, under Adam and gradient descent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import objective, start

Array = np.ndarray
SIZE, RANK, OBSERVED, HORIZON = 20, 2, 160, 1000
RATES = (1.0, 5.0, 20.0)  # of gradient descent; 80 is the largest stable one
SWEEPS, ORTHOGONAL = 15, 1e-12


class Penalty(NamedTuple):
    """The factor of ||W||_* / ||W||_F."""

    weight: float


def completion_loss(
    w: Array, data: Array, grad: Array, parameters: Penalty, scratch: Array
) -> float:
    """Mean square on the observed entries, and weight ||W||_* / ||W||_F; theta is W row by row.

    A row of data: which entries are observed (0 or 1), then their values.  The singular vectors are
    those of Jacobi's rotations of pairs of rows: W = V A with orthogonal rows in A, which scratch
    holds, V^T behind it.
    """
    size = data.shape[0]
    count, total, square = 0.0, 0.0, 0.0
    for i in range(size):
        for j in range(size):
            count += data[i, j]
    for i in range(size):
        for j in range(size):
            residual = data[i, j] * (w[i * size + j] - data[i, size + j])
            grad[i * size + j] = 2.0 * residual / count
            total += residual * residual / count
            square += w[i * size + j] ** 2
    if parameters.weight == 0.0:
        return float(total)
    rows = 2 * size  # a row of A and its row of V^T lie side by side, and turn together
    for i in range(size):
        for j in range(size):
            scratch[i * rows + j] = w[i * size + j]
            scratch[i * rows + size + j] = 1.0 if i == j else 0.0
    for _ in range(SWEEPS):
        largest = 0.0
        for p in range(size - 1):
            for q in range(p + 1, size):
                first = scratch[p * rows : (p + 1) * rows]
                second = scratch[q * rows : (q + 1) * rows]
                alpha, beta, gamma = 1e-300, 1e-300, 0.0
                for j in range(size):
                    alpha += first[j] * first[j]
                    beta += second[j] * second[j]
                    gamma += first[j] * second[j]
                largest = max(largest, abs(gamma) / math.sqrt(alpha * beta))
                if abs(gamma) > ORTHOGONAL * math.sqrt(alpha * beta):
                    zeta = (beta - alpha) / (2.0 * gamma)
                    sign = 1.0 if zeta >= 0.0 else -1.0
                    tangent = sign / (abs(zeta) + math.sqrt(1.0 + zeta * zeta))
                    cosine = 1.0 / math.sqrt(1.0 + tangent * tangent)
                    sine = cosine * tangent
                    for j in range(rows):
                        before = first[j]
                        first[j] = cosine * before - sine * second[j]
                        second[j] = sine * before + cosine * second[j]
        if largest <= ORTHOGONAL:
            break
    norm, nuclear = math.sqrt(square), 0.0
    for r in range(size):
        row = scratch[r * rows : (r + 1) * rows]
        length = 0.0
        for j in range(size):
            length += row[j] * row[j]
        length = math.sqrt(length)
        nuclear += length
        scale = parameters.weight / (norm * max(length, 1e-300))
        for i in range(size):
            for j in range(size):
                grad[i * size + j] += scale * row[size + i] * row[j]
    for k in range(w.size):
        grad[k] -= parameters.weight * nuclear / norm**3 * w[k]
    return float(total + parameters.weight * nuclear / norm)


@claim(
    id="S1-16",
    title="Combining explicit and implicit regularization for efficient learning in deep networks",
    citation="Zhao 2023",
    arxiv="2306.00342",
    background="Deep factorizations complete a matrix from few entries, since depth prefers low "
    "rank. The paper asks for a penalty that gives one layer the same preference, and finds that "
    "it works together with Adam only.",
    statement="The penalty ||W||_* / ||W||_F on a matrix that is trained itself lowers its rank "
    "and its error on entries not seen under Adam; under gradient descent it does not help.",
    formula="effective rank with penalty <= 0.6 of that without, error smaller, for Adam; error "
    "with penalty >= that without for gradient descent",
    cost="normal",
    tags=("matrix", "adam", "low_rank", "regularization"),
    seeds=5,
    does_not_hold="gradient descent: error",
    perturbation={"rates": (0.1,)},
    then_fails=(),
    remarks="Adam's rate is 0.01, the penalty's weight 0.01, entries start at N(0, 0.1^2). Without "
    "the penalty gradient descent never moves an entry that is not seen; with it, these follow the "
    "others, the sooner the larger the rate is. At small rates 1,000 steps do not show it.",
)
def low_rank_penalty_and_adam(
    rates: tuple[float, ...] = RATES, seed: int = 0
) -> Iterator[Check | Curve]:
    """Measure 20 x 20 matrices of rank 2, 160 entries seen, 1,000 steps."""
    from optbench.analysis.spectra import effective_rank

    generator = np.random.Generator(np.random.PCG64(seed))
    left, right = generator.standard_normal((SIZE, RANK)), generator.standard_normal((RANK, SIZE))
    target = left @ right / np.sqrt(RANK)
    seen = np.zeros(SIZE**2)
    seen[generator.choice(SIZE**2, OBSERVED, replace=False)] = 1.0
    mask = seen.reshape(SIZE, SIZE)
    theta = 0.1 * generator.standard_normal(SIZE**2)
    data = np.hstack([mask, mask * target])
    errors: dict[tuple[str, float], Array] = {}
    ranks = {}
    for weight in (0.0, 0.01):
        for name, tried in (("adam", (0.01,)), ("gradient_descent", rates)):
            path = train(data, weight, theta, name, [{"learning_rate": rate} for rate in tried])
            away = (path - target) * (1.0 - mask)
            scale = np.linalg.norm((1.0 - mask) * target)
            errors[name, weight] = np.linalg.norm(away, axis=(2, 3)) / scale
            values = np.linalg.svd(path[-1, 0], compute_uv=False)
            ranks[name, weight] = effective_rank(values)
    ratio = ranks["adam", 0.01] / ranks["adam", 0.0]
    yield Check.at_most("Adam: effective rank with penalty / without", ratio, 0.6)
    ratio = errors["adam", 0.01][-1, 0] / errors["adam", 0.0][-1, 0]
    yield Check.below("Adam: error on unseen entries with penalty / without", ratio, 1.0)
    best = errors["gradient_descent", 0.01][-1].min() / errors["gradient_descent", 0.0][-1].min()
    name = "gradient descent: error on unseen entries with penalty / without, best rates"
    yield Check.at_least(name, best, 0.99, 1.0)
    yield Curve(
        "The penalty lowers the error on entries that are not seen",
        "steps",
        "relative error, unseen entries",
        np.linspace(0, HORIZON, 51).astype(int).tolist(),
        {
            f"{name}, penalty {weight:g}": found[:, -1].tolist()
            for (name, weight), found in errors.items()
        },
    )


def train(
    data: Array, weight: float, theta: Array, optimizer: str, runs: Sequence[Mapping[str, float]]
) -> Array:
    """Return W (R, K, n, n) at 51 steps."""
    instance = objective(
        data,
        completion_loss,
        parameters=Penalty(weight),
        scratch=2 * SIZE**2,
        layers=[(0, SIZE, SIZE)],
        start=theta,
    )
    chunk = start(instance, "linear", optimizer, runs)
    chunk.advance(HORIZON, steps=np.linspace(0, HORIZON, 51).astype(int))
    path = chunk.records.snapshots
    path = np.where(np.isnan(path), chunk.runs.theta, path)  # a run at rest stays there
    return path.reshape(51, len(runs), SIZE, SIZE)
