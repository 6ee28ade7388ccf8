"""The quadrature of the population loss against SciPy's adaptive integration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from optbench import compare
from optbench.check.objective import evaluate
from optbench.claims.simulation import start
from optbench.errors import UserError
from optbench.registry import load_registry

PROBLEM = load_registry().problem("spherical_logistic")


def moment(nodes: np.ndarray, weights: np.ndarray, across: int, along: int) -> float:
    return float(np.sum(weights * nodes[:, 0] ** across * nodes[:, 1] ** along))


def test_moments_are_those_of_a_gaussian_and_of_its_absolute_value() -> None:
    instance = PROBLEM.build()
    nodes, weights = instance.features, instance.targets
    assert np.all(nodes[:, 1] > 0.0)
    # beyond norm 8 the fourth moment has exp(-32) 8^4 = 5e-11 of its mass
    assert moment(nodes, weights, 0, 0) == pytest.approx(1.0, abs=1e-12)
    assert moment(nodes, weights, 1, 0) == pytest.approx(0.0, abs=1e-14)
    assert moment(nodes, weights, 0, 1) == pytest.approx(math.sqrt(2.0 / math.pi), abs=1e-12)
    assert moment(nodes, weights, 2, 0) == pytest.approx(1.0, abs=1e-11)
    assert moment(nodes, weights, 0, 2) == pytest.approx(1.0, abs=1e-11)
    assert moment(nodes, weights, 2, 2) == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("size", [0.5, 5.0, 20.0])
def test_loss_and_slope_along_v_are_one_dimensional_integrals(size: float) -> None:
    runs = evaluate(PROBLEM.build(), np.array([[0.0, size]])).runs

    def half_gaussian(x: float) -> float:
        return math.sqrt(2.0 / math.pi) * math.exp(-0.5 * x * x)

    def loss(x: float) -> float:
        return half_gaussian(x) * math.log1p(math.exp(-size * x))

    def slope(x: float) -> float:
        return -half_gaussian(x) * x / (1.0 + math.exp(size * x))

    end = min(8.0, 700.0 / size)
    for found, integrand in ((runs.loss[0], loss), (runs.gradient[0, 1], slope)):
        expected = quad(integrand, 0.0, end, epsabs=0.0, epsrel=1e-13, points=[1.0 / size])[0]
        assert found == pytest.approx(expected, rel=1e-11)
    assert runs.gradient[0, 0] == pytest.approx(0.0, abs=1e-15)


def test_gradient_across_v_agrees_with_a_large_sample() -> None:
    w = np.array([0.6, 1.1])
    generator = np.random.Generator(np.random.PCG64(0))
    x = generator.standard_normal((1_000_000, 2))
    label = np.sign(x[:, 1])
    terms = -(label / (1.0 + np.exp(label * (x @ w))))[:, None] * x
    gradient = evaluate(PROBLEM.build(), w[None]).runs.gradient[0]
    error = np.abs(terms.mean(axis=0) - gradient) / (terms.std(axis=0) / 1000.0)
    assert np.all(error < 4.0)  # standard errors


def test_fresh_samples_scatter_around_the_population_gradient() -> None:
    samples, count = 1000, 200
    w = np.array([0.3, -0.4, 0.0, 1.2, 0.7])  # norm 1.3 across v
    instance = PROBLEM.build(samples=samples, d=5)
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": 0.0}] * count, w)
    chunk.advance(0)
    population = evaluate(PROBLEM.build(), np.array([[1.3, 0.7]])).runs
    expected = np.append(w[:-1] * population.gradient[0, 0] / 1.3, population.gradient[0, 1])
    error = chunk.runs.gradient - expected
    # the scatter of one sample, from NumPy's normal numbers
    x = np.random.Generator(np.random.PCG64(0)).standard_normal((200_000, 5))
    label = np.sign(x[:, 4])
    terms = (label / (1.0 + np.exp(label * (x @ w))))[:, None] * x
    spread = terms.std(axis=0) / math.sqrt(samples)
    assert np.all(np.abs(error.mean(axis=0)) < 4.0 * spread / math.sqrt(count))
    # a standard deviation from 200 draws has a relative standard error of 5 %
    np.testing.assert_allclose(error.std(axis=0), spread, rtol=0.2)
    covariance = np.cov(terms.T) / samples
    correlation = (np.cov(error.T) - covariance) / np.outer(spread, spread)
    assert np.abs(correlation).max() < 5.0 / math.sqrt(count)
    assert chunk.runs.loss.mean() == pytest.approx(population.loss[0], rel=0.01)


def test_gradient_descent_turns_to_the_labelling_direction() -> None:
    result = compare(
        ["spherical_logistic:angle=2.8,angles=60,radii=32"], ["gradient_descent"], horizon=1000
    )
    assert result.bias_rows[0].selected == "minimizer"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"angle": 4.0}, r"angle=4 must be in \[0, pi\] and norm=0.5 positive"),
        ({"norm": 0.0}, "norm=0 positive"),
        ({"angles": 7}, "angles=7 must be even and radii=120 positive"),
        ({"radii": 0}, "radii=0 positive"),
        ({"d": 5}, "option d is not for samples=0"),
        ({"samples": 10, "angles": 60}, "option angles is for samples=0, not samples=10"),
        ({"samples": 10, "d": 1}, "d=1 at least 2"),
    ],
)
def test_refuses_wrong_options(options: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        PROBLEM.build(**options)
