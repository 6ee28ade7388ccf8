"""What optimizers declare to select against the papers, and against runs of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from literature import LITERATURE
from plain_runs import all_optimizers
from scipy.optimize import linprog, minimize, nnls

import optbench
from optbench.analysis.kinds import KINDS as ALL_KINDS
from optbench.contract.selects import KINDS, defaults
from optbench.registry import load_registry
from optbench.study import build_instances

OPTIMIZERS = all_optimizers()
SEPARABLE = "logistic_regression:data=gaussian,n=6,d=12,seed=11"
FIT = "linear_regression:data=gaussian,n=5,d=12,seed=3"
ROWS = [(name, *row) for name, rows in LITERATURE.items() for row in rows]
EXPONENTS = (1.0, 1.5, 2.0, 3.0, math.inf)


def instance(text):
    ((built,),) = build_instances(load_registry(), text, 1)
    return built


def test_the_table_has_every_optimizer():
    assert set(LITERATURE) == set(OPTIMIZERS)


def test_kinds_of_theorems_are_kinds_of_problems():
    assert set(KINDS) <= {kind.name for kind in ALL_KINDS}


@pytest.mark.parametrize(("name", "hypers", "kind", "expected"), ROWS)
def test_declared_as_the_papers_say(name, hypers, kind, expected):
    optimizer = OPTIMIZERS[name]
    assert set(hypers) <= set(optimizer.hypers)
    named = optimizer.selection(kind, {**defaults(optimizer.hypers), **hypers})
    assert (None if named is None else str(named)) == expected


@pytest.mark.parametrize(
    ("name", "kind"), [(n, k) for n, o in OPTIMIZERS.items() for k in o.as_theorem_asks]
)
def test_what_a_theorem_asks_for_is_in_the_table(name, kind):
    """Its conditions hold with the hyperparameters that the plug-in gives; some must be others."""
    asked = OPTIMIZERS[name].as_theorem_asks[kind]
    usual = {key: hyper.default for key, hyper in OPTIMIZERS[name].hypers.items()}
    assert any(usual[key] != value for key, value in asked.items())
    keys = {key: value for key, value in asked.items() if key != "beta2"}
    assert (keys, kind) in [(hypers, where) for hypers, where, named in LITERATURE[name] if named]


# Separable data: the largest margins by SciPy, and which one each run comes nearest to.


def largest_margin(rows, p):
    """max min_i z_i . w over ||w||_p <= 1: by linear programs, else by SLSQP on ||w||_p^p."""
    n, d = rows.shape
    if p in (1.0, math.inf):  # variables w+, w-, margin
        cost = np.r_[np.zeros(2 * d), -1.0]
        A = np.hstack([-rows, rows, np.ones((n, 1))])
        b = np.zeros(n)
        bound: float | None = 1.0
        if p == 1.0:
            A, b = np.vstack([A, np.r_[np.ones(2 * d), 0.0]]), np.r_[b, 1.0]
            bound = None
        bounds = [(0.0, bound)] * (2 * d) + [(None, None)]
        return -linprog(cost, A_ub=A, b_ub=b, bounds=bounds).fun
    found = minimize(
        lambda w: np.sum(np.abs(w) ** p),
        np.linalg.pinv(rows) @ np.ones(n),
        jac=lambda w: p * np.sign(w) * np.abs(w) ** (p - 1.0),
        constraints={"type": "ineq", "fun": lambda w: rows @ w - 1.0, "jac": lambda w: rows},
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    return float(found.fun ** (-1.0 / p))


@pytest.fixture(scope="module")
def separable():
    built = instance(SEPARABLE)
    rows = built.features * built.targets[:, None]
    return rows, {p: largest_margin(rows, p) for p in EXPONENTS}


def quality(rows, optima, w):
    return {p: (rows @ w).min() / np.linalg.norm(w, p) / best for p, best in optima.items()}


# the exponent of the margin that the theorem names; rates of the order of 1 / (largest row)
MARGINS = {
    "gradient_descent": (2.0, {"learning_rate": 2.0}),
    "heavy_ball": (2.0, {"learning_rate": 0.2}),
    "normalized_gradient_descent": (2.0, {"learning_rate": 0.3}),
    "loss_normalized_gradient_descent": (2.0, {"learning_rate": 0.05}),
    "stochastic_gradient_descent": (2.0, {"learning_rate": 0.1}),
    "automatic_gradient_descent": (2.0, {}),
    "sign_descent": (math.inf, {"learning_rate": 0.3}),
    "signum": (math.inf, {"learning_rate": 0.3}),
    "normalized_spectral_descent": (2.0, {"learning_rate": 0.3}),
    "muon[nesterov=0]": (2.0, {"learning_rate": 0.3}),
    "coordinate_descent[decay=0.1]": (1.0, {"learning_rate": 0.3}),
    "greedy_coordinate_descent": (1.0, {"learning_rate": 0.3}),
    "steepest_descent[p=1.5]": (1.5, {"learning_rate": 0.3}),
    "steepest_descent": (3.0, {"learning_rate": 0.3}),
    "adam[eps=0,decay=0.5,beta2=0.99]": (math.inf, {"learning_rate": 0.3}),
    "adam[eps=1]": (2.0, {"learning_rate": 0.3}),
    "rmsprop[eps=0,decay=0.5]": (math.inf, {"learning_rate": 0.3}),
    "rmsprop[eps=1]": (2.0, {"learning_rate": 0.3}),
    "normalized_mirror_descent[p=1.5]": (1.5, {"learning_rate": 0.03}),
    "normalized_mirror_descent": (3.0, {"learning_rate": 0.3}),
    "p_norm_mirror_descent": (3.0, {"learning_rate": 2.0}),
    "hypentropy": (1.0, {"learning_rate": 2.0}),
}


@pytest.mark.parametrize("text", MARGINS)
def test_runs_on_separable_data_come_nearest_to_the_margin_of_the_theorem(separable, text):
    """At 1e5 steps; gaps of constant rates fall like 1 / log t, so 8 % are left to some."""
    rows, optima = separable
    exponent, given = MARGINS[text]
    w = optbench.run(SEPARABLE, text, horizon=100_000, **given).w
    found = quality(rows, optima, w)
    assert max(found.values()) <= 1.0 + 1e-6  # no predictor beats a largest margin
    assert max(found, key=found.__getitem__) == exponent, found
    assert found[exponent] > 0.92, found


@pytest.mark.parametrize("text", ["sign_descent[decay=0]", "adam[eps=0,decay=0]"])
def test_without_a_falling_rate_they_do_not_come_near_it(separable, text):
    """Why the condition is one: the L2 margin is nearer to its largest value than that of Linf."""
    rows, optima = separable
    w = optbench.run(SEPARABLE, text, horizon=100_000, learning_rate=0.3).w
    found = quality(rows, optima, w)
    assert found[math.inf] < 0.8 < found[2.0], found


@pytest.mark.slow
def test_adam_with_eps_leaves_linf_for_l2(separable):
    """Wang, Meng, Chen, Liu 2021: the L2 margin grows and that of Linf shrinks."""
    rows, optima = separable
    run = optbench.run(SEPARABLE, "adam[eps=1e-2]", horizon=10_000, learning_rate=0.3)
    two, most = [], []
    for horizon in (10**5, 10**6, 3 * 10**6):
        run = run.continued(horizon)
        found = quality(rows, optima, run.w)
        two, most = [*two, found[2.0]], [*most, found[math.inf]]
    assert np.all(np.diff(two) > 0.0) and np.all(np.diff(most) < 0.0)
    assert two[-1] > 0.94 and found[2.0] > found[math.inf]


def test_natural_gradient_comes_to_the_largest_margin_in_the_metric_of_the_data(separable):
    """In coordinates v = R w, R^T R = X^T X on the span of the data, that is the L2 margin."""
    rows, _ = separable
    w = optbench.run(SEPARABLE, "natural_gradient", horizon=100_000, learning_rate=2.0).w
    turned = np.linalg.svd(rows, full_matrices=False)[0]  # rows R^+ for R = S V^T
    v = np.linalg.lstsq(turned, rows @ w, rcond=None)[0]
    weights, _ = nnls(np.vstack([turned.T, np.ones(6)]), np.r_[np.zeros(6), 1.0])
    best = turned.T @ weights
    largest = (turned @ best).min() / np.linalg.norm(best)
    assert (turned @ v).min() / np.linalg.norm(v) / largest > 0.95


def test_gradient_descent_on_partly_separable_data_takes_the_direction_of_the_separable_rows():
    """Ji, Telgarsky 2018: rows 8 to 12, projected off the plane of the others, by NNLS."""
    text = "logistic_regression:data=partly_separable"
    built = instance(text)
    outside = (built.features * built.targets[:, None])[8:, 2:]
    weights, _ = nnls(np.vstack([outside.T, np.ones(5)]), np.r_[np.zeros(2), 1.0])
    expected = outside.T @ weights
    run = optbench.run(text, "gradient_descent", horizon=100_000, learning_rate=1.0)
    moved = (run.continued(1_000_000).w - run.w)[2:]  # w = log t direction + a bounded rest
    cosine = moved @ expected / np.linalg.norm(moved) / np.linalg.norm(expected)
    assert math.degrees(math.acos(min(cosine, 1.0))) < 2.0


# Regression from zero: what the conditions of optimality say of the limit.

SPAN_RATES = {
    "gradient_descent": 1.0, "heavy_ball": 0.2, "nesterov": 0.2, "lookahead": 1.0, "rapp": 0.5,
    "extragradient": 0.5, "natural_gradient": None, "stochastic_gradient_descent": 0.1,
    "hypergradient": 0.5, "adaptive_gradient_descent": None, "polyak_step": None,
    "automatic_gradient_descent": None, "full_matrix_adagrad": None,
    "normalized_gradient_descent": None, "online_natural_gradient": None,
    "barzilai_borwein": None, "dog": None, "restarted_nesterov": 1.0, "d_adaptation": None,
    "armijo_gradient_descent": None, "lbfgs": None, "newton_cg": None, "schedule_free_sgd": 1.0,
    "spectral_descent": 1.0, "normalized_spectral_descent": None, "muon": None, "shampoo": None,
}  # fmt: skip
OWN_RATES = {
    "d_adaptation": 0.1,
    "natural_gradient": 0.5,
    "full_matrix_adagrad": 0.3,
    "normalized_gradient_descent": 0.1,
    "normalized_spectral_descent": 0.1,
    "muon": 0.1,
    "shampoo": 0.3,
}
# of the limit: lengths of t^-1/2 steps; a prior of 1e4; else rounding in units of the condition
NEAR = {
    "normalized_gradient_descent": 1e-2,
    "normalized_spectral_descent": 1e-2,
    "muon": 1e-2,
    "online_natural_gradient": 1e-2,
}


@pytest.mark.parametrize("name", SPAN_RATES)
def test_methods_that_stay_in_the_span_reach_the_least_l2_norm(name):
    built = instance(FIT)
    rate = OWN_RATES.get(name)
    if SPAN_RATES[name] is not None:
        largest = np.linalg.norm(built.features, 2) ** 2 / len(built.targets)
        rate = SPAN_RATES[name] / largest
    given = {} if rate is None else {"learning_rate": rate}
    w = optbench.run(FIT, name, horizon=100_000, **given).w
    expected = np.linalg.pinv(built.features) @ built.targets
    error = np.linalg.norm(w - expected) / np.linalg.norm(expected)
    assert error < NEAR.get(name, 1e-6)


def test_dual_averaging_approaches_the_least_l2_norm_like_the_root_of_time():
    """theta = -rate t^-1/2 sum g has the sum sqrt(t), so g = H (w - w*) = -w* / (2 rate sqrt t)."""
    built = instance(FIT)
    hessian = built.features.T @ built.features / len(built.targets)
    rate, horizon = 0.5 / np.linalg.norm(hessian, 2), 100_000
    w = optbench.run(FIT, "dual_averaging", horizon=horizon, learning_rate=rate).w
    limit = np.linalg.pinv(built.features) @ built.targets
    missing = np.linalg.pinv(hessian) @ limit / (2.0 * rate * math.sqrt(horizon))
    # the next order is as much smaller as the first is
    assert np.linalg.norm(w - limit + missing) < 0.1 * np.linalg.norm(missing)
    assert np.linalg.norm(missing) < 0.1 * np.linalg.norm(limit)


@pytest.mark.parametrize(
    ("text", "dual"),
    [
        ("p_norm_mirror_descent[p=3]", lambda w: np.sign(w) * np.abs(w) ** 2.0),
        ("p_norm_mirror_descent[p=1.5]", lambda w: np.sign(w) * np.abs(w) ** 0.5),
        ("hypentropy[scale=0.01]", lambda w: np.arcsinh(w / 0.02)),
    ],
)
def test_mirror_descent_reaches_the_interpolant_whose_dual_is_in_the_span(text, dual):
    """KKT conditions of min potential(w), X w = y: grad potential(w) = X^T nu."""
    built = instance(FIT)
    w = optbench.run(FIT, text, horizon=200_000, learning_rate=0.02).w
    X, y = built.features, built.targets
    assert np.linalg.norm(X @ w - y) < 1e-6 * np.linalg.norm(y)
    z = dual(w)
    outside = z - np.linalg.pinv(X) @ (X @ z)
    assert np.linalg.norm(outside) < 1e-6 * np.linalg.norm(z)


@pytest.mark.parametrize("name", ["gradient_descent", "heavy_ball", "nesterov", "polyak_step"])
def test_of_many_logistic_minimizers_the_one_in_the_span_is_reached(name):
    """Two columns alike: the gradient vanishes, and the weights of both are the same."""
    generator = np.random.default_rng(0)
    once = generator.standard_normal((20, 2))
    y = np.where(once[:, 0] + 2.0 * generator.standard_normal(20) > 0.0, 1.0, -1.0)
    given = {} if name == "polyak_step" else {"learning_rate": 0.1}
    run = optbench.run((once[:, [0, 0, 1]], y), name, horizon=20_000, **given)
    X = run.spec.instance.features  # standardized
    assert run.spec.instance.kind == "nonseparable"
    slope = X.T @ (y / (1.0 + np.exp(y * (X @ run.w))))
    assert np.linalg.norm(slope) < 1e-6
    assert run.w[0] == pytest.approx(run.w[1], rel=1e-9) and abs(run.w[0]) > 1e-3


def test_exponentiated_gradient_reaches_the_entropic_solution():
    """KKT: log x - log x_0 in the span of A, A x = b."""
    text = "linear_program:data=random"
    built = instance(text)
    A, b = built.features, built.targets
    w = optbench.run(text, "exponentiated_gradient", horizon=100_000, learning_rate=0.01).w
    assert np.linalg.norm(A @ w - b) < 1e-6 * np.linalg.norm(b)
    moved = np.log(w) - np.log(built.start)
    outside = moved - np.linalg.pinv(A) @ (A @ moved)
    assert np.linalg.norm(outside) < 1e-8 * np.linalg.norm(moved)
