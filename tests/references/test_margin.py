"""Max margins against independent truths, scikit-learn, scipy and weak duality."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_data import TRUTH, load_signed, shared, six_by_twelve
from scipy.optimize import minimize
from sklearn.svm import LinearSVC

from optbench.errors import UserError
from optbench.references import max_margin, quadratic_margin, vector_norm

NORMS = {"gamma_1": 1.0, "gamma_2": 2.0, "gamma_inf": np.inf}
SEPARABLE = sorted(key for key, truth in TRUTH.items() if truth["separable"])
LARGE = [
    *(f"colon|{preparation}" for preparation in ("std", "std1", "raw")),
    *(f"mushrooms|{preparation}" for preparation in ("std", "std1", "raw")),
    *(f"sonar|{preparation}" for preparation in ("std", "std1", "raw")),
    *(f"sk:digits_{c}vrest|{preparation}" for c in (0, 6) for preparation in ("std1", "raw")),
]


def check_margins(key, truth):
    Z = load_signed(key)
    for name, p in NORMS.items():
        reference = max_margin(Z, p)
        lower, upper = truth[name]
        assert reference.certified, (key, name, reference.gap)
        # The truth is an interval; 1e-6 relative covers its width on raw data.
        assert lower * (1 - 1e-6) <= reference.value <= upper * (1 + 1e-6), (key, name)
        assert np.isclose(vector_norm(reference.solution, p), 1.0, rtol=1e-12)


@pytest.mark.parametrize("key", SEPARABLE)
def test_margins_of_sklearn_sets(key):
    check_margins(key, TRUTH[key])


@pytest.mark.slow
@pytest.mark.parametrize("key", LARGE)
def test_margins_of_large_sets(key):
    truth = json.loads((shared() / "truth" / "margins.json").read_text())[key]
    check_margins(key, truth)


@pytest.mark.parametrize(("p", "margin"), [(1, 0.4293), (2, 0.7695), (np.inf, 1.888)])
def test_six_by_twelve(p, margin):
    # known to four digits from an implementation of somebody else
    assert max_margin(six_by_twelve(), p).value == pytest.approx(margin, abs=6e-4)


def test_l2_margin_equals_hard_margin_svm():
    Z = load_signed("sk:iris_0v2|std")
    y = np.where(np.arange(len(Z)) < 50, 1.0, -1.0)
    # No multiplier reaches C, so the soft margin is the hard one; liblinear's coordinate descent
    # stops at a projected gradient of 1e-10, the constraint violation of a margin of 1.
    svm = LinearSVC(loss="hinge", C=1e3, fit_intercept=False, dual=True, tol=1e-10, max_iter=10**6)
    w = svm.fit(y[:, None] * Z, y).coef_[0]
    assert max_margin(Z, 2).value == pytest.approx(1 / np.linalg.norm(w), rel=1e-8)


@pytest.mark.parametrize("p", [1.1, 1.5, 3.0, 6.0, 10.0])
def test_smooth_margin_against_scipy(p):
    Z = six_by_twelve()
    start = max_margin(Z, 2)
    result = minimize(
        lambda w: (np.abs(w) ** p).sum() / p,
        start.solution / start.value,
        jac=lambda w: np.sign(w) * np.abs(w) ** (p - 1),
        constraints={"type": "ineq", "fun": lambda w: Z @ w - 1, "jac": lambda w: Z},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    reference = max_margin(Z, p)
    assert reference.gap <= 1e-10
    # SLSQP's objective is second order in its error of about 1e-5.
    assert reference.value == pytest.approx(1 / vector_norm(result.x, p), rel=1e-7)


@pytest.mark.parametrize("p", [1.0, 1.2, 1.5, 2.0, 3.0, 6.0, np.inf])
@pytest.mark.parametrize("key", ["sk:digits_3v8|std", "sk:wine_1vrest|raw", "sk:digits_0v1|raw"])
def test_every_exponent_is_certified(key, p):
    assert max_margin(load_signed(key), p).certified


def test_sparse_equals_dense():
    Z = np.where(np.abs(six_by_twelve()) > 0.4, six_by_twelve(), 0.0)
    for p in (1.0, 1.5, 2.0, np.inf):
        dense, thin = max_margin(Z, p), max_margin(sparse.csr_matrix(Z), p)
        assert thin.value == pytest.approx(dense.value, rel=1e-12)


@pytest.mark.parametrize(
    ("Z", "p", "unique"),
    [
        ([[1.0, 1.0]], 1, False),  # any point of the segment between the two axes
        ([[2.0, 1.0]], 1, True),
        ([[1.0, 0.0]], np.inf, False),  # the second entry is free
        ([[2.0, 1.0]], np.inf, True),
        ([[1.0, 1.0], [1.0, 1.0]], 2, True),
    ],
)
def test_uniqueness(Z, p, unique):
    assert max_margin(np.array(Z), p).unique is unique


def test_uniqueness_on_data():
    # The truth measured a face of width 7 on the first, 6e-5 (its tolerance) on the second.
    assert max_margin(load_signed("sk:digits_0v1|std"), np.inf).unique is False
    assert max_margin(load_signed("sk:digits_3v8|std"), np.inf).unique is True


def test_quadratic_margin_is_the_l2_margin_of_transformed_data():
    Z = six_by_twelve()
    root = np.random.Generator(np.random.PCG64(3)).standard_normal((12, 12))
    metric = root @ root.T
    reference = quadratic_margin(Z, metric)
    # w^T M w = ||R^T w||^2, so the margin is that of the points R^-1 z.
    expected = max_margin(np.linalg.solve(root, Z.T).T, 2).value
    assert reference.value == pytest.approx(expected, rel=1e-8)
    assert reference.solution @ metric @ reference.solution == pytest.approx(1.0, rel=1e-10)
    assert (Z @ reference.solution).min() == pytest.approx(expected, rel=1e-8)


def test_quadratic_margin_on_the_row_space():
    Z = six_by_twelve()
    reference = quadratic_margin(Z, Z.T @ Z)
    # In the Fisher-like metric Z^T Z the norm is ||Z w||: equal margins 1/sqrt(6) are optimal.
    assert reference.value == pytest.approx(1 / np.sqrt(6), rel=1e-8)


def test_singular_metric_is_refused():
    metric = np.diag([1.0] + [0.0] * 11)
    with pytest.raises(UserError, match="singular on the span"):
        quadratic_margin(six_by_twelve(), metric)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, np.inf])
def test_non_separable_data_are_refused(p):
    with pytest.raises(UserError, match="not linearly separable"):
        max_margin(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), p)


@pytest.mark.parametrize(
    ("Z", "p", "message"),
    [
        (np.ones(3), 2, "shape"),
        (np.array([[np.nan, 1.0]]), 2, "NaN"),
        (np.ones((1, 2)), 0.5, "exponent"),
        (np.ones((1, 2)), np.nan, "exponent"),
    ],
)
def test_wrong_input(Z, p, message):
    with pytest.raises(UserError, match=message):
        max_margin(Z, p)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 8),
    st.integers(0, 12),
    st.sampled_from([1.0, 1.3, 2.0, 4.0, np.inf]),
)
def test_weak_duality_and_dominance(seed, n, more, p):
    rng = np.random.Generator(np.random.PCG64(seed))
    Z = rng.standard_normal((n, n + more)) * 10.0 ** rng.uniform(-2, 2, size=n + more)
    reference = max_margin(Z, p)
    assert reference.bound >= reference.value * (1 - 1e-12)
    assert reference.certified
    assert reference.dual.min() >= 0 and reference.dual.sum() == pytest.approx(1)
    for w in rng.standard_normal((20, n + more)):
        assert (Z @ w).min() / vector_norm(w, p) <= reference.bound * (1 + 1e-12)
