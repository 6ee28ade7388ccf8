"""Softmax regression against scikit-learn: infima, minimizers, and what is read from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

import optbench
from optbench.check.problems import check_problem
from optbench.errors import UserError
from optbench.references import softmax_minimizer
from optbench.registry import load_registry


def build(**options):
    return load_registry().problem("softmax_regression").build(**options)


def fitted(features, labels) -> LogisticRegression:
    model = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-12, max_iter=10_000)
    return model.fit(features, labels)


def noisy(rows: int = 200, columns: int = 6, classes: int = 4, dependent: bool = False):
    generator = np.random.Generator(np.random.PCG64(3))
    features = generator.standard_normal((rows, columns))
    if dependent:
        features = np.hstack([features, 3.0 * features[:, :2]])
    return features, generator.integers(0, classes, rows).astype(float)


def test_keeps_the_contract() -> None:
    results = check_problem(load_registry().problem("softmax_regression"))
    assert not [result for result in results if result.passed is False]


@pytest.mark.parametrize("dependent", [False, True])
def test_the_minimizer_is_that_of_scikit_learn(dependent: bool) -> None:
    features, labels = noisy(dependent=dependent)
    found = softmax_minimizer(features, labels)
    model = fitted(features, labels)
    # a gradient of 1e-10 and a curvature of about 0.1: losses agree to its square
    assert found.value == pytest.approx(log_loss(labels, model.predict_proba(features)), rel=1e-12)
    W = found.solution.reshape(4, -1)
    np.testing.assert_allclose(W, model.coef_, atol=1e-6)
    np.testing.assert_allclose(W.sum(axis=0), 0.0, atol=1e-12)
    assert found.certified and found.residual < 1e-13
    # the dual point fulfils its constraints, and its entropy is the bound
    q = found.dual.reshape(-1, 4)
    np.testing.assert_allclose(q.sum(axis=1), 1.0, rtol=1e-13)
    one_hot = np.eye(4)[labels.astype(int)]
    assert np.abs((q - one_hot).T @ features).max() < 1e-11
    assert found.bound == pytest.approx(-np.mean(np.sum(q * np.log(q), axis=1)), rel=1e-13)


def test_of_large_data_only_the_quick_margins_are_offered_and_the_instance_says_so() -> None:
    """On the ten digits the grids of exponents took minutes for each of twenty."""
    small = build(data="gaussian")
    assert set(small.references) == {"l1", "l2", "linf", "nuclear", "spectral"}
    assert set(small.parametric) == {"lp", "schatten"} and "too_large_for" not in small.facts
    large = build(data="gaussian", n=30, d=600)  # 60 pairs, 1,800 entries
    assert set(large.references) == {"l1", "l2", "linf"} and not large.parametric
    for left_out in ("nuclear", "spectral", "effective p", "effective Schatten p"):
        assert left_out in large.facts["too_large_for"]


def test_a_loss_of_any_other_matrix_is_above_the_bound() -> None:
    features, labels = noisy()
    found, generator = softmax_minimizer(features, labels), np.random.default_rng(0)
    for _ in range(20):
        W = found.solution.reshape(4, -1) + 1e-4 * generator.standard_normal((4, 6))
        losses = -log_softmax(features @ W.T, axis=1)[np.arange(len(labels)), labels.astype(int)]
        assert losses.mean() > found.bound


def test_data_that_cannot_be_separated_has_its_minimizer() -> None:
    instance = build(data=noisy())
    assert instance.kind == "other" and list(instance.references) == ["minimizer"]
    assert instance.facts["separable_pairs"] == "0 of 600"
    features = (instance.features, instance.targets)
    expected = log_loss(instance.targets, fitted(*features).predict_proba(instance.features))
    assert instance.optimum == pytest.approx(expected, rel=1e-12)


def test_the_infimum_of_iris_is_that_of_two_of_its_species() -> None:
    """Setosa stands apart: its rows cost nothing in the limit, those of the others what they do."""
    instance = build(data="iris", intercept=True)
    rest = instance.targets > 0.0
    features, labels = instance.features[rest], instance.targets[rest]
    expected = log_loss(labels, fitted(features, labels).predict_proba(features)) * rest.mean()
    assert instance.optimum == pytest.approx(expected, rel=1e-9)
    assert not instance.facts["separable"] and not instance.references
    assert instance.facts["separable_pairs"] == "200 of 300"


@pytest.mark.parametrize("options", [{"data": "wine"}, {"data": "gaussian"}])
def test_separable_classes_have_margins(options) -> None:
    instance = build(**options)
    assert instance.kind == "multiclass" and instance.optimum == 0.0 and instance.outputs == 3
    best = instance.references["l2"]()
    scores = instance.predictions(best.solution)
    rows, own = np.arange(len(scores)), instance.targets.astype(int)
    margins = scores[rows, own][:, None] - scores
    margins[rows, own] = np.inf
    assert margins.min() == pytest.approx(best.value, rel=1e-9) and best.value > 0.0


def test_labels_of_files_are_numbered_in_their_order(tmp_path: Path) -> None:
    features, labels = noisy(rows=30, columns=2, classes=3)
    names = np.array(["red", "amber", "green"])[labels.astype(int)]
    table, sparse = tmp_path / "lights.csv", tmp_path / "lights.svm"
    rows = zip(features.tolist(), names, strict=True)
    table.write_text("a,b,light\n" + "\n".join(f"{a!r},{b!r},{name}" for (a, b), name in rows))
    codes = zip(features.tolist(), np.array([7, -1, 3])[labels.astype(int)], strict=True)
    sparse.write_text("\n".join(f"{code} 1:{a!r} 2:{b!r}" for (a, b), code in codes))
    text, numbers = build(data=str(table)), build(data=str(sparse))
    # amber, green, red and -1, 3, 7
    expected = np.array([2.0, 0.0, 1.0])[labels.astype(int)]
    np.testing.assert_array_equal(text.targets, expected)
    np.testing.assert_array_equal(numbers.targets, np.array([2.0, 0.0, 1.0])[labels.astype(int)])
    assert text.facts["source"].endswith("classes amber, green, red")
    assert numbers.sparse and numbers.outputs == 3


def test_smoothness_bounds_the_hessian() -> None:
    instance = build(data=noisy())
    generator = np.random.default_rng(1)
    for _ in range(5):
        W = 0.3 * generator.standard_normal((4, 6))
        P = np.exp(log_softmax(instance.features @ W.T, axis=1))
        hessian = np.zeros((24, 24))
        for p, x in zip(P, instance.features, strict=True):
            hessian += np.kron(np.diag(p) - np.outer(p, p), np.outer(x, x)) / len(P)
        assert np.linalg.eigvalsh(hessian)[-1] <= instance.curvature * (1.0 + 1e-12)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"data": "gaussian", "classes": 1}, "classes=1 must be at least 2"),
        ({"data": "gaussian", "n": 2, "classes": 3}, "at most n=2"),
        ({"data": "gaussian", "d": 0}, "d=0 at least 1"),
        ({"data": "diabetes"}, "classes in 442 rows"),
        ({"data": (np.eye(4), np.ones(4))}, "1 classes in 4 rows"),
    ],
)
def test_wrong_options_are_one_line(options, told: str) -> None:
    with pytest.raises(UserError) as failure:
        build(**options)
    assert told in str(failure.value) and "\n" not in str(failure.value)


@pytest.mark.parametrize("options", [{"n": 30, "d": 4, "classes": 3}, {"n": 9, "d": 12}])
def test_natural_gradient_inverts_the_fisher_matrix_of_all_classes(options) -> None:
    """F = mean over rows, and over classes by their probability 1/k, of score score^T, dense."""
    instance = build(data="gaussian", **options)
    outputs, (count, size) = instance.outputs, instance.features.shape
    fisher = np.zeros((outputs * size, outputs * size))
    gradient = np.zeros(outputs * size)
    for x, label in zip(instance.features, instance.targets.astype(int), strict=True):
        for c in range(outputs):
            score = np.kron(1.0 / outputs - np.eye(outputs)[c], x)
            fisher += np.outer(score, score) / outputs / count
        gradient += np.kron(1.0 / outputs - np.eye(outputs)[label], x) / count
    expected = -0.3 * np.linalg.pinv(fisher, rcond=1e-11, hermitian=True) @ gradient
    w = optbench.run(instance, "natural_gradient", horizon=1, learning_rate=0.3).w
    # condition number of the metric: below 1e4
    np.testing.assert_allclose(w, expected, rtol=0, atol=1e-10)
    plain = optbench.run(instance, "gradient_descent", horizon=1, learning_rate=0.3).w
    assert np.abs(w - plain).max() > 0.1


def test_where_only_some_classes_are_separable_the_instance_says_what_is_known() -> None:
    iris, mixed = build(data="iris"), build(data=noisy())
    assert not iris.references and "the infimum only" in iris.facts["known"]
    assert "minimizer" in mixed.references and "known" not in mixed.facts
