"""The lasso and the methods of its prox, against scikit-learn and pseudo-code."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Lasso

import optbench
from optbench import UserError
from optbench.engine.ensemble import make_chunks
from optbench.engine.oracles.catalogue import missing_oracle
from optbench.instance import Instance
from optbench.losses import squared_error
from optbench.parametrizations import parametrization
from optbench.registry import load_registry

REGISTRY = load_registry()


def built(**options):
    return REGISTRY.problem("lasso").build(**options)


def chunk(made, name, rate):
    linear = parametrization("linear", made.dimension)
    (one,) = make_chunks(made, linear, REGISTRY.optimizer(name), np.array([[rate]]), [0])
    return one


def objective(made, w):
    residual = made.features @ w - made.targets
    smooth = residual @ residual / (2 * len(residual))
    return smooth + made.facts["lambda"] * np.abs(w).sum()


def ista(x, y, weight, rate, steps):
    """Beck and Teboulle, section 3."""
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        v = w - rate * x.T @ (x @ w - y) / len(y)
        w = np.sign(v) * np.maximum(np.abs(v) - weight * rate, 0.0)
    return w


def fista(x, y, weight, rate, steps):
    """Beck and Teboulle, section 4, with constant step size."""
    w = point = np.zeros(x.shape[1])
    t = 1.0
    for _ in range(steps):
        v = point - rate * x.T @ (x @ point - y) / len(y)
        new = np.sign(v) * np.maximum(np.abs(v) - weight * rate, 0.0)
        t_new = (1.0 + np.sqrt(1.0 + 4.0 * t * t)) / 2.0
        point = new + (t - 1.0) / t_new * (new - w)
        w, t = new, t_new
    return w


@pytest.mark.parametrize(("name", "pseudo_code"), [("ista", ista), ("fista", fista)])
def test_follows_the_paper(name, pseudo_code) -> None:
    made = built(n=20, d=30)
    weight, rate = made.facts["lambda"], 0.5 / made.curvature
    run = chunk(made, name, rate)
    for horizon in (1, 7, 100):
        run.advance(horizon)
    expected = pseudo_code(made.features, made.targets, weight, rate, 100)
    np.testing.assert_allclose(run.measured.w[0], expected, rtol=0, atol=1e-12)
    assert run.records.loss[-1, 0] == pytest.approx(objective(made, expected), rel=1e-12)
    assert run.records.evaluations[-1, 0] == 100


@pytest.mark.parametrize("penalty", [0.03, 0.3])
def test_finds_the_minimizer_of_scikit_learn(penalty: float) -> None:
    made = built(n=30, d=20, penalty=penalty)
    fitted = Lasso(alpha=made.facts["lambda"], fit_intercept=False, tol=1e-15, max_iter=10**6)
    best = fitted.fit(made.features, made.targets).coef_
    # n > d: the squares are strongly convex, so that gaps of 1e-15 are distances of 1e-7
    for name in ("ista", "fista"):
        run = chunk(made, name, 1.0 / made.curvature)
        run.advance(5000)
        np.testing.assert_allclose(run.measured.w[0], best, rtol=0, atol=1e-7)
        np.testing.assert_array_equal(run.measured.w[0] != 0.0, best != 0.0)
    assert made.optimum == pytest.approx(objective(made, best), rel=1e-12)


def test_fista_is_as_fast_as_its_theorem() -> None:
    """Theorem 4.4: gap <= 2 L |w*|^2 / (t + 1)^2."""
    made = built()
    run = chunk(made, "fista", 1.0 / made.curvature)
    run.advance(300)
    steps, gaps = run.records.steps[1:], run.records.loss[1:, 0] - made.optimum
    best = made.references["minimizer"]().solution
    bound = 2.0 * made.curvature * (best @ best) / (steps + 1.0) ** 2
    assert np.all(gaps <= bound * (1.0 + 1e-9)) and np.all(gaps >= -1e-12)


def test_others_see_a_subgradient_of_the_whole_objective() -> None:
    made = built(n=12, d=5, sparsity=2)
    run = chunk(made, "gradient_descent", 0.01)
    run.advance(50)
    w, weight = np.zeros(5), made.facts["lambda"]
    for _ in range(50):
        slope = made.features.T @ (made.features @ w - made.targets) / 12
        w = w - 0.01 * (slope + weight * np.sign(w))
    np.testing.assert_allclose(run.runs.theta[0], w, rtol=0, atol=1e-13)
    assert run.records.loss[-1, 0] == pytest.approx(objective(made, w), rel=1e-12)


def test_what_cannot_run_is_skipped() -> None:
    made = built()
    linear = parametrization("linear", made.dimension)

    def reason(name, instance=made, parameters=linear):
        return missing_oracle(instance, parameters, REGISTRY.optimizer(name))

    assert reason("stochastic_gradient_descent").endswith("lasso has a penalty beside them")
    assert reason("saga").endswith("lasso has a penalty beside them")
    assert reason("newton_cg").endswith("lasso has a penalty")
    diagonal = parametrization("diagonal", made.dimension)
    assert "the diagonal parametrization maps it" in reason("ista", parameters=diagonal)
    smooth = Instance("mine", np.eye(3), np.ones(3), "regression", squared_error)
    assert reason("ista", smooth, parametrization("linear", 3)) == (
        "needs the prox of a penalty; mine declares none"
    )
    assert reason("ista") is None


def project(v, step_size):
    for i in range(v.size):
        v[i] = max(v[i], 0.0)


def test_a_projection_is_a_prox() -> None:
    from scipy.optimize import nnls

    generator = np.random.default_rng(2)
    x, y = generator.standard_normal((20, 6)), generator.standard_normal(20)
    made = Instance("mine", x, y, "other", squared_error, scale=1.0 / 20, prox=project)
    run = chunk(made, "ista", 20.0 / np.linalg.norm(x, 2) ** 2)
    run.advance(3000)
    np.testing.assert_allclose(run.runs.theta[0], nnls(x, y)[0], rtol=0, atol=1e-9)


def test_comparison_reaches_the_certified_optimum() -> None:
    found = optbench.compare("lasso", ["ista", "fista"], horizon=2000)
    rows = {row.optimizer: row for row in found.convergence_rows}
    assert set(rows) == {"ista", "fista"}
    assert all(abs(row.final_suboptimality) < 1e-12 for row in rows.values())
    assert rows["ista"].status == "converged"


def test_wrong_penalties_are_refused() -> None:
    with pytest.raises(UserError, match="penalty=0 must be a part between 0 and 1"):
        built(penalty=0.0)
    with pytest.raises(UserError, match=r"prox '<lambda>' takes \(v\); it must take \(v, step_"):
        Instance("mine", np.eye(3), np.ones(3), "other", squared_error, prox=lambda v: None)
