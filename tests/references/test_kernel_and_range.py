"""Layerwise least squares against SciPy's least squares and its own equations."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from optbench.errors import UserError
from optbench.references.kernel_and_range import layerwise_least_squares, output_layer


def data(n, d=8, k=3):
    generator = np.random.Generator(np.random.PCG64(0))
    return generator.standard_normal((n, d)), generator.standard_normal((n, k))


def random():
    return np.random.Generator(np.random.PCG64(1))


@pytest.mark.parametrize("hidden", [3, 8, 20])
@pytest.mark.parametrize("samples", [5, 60])
def test_linear_layers_give_the_least_squares_map(samples, hidden):
    """Any h >= k: X W_1 spans the projection of Y; condition numbers are below 1e3, so 1e-11."""
    X, Y = data(samples)
    first, second = layerwise_least_squares(X, Y, hidden, random())
    expected = scipy.linalg.lstsq(X, Y)[0]
    np.testing.assert_allclose(first @ second, expected, atol=1e-11)


def test_output_layer_solves_the_normal_equations():
    X, Y = data(60)
    first = random().standard_normal((8, 5))
    features = X @ first
    second = output_layer(X, Y, first)
    np.testing.assert_allclose(second, scipy.linalg.lstsq(features, Y)[0], atol=1e-12)


def test_tanh_layers_solve_their_two_systems():
    X, Y = data(60)
    first, second = layerwise_least_squares(X, Y, 12, random(), "tanh")
    wanted = Y @ scipy.linalg.pinv(random().standard_normal((12, 3)))
    wanted = np.arctanh(0.9 * wanted / np.abs(wanted).max())
    np.testing.assert_allclose(first, scipy.linalg.lstsq(X, wanted)[0], atol=1e-12)
    features = np.tanh(X @ first)
    residual = features @ second - Y
    # normal equations, relative to the size of the numbers that cancel in them
    assert np.abs(features.T @ residual).max() < 1e-10 * np.linalg.norm(features) ** 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"activation": "relu"}, "known: linear, tanh"),
        ({"hidden": 0}, "at least one hidden unit"),
        ({"targets": np.ones((7, 1))}, "as many rows"),
    ],
)
def test_wrong_input(arguments, words):
    X, Y = data(6)
    given = {"inputs": X, "targets": Y, "hidden": 4, "generator": random()} | arguments
    with pytest.raises(UserError, match=words):
        layerwise_least_squares(**given)


def test_wrong_first_layer():
    X, Y = data(6)
    with pytest.raises(UserError, match="it needs 8 rows"):
        output_layer(X, Y, np.ones((5, 2)))
