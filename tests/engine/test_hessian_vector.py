"""Hessian-vector products: closed forms, central differences of gradients, units, skips."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import minimize
from small_instances import (
    bits,
    chunks,
    csr,
    data,
    one_chunk,
    optimizer,
    python,
    regression,
    separable,
    some_zeros,
)

from optbench import Hyper, Slot, UserError
from optbench.check.objective import curvature as check_curvature
from optbench.check.outcome import Failed
from optbench.contract import optimizer as declare
from optbench.engine.oracles.catalogue import missing_oracle
from optbench.instance import Instance
from optbench.losses import CURVATURES, exponential_loss, logistic_loss, squared_error
from optbench.parametrizations import parametrization
from optbench.random import seeded, uniform

FEATURES, TARGETS = data(37, 5), data(37, 1, 1)[:, 0]
LABELS = np.where(TARGETS > 0.0, 1.0, -1.0)
LOSSES = {
    "squared": (squared_error, TARGETS),
    "logistic": (logistic_loss, LABELS),
    "exponential": (exponential_loss, LABELS),
}
LAYOUTS = ["dense", "several blocks", "wide", "sparse", "some columns dense"]


def along(theta, probe, direction):
    for i in range(theta.size):
        probe[i] = direction[i]


@declare(reference="a test", probe=along)
def product(theta, probe, hessian_vector, direction=Slot(), seen=Slot(degree=1)):
    """seen <- H direction; theta stays."""
    for i in range(theta.size):
        seen[i] = hessian_vector[i]


def laid_out(layout: str):
    made = {
        "dense": FEATURES,
        "several blocks": data(700, 9, 3),
        "wide": data(37, 150, 4) / 5.0,
        "sparse": csr(some_zeros(data(300, 12, 5))),
        "some columns dense": csr(np.hstack([data(200, 2, 6), some_zeros(data(200, 20, 7))])),
    }
    return made[layout]


def instance(features, loss: str = "logistic", **facts) -> Instance:
    row, targets = LOSSES[loss]
    targets = np.resize(targets, features.shape[0])
    kind = "regression" if loss == "squared" else "classification"
    return Instance("test", features, targets, kind, row, scale=1.0 / len(targets), **facts)


def products(made: Instance, theta, directions) -> np.ndarray:
    """H v by the engine, for each row of theta and of directions."""
    chunk = one_chunk(made, product, [0.1] * len(theta))
    d = made.dimension
    chunk.runs.theta[:] = theta
    chunk.runs.state[:, -2 * d : -d] = directions
    chunk.advance(1)
    assert np.array_equal(chunk.runs.probed, np.ones(len(theta)))
    return chunk.runs.state[:, -d:].copy()


def matrix(made: Instance) -> np.ndarray:
    return made.features.toarray() if made.sparse else made.features


def gradient(made: Instance, theta: np.ndarray) -> np.ndarray:
    x = matrix(made)
    pairs = zip(x @ theta, made.targets, strict=True)
    return made.scale * np.array([made.row(z, y)[1] for z, y in pairs]) @ x


@pytest.mark.parametrize("runs", [1, 2, 9])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_least_squares_has_the_gram_matrix(layout: str, runs: int) -> None:
    made = instance(laid_out(layout), "squared")
    d, x = made.dimension, matrix(made)
    theta, directions = data(runs, d, 8), data(runs, d, 9)
    expected = directions @ (x.T @ x) / len(x)
    found = products(made, theta, directions)
    size = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * size)


@pytest.mark.parametrize("loss", ["logistic", "exponential"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_products_are_differences_of_gradients(layout: str, loss: str) -> None:
    made = instance(laid_out(layout), loss)
    d = made.dimension
    theta, directions = data(3, d, 8) / np.sqrt(d), data(3, d, 9)
    found = products(made, theta, directions)
    for run in range(3):
        step = 1e-4 / np.linalg.norm(directions[run])
        ends = [gradient(made, theta[run] + s * step * directions[run]) for s in (1, -1)]
        # rounding 1e-16 / 1e-4, third derivatives of order one times 1e-8
        expected = (ends[0] - ends[1]) / (2.0 * step)
        np.testing.assert_allclose(found[run], expected, rtol=1e-6, atol=1e-7)


def test_large_data_in_segments_is_multiplied_whole() -> None:
    made = instance(data(9000, 40, 2), "squared")
    x, direction = matrix(made), data(1, 40, 9)
    found = products(made, data(1, 40, 8), direction)
    np.testing.assert_allclose(found[0], x.T @ (x @ direction[0]) / 9000, rtol=1e-11, atol=1e-12)


class Sharpness(NamedTuple):
    factor: float


def sharp(prediction, target, parameters):
    residual = parameters.factor * (prediction - target)
    return np.sqrt(1.0 + residual * residual), parameters.factor * residual / np.sqrt(
        1.0 + residual * residual
    )


def sharp_curvature(prediction, target, parameters):
    residual = parameters.factor * (prediction - target)
    return parameters.factor**2 / (1.0 + residual * residual) ** 1.5


def test_an_instance_declares_a_curvature_of_its_own() -> None:
    facts = {"row": sharp, "kind": "regression", "parameters": Sharpness(1.7)}
    made = Instance("test", FEATURES, TARGETS, row_curvature=sharp_curvature, **facts)
    theta, directions = data(2, 5, 8), data(2, 5, 9)
    z = theta @ FEATURES.T
    second = 1.7**2 / (1.0 + 1.7**2 * (z - TARGETS) ** 2) ** 1.5
    expected = (second * (directions @ FEATURES.T)) @ FEATURES
    np.testing.assert_allclose(products(made, theta, directions), expected, rtol=1e-11)
    assert "agree" in check_curvature(made)
    wrong = Instance("test", FEATURES, TARGETS, row_curvature=lambda z, y, parameters: 1.0, **facts)
    with pytest.raises(Failed, match="central differences of the slopes say"):
        check_curvature(wrong)


@pytest.mark.parametrize("row", CURVATURES, ids=lambda row: row.__name__)
def test_shared_losses_know_their_curvature(row) -> None:
    target = TARGETS if row is squared_error else LABELS
    assert "agree" in check_curvature(Instance("test", FEATURES, target, "other", row))


def test_products_in_a_unit_that_never_underflows() -> None:
    """On margins of 400 the Hessian is X^T diag(exp(-m)) X / n: in its unit it has all digits."""
    start = 400.0 * np.linalg.pinv(separable().features) @ np.ones(6)
    made = separable(start=start)
    chunk = one_chunk(made, "newton_cg", [1.0], forcing=1e-12)
    chunk.advance(1)
    # Newton's step on sum exp(-m_i), m_i independent, adds 1 to each margin
    np.testing.assert_allclose(made.features @ chunk.runs.theta[0], 401.0, rtol=1e-10)
    assert chunk.runs.exponents[0] == 400


def test_other_cases_are_skipped_with_their_reason() -> None:
    def own(w, grad):
        grad[:] = w
        return 0.5 * float(w @ w)

    def one(prediction, target):
        return prediction, 1.0

    def several(predictions, target, slopes):
        slopes[:] = 1.0
        return float(predictions.sum())

    def linear(size):
        return parametrization("linear", size)

    whole = Instance("mine", FEATURES, TARGETS, "other", loss_and_grad=own)
    unknown = Instance("mine", FEATURES, TARGETS, "other", one)
    matrices = Instance("mine", FEATURES, TARGETS, "other", several, outputs=3)
    diagonal = parametrization("diagonal", 5)
    cases = [
        (whole, linear(5), "needs row losses; mine has an objective of its own"),
        (unknown, linear(5), "needs the second derivative of the row loss; mine declares none"),
        (matrices, linear(15), "mine has a row loss of several outputs"),
        (instance(FEATURES), diagonal, "that of the diagonal parametrization is not known"),
    ]
    for made, parameters, expected in cases:
        assert expected in (missing_oracle(made, parameters, product) or "")
    assert missing_oracle(instance(FEATURES), linear(5), product) is None
    facts = {"row": sharp, "parameters": Sharpness(1.0)}
    with pytest.raises(UserError, match=r"row_curvature 'one' takes \(prediction, target\)"):
        Instance("mine", FEATURES, TARGETS, "other", row_curvature=one, **facts)
    with pytest.raises(UserError, match="row_curvature is that of a row loss of one output"):
        Instance("mine", FEATURES, TARGETS, "other", loss_and_grad=own, row_curvature=one)


@declare(reference="a test", probe=along)
def both(
    theta,
    probe,
    probe_grad,
    probe_loss,
    hessian_vector,
    output,
    direction=Slot(initial=1.0),
    seen=Slot(degree=1),
    length=Hyper(0.1),
):
    for i in range(theta.size):
        seen[i] = hessian_vector[i]
        theta[i] -= length * probe_grad[i] + 0.01 * probe_loss
        output[i] = 0.5 * theta[i]


def test_product_gradient_and_output_beside_each_other() -> None:
    made = instance(FEATURES, "squared")
    chunk = one_chunk(made, both, [0.1])
    theta = chunk.runs.theta[0].copy()
    chunk.advance(3)
    for _ in range(3):
        seen = FEATURES.T @ (FEATURES @ np.ones(5)) / 37
        residual = FEATURES @ np.ones(5) - TARGETS
        theta = theta - 0.1 * FEATURES.T @ residual / 37 - 0.01 * residual @ residual / 74
    np.testing.assert_allclose(chunk.runs.state[0, -5:], seen, rtol=1e-12)
    np.testing.assert_allclose(chunk.runs.theta[0], theta, rtol=1e-12)
    residual = FEATURES @ (0.5 * theta) - TARGETS
    assert chunk.records.loss[-1, 0] == pytest.approx(residual @ residual / 74, rel=1e-12)
    assert chunk.records.evaluations[-1, 0] == 6  # a product and an evaluation a probe


def sophia_by_numpy(made: Instance, seed: int, rate: float, steps: int, **given: float):
    """Algorithm 3 of arXiv:2305.14342 with random signs, on the whole Hessian."""
    x, y = made.features, made.targets
    rng, theta = seeded(seed), np.zeros(made.dimension)
    m, h = np.zeros_like(theta), np.zeros_like(theta)
    for t in range(1, steps + 1):
        m = given["beta1"] * m + (1.0 - given["beta1"]) * gradient(made, theta)
        if t % given["interval"] == 1:
            u = np.array([1.0 if uniform(rng) < 0.5 else -1.0 for _ in theta])
            p = 1.0 / (1.0 + np.exp(-y * (x @ theta)))
            hessian = x.T @ ((p * (1.0 - p))[:, None] * x) / len(x)
            h = given["beta2"] * h + (1.0 - given["beta2"]) * u * (hessian @ u)
        theta = theta - rate * np.clip(m / np.maximum(given["gamma"] * h, given["eps"]), -1.0, 1.0)
    return theta


@pytest.mark.parametrize("gamma", [0.01, 3.0, 50.0])
def test_sophia_follows_its_paper(gamma: float) -> None:
    made = instance(FEATURES)
    given = {"beta1": 0.9, "beta2": 0.8, "gamma": gamma, "eps": 1e-12, "interval": 4}
    chunk = one_chunk(made, "sophia", [0.01, 0.02], [3, 4], **given)
    for horizon in (1, 6, 50):
        chunk.advance(horizon)
    for run, (rate, seed) in enumerate([(0.01, 3), (0.02, 4)]):
        expected = sophia_by_numpy(made, seed, rate, 50, **given)
        np.testing.assert_allclose(chunk.runs.theta[run], expected, rtol=0, atol=1e-11)
        assert chunk.records.evaluations[-1, run] == 50 + 13  # products at steps 1, 5, ..., 49


@pytest.mark.parametrize("layout", ["dense", "wide", "sparse"])
def test_newton_cg_finds_the_minimizer_of_scipy(layout: str) -> None:
    made = instance(laid_out(layout), "squared")
    if layout == "dense":
        made = instance(FEATURES)
    chunk = one_chunk(made, "newton_cg", [1.0], forcing=1e-3)
    chunk.advance(30)
    x = matrix(made)

    def loss(theta):
        pairs = zip(x @ theta, made.targets, strict=True)
        return made.scale * sum(made.row(z, y)[0] for z, y in pairs)

    def hessian(theta):
        pairs = zip(x @ theta, made.targets, strict=True)
        second = np.array([made.second_derivative(z, y) for z, y in pairs])
        return made.scale * x.T @ (second[:, None] * x)

    start = np.zeros(made.dimension)
    found = minimize(
        loss, start, method="Newton-CG", jac=lambda t: gradient(made, t), hess=hessian, tol=1e-12
    )
    # Both keep to the span of the rows, where the minimizer is unique.  SciPy's line search goes by
    # losses, whose rounding of 1e-16 hides a distance of its root over that of the curvature.
    np.testing.assert_allclose(chunk.runs.theta[0], found.x, rtol=0, atol=1e-6)
    assert np.abs(gradient(made, chunk.runs.theta[0])).max() < 1e-12


def test_newton_cg_solves_least_squares_in_one_step() -> None:
    """Conjugate gradients on a matrix of rank 5 end after 5 products."""
    made = instance(FEATURES, "squared")
    chunk = one_chunk(made, "newton_cg", [1.0], forcing=1e-10)
    chunk.advance(1)
    expected = np.linalg.lstsq(FEATURES, TARGETS, rcond=None)[0]
    np.testing.assert_allclose(chunk.runs.theta[0], expected, rtol=1e-9)
    assert chunk.runs.probed[0] <= 6


def saddle(prediction, target):
    """cos: concave near 0."""
    return np.cos(prediction - target), -np.sin(prediction - target)


def saddle_curvature(prediction, target):
    return -np.cos(prediction - target)


def test_negative_curvature_is_a_step_of_steepest_descent() -> None:
    targets = 0.1 * TARGETS
    facts = {"kind": "other", "row": saddle, "row_curvature": saddle_curvature, "scale": 1.0 / 37}
    made = Instance("test", FEATURES, targets, **facts)
    chunk = one_chunk(made, "newton_cg", [1.0])
    chunk.advance(1)
    expected = -FEATURES.T @ -np.sin(-targets) / 37
    np.testing.assert_allclose(chunk.runs.theta[0], expected, rtol=1e-12)
    assert chunk.runs.probed[0] == 1


@pytest.mark.parametrize("name", ["newton_cg", "sophia"])
@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_bits_do_not_depend_on_batch_or_interruptions(layout: str, name: str) -> None:
    made = instance(laid_out(layout))
    rates, seeds = list(np.geomspace(1e-3, 0.05, 9)), list(range(9))
    (together,) = chunks(made, name, rates, seeds, perturbation=0.1)
    together.advance(40)
    for run in (0, 4, 8):
        alone = one_chunk(made, name, [rates[run]], [seeds[run]], perturbation=0.1)
        for horizon in (1, 13, 40):
            alone.advance(horizon)
        assert bits(alone) == bits(together, run)


def test_without_compilation_the_products_are_the_same() -> None:
    script = """
from test_hessian_vector import *
for layout in ("dense", "sparse"):
    chunk = one_chunk(instance(laid_out(layout)), "newton_cg", [1.0])
    chunk.advance(2)
    print(*chunk.runs.theta[0])
"""
    plain, fast = (
        np.array(python(script, NUMBA_DISABLE_JIT=disabled).split(), float) for disabled in "10"
    )
    np.testing.assert_allclose(plain, fast, rtol=1e-10)


def test_a_product_must_have_a_probe() -> None:
    with pytest.raises(UserError, match="asks for 'hessian_vector', but nothing writes a probe"):

        @declare(reference="a test")
        def rule(theta, hessian_vector):
            pass


def test_what_is_asked_for_at_probes() -> None:
    assert not optimizer("sophia").evaluates_probes
    assert both.evaluates_probes and optimizer("sharpness_aware").evaluates_probes
    made = regression(FEATURES, TARGETS)
    assert not one_chunk(made, "gradient_descent", [0.1]).combination.kernels.hessian
