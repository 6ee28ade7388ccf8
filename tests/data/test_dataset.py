"""Preparations against scikit-learn's, certified margins, and one-line errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from scipy.optimize import linprog
from sklearn.preprocessing import MaxAbsScaler, PolynomialFeatures, StandardScaler

from optbench.data import (
    Dataset,
    load_bundled,
    prepare,
    quadratic_features,
    scale,
    two_classes,
)
from optbench.errors import UserError


def small(features: object = None, targets: object = None) -> Dataset:
    x = np.array([[0.1, 1.0, 0.0], [0.1, -4.0, 2.0], [0.1, 2.0, 0.0]])
    y = np.array([0.0, 1.0, 2.0])
    return Dataset("small", x if features is None else features, y if targets is None else targets,
                   "test")  # fmt: skip


def test_standardize_is_the_standard_scaler_without_constant_columns() -> None:
    raw = load_bundled("digits_3v8")
    varying = np.ptp(raw.features, axis=0) > 0
    expected = StandardScaler().fit_transform(raw.features[:, varying])
    prepared = prepare(raw)
    # Entries are below 20, a few roundings of the mean and the deviation: 1e-12.
    assert np.allclose(prepared.features, expected, rtol=0, atol=1e-12)
    assert prepared.features.flags.c_contiguous
    with_intercept = prepare(raw, intercept=True).features
    assert np.array_equal(with_intercept[:, :-1], prepared.features)
    assert np.all(with_intercept[:, -1] == 1)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    x=arrays(float, (5, 3), elements=st.floats(-1e3, 1e3).map(lambda v: round(v, 3))),
    power=st.integers(-900, 900),
    with_mean=st.booleans(),
    with_std=st.booleans(),
    as_sparse=st.booleans(),
)
def test_prepare_is_the_standard_scaler(x, power, with_mean, with_std, as_sparse) -> None:
    """In every unit; without centring sparse data stays sparse, with it constants are dropped."""
    x = np.ldexp(x, power)
    assume(np.ptp(x, axis=0).max() > 0)
    raw = small(sparse.csr_array(x) if as_sparse else x, np.arange(5.0))
    prepared = prepare(raw, center=with_mean, standardize=with_std).features
    varying = np.ptp(x, axis=0) > 0 if with_mean else np.full(3, True)
    unit = np.ldexp(x, -power)[:, varying]
    expected = StandardScaler(with_mean=with_mean, with_std=with_std).fit_transform(unit)
    assert sparse.issparse(prepared) == (as_sparse and not with_mean)
    found = prepared.toarray() if sparse.issparse(prepared) else prepared
    if not with_std:
        found = np.ldexp(found, -power)
    elif not with_mean:  # constant columns stay what they are
        found = np.where(np.ptp(unit, axis=0) == 0, np.ldexp(found, -power), found)
    # Entries have three decimals, so that a deviation is at least 4e-4 of a mean below 1e3.
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_standardize_drops_a_constant_whose_computed_deviation_is_not_zero() -> None:
    constant = np.full((100, 1), 0.1)
    assert constant.std() > 0  # the rounding that a test for std == 0 would miss
    dataset = Dataset("c", np.hstack([constant, np.arange(100.0)[:, None]]), np.arange(100.0), "")
    assert prepare(dataset).features.shape == (100, 1)


def test_standardize_of_sparse_features_is_that_of_dense_ones() -> None:
    dense = small()
    prepared = prepare(small(sparse.csr_array(dense.features)))
    assert np.array_equal(prepared.features, prepare(dense).features)


def test_standardize_refuses_a_sparse_matrix_too_large_to_be_dense() -> None:
    wide = sparse.csr_array((np.ones(1), ([0], [10**9])), shape=(2, 10**9 + 1))
    with pytest.raises(UserError, match=r"small: centring .* 14.9 GiB"):
        prepare(small(wide, np.arange(2.0)))


@pytest.mark.parametrize("as_sparse", [False, True])
def test_scale_is_the_max_abs_scaler(as_sparse: bool) -> None:
    x = np.array([[0.0, 1.0, 0.0], [0.0, -4.0, 2.0]])
    raw = small(sparse.csr_array(x) if as_sparse else x, np.arange(2.0))
    expected = MaxAbsScaler().fit_transform(x)[:, 1:]
    scaled, with_intercept = scale(raw).features, scale(raw, intercept=True).features
    assert sparse.issparse(scaled) == sparse.issparse(with_intercept) == as_sparse
    dense = [f.toarray() if as_sparse else f for f in (scaled, with_intercept)]
    assert np.array_equal(dense[0], expected)
    assert np.array_equal(dense[1], np.column_stack([expected, np.ones(2)]))


def test_two_classes() -> None:
    raw = small()
    assert two_classes(raw, 1).targets.tolist() == [-1, 1, -1]
    pair = two_classes(raw, positive=0, negative=2)
    assert pair.targets.tolist() == [1, -1]
    assert np.array_equal(pair.features, raw.features[[0, 2]])
    # Without a choice the larger of exactly two labels is +1.
    assert two_classes(small(targets=np.array([2.0, 1.0, 2.0]))).targets.tolist() == [1, -1, 1]


def test_two_classes_of_sparse_features() -> None:
    raw = small(sparse.csr_array(small().features))
    pair = two_classes(raw, positive=0, negative=2)
    assert np.array_equal(pair.features.toarray(), small().features[[0, 2]])


def test_quadratic_features_are_the_polynomial_features() -> None:
    raw = load_bundled("diabetes")
    expected = PolynomialFeatures(2, include_bias=False).fit_transform(raw.features)
    assert np.array_equal(quadratic_features(raw).features, expected)
    assert np.array_equal(load_bundled("diabetes_quadratic").features, expected)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: small(targets=np.arange(2.0)), "3 rows of features but 2 targets"),
        (lambda: small(np.empty((3, 0))), "at least one row and one feature, got 3 x 0"),
        (lambda: small(np.arange(3.0)), r"features must be \(n, d\)"),
        (lambda: small(np.array([[1, 2], [3, np.nan], [5, 6.0]])), "row 2, column 2 is NaN"),
        (lambda: small(targets=np.array([1, 2, np.inf])), "target in row 3 is inf"),
        (
            lambda: small(sparse.csr_array(np.array([[0, 0], [0, 1], [np.inf, 0.0]]))),
            "row 3, column 1 is NaN or infinite",
        ),
        (lambda: prepare(small(np.ones((3, 2)))), "every feature is constant"),
        (lambda: scale(small(np.zeros((3, 2)))), "every feature is zero"),
        (
            lambda: two_classes(small()),
            "3 classes where two are needed; .* positive=0, 1 or 2",
        ),
        (lambda: two_classes(small(), 7), "no class '7'; choose positive=0, 1 or 2"),
        (lambda: two_classes(small(), 1, 1), "two different classes are needed"),
        (lambda: two_classes(small(targets=np.ones(3)), 1), "two different classes are needed"),
    ],
)
def test_wrong_input_is_one_line(make: object, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        make()  # type: ignore[operator]
    assert str(error.value).startswith("small: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "key",
    ["iris_0v1|std", "iris_0vrest|std1", "wine_1vrest|std", "breast_cancer|std1", "digits_3v8|std"],
)
def test_margin_of_the_prepared_set_is_the_certified_one(shared: Path, key: str) -> None:
    """max t subject to Z w >= t, |w|_inf <= 1, by HiGHS on our preparation."""
    truth = json.loads((shared / "truth" / "margins.json").read_text())[f"sk:{key}"]
    name, preparation = key.split("|")
    dataset = prepare(load_bundled(name), intercept=preparation == "std1")
    z = dataset.targets[:, None] * dataset.features
    n, d = z.shape
    assert (n, d) == (truth["n"], truth["d"])
    solution = linprog(
        np.append(np.zeros(d), -1.0),
        A_ub=np.column_stack([-z, np.ones(n)]),
        b_ub=np.zeros(n),
        bounds=[(-1, 1)] * d + [(None, None)],
    )
    # HiGHS's feasibility tolerance is 1e-7, in rows of entries below 20: absolute 1e-6.
    assert -solution.fun == pytest.approx(np.mean(truth["gamma_inf"]), abs=1e-6)


def test_constant_columns_that_centring_drops_are_told():
    features = np.array([[1.0, 2.0, 0.0, 5.0], [3.0, 2.0, 0.0, 4.0], [2.0, 2.0, 0.0, 1.0]])
    dataset = Dataset("three", features, np.arange(3.0), "made up")
    assert dataset.facts == {"source": "made up"}
    dropped = prepare(dataset, standardize=True, center=True, intercept=False)
    assert dropped.features.shape == (3, 2) and dropped.dropped == (1, 2)
    assert dropped.facts == {"source": "made up", "dropped_columns": "1, 2"}
    kept = prepare(dataset, standardize=True, center=False, intercept=False)
    assert kept.features.shape == (3, 4) and kept.dropped == ()
