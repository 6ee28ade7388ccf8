"""Regression and classification on data that is rank-deficient, badly scaled or contradictory.

The small files of ``tests/data/cases`` were made by hand; what each must give is said here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog, minimize
from sklearn.preprocessing import StandardScaler

from optbench import compare
from optbench.analysis.kinds.distances import angle
from optbench.errors import UserError
from optbench.instance import Instance
from optbench.registry import load_registry
from optbench.solutions import solved, unsolved
from optbench.study import build_instances

CASES = Path(__file__).parents[1] / "data" / "cases"


def build(problem: str, file: object, options: str = "standardize=false") -> Instance:
    ((instance,),) = build_instances(load_registry(), f"{problem}:data={file},{options}", 1)
    return instance


def bias(problem: str, file: object, *optimizers: str, options: str = "standardize=false"):
    text = f"{problem}:data={file},{options}"
    return compare([text], list(optimizers), horizon=20_000, threads=1, fresh=True).bias_rows


def write(folder: Path, X: np.ndarray, y: np.ndarray) -> Path:
    file = folder / "mine.csv"
    np.savetxt(file, np.column_stack([X, y]), delimiter=",", fmt="%.17g")
    return file


def test_a_line_through_the_origin_is_not_centred():
    """y = 2 x: infimum 0 at w = 2."""
    instance = build("linear_regression", CASES / "36-y2x.csv")
    np.testing.assert_array_equal(instance.targets, [2.0, 4.0, 6.0, 8.0])
    assert instance.optimum == 0.0
    np.testing.assert_allclose(solved(instance)["minimizer"].solution, [2.0], rtol=1e-15)


def test_interpolants_of_raw_data():
    """x_1 + x_2 = 2, 2 x_1 + x_3 = 3.

    L2: y.(X X^T)^-1 y = 7/3.  L1: x_2 = x_3 = 0 is impossible; (3/2, 1/2, 0) has norm 2, proved by
    the multipliers (1, 1/2), whose product with X is (2, 1, 1/2) / 2 at most 1.
    """
    instance = build("linear_regression", CASES / "36-interp.csv")
    assert solved(instance)["l2"].value == pytest.approx(np.sqrt(7.0 / 3.0), rel=1e-12)
    assert solved(instance)["l1"].value == pytest.approx(2.0, rel=1e-12)
    assert all(reference.certified for reference in solved(instance).values())


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_options_of_preparation_are_independent(tmp_path, standardize, center, intercept):
    generator = np.random.default_rng(0)
    X, y = generator.normal(3.0, 2.0, (20, 4)), generator.normal(5.0, 1.0, 20)
    file = write(tmp_path, X, y)
    options = f"standardize={standardize},center={center},intercept={intercept}"
    instance = build("linear_regression", file, options)
    expected = StandardScaler(with_mean=center, with_std=standardize).fit_transform(X)
    if intercept:
        expected = np.column_stack([expected, np.ones(20)])
    np.testing.assert_allclose(instance.features, expected, rtol=1e-13, atol=1e-13)
    shift = y.mean() if center and not intercept else 0.0
    np.testing.assert_allclose(instance.targets, y - shift, rtol=1e-13)
    # Centring and an intercept are two ways to the same fit.
    if intercept or center:
        A = np.column_stack([X, np.ones(20)])
        residual = A @ np.linalg.lstsq(A, y)[0] - y
        assert instance.optimum == pytest.approx(residual @ residual / 40, rel=1e-10)


def test_center_follows_standardize_where_nothing_is_said(tmp_path):
    generator = np.random.default_rng(0)
    file = write(tmp_path, generator.normal(3.0, 1.0, (9, 3)), generator.normal(5.0, 1.0, 9))
    for standardize in ("true", "false"):
        said = build("linear_regression", file, f"standardize={standardize},center={standardize}")
        unsaid = build("linear_regression", file, f"standardize={standardize}")
        np.testing.assert_array_equal(said.features, unsaid.features)
        np.testing.assert_array_equal(said.targets, unsaid.targets)
    problem = load_registry().problem("linear_regression")
    built = problem.build(data=str(file), standardize=False, center=True)
    np.testing.assert_allclose(built.features.mean(axis=0), 0.0, atol=1e-15)


def dependent(seed=0, n=12, d=5):
    """More rows than features, of which the last is made of the others."""
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((n, d))
    X[:, -1] = X[:, :-1] @ [1.0, -2.0, 0.7, 1.4]
    return X, generator.standard_normal(n)


def test_dependent_columns_have_many_minimizers(tmp_path):
    X, y = dependent()
    file = write(tmp_path, X, y)
    instance = build("linear_regression", file)
    assert set(solved(instance)) == {"l1", "l2", "linf"}
    pseudo = np.linalg.pinv(X) @ y
    np.testing.assert_allclose(solved(instance)["l2"].solution, pseudo, rtol=1e-9)
    # Minimizers solve the normal equations; the least L1 and Linf norm of them by HiGHS.
    gram, right = X.T @ X, X.T @ y
    l1 = linprog(np.ones(10), A_eq=np.hstack([gram, -gram]), b_eq=right).fun
    assert solved(instance)["l1"].value == pytest.approx(l1, rel=1e-7)
    box = np.block([[np.eye(5), -np.ones((5, 1))], [-np.eye(5), -np.ones((5, 1))]])
    linf = linprog(
        np.append(np.zeros(5), 1.0), A_ub=box, b_ub=np.zeros(10), bounds=(None, None),
        A_eq=np.hstack([gram, np.zeros((5, 1))]), b_eq=right,
    ).fun  # fmt: skip
    assert solved(instance)["linf"].value == pytest.approx(linf, rel=1e-7)
    residual = X @ pseudo - y
    assert instance.optimum == pytest.approx(residual @ residual / 24, rel=1e-12)


def test_an_exact_minimizer_of_dependent_columns_has_arrived(tmp_path):
    file = write(tmp_path, *dependent())
    for row in bias("linear_regression", file, "gradient_descent", "natural_gradient"):
        assert (row.selected, row.theory, row.effective_p) == ("l2", "l2", 2.0)
        assert row.measures["distance_l2"] <= 1e-6
        assert row.measures["residual"] > 0.1  # the noise cannot be fitted


def test_rows_that_contradict_each_other_in_wide_data(tmp_path):
    """Fewer rows than features and yet no interpolant: the same row with two targets."""
    generator = np.random.default_rng(1)
    X = generator.standard_normal((4, 7))
    X[3] = X[2]
    y = np.array([1.0, -1.0, 2.0, 3.0])
    instance = build("linear_regression", write(tmp_path, X, y))
    assert instance.optimum == pytest.approx(0.25 / 4, rel=1e-12)  # 2 (1/2)^2 / (2 n)
    expected = np.linalg.pinv(X) @ y
    np.testing.assert_allclose(solved(instance)["l2"].solution, expected, rtol=1e-9)
    assert not unsolved(instance)


def test_nothing_to_explain(tmp_path):
    """The targets are orthogonal to every column: w = 0 is the least of all norms."""
    X = np.array([[1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, 1.0]])
    file = write(tmp_path, X, np.array([1.0, -1.0, 1.0, -1.0]))
    instance = build("linear_regression", file)
    for reference in solved(instance).values():
        assert reference.value == pytest.approx(0.0, abs=1e-15)
    assert bias("linear_regression", file, "gradient_descent")


def test_sparse_regression_without_standardization():
    instance = build("linear_regression", CASES / "21-reg.svm")
    assert instance.sparse and instance.optimum == 0.0
    dense = instance.features.toarray()
    w = np.linalg.solve(dense, instance.targets)
    np.testing.assert_allclose(solved(instance)["minimizer"].solution, w, rtol=1e-12)
    natural = bias("linear_regression", CASES / "21-reg.svm", "natural_gradient")[0]
    assert natural.measures["distance_minimizer"] <= 1e-10


def test_rows_with_both_labels():
    """(2, 1) can be separated from nothing: (1, 1/2) has both labels and is parallel to it.

    So (-1/2, -2) with label -1 alone can, outside the span of (2, 1): along (-1, 2) / sqrt 5 the
    row (1/2, 2) has a part of 7 / (2 sqrt 5).  Inside, with s = w.(1, 1/2), the risk is that of
    margins s, -s, 2 s.
    """
    instance = build("logistic_regression", CASES / "31-conflict.csv")
    assert instance.kind == "partly_separable"
    direction = solved(instance)["direction"]
    assert direction.value == pytest.approx(7 / (2 * np.sqrt(5)), rel=1e-12)
    assert angle(direction.solution, np.array([-1.0, 2.0])) <= 1e-6
    found = minimize(lambda s: np.logaddexp(0.0, -np.array([s[0], -s[0], 2 * s[0]])).sum(), [0.0])
    assert instance.optimum == pytest.approx(found.fun / 4, rel=1e-9)
    for row in bias("logistic_regression", CASES / "31-conflict.csv", "gradient_descent"):
        assert row.selected == row.theory == "direction"


@pytest.mark.parametrize("file", ["31-zerorow.csv", "21-emptyrow.svm"])
def test_a_zero_row_costs_log_2_for_ever(file):
    instance = build("logistic_regression", CASES / file)
    assert instance.kind == "partly_separable"
    assert instance.optimum == pytest.approx(np.log(2.0) / 4, rel=1e-15)
    assert instance.facts["span"].shape == (instance.dimension, 0)
    assert solved(instance)["direction"].certified
    (row,) = bias("logistic_regression", CASES / file, "gradient_descent")
    assert row.measures["distance_offset"] == 0.0
    # the loss is never below its infimum and, separable rows being won, comes close to it
    signed = instance.features * instance.targets[:, None] if not instance.sparse else None
    if signed is not None:
        margins = signed @ solved(instance)["direction"].solution
        assert sorted(margins > 0) == [False, True, True, True]


def test_columns_of_all_sizes_are_separable():
    instance = build("logistic_regression", CASES / "33-badscale.csv")
    assert instance.kind == "classification" and instance.optimum == 0.0
    signed = instance.features * instance.targets[:, None]
    for name, order in (("l1", 1), ("l2", 2), ("linf", np.inf)):
        reference = solved(instance)[name]
        w = reference.solution / np.linalg.norm(reference.solution, order)
        # 1e-13 of the largest terms, 1e6, is far below the margin: seven digits are right.
        assert (signed @ w).min() == pytest.approx(reference.value, rel=1e-4)
        assert reference.value <= reference.bound
    assert solved(instance)["l2"].certified


def test_dependent_columns_of_data_that_cannot_be_separated(tmp_path):
    generator = np.random.default_rng(3)
    X = generator.standard_normal((40, 3))
    X[:, 2] = X[:, 0] - X[:, 1]
    y = np.where(X[:, 0] + 2.0 * generator.standard_normal(40) > 0, 1.0, -1.0)
    file = write(tmp_path, X, y)
    instance = build("logistic_regression", file)
    assert instance.kind == "nonseparable" and set(solved(instance)) == {"l1", "l2", "linf"}
    found = minimize(
        lambda w: np.logaddexp(0.0, -y * (X @ w)).mean(), np.zeros(3), options={"gtol": 1e-9}
    )
    predictions = X @ found.x
    for reference in solved(instance).values():
        assert reference.certified
        np.testing.assert_allclose(X @ reference.solution, predictions, atol=1e-6)
    expected = np.linalg.pinv(X) @ predictions
    np.testing.assert_allclose(solved(instance)["l2"].solution, expected, atol=1e-6)
    (row,) = bias("logistic_regression", file, "gradient_descent")
    assert (row.selected, row.theory) == ("l2", "l2")


def test_sparse_data_takes_each_option(tmp_path):
    file = tmp_path / "mine.svm"
    file.write_text("1 1:2 3:1\n-1 2:4\n1 1:1 2:2\n-1 3:-3\n")
    raw = np.array([[2.0, 0, 1], [0, 4, 0], [1, 2, 0], [0, 0, -3]])
    plain = build("logistic_regression", file, "standardize=auto")
    np.testing.assert_array_equal(plain.features.toarray(), raw)
    scaled = build("logistic_regression", file, "standardize=true,intercept=true")
    expected = StandardScaler(with_mean=False).fit_transform(raw)
    np.testing.assert_allclose(scaled.features.toarray(), np.c_[expected, np.ones(4)], rtol=1e-14)
    centred = build("logistic_regression", file, "center=true")
    np.testing.assert_allclose(centred.features, raw - raw.mean(axis=0), rtol=1e-14)


@pytest.mark.parametrize("problem", ["linear_regression", "logistic_regression"])
@pytest.mark.parametrize("size", [1e160, 1e-160, 1e300])
def test_features_whose_squares_leave_float64(tmp_path, problem, size):
    """One line where they are raw; where they are standardized they are like any other."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((12, 3))
    y = np.where(generator.random(12) < 0.5, -1.0, 1.0)
    file = write(tmp_path, X * [size, 1.0, size], y)
    with pytest.raises(UserError, match="outside the range of float64") as error:
        build(problem, file)
    assert "\n" not in str(error.value)
    found = build(problem, file, "standardize=true").features
    np.testing.assert_allclose(found, StandardScaler().fit_transform(X), rtol=1e-12, atol=1e-14)
    assert bias(problem, file, "gradient_descent", options="standardize=true")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["0,0,1", "0,0,2"], "every feature is zero"),
        (["1,2,1e200", "3,4,1"], "targets of size 1e\\+200"),
    ],
)
def test_nothing_to_learn_from_is_one_line(tmp_path, rows, words):
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(rows) + "\n")
    with pytest.raises(UserError, match=words) as error:
        build("linear_regression", file)
    assert "\n" not in str(error.value)
