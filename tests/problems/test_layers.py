"""Problems whose predictor is matrices say so: optimizers that go by layers see them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optbench.claims.simulation import start
from optbench.registry import load_registry
from optbench.study import build_instances

SHAPES = {
    "matrix_completion:rows=5,columns=4": [(5, 4)],
    "matrix_completion:rows=4,columns=5,measurements=gaussian": [(4, 5)],
    "matrix_factorization:rows=6,columns=8": [(6, 8)],
    "matrix_regression:outputs=4,d=6": [(4, 6)],
    "inverse_problem:unknowns=10,measurements=6": [(10, 6)],
    "small_network:hidden=20,d=5": [(20, 5), (1, 20)],
    "regression_stream:d=3,samples=9": [(1, 3)],
    "scalar_chain:depth=1": [(1, 1)],
}


@pytest.mark.parametrize("specification", SHAPES)
def test_automatic_gradient_descent_sees_the_matrices(specification: str) -> None:
    """Every matrix moves eta / L sqrt(rows / columns), eta from the mean of the scaled norms."""
    ((instance,),) = build_instances(load_registry(), specification, 1)
    shapes = SHAPES[specification]
    begin = 0.3 * np.random.default_rng(0).standard_normal(instance.dimension)
    chunk = start(instance, "linear", "automatic_gradient_descent", theta=begin)
    chunk.advance(0)
    gradient = chunk.runs.gradient[0].copy()
    chunk.advance(1)
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    parts = np.split(gradient, ends)[:-1]
    norms = [np.linalg.norm(part) for part in parts]
    scales = [math.sqrt(rows / columns) for rows, columns in shapes]
    summary = np.mean([s * n for s, n in zip(scales, norms, strict=True)])
    eta = math.log(0.5 * (1.0 + math.sqrt(1.0 + 4.0 * summary))) / len(shapes)
    steps = [eta * s / n * part for s, n, part in zip(scales, norms, parts, strict=True)]
    np.testing.assert_allclose(chunk.runs.theta[0], begin - np.concatenate(steps), rtol=1e-12)


def test_predictions_of_several_outputs_are_those_of_a_matrix_row_by_row() -> None:
    """A row a sample, a column an output: X W^T."""
    problem = load_registry().problem("matrix_regression")
    instance = problem.build(n=7, d=3, outputs=2)
    w = np.random.default_rng(1).standard_normal((2, 3))
    expected = [[row @ weights for weights in w] for row in instance.features]
    np.testing.assert_allclose(instance.predictions(w.ravel()), expected, rtol=1e-14)
    assert instance.layers.tolist() == [[0, 2, 3]]
