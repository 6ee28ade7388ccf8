"""S3-07: the contraction factors of gradient descent, heavy ball and Nesterov on a quadratic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from optbench.claims.framework import Check, Curve, claim
from optbench.claims.simulation import regression, start

CONDITION = 100.0
SHOWN = np.arange(0, 301, 3)  # steps of the figure


@claim(
    id="S3-07",
    title="Gradient descent based optimization algorithms for deep learning models training",
    citation="Zhang 2019",
    arxiv="1903.03614",
    background="The survey lists the standard methods. On quadratics with a known spectrum the "
    "contraction of gradient descent, heavy ball and Nesterov's method has a closed "
    "form; this claim is the calibration of the whole suite.",
    statement="On a quadratic of condition number k the best constant steps contract by "
    "(k-1)/(k+1) for gradient descent, (sqrt k - 1)/(sqrt k + 1) for heavy ball and "
    "1 - 1/sqrt k for Nesterov; Adam's first step is the learning rate times the sign.",
    formula="|theta_t+1| / |theta_t| -> (k-1)/(k+1), (sqrt k - 1)/(sqrt k + 1), 1 - 1/sqrt k",
    cost="fast",
    tags=("quadratic", "rate"),
    perturbation={"momenta": ("nesterov", "heavy_ball")},
    then_fails="heavy_ball: contraction",
)
def quadratic_convergence_rates(
    momenta: tuple[str, str] = ("heavy_ball", "nesterov"),
) -> Iterator[Check | Curve]:
    """Measure on curvatures linspace(1, 100, 50), from theta = 1."""
    curvatures = np.linspace(1.0, CONDITION, 50)
    root = np.sqrt(CONDITION)
    heavy, nesterov = (root - 1.0) / (root + 1.0), 1.0 - 1.0 / root
    plain = (CONDITION - 1.0) / (CONDITION + 1.0)
    measured, plain_path = contraction(
        curvatures, "gradient_descent", {"learning_rate": 2.0 / (CONDITION + 1.0)}, 8000
    )
    yield Check.close("gradient_descent: contraction", measured, plain, 1e-6)
    measured, heavy_path = contraction(
        curvatures,
        momenta[0],
        {"learning_rate": 4.0 / (root + 1.0) ** 2, "momentum": heavy**2},
        1000,
    )
    yield Check.close("heavy_ball: contraction", measured, heavy, 0.01)
    measured, nesterov_path = contraction(
        curvatures,
        momenta[1],
        {"learning_rate": 1.0 / CONDITION, "momentum": heavy},
        1500,
    )
    yield Check.close("nesterov: contraction", measured, nesterov, 0.01)
    yield from first_step_of_adam(curvatures)
    factors = {"gradient descent": plain, "heavy ball": heavy, "Nesterov": nesterov}
    paths = (plain_path, heavy_path, nesterov_path)
    yield Curve(
        f"Momentum is faster (best constants, condition number {CONDITION:g})",
        "steps",
        "relative distance to the minimum",
        SHOWN.tolist(),
        dict(zip(factors, paths, strict=True)),
        {name: (factor**SHOWN).tolist() for name, factor in factors.items()},
        log="y",
    )


def contraction(
    curvatures: np.ndarray, optimizer: str, hypers: Mapping[str, float], horizon: int
) -> tuple[float, list[float]]:
    """Mean factor by which the distance to 0 shrinks a step, over the second half of the run.

    The distances at ``SHOWN`` over the first one are returned too.
    """
    instance = regression(np.diag(np.sqrt(curvatures)), np.zeros(curvatures.size))
    chunk = start(instance, "linear", optimizer, [hypers], np.ones(curvatures.size))
    chunk.advance(horizon, steps=np.r_[SHOWN, horizon // 2, horizon])
    distance = chunk.records.norms[:, 0, 1]
    begin, end = distance[-2:]
    path = distance[: SHOWN.size] / distance[0]
    return float((end / begin) ** (2.0 / horizon)), path.tolist()


def first_step_of_adam(curvatures: np.ndarray) -> Iterator[Check]:
    """Bias correction makes the first step learning_rate sign(gradient)."""
    theta = np.cos(np.arange(curvatures.size))  # both signs, none zero
    instance = regression(np.diag(np.sqrt(curvatures)), np.zeros(curvatures.size))
    chunk = start(instance, "linear", "adam", [{"learning_rate": 1e-3}], theta)
    chunk.advance(1)
    step = (theta - chunk.runs.theta[0]) / 1e-3
    error = float(np.abs(step - np.sign(theta)).max())
    yield Check.at_most("adam: first step / learning rate - sign(gradient)", error, 1e-6)
