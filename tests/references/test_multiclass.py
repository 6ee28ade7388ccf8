"""Largest margins of several classes: closed forms, raw programs of others, recomputed proofs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.svm import LinearSVC

from optbench.errors import UserError
from optbench.norm_names import exponents_of, schatten_name
from optbench.references import max_margin, multiclass, multiclass_margin, multiclass_separability
from optbench.references.matrix_norms import matrix_norm

NORMS = ("l1", "l1.5", "l2", "l3", "linf", "nuclear", "schatten1.5", "schatten3", "spectral")
CERTIFIED = 1e-8


def seeded(n=12, d=10, k=4, seed=0):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((n, d)), np.arange(n) % k


def standardized(load):
    X, y = load(return_X_y=True)
    return (X - X.mean(0)) / X.std(0), y


def plain_norm(W, norm):
    """The norms as NumPy has them."""
    exponents = exponents_of(norm)
    if "lp" in exponents:
        return np.linalg.norm(W.ravel(), exponents["lp"])
    return np.linalg.norm(np.linalg.svd(W)[1], exponents["schatten"])


def plain_dual_norm(M, norm):
    family, p = next(iter(exponents_of(norm).items()))
    q = np.inf if p == 1 else 1.0 if np.isinf(p) else p / (p - 1)
    if family == "lp":
        return np.linalg.norm(M.ravel(), q)
    return np.linalg.norm(M, {1.0: "nuc", np.inf: 2}.get(q)) if q in (1.0, np.inf) else (
        np.linalg.norm(np.linalg.svd(M)[1], q)
    )  # fmt: skip


def all_margins(X, y, W):
    """Loops: row by row, class by class."""
    return np.array(
        [(W[y[i]] - W[c]) @ X[i] for i in range(len(y)) for c in range(len(W)) if c != y[i]]
    )


def check_proof(X, y, reference, norm):
    """The value is reached by a unit matrix, and weights in the simplex bound every margin."""
    k = int(y.max()) + 1
    W = reference.solution.reshape(k, -1)
    assert plain_norm(W, norm) == pytest.approx(1.0, rel=1e-12)
    assert all_margins(X, y, W).min() == pytest.approx(reference.value, rel=1e-9)
    weights, M, at = reference.dual, np.zeros_like(W), 0
    assert (weights >= 0.0).all() and weights.sum() == pytest.approx(1.0, abs=1e-12)
    for i in range(len(y)):
        for c in range(k):
            if c != y[i]:
                M[y[i]] += weights[at] * X[i]
                M[c] -= weights[at] * X[i]
                at += 1
    # min over the simplex of <W, M> is at most ||W|| ||M||*: the bound holds for every unit matrix
    assert plain_dual_norm(M, norm) == pytest.approx(reference.bound, rel=1e-9)
    assert reference.bound >= reference.value * (1.0 - 1e-12)
    assert reference.bound - reference.value <= CERTIFIED * reference.value
    assert reference.certified


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("data", ["seeded", "wine"])
def test_proofs_recomputed(data, norm):
    X, y = seeded() if data == "seeded" else standardized(load_wine)
    check_proof(X, y, multiclass_margin(X, y, norm), norm)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4), st.sampled_from(NORMS))
def test_proofs_recomputed_of_random_data(seed, k, norm):
    X, y = seeded(n=8, d=9, k=k, seed=seed)  # fewer rows than dimensions: separable
    check_proof(X, y, multiclass_margin(X, y, norm), norm)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_orthogonal_classes_have_margins_in_closed_form(k):
    """Rows e_1 ... e_k, one a class.

    Averaging over permutations of rows and classes together increases no norm and lowers no
    margin, so that W = a I + b 11^T.  Its margins are a; ||W|| is least at b = -a/k of Schatten
    norms (k - 1 singular values a), at b = -a/2 of the largest entry, at b = 0 of their sum.
    """
    rotation = np.linalg.qr(np.random.default_rng(k).standard_normal((k, k)))[0]
    y = np.arange(k)
    expected = {"linf": 2.0, "l1": 1.0 / k}
    for norm, margin in expected.items():
        assert multiclass_margin(np.eye(k), y, norm).value == pytest.approx(margin, rel=CERTIFIED)
    for p in (1.0, 1.5, 2.0, 3.0, np.inf):
        margin = (k - 1.0) ** (-1.0 / p)
        found = multiclass_margin(rotation, y, schatten_name(p))
        assert found.certified
        assert found.value == pytest.approx(margin, rel=CERTIFIED)


@pytest.mark.parametrize(
    ("norm", "p", "factor"),
    [
        ("l1", 1.0, 1.0),  # ||W_1||_1 + ||W_2||_1 >= ||W_1 - W_2||_1
        ("l3", 3.0, 2.0 ** (1.0 - 1.0 / 3.0)),
        ("linf", np.inf, 2.0),
        ("l2", 2.0, np.sqrt(2.0)),
        ("nuclear", 2.0, np.sqrt(2.0)),  # (v, -v) has one singular value, sqrt(2) |v|
        ("schatten3", 2.0, np.sqrt(2.0)),
        ("spectral", 2.0, np.sqrt(2.0)),
    ],
)
def test_two_classes_are_a_vector(norm, p, factor):
    """W = (v, -v) up to a common vector has margins 2 y v.x and norm 2^(1/p) ||v||_p."""
    X, y = seeded(n=8, d=10, k=2)
    Z = np.where(y == 0, 1.0, -1.0)[:, None] * X
    expected = factor * max_margin(Z, p).value
    assert multiclass_margin(X, y, norm).value == pytest.approx(expected, rel=2 * CERTIFIED)


@pytest.mark.parametrize("norm", ["l1", "linf"])
@pytest.mark.parametrize("data", ["seeded", "wine"])
def test_linear_programs_in_raw_form(data, norm):
    """Maximize t over W = P - N, P, N >= 0: all margins at least t, and the norm at most 1."""
    X, y = seeded() if data == "seeded" else standardized(load_wine)
    k, (n, d) = int(y.max()) + 1, X.shape
    rows = []
    for i in range(n):
        for c in range(k):
            if c != y[i]:
                W = np.zeros((k, d))
                W[y[i]] += X[i]
                W[c] -= X[i]
                rows.append(np.concatenate([-W.ravel(), W.ravel(), [1.0]]))
    size = k * d
    ball = np.append(np.ones(2 * size), 0.0)[None] if norm == "l1" else np.zeros((0, 2 * size + 1))
    found = linprog(
        np.append(np.zeros(2 * size), -1.0),
        A_ub=np.vstack([np.array(rows), ball]),
        b_ub=np.append(np.zeros(len(rows)), np.ones(len(ball))),
        bounds=[(0.0, None if norm == "l1" else 1.0)] * 2 * size + [(None, None)],
        method="highs-ipm",
    )
    # HiGHS keeps its constraints to 1e-7, and the margins are of order 0.1 to 1
    assert multiclass_margin(X, y, norm).value == pytest.approx(-found.fun, abs=1e-6)


def test_l2_margin_is_that_of_crammer_and_singer():
    X, y = seeded(n=12, d=15, k=3)
    # no multiplier reaches C: the machine is the hard one; its stopping rule is 1e-10
    machine = LinearSVC(multi_class="crammer_singer", C=1e3, fit_intercept=False, tol=1e-10,
                        max_iter=10**6).fit(X, y)  # fmt: skip
    margin = all_margins(X, y, machine.coef_).min() / np.linalg.norm(machine.coef_)
    found = multiclass_margin(X, y, "l2")
    assert found.value == pytest.approx(margin, rel=1e-6)
    # strongly convex: |W - W*|^2 is at most about the gap of 1e-6; both have column sums 0
    np.testing.assert_allclose(
        found.solution, machine.coef_.ravel() / np.linalg.norm(machine.coef_), atol=2e-3
    )


@pytest.mark.parametrize("p", [1.5, 3.0])
def test_schatten_margins_against_scipy(p):
    X, y = seeded(n=6, d=5, k=3)

    def power(w):
        return (np.linalg.svd(w.reshape(3, 5), compute_uv=False) ** p).sum()

    def slope(w):
        left, values, right = np.linalg.svd(w.reshape(3, 5), full_matrices=False)
        return p * ((left * values ** (p - 1)) @ right).ravel()

    start = multiclass_margin(X, y, "l2")
    found = minimize(
        power,
        start.solution / start.value,
        jac=slope,
        constraints={"type": "ineq", "fun": lambda w: all_margins(X, y, w.reshape(3, 5)) - 1.0},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    # finite differences of linear constraints are exact to 1e-8
    expected = found.fun ** (-1.0 / p)
    assert multiclass_margin(X, y, schatten_name(p)).value == pytest.approx(expected, rel=1e-6)


def test_the_margin_grows_with_the_exponent():
    """||W||_p falls as p grows, in both families: so no margin falls."""
    X, y = seeded()
    exponents = (1.0, 1.25, 1.5, 2.0, 3.0, 6.0, np.inf)
    for names in ([schatten_name(p) for p in exponents], ["l1", "l1.5", "l2", "l3", "linf"]):
        values = [multiclass_margin(X, y, name).value for name in names]
        assert (np.diff(values) > 0.0).all()


def test_some_constraints_at_a_time_give_the_same(monkeypatch):
    X, y = standardized(load_wine)
    at_once = {norm: multiclass_margin(X, y, norm) for norm in ("l1", "l2", "nuclear", "spectral")}
    monkeypatch.setattr(multiclass, "_AT_ONCE", 10)
    monkeypatch.setattr(multiclass, "_ADDED", 5)
    for norm, whole in at_once.items():
        found = multiclass_margin(X, y, norm)
        check_proof(X, y, found, norm)
        assert found.value == pytest.approx(whole.value, rel=2 * CERTIFIED)


def test_a_common_vector_changes_no_margin_and_solutions_in_rotation_free_norms_have_none():
    X, y = seeded()
    for norm in ("l2", "nuclear", "schatten3", "spectral"):
        W = multiclass_margin(X, y, norm).solution.reshape(4, 10)
        np.testing.assert_allclose(W.sum(axis=0), 0.0, atol=1e-9)


def test_iris_cannot_be_separated_and_the_weights_prove_it():
    X, y = load_iris(return_X_y=True)
    X = np.column_stack([(X - X.mean(0)) / X.std(0), np.ones(len(X))])
    found = multiclass_separability(X, y)
    assert not found.separable and 0 < found.separable_rows.sum() < 300
    M, at = np.zeros((3, 5)), 0
    for i in range(len(y)):
        for c in range(3):
            if c != y[i]:
                M[y[i]] += found.weights[at] * X[i]
                M[c] -= found.weights[at] * X[i]
                at += 1
    # Gordan: a positive combination of the differences vanishes, so no W has all margins positive
    assert (found.weights[~found.separable_rows] > 0.0).all() and found.weights.sum() > 0.99
    np.testing.assert_allclose(M, 0.0, atol=1e-14)
    for norm in ("l2", "linf", "spectral"):
        with pytest.raises(UserError, match="no linear scores separate the classes"):
            multiclass_margin(X, y, norm)


def test_a_separating_matrix_is_its_own_proof():
    X, y = standardized(load_wine)
    found = multiclass_separability(X, y)
    assert found.separable and found.separable_rows.all()
    assert np.linalg.norm(found.direction) == pytest.approx(1.0, rel=1e-12)
    assert all_margins(X, y, found.direction.reshape(3, 13)).min() == pytest.approx(found.margin)
    assert found.margin > 0.0


def test_classes_that_are_barely_separable():
    """Two rows of two classes 1e-9 apart: found by no descent, but by the largest margin."""
    X = np.array([[1.0, 0.0], [1.0, 1e-9], [0.0, 1.0], [-1.0, 0.0]])
    found = multiclass_separability(X, [0, 1, 1, 2])
    assert found.separable
    assert all_margins(X, np.array([0, 1, 1, 2]), found.direction.reshape(3, 2)).min() > 0.0


@pytest.mark.parametrize(
    ("labels", "classes", "told"),
    [
        ([0, 1, 3], 3, "whole numbers from 0 to 2"),
        ([0.5, 1, 2], None, "whole numbers"),
        ([0, 0, 0], None, "of 2 classes or more"),
        ([0, 1], None, r"labels have shape \(2,\)"),
        ([-1, 1, 0], None, "whole numbers from 0"),
    ],
)
def test_labels_that_are_no_classes(labels, classes, told):
    with pytest.raises(UserError, match=told):
        multiclass_margin(np.eye(3), labels, "l2", classes)


def test_unknown_norms_are_named():
    with pytest.raises(UserError, match="norm 'operator' is not known"):
        multiclass_margin(np.eye(3), [0, 1, 2], "operator")
    with pytest.raises(UserError, match=r"p = 0\.5"):
        matrix_norm(np.eye(3), "schatten0.5")


def test_a_class_without_rows_may_be_named():
    """Its scores lie below all others: as if each class were told from one more."""
    X = np.eye(2)
    found = multiclass_margin(X, [0, 1], "l2", classes=3)
    W = found.solution.reshape(3, 2)
    assert found.certified
    np.testing.assert_allclose(W[2], W.min(axis=0), atol=1e-6)


@pytest.mark.exhaustive
@pytest.mark.parametrize("norm", ["l2", "nuclear"])
def test_ten_digits(norm):
    X, y = load_digits(return_X_y=True)
    check_proof(X / 16.0, y, multiclass_margin(X / 16.0, y, norm), norm)
