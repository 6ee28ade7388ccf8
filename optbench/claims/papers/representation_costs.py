"""S2-02: weight decay on the weights of a linear network is a regulariser of its predictor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

if TYPE_CHECKING:
    from optbench.engine.chunk import Chunk

DECAY, ETA, STARTS = 0.1, 0.02, 3


@claim(
    id="S2-02",
    title="Representation Costs of Linear Neural Networks: Analysis and Design",
    citation="Dai, Karzand, Srebro 2021",
    background="Training a linear network with weight decay punishes its weights, but what does "
    "that ask of the linear function it computes? The paper calls the least squared size of the "
    "weights that realise a function its representation cost, finds it for many architectures, "
    "and designs architectures for a wanted regulariser. Trained networks must end at the solution "
    "of the convex problem with that regulariser.",
    statement="Weight decay on the parameters of a linear network is a regulariser R of its "
    "predictor that depends on the architecture: the L2 norm when it is fully connected, L1 when "
    "diagonal, group norms, the k-support norm, L1 of the Fourier transform when convolutional.",
    formula="min_theta 1/2 ||X f(theta) - y||^2 + decay/2 ||theta||^2 = min_w 1/2 ||X w - y||^2 + "
    "decay/2 R(w), R(w) = min ||theta||^2 over f(theta) = w; circular and residual R "
    "our derivation",
    cost="normal",
    tags=("regression", "weight_decay", "regularization", "diagonal", "deep_linear"),
    seeds=10,
    perturbation={"decay_factor": 0.0},
    then_fails="fully connected: distance",
    remarks="Gaussian targets drawn after the features, eta = 0.02, three starts with independent "
    "normal entries of standard deviation 0.3; the worst of the three is judged. A diagonal "
    "network may stay near a saddle for longer than the 6e4 steps. For the residual networks, "
    "whose R is not a norm, only ||theta||^2 = R(w) is measured.",
)
def representation_costs(decay_factor: float = 1.0, seed: int = 0) -> Iterator[Check | Curve]:
    """Measure 5 equations for 10 unknowns (generator 6), decay 0.1."""
    from optbench.references import representation_cost as references

    generator = np.random.Generator(np.random.PCG64(seed))
    features, targets = generator.standard_normal((5, 10)), generator.standard_normal(5)
    found, solutions = {}, {}
    for name, parameters, norm, bound in (
        ("fully connected", "deep_linear:widths=10", references.fully_connected_cost(10), 1e-6),
        ("diagonal", "hadamard", references.diagonal_cost(10), 1e-2),
        ("group", "group:sizes=2", references.group_cost([2] * 5), 1e-3),
        ("convolutional", "circular", references.circular_cost(), 2e-3),
        ("2-support", "k_support:k=2", references.k_support_cost(2), 1e-3),
    ):
        solution = references.penalized_least_squares(features, targets, DECAY, norm)
        chunk = decayed(features, targets, parameters, decay_factor, seed)
        chunk.advance(60_000, steps=np.array([60_000]))
        if name == "2-support":
            theta = chunk.runs.theta
            residual = chunk.runs.w @ features.T - targets
            objective = 0.5 * (residual**2).sum(axis=1) + DECAY / 2.0 * (theta**2).sum(axis=1)
            worst = np.abs(objective / solution.value - 1.0).max()
            label = f"{name}: objective after 6e4 steps, relative error"
            yield Check.reported(label, worst)
            chunk.advance(200_000, steps=np.array([200_000]))
        distances = np.linalg.norm(chunk.runs.w - solution.solution, axis=1)
        distance = distances.max() / np.linalg.norm(solution.solution)
        # near a saddle a run may take longer than this: no theorem bounds the time
        yield Check.at_most(f"{name}: distance to the convex solution", distance, bound, share=0.8)
        yield cost_check(name, parameters, chunk.runs.theta, chunk.runs.w)
        found[name], solutions[name] = list(chunk.runs.w[0]), list(solution.solution)
    for parameters in ("residual:diagonal=true", "residual"):
        chunk = decayed(features, targets, parameters, decay_factor, seed)
        chunk.advance(60_000, steps=np.array([60_000]))
        yield cost_check(parameters, parameters, chunk.runs.theta, chunk.runs.w)
    yield Curve(
        "Each architecture has its own solution under weight decay",
        "coordinate",
        "weight w of the predictor",
        list(range(1, 11)),
        measured=found,
        predicted=solutions,
    )


def decayed(
    features: np.ndarray, targets: np.ndarray, parameters: str, decay_factor: float, seed: int
) -> Chunk:
    """Start gradient descent with weight decay at three random theta."""
    from optbench.parametrizations import parametrization

    built = parametrization(parameters, features.shape[1])
    generator = np.random.Generator(np.random.PCG64([1, seed]))
    theta = 0.3 * generator.standard_normal((STARTS, built.parameters))
    runs = [{"learning_rate": ETA, "weight_decay": decay_factor * DECAY}] * STARTS
    return start(regression(features, targets), built, "weight_decay", runs, theta)


def cost_check(name: str, parameters: str, theta: np.ndarray, w: np.ndarray) -> Check:
    """||theta||^2 against R(w)."""
    from optbench.parametrizations import parametrization

    cost = parametrization(parameters, w.shape[1]).cost
    assert cost is not None
    ratios = [(t**2).sum() / cost(v) for t, v in zip(theta, w, strict=True)]
    worst = max(ratios, key=lambda ratio: abs(ratio - 1.0))
    return Check.between(f"{name}: ||theta||^2 / R(w)", worst, 0.999, 1.001)
