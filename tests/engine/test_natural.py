"""Natural gradients against the definition, pinv(J^T F_w J) g, with J from NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from small_instances import bits, chunks, data, one_chunk, regression

from optbench import UserError

SIZE = 6
PARAMETERS = {
    "linear": "linear",
    "diagonal": "diagonal:depth=2",
    "deep_linear": "deep_linear:widths=7",
    "deeper": "deep_linear:widths=7x8",
    "narrow": "deep_linear:widths=2",
    "circular": "circular:depth=2",
}


def predictor(name: str, theta: np.ndarray) -> np.ndarray:
    """w of theta, which is linear or quadratic in each single number of theta."""
    if name == "linear":
        return theta
    if name == "diagonal":
        return theta[:SIZE] ** 2 - theta[SIZE:] ** 2
    if name == "circular":
        shifted = [np.roll(theta[:SIZE], j) for j in range(SIZE)]
        return np.array(theta[SIZE:] @ shifted)
    widths = {"deep_linear": (7,), "deeper": (7, 8), "narrow": (2,)}[name]
    w, columns = np.eye(SIZE), SIZE
    for rows in (*widths, 1):
        w, theta = theta[: rows * columns].reshape(rows, columns) @ w, theta[rows * columns :]
        columns = rows
    return w[0]


def jacobian(name: str, theta: np.ndarray) -> np.ndarray:
    """Central differences with steps of 1, exact for polynomials of degree 2."""
    steps = np.eye(theta.size)
    columns = [predictor(name, theta + h) - predictor(name, theta - h) for h in steps]
    return np.array(columns).T / 2.0


def instance_with(metric: np.ndarray, rows: int = 4):
    inverse = np.linalg.pinv(metric, rcond=1e-12, hermitian=True)
    features, targets = data(rows, SIZE, 5), data(rows, 1, 6)[:, 0]
    return regression(features, targets, inverse_fisher=lambda: inverse)


def full_metric() -> np.ndarray:
    root = data(SIZE, SIZE + 3, 8)
    return root @ root.T


def first_step(instance, name: str, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return what the engine hands over at theta, the definition, and the rounding of both."""
    chunk = one_chunk(instance, "natural_gradient", [1e-3], parameters=PARAMETERS[name])
    chunk.runs.theta[0] = theta
    chunk.advance(1)
    tangent = jacobian(name, theta)
    residual = instance.features @ predictor(name, theta) - instance.targets
    gradient = tangent.T @ (instance.features.T @ residual) / len(residual)
    metric = np.linalg.pinv(instance.inverse_fisher(), rcond=1e-12, hermitian=True)
    fisher = tangent.T @ metric @ tangent
    expected = np.linalg.pinv(fisher, rcond=1e-12, hermitian=True) @ gradient
    values = np.linalg.eigvalsh(fisher)
    condition = values[-1] / values[values > 1e-12 * values[-1]][0]
    error = 100 * np.finfo(float).eps * condition * np.linalg.norm(expected)
    return chunk.runs.state[0], expected, float(error)  # a rule without slots: only F^+ g


def start(name: str) -> np.ndarray:
    chunk = one_chunk(
        regression(np.eye(SIZE), np.ones(SIZE)), "adam", [1.0], None, PARAMETERS[name]
    )
    return data(1, chunk.runs.theta.shape[1], 3)[0]


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("kind", ["full", "of the data"])
def test_is_the_pseudo_inverse_times_the_gradient(name: str, kind: str) -> None:
    """The Fisher matrix of 4 rows for 6 features is singular; its range holds every gradient."""
    rows = data(4, SIZE, 5)
    instance = instance_with(full_metric() if kind == "full" else rows.T @ rows / 4)
    found, expected, error = first_step(instance, name, start(name))
    assert error < 1e-6 * np.linalg.norm(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=error)


@pytest.mark.parametrize("name", ["diagonal", "deep_linear", "narrow"])
def test_is_the_pseudo_inverse_where_parameters_do_nothing(name: str) -> None:
    """J without full rank: u_2 = v_2 = 0, or an output layer of zeros."""
    theta = start(name)
    if name == "diagonal":
        theta[[2, 2 + SIZE]] = 0.0
    else:
        theta[-(theta.size // (SIZE + 1)) :] = 0.0
    found, expected, error = first_step(instance_with(full_metric()), name, theta)
    assert error < 1e-6 * np.linalg.norm(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=error)


@pytest.mark.parametrize("name", PARAMETERS)
def test_does_not_depend_on_the_parametrization_to_first_order(name: str) -> None:
    """With a metric of full rank dw = -rate F_w^-1 dL/dw + O(rate^2)."""
    instance, theta = instance_with(full_metric()), start(name)
    errors = []
    for rate in (1e-4, 1e-5):
        chunk = one_chunk(instance, "natural_gradient", [rate], parameters=PARAMETERS[name])
        chunk.runs.theta[0] = theta
        chunk.advance(1)
        before = predictor(name, theta)
        slopes = instance.features.T @ (instance.features @ before - instance.targets) / 4
        moved = predictor(name, chunk.runs.theta[0]) - before
        errors.append(np.abs(moved / rate + instance.inverse_fisher() @ slopes).max())
    # 1e-11: the rounding of w divided by the rate
    assert errors[1] < 0.11 * errors[0] + 1e-9


@pytest.mark.parametrize("name", ["diagonal", "deep_linear"])
def test_bits_do_not_depend_on_the_batch_or_interruptions(name: str) -> None:
    instance, rates = instance_with(full_metric()), list(np.geomspace(1e-4, 1e-2, 9))
    parameters = PARAMETERS[name]
    (batch,) = chunks(instance, "natural_gradient", rates, list(range(9)), parameters, 0.1)
    batch.advance(120)
    for run in (0, 4, 8):
        (alone,) = chunks(instance, "natural_gradient", [rates[run]], [run], parameters, 0.1)
        for horizon in (1, 40, 40, 77, 120):
            alone.advance(horizon)
        assert bits(alone) == bits(batch, run)


def test_on_a_regression_it_is_gauss_newton() -> None:
    """With F_w = X^T X / n and rate 1 one step solves the least-squares problem."""
    features, targets = data(20, SIZE, 5), data(20, 1, 6)[:, 0]
    inverse = np.linalg.inv(features.T @ features / 20)
    instance = regression(features, targets, inverse_fisher=lambda: inverse)
    chunk = one_chunk(instance, "natural_gradient", [1.0])
    chunk.advance(1)
    expected = np.linalg.lstsq(features, targets)[0]
    np.testing.assert_allclose(chunk.runs.theta[0], expected, rtol=1e-11)


def test_a_fisher_matrix_of_another_size_is_refused() -> None:
    instance = regression(data(4, SIZE), np.ones(4), inverse_fisher=lambda: np.eye(3))
    with pytest.raises(UserError, match=r"inverse_fisher has shape \(3, 3\), not \(6, 6\)"):
        one_chunk(instance, "natural_gradient", [0.1])


def test_without_a_fisher_matrix_it_is_refused() -> None:
    with pytest.raises(UserError, match="needs the Fisher matrix; test declares none"):
        one_chunk(regression(data(4, SIZE), np.ones(4)), "natural_gradient", [0.1])
