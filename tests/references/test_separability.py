"""Separability against the truths, and both certificates."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.sparse as sparse
from reference_data import TRUTH, load_signed, shared

from optbench.references import separability


def check(Z, result):
    """Recompute the witness or the Gordan certificate from the points alone."""
    if result.separable:
        assert (Z @ result.direction).min() > 0
        return
    assert (result.weights >= 0).all() and result.weights.sum() == pytest.approx(1)
    assert ((result.weights > 0) == ~result.separable_rows).all()
    # Gordan: positive weights that cancel up to rounding leave no strict separation.
    cancelled = np.abs(Z.T @ result.weights)
    assert (cancelled <= 1e-12 * (np.abs(Z).T @ result.weights) + 1e-300).all()
    assert (Z @ result.direction >= -1e-9 * np.abs(Z).max()).all()


@pytest.mark.parametrize("key", sorted(TRUTH))
def test_sklearn_sets(key):
    Z = load_signed(key)
    result = separability(Z)
    assert result.separable is TRUTH[key]["separable"]
    check(Z, result)


def test_all_shared_sets():
    truths = json.loads((shared() / "truth" / "margins.json").read_text())
    names = [key for key in truths if not key.startswith(("sk:", "mushrooms", "colon"))]
    for key in names:
        Z = load_signed(key)
        result = separability(Z)
        assert result.separable is truths[key]["separable"], key
        check(Z, result)


def test_partially_separable():
    # The first two rows cancel; the third is separable by e2 alone.
    Z = np.array([[1.0, 0.0], [-2.0, 0.0], [1.0, 1.0]])
    result = separability(sparse.csr_array(Z))
    assert not result.separable
    np.testing.assert_array_equal(result.separable_rows, [False, False, True])
    np.testing.assert_allclose(result.direction, [0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(result.weights, [2 / 3, 1 / 3, 0.0], rtol=1e-12)


def test_a_zero_row_cannot_be_separated():
    result = separability(np.array([[0.0, 0.0], [1.0, 0.0]]))
    np.testing.assert_array_equal(result.separable_rows, [False, True])
