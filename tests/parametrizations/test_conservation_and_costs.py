"""What gradient flow conserves, and R(w) against a numerical minimum of ||theta||^2."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from optbench.claims.simulation import regression, start
from optbench.engine.bind import bind_parametrization
from optbench.parametrizations import PARAMETRIZATIONS, parametrization
from optbench.references import hypentropy

SIZE = 6

CONSERVING = [
    "diagonal:depth=2",
    "diagonal:depth=3",
    "hadamard:depth=2",
    "hadamard:depth=3",
    "weight_normalized:power=1",
    "weight_normalized:power=2",
    "group:sizes=2",
    "group:sizes=1x2x3",
    "k_support:k=2",
    "deep_linear:widths=4x3",
    "deep_linear:widths=5x1x4,outputs=3",
    "residual",
    "residual:diagonal=true",
    "circular:depth=3",
]


def problem(size: int = SIZE):
    rng = np.random.default_rng(0)
    return regression(rng.standard_normal((4, size)), rng.standard_normal(4))


@pytest.mark.parametrize("specification", CONSERVING)
def test_drift_is_proportional_to_the_rate(specification: str) -> None:
    """One step changes a conserved quantity by rate^2, 1/rate steps by the rate."""
    built = parametrization(specification, SIZE)
    # entries away from zero, where u^(2 - depth) has a pole
    theta = np.random.default_rng(1).uniform(0.4, 0.8, built.parameters)
    drifts = []
    for steps in (20_000, 40_000):
        chunk = start(problem(), built, "gradient_descent", [{"learning_rate": 2.0 / steps}], theta)
        chunk.advance(steps, steps=np.array([steps]))
        assert np.linalg.norm(chunk.runs.theta[0] - theta) > 0.1  # it has moved
        before, after = built.conserved(theta), built.conserved(chunk.runs.theta[0])
        drifts.append(np.linalg.norm(after - before) / np.linalg.norm(before))
    assert 1.8 <= drifts[0] / drifts[1] <= 2.2


def test_all_maps_but_two_conserve_something() -> None:
    names = [name for name in PARAMETRIZATIONS if parametrization(name, SIZE).conserved is None]
    assert names == ["linear", "nonnegative"]
    assert {text.partition(":")[0] for text in CONSERVING} | set(names) == set(PARAMETRIZATIONS)


def least_squared_size(specification: str, w: np.ndarray) -> float:
    """Minimise ||theta||^2 over f(theta) = w by sequential quadratic programs from many starts."""
    built = parametrization(specification, w.size)
    forward, pull_back = bind_parametrization(built)
    scratch = np.zeros((1, built.scratch))

    def predictor(theta):
        found = np.zeros((1, w.size))
        forward(theta[None].copy(), built.layers, scratch, found)
        return found[0]

    def jacobian(theta):
        rows = np.zeros((w.size, theta.size))
        for i in range(w.size):
            predictor(theta)
            pull_back(theta[None].copy(), built.layers, scratch, np.eye(w.size)[i : i + 1],
                      rows[i : i + 1])  # fmt: skip
        return rows

    rng = np.random.default_rng(2)
    found = []
    for _ in range(8):
        result = minimize(
            lambda theta: theta @ theta,
            rng.standard_normal(built.parameters),
            jac=lambda theta: 2.0 * theta,
            constraints={"type": "eq", "fun": lambda t: predictor(t) - w, "jac": jacobian},
            method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 500},
        )
        if result.success and np.abs(predictor(result.x) - w).max() < 1e-8:
            found.append(result.fun)
    return min(found)


@pytest.mark.parametrize(
    ("specification", "w"),
    [
        ("diagonal:depth=2", [0.7, -1.2, 0.3]),
        ("diagonal:depth=3", [0.7, -1.2, 0.3]),
        ("hadamard:depth=2", [0.7, -1.2, 0.3]),
        ("hadamard:depth=3", [0.7, -1.2, 0.3]),
        ("nonnegative:depth=2", [0.7, 1.2, 0.3]),
        ("nonnegative:depth=3", [0.7, 1.2, 0.3]),
        ("group:sizes=1x3", [0.7, -1.2, 0.3, 0.5]),
        ("k_support:k=1", [0.7, -1.2, 0.3, 0.5]),
        ("k_support:k=2", [0.7, -1.2, 0.3, 0.5]),
        ("k_support:k=3", [0.7, -1.2, 0.3, 0.5]),
        ("k_support:k=2", [3.0, -0.2, 0.3, 0.5]),  # another case of the closed form
        ("deep_linear:widths=2", [0.7, -1.2, 0.3]),
        ("deep_linear:widths=2x2", [0.7, -1.2, 0.3]),
        ("deep_linear:widths=3,outputs=2", [0.7, -1.2, 0.3, 0.9, 0.1, -0.4]),
        ("deep_linear:widths=2x2,outputs=2", [0.7, -1.2, 0.3, 0.9, 0.1, -0.4]),
        ("residual", [0.7, -1.2, 0.3]),
        ("residual", [3.0, -4.0, 2.0]),
        ("residual:diagonal=true", [0.05, -1.0, 6.0]),
        ("circular:depth=2", [0.7, -1.2, 0.3, 0.5]),
        ("circular:depth=3", [0.7, -1.2, 0.3, 0.5]),
    ],
)
def test_representation_cost(specification: str, w: list[float]) -> None:
    predictor = np.array(w)
    cost = parametrization(specification, predictor.size).cost(predictor)
    # at a minimum the value is quadratic in the error of theta: 1e-7 in theta is rounding here
    assert least_squared_size(specification, predictor) == pytest.approx(cost, rel=1e-7)


def test_predictors_that_a_network_does_not_have_cost_infinity() -> None:
    assert parametrization("nonnegative", 2).cost(np.array([1.0, -1e-9])) == np.inf
    assert parametrization("deep_linear:widths=1,outputs=2", 4).cost(np.eye(2).ravel()) == np.inf
    assert parametrization("deep_linear:widths=1,outputs=2", 4).cost(np.ones(4)) < np.inf
    assert parametrization("weight_normalized", 4).cost is None


def test_two_factors_are_a_diagonal_network() -> None:
    """(u, v) = (p + q, p - q) turns the plane and doubles lengths squared: twice the rate."""
    instance = problem()
    rates = [{"learning_rate": 1e-3}], [{"learning_rate": 2e-3}]
    diagonal = start(instance, "diagonal:scale=0.05", "gradient_descent", rates[0])
    factors = start(instance, "hadamard:scale=0.1", "gradient_descent", rates[1])
    for chunk in (diagonal, factors):
        chunk.advance(200_000, steps=np.array([1_000, 200_000]))
    halfway = [chunk.records.snapshots[1, 0] for chunk in (diagonal, factors)]
    assert np.abs(halfway[0]).max() > 0.1
    np.testing.assert_allclose(halfway[1], halfway[0], rtol=1e-10, atol=1e-14)
    # both select the least hypentropy of their field `scale` squared, up to the step size
    target = hypentropy(instance.features, instance.targets, 0.05**2).solution
    for name, chunk in (("diagonal:scale=0.05", diagonal), ("hadamard:scale=0.1", factors)):
        assert parametrization(name, SIZE).scale == 0.05
        error = np.linalg.norm(chunk.runs.w[0] - target) / np.linalg.norm(target)
        assert error < 1e-2


def test_one_rate_and_a_length_are_two_rates() -> None:
    """Weight normalization with rates 0.01 for r and 0.05 for v, step by step in NumPy."""
    instance, eta_r, eta_v = problem(), 0.01, 0.05
    built = parametrization("weight_normalized:ratio=0.2,scale=0.3", SIZE)
    v = np.array([1.0, 2.0, -1.0, 0.5, 0.3, -0.7])
    v /= np.linalg.norm(v)
    r = 0.8
    theta = np.concatenate([[r], np.sqrt(0.2) * v])
    chunk = start(instance, built, "gradient_descent", [{"learning_rate": eta_r}], theta)
    chunk.advance(300)
    for _ in range(300):
        length = np.linalg.norm(v)
        u = r * v / length
        g = 2.0 * u * (instance.features.T @ (instance.features @ u**2 - instance.targets))
        g_r = g @ v / length
        v = v - eta_v * (r / length) * (g - g_r * v / length)
        r = r - eta_r * g_r
    # roundings of 1e-16 a step grow while the path is not yet contracting
    np.testing.assert_allclose(chunk.runs.theta[0], [r, *np.sqrt(0.2) * v], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("depth", [2, 3])
def test_only_the_diagonal_network_of_depth_two_is_said_to_select_the_l1_margin(depth):
    """Normalized descent on u^D - v^D in NumPy, against the largest L1 margin by HiGHS.

    At D > 2 it ends at a stationary point of the margin in the quasi-norm L_(2/D): measured, it has
    stopped 16 % short of the largest L1 margin.  Of arXiv:1806.00468 only the abstract was read: it
    says so of convolutions, which are diagonal in frequencies, so that the declaration rests on
    what is measured here.
    """
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(9, 14)) * np.linspace(0.5, 2.0, 14)
    rows *= np.sign(rows @ rng.normal(size=14))[:, None]
    least = linprog(np.ones(28), A_ub=-np.hstack([rows, -rows]), b_ub=-np.ones(9)).fun
    u, v, ratios = np.full(14, 0.1), np.full(14, 0.1), []
    for step in range(1, 10_001):
        w = u**depth - v**depth
        margins = rows @ w
        pull = np.exp(margins.min() - margins) @ rows
        du, dv = u ** (depth - 1) * pull, -(v ** (depth - 1)) * pull
        rate = 0.16 / np.sqrt(step) / np.hypot(np.linalg.norm(du), np.linalg.norm(dv))
        u, v = u + rate * du, v + rate * dv
        w = u**depth - v**depth
        ratios.append((rows @ w).min() * least / np.abs(w).sum())
    arrives = ratios[-1] > 0.98
    assert arrives or abs(ratios[-1] - ratios[999]) < 0.01 < 0.1 < 1.0 - ratios[-1]
    told = parametrization(f"diagonal:depth={depth}", 14).selects.get("classification")
    assert told == ("l1" if arrives else None)
    assert arrives == (depth == 2)
