"""What is in memory is accepted wherever a name is: matrices, instances, kernels of a cell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from optbench import Hyper, UserError, compare, optimizer, run
from optbench.registry import load_registry

GENERATOR = np.random.Generator(np.random.PCG64(4))
X = GENERATOR.standard_normal((6, 10))
Y = GENERATOR.standard_normal(6)
LABELS = np.array(["no", "yes", "no", "yes", "yes", "no"])
OPTIONS = {"horizon": 200, "threads": 1, "learning_rates": [0.05]}


@optimizer(reference="a test")
def mine(theta, grad, learning_rate=Hyper(tune="log")):
    for i in range(theta.size):
        theta[i] -= learning_rate * grad[i]


@pytest.mark.parametrize(
    "given",
    [(X, Y), (pd.DataFrame(X), pd.Series(Y)), (X.tolist(), Y.tolist()), (np.asfortranarray(X), Y)],
    ids=["arrays", "frames", "lists", "by columns"],
)
def test_a_matrix_and_numbers_are_a_regression(given, tmp_path):
    """The same table as from a file of the same numbers."""
    file = tmp_path / "table.csv"
    pd.DataFrame({**{f"x{k}": X[:, k] for k in range(10)}, "y": Y}).to_csv(
        file, index=False, float_format="%.17g"
    )
    names = [f"linear_regression:data={file}", given]
    found = compare(names, [mine, "gradient_descent"], **OPTIONS)
    losses = [row.final_loss for row in found.convergence_rows]
    assert [row.problem for row in found.bias_rows] == ["linear_regression"] * 4
    assert losses == pytest.approx([losses[0]] * 4, rel=1e-9)
    assert [facts.instance for facts in found.instances] == ["table.csv", "matrix 6x10"]


def test_two_labels_are_a_classification_also_of_a_sparse_matrix():
    (dense,) = compare((X, LABELS), "gradient_descent", **OPTIONS).convergence_rows
    assert dense.problem == "logistic_regression"
    instance = (
        load_registry()
        .problem("logistic_regression")
        .build(data=(sparse.csc_array(X), LABELS), standardize=False)
    )
    assert instance.sparse
    signs = np.where(LABELS == "yes", 1.0, -1.0)
    np.testing.assert_array_equal(instance.targets, signs)
    result = run(instance, mine, horizon=1, learning_rate=0.1)
    # one step from 0: the mean of the rows y_i x_i, halved by the slope of the loss
    expected = 0.1 * 0.5 * (signs[:, None] * X).mean(axis=0)
    np.testing.assert_allclose(result.w, expected, rtol=1e-13, atol=1e-16)


def test_an_instance_is_a_problem():
    built = load_registry().problem("linear_regression").build(data="gaussian", n=5, d=9, seed=2)
    typed = "linear_regression:data=gaussian,n=5,d=9,seed=2"
    (one,) = compare(built, mine, seeds=3, **OPTIONS).convergence_rows
    (other,) = compare(typed, mine, seeds=3, **OPTIONS).convergence_rows
    assert one.final_loss == other.final_loss and one.instance_id == other.instance_id
    both = compare([built, typed], [mine, mine], **OPTIONS)
    assert len(both.bias_rows) == 1  # each once


@pytest.mark.parametrize(
    ("problem", "chosen", "message"),
    [
        (3, "adam", "problem: is of type int; give a name, an Instance or"),
        ((X, Y[:4]), "adam", "data in memory: .*6 rows"),
        ((X * 1j, Y), "adam", "data in memory: .*must hold real numbers"),
        ((X[0], Y), "adam", r"X has shape \(10,\); it must be a matrix"),
        ((X, Y, Y), "adam", "problem: is of type ndarray; give a name"),
        ((np.ma.masked_greater(X, 1.0), Y), "adam", "data in memory: X has a mask"),
        ((np.where(X > 1, np.nan, X), Y), "adam", "is NaN or infinite"),
        ("quadratic", lambda theta, grad: None, "give a name or a function under @optimizer"),
    ],
)
def test_wrong_things_in_memory_are_one_line(problem, chosen, message):
    with pytest.raises(UserError, match=message) as error:
        compare(problem, chosen, **OPTIONS)
    assert "\n" not in str(error.value)


def test_a_function_is_a_name_for_the_others():
    """Beside it, brackets set its hyperparameters; a built-in's name still means the built-in."""

    @optimizer(reference="a test")
    def scaled(theta, grad, learning_rate=Hyper(tune="log"), factor=Hyper(1.0)):
        for i in range(theta.size):
            theta[i] -= factor * learning_rate * grad[i]

    found = compare((X, Y), [scaled, "scaled[factor=0.5]", "gradient_descent"], **OPTIONS)
    rows = {row.optimizer: row for row in found.convergence_rows}
    assert [*rows] == ["scaled", "scaled[factor=0.5]", "gradient_descent"]
    assert rows["scaled"].final_loss == rows["gradient_descent"].final_loss
    half = run((X, Y), "gradient_descent", learning_rate=0.025, horizon=200)
    # a product by a half is exact
    assert rows["scaled[factor=0.5]"].final_loss == half.loss[-1]
    with pytest.raises(UserError, match="unknown optimizer 'scaled'"):
        compare((X, Y), "scaled[factor=0.5]", **OPTIONS)
